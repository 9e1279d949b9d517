//! Trials as text, in files and on command lines: `0..10,12,20..25`, each range without its end.

/// Trials as text, in their order.
///
/// ```
/// use ran_sweep::slurm;
///
/// assert_eq!(slurm::trials_as_text(&[0, 1, 2, 7, 4, 5]), "0..3,7,4..6");
/// assert_eq!(slurm::trials_from_text("0..3,7,4..6")?, [0, 1, 2, 7, 4, 5]);
/// # Ok::<(), String>(())
/// ```
#[must_use]
pub fn trials_as_text(trials: &[u64]) -> String {
    let runs = trials.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    let runs = runs.map(|run| match *run {
        // The end of a range is outside of it, which the last number there is has no room for.
        [first, .., last] if last < u64::MAX => format!("{first}..{}", last + 1),
        _ => run.iter().map(u64::to_string).collect::<Vec<_>>().join(","),
    });
    runs.collect::<Vec<_>>().join(",")
}

/// The trials that a text names: what a worker is given as its last argument.
///
/// # Errors
///
/// A sentence, where the text is not numbers and ranges with commas between them, or names more than 10⁸ trials.
pub fn trials_from_text(text: &str) -> Result<Vec<u64>, String> {
    let mut trials = Vec::new();
    for part in text.split(',') {
        let number = |text: &str| {
            text.parse::<u64>().map_err(|_| {
                format!("{part:?} names no trials; allowed are numbers and ranges without their end, as in 0..10,12")
            })
        };
        let range = match part.split_once("..") {
            Some((first, end)) => number(first)?..number(end)?,
            None => {
                trials.push(number(part)?);
                continue;
            }
        };
        let count = range.end.saturating_sub(range.start);
        if count > MOST - trials.len().min(MOST as usize) as u64 {
            return Err(format!(
                "{part:?} names too many trials; at most {MOST} are allowed"
            ));
        }
        trials.extend(range);
    }
    Ok(trials)
}

/// So that a text of a few letters cannot fill the memory.
const MOST: u64 = 100_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn trials_come_back_from_their_text(trials in prop::collection::vec(prop_oneof![0..20_u64, any::<u64>(), Just(u64::MAX)], 1..50)) {
            prop_assert_eq!(trials_from_text(&trials_as_text(&trials)), Ok(trials));
        }

        #[test]
        fn no_text_makes_the_reader_of_trials_panic(text in "[0-9.,-]{0,12}|.*") {
            if let Ok(trials) = trials_from_text(&text) {
                prop_assert!(trials.len() as u64 <= MOST + 12);
            }
        }
    }

    #[test]
    fn what_names_no_trials_is_refused_with_a_sentence() {
        for text in [
            "",
            "a",
            "1-3",
            "1..",
            "..4",
            "3,,4",
            "-1",
            "0..18446744073709551615",
        ] {
            let error = trials_from_text(text).unwrap_err();
            assert!(error.contains("trials; a"), "{error}");
        }
        assert_eq!(trials_from_text("5..5,7"), Ok(vec![7]));
    }
}
