//! Bracket matching: say at the end whether every bracket has its partner.

use super::{Generator, Size};
use crate::Sample;
use crate::sample::one_hot;
use ndarray::Array2;
use rand::RngExt;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

/// A string of brackets, then a trigger, then a blank step at which the answer is due. Half of the strings are
/// valid as drawn; half have 35 % of their positions redrawn.
pub(super) fn matching(size: Size) -> Generator {
    let (length, depth) = size.pick((50, 5), (100, 10), (300, 30));
    Generator::classification(vec!["invalid".into(), "valid".into()], move |rng| {
        let mut opening = balanced(rng, length, depth);
        if rng.random_bool(0.5) {
            for place in index::sample(rng, length, length * 35 / 100) {
                opening[place] = rng.random_bool(0.5);
            }
        }
        let mut inputs = Array2::zeros((length + 2, 3));
        for (step, &opening) in opening.iter().enumerate() {
            inputs[[step, usize::from(!opening)]] = 1.0;
        }
        inputs[[length, 2]] = 1.0;
        let targets = one_hot(usize::from(is_balanced(&opening)), 2);
        Sample {
            inputs,
            scored: vec![length + 1],
            targets,
        }
    })
    .reading(&[("opening", 1), ("closing", 1), ("trigger", 1)])
}

/// A valid string no deeper than `deepest` (true opens): a fair coin wherever both brackets are possible.
fn balanced(rng: &mut ChaCha8Rng, length: usize, deepest: usize) -> Vec<bool> {
    let mut depth = 0;
    let draw = |step| {
        let both = length - step > depth && depth < deepest;
        let opening = depth == 0 || (both && rng.random_bool(0.5));
        if opening {
            depth += 1
        } else {
            depth -= 1
        }
        opening
    };
    (0..length).map(draw).collect()
}

fn is_balanced(opening: &[bool]) -> bool {
    let mut depth = 0_usize;
    for &opening in opening {
        depth = match (opening, depth) {
            (true, depth) => depth + 1,
            (false, 0) => return false,
            (false, depth) => depth - 1,
        };
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cogscale::CogscaleTask::BracketMatching;
    use crate::cogscale::tests::{frequencies, load};
    use ran_seed::RngStream;

    #[test]
    fn balance_is_told_by_hand() {
        let read = |text: &str| text.chars().map(|c| c == '(').collect::<Vec<_>>();
        for (text, expected) in [
            ("", true),
            ("()", true),
            ("(())()", true),
            (")(", false),
            ("(()", false),
            ("())(", false),
        ] {
            assert_eq!(is_balanced(&read(text)), expected, "{text}");
        }
    }

    #[test]
    fn drawn_strings_are_balanced_and_no_deeper_than_allowed() {
        let mut rng = RngStream::TrainData.rng(0);
        let mut deepest = 0;
        for _ in 0..200 {
            let opening = balanced(&mut rng, 50, 5);
            assert!(is_balanced(&opening));
            let mut depth = 0_i32;
            for opening in opening {
                depth += if opening { 1 } else { -1 };
                deepest = deepest.max(depth);
            }
        }
        assert_eq!(deepest, 5);
    }

    #[test]
    fn the_label_says_whether_the_string_is_balanced() {
        for sample in &load(BracketMatching, Size::Small).train {
            let opening: Vec<bool> = (0..50)
                .map(|step| sample.inputs[[step, 0]] == 1.0)
                .collect();
            assert_eq!(sample.targets[[0, 1]] == 1.0, is_balanced(&opening));
            assert_eq!(sample.inputs[[50, 2]], 1.0);
            assert_eq!(sample.inputs.row(51).sum(), 0.0);
        }
    }

    #[test]
    fn about_half_are_valid() {
        let valid = frequencies(&load(BracketMatching, Size::Medium))[1];
        assert!((0.45..0.6).contains(&valid), "{valid}");
    }
}
