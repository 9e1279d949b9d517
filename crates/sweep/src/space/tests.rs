use super::*;

fn space(text: &str) -> Result<Space, String> {
    toml::from_str(text).map_err(|error| error.message().to_string())
}

#[test]
fn a_space_reads_back_as_itself() {
    let text = "\
a = [1, 'two', [3, 4]]
b = { from = 1, to = 100, log = true }
c = { from = 0, to = 1.0, step = 0.25 }
d = { values = [true, false], when = { a = [1] }, optional = true }
";
    let space = space(text).unwrap();
    let again = toml::to_string(&space).unwrap();
    assert_eq!(
        toml::from_str::<Space>(&again),
        Ok(space.clone()),
        "{again}"
    );
    assert_eq!(space.logarithmic().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn conditions_that_are_never_met_are_told() {
    for (text, words) in [
        (
            "a = [3, 4]\nb = { values = [1], when = { a = [7] } }",
            "lists 7",
        ),
        (
            "a = { from = 1, to = 9 }\nb = { values = [1], when = { a = [3.0] } }",
            "lists 3.0",
        ),
    ] {
        let error = space(text).unwrap().check_conditions().unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(words) && message.contains("\"a\" never has"),
            "{message}"
        );
    }
    let kept = "a = { from = 1, to = 9 }\nb = { values = [1], when = { a = [1, 9] } }";
    assert!(space(kept).unwrap().check_conditions().is_ok());
}

#[test]
fn what_means_nothing_is_refused_in_a_sentence() {
    for (text, words) in [
        ("a = []", &["a", "no value"][..]),
        ("a = { from = 2, to = 1 }", &["a", "empty", "2 and 1"]),
        ("a = { from = 2.5, to = nan }", &["a", "finite"]),
        ("a = { from = 0, to = 1, log = true }", &["a", "above 0"]),
        ("a = { from = 1, to = 5, step = 0 }", &["a", "step"]),
        ("a = { from = 1 }", &["`from` and `to`"]),
        ("a = { from = 1, to = 2, values = [1] }", &["`values`"]),
        ("a = { form = 1, to = 2 }", &["`form`", "`from`"]),
        ("a = 3", &["3", "list of values"]),
        (
            "a = { from = 1, to = 2, optional = true }",
            &["a", "optional"],
        ),
        ("a = { values = [1], when = { b = [1] } }", &["a", "\"b\""]),
        ("a = { values = [1], when = { a = [1] } }", &["a", "\"a\""]),
        ("a = [0.1, inf]", &["a", "not finite"]),
        ("a = [[1.0, nan]]", &["a", "not finite"]),
        (
            "a = { values = [1], when = { b = [1] } }\nb = { values = [1], when = { a = [1] } }",
            &["a", "leads back to itself"],
        ),
        ("a = { from = 'x', to = 2.0 }", &["\"x\"", "not a number"]),
        ("'a[0]' = [1]\n'a.0' = [2]", &["\"a.0\"", "twice"]),
        (
            "a = [1]\n'b[0]' = [1]\nc = { values = [1], when = { 'b[0]' = [1], 'b.0' = [2] } }",
            &["space.\"c\"", "\"b.0\"", "twice"],
        ),
    ] {
        let message = space(text).unwrap_err();
        for word in words {
            assert!(
                message.contains(word),
                "{text}: {word} is missing from: {message}"
            );
        }
    }
}

#[test]
fn a_key_that_is_fixed_has_one_value_where_it_is_there() {
    let text = "a = [1, 2]\nb = { values = [1, 2], when = { a = [1] }, optional = true }";
    let mut fixed = space(text).unwrap();
    assert!(fixed.fix("b", &Value::Integer(3)));
    assert!(!fixed.fix("c", &Value::Integer(3)), "the space has no c");
    let expected = "a = [1, 2]\nb = { values = [3], when = { a = [1] } }";
    assert_eq!(fixed, space(expected).unwrap());
}

#[test]
fn what_a_key_that_is_fixed_is_in_or_holds_is_not_varied_nor_what_depends_on_it() {
    let text = "'a[0]' = [1]\n'a[0].b' = [1, 2]\n'a.00' = [1]\nc = { values = [1], when = { 'a.0' = [1] } }\n\
                d = { values = [1], when = { c = [1] } }\ne = [1]";
    for (key, left) in [
        ("a.0.b.c", &["a.00", "e"][..]),
        ("a", &["e"]),
        ("a.0.bb", &["a.0.b", "a.00", "e"]),
    ] {
        let mut fixed = space(text).unwrap();
        assert!(!fixed.fix(key, &Value::Integer(3)));
        assert_eq!(fixed.keys().collect::<Vec<_>>(), left, "{key}");
    }
}

#[test]
fn a_key_goes_with_the_key_that_it_depends_on() {
    let space = space(
        "a = [1, 2]\nb = { values = [1], when = { a = [1] } }\nc = { values = [1], when = { b = [1] } }",
    )
    .unwrap();
    let all = |a: i64| {
        ["a", "b", "c"]
            .map(|key| {
                (
                    key.to_string(),
                    Value::Integer(if key == "a" { a } else { 1 }),
                )
            })
            .into()
    };
    let keys = |a| space.conditioned(all(a)).into_keys().collect::<Vec<_>>();
    assert_eq!(keys(1), ["a", "b", "c"]);
    assert_eq!(keys(2), ["a"]);
}

#[test]
fn a_range_with_steps_lists_its_ends() {
    let listed = |text: &str| space(text).unwrap().0["a"].domain.listed();
    let tenths = listed("a = { from = 0.0, to = 0.3, step = 0.1 }").unwrap();
    assert_eq!(tenths.len(), 4);
    assert_eq!(tenths[3], Value::Float(0.3));
    assert_eq!(
        listed("a = { from = 1, to = 7, step = 3 }").unwrap().len(),
        3
    );
    assert_eq!(listed("a = { from = 0.0, to = 1.0 }"), None);
}
