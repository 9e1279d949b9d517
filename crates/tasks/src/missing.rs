//! Missing values: filled in from their neighbours in time.

/// Fills missing values in by linear interpolation over time between the nearest known ones; before the
/// first and after the last known value the nearest one is repeated. None when no value is known.
pub(crate) fn interpolate(values: &[Option<f32>]) -> Option<Vec<f32>> {
    let known: Vec<(usize, f32)> = values
        .iter()
        .enumerate()
        .filter_map(|(step, value)| Some((step, (*value)?)))
        .collect();
    let (&(_, before), &(last, after)) = (known.first()?, known.last()?);
    let mut filled = vec![before; values.len()];
    filled[last..].fill(after);
    for pair in known.windows(2) {
        let ((from, start), (to, end)) = (pair[0], pair[1]);
        for (offset, value) in filled[from..to].iter_mut().enumerate() {
            let part = offset as f32 / (to - from) as f32;
            // This form cannot overflow where `start + part * (end - start)` could.
            *value = (1.0 - part) * start + part * end;
        }
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_bridged_linearly_and_edges_repeat() {
        let values = [None, Some(1.0), None, None, Some(4.0), Some(0.0), None];
        assert_eq!(
            interpolate(&values).unwrap(),
            [1.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0]
        );
    }

    #[test]
    fn complete_values_are_unchanged() {
        let values = [Some(0.1), Some(f32::MAX), Some(f32::MIN)];
        assert_eq!(interpolate(&values).unwrap(), [0.1, f32::MAX, f32::MIN]);
    }

    #[test]
    fn nothing_known_is_none() {
        assert_eq!(interpolate(&[None, None]), None);
        assert_eq!(interpolate(&[]), None);
    }
}
