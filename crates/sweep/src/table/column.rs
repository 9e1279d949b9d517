//! A column of one type, which its values decide.

use serde_json::Value;

/// The values of a column, one per row; none where one is absent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Column {
    Integer(Vec<Option<i64>>),
    Number(Vec<Option<f64>>),
    Truth(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
}

impl Column {
    /// Whole numbers; as text where one is too large for 64 bits with a sign.
    pub(super) fn integers(values: impl Iterator<Item = Option<u64>>) -> Self {
        let values: Vec<Option<Value>> = values.map(|value| value.map(Value::from)).collect();
        if values.iter().all(Option::is_none) {
            return Self::Integer(vec![None; values.len()]);
        }
        Self::values(values.iter().map(Option::as_ref))
    }

    /// Values of any kind: a column of their kind, if all are of one; whole and other numbers together are numbers. Lists
    /// and tables are JSON in text.
    pub(super) fn values<'a>(values: impl Iterator<Item = Option<&'a Value>>) -> Self {
        let values: Vec<Option<&Value>> = values
            .map(|value| value.filter(|value| !value.is_null()))
            .collect();
        let present = values.iter().flatten();
        if values.iter().all(Option::is_none) {
            return Self::Text(vec![None; values.len()]);
        }
        if present.clone().all(|value| value.is_boolean()) {
            return Self::Truth(each(&values, Value::as_bool));
        }
        if present.clone().all(|value| value.is_i64()) {
            return Self::Integer(each(&values, Value::as_i64));
        }
        // A whole number that 64-bit floating point cannot hold stays exact as text.
        let exact = |value: &Value| match value.as_u64() {
            Some(whole) => whole as f64 as u64 == whole && whole < u64::MAX,
            None => value.is_number(),
        };
        if present.clone().all(|value| exact(value)) {
            return Self::Number(each(&values, Value::as_f64));
        }
        Self::Text(each(&values, |value| Some(text(value))))
    }

    /// What a row has, as text; empty where it is absent.
    pub(super) fn text(&self, row: usize) -> String {
        let shown = match self {
            Self::Integer(values) => values[row].map(|value| value.to_string()),
            // As Rust and JSON write it: with all digits that are needed, and a point in each.
            Self::Number(values) => values[row].map(|value| format!("{value:?}")),
            Self::Truth(values) => values[row].map(|value| value.to_string()),
            Self::Text(values) => values[row].clone(),
        };
        shown.unwrap_or_default()
    }
}

/// A value as text: text as it is, all else as JSON.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn each<T>(values: &[Option<&Value>], of: impl Fn(&Value) -> Option<T>) -> Vec<Option<T>> {
    values.iter().map(|value| value.and_then(&of)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn column(values: &[Value]) -> Column {
        Column::values(
            values
                .iter()
                .map(|value| Some(value).filter(|value| !value.is_null())),
        )
    }

    #[test]
    fn the_values_decide_the_type() {
        for (values, expected) in [
            (
                vec![json!(1), json!(null), json!(-3)],
                Column::Integer(vec![Some(1), None, Some(-3)]),
            ),
            (
                vec![json!(1), json!(0.5)],
                Column::Number(vec![Some(1.0), Some(0.5)]),
            ),
            (
                vec![json!(true), json!(null)],
                Column::Truth(vec![Some(true), None]),
            ),
            (
                vec![json!("a"), json!("b")],
                Column::Text(vec![Some("a".into()), Some("b".into())]),
            ),
            (
                vec![json!("a"), json!(1), json!(true)],
                Column::Text(["a", "1", "true"].map(|x| Some(x.into())).to_vec()),
            ),
            (
                vec![json!([1, 2])],
                Column::Text(vec![Some("[1,2]".into())]),
            ),
            (
                vec![json!(u64::MAX), json!(1)],
                Column::Text([u64::MAX.to_string(), "1".into()].map(Some).to_vec()),
            ),
            (vec![json!(null)], Column::Text(vec![None])),
        ] {
            assert_eq!(column(&values), expected);
        }
    }

    #[test]
    fn known_integers_stay_integers_without_a_value() {
        assert_eq!(
            Column::integers([None, None].into_iter()),
            Column::Integer(vec![None; 2])
        );
        assert_eq!(
            Column::integers([Some(5), None].into_iter()),
            Column::Integer(vec![Some(5), None])
        );
    }

    #[test]
    fn numbers_are_written_with_all_digits_that_they_need() {
        let numbers = Column::Number(vec![Some(0.1 + 0.2), Some(1.0), Some(1e-7), None]);
        let texts: Vec<String> = (0..4).map(|row| numbers.text(row)).collect();
        assert_eq!(texts, ["0.30000000000000004", "1.0", "1e-7", ""]);
    }
}
