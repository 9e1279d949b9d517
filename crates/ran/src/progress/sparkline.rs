//! A row of blocks that shows how numbers have gone.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Numbers from the first to the last as blocks, at most `width` of them: where there are more numbers, a block stands
/// for the mean of several. Heights are logarithms where all numbers are above 0, as losses are; what is no number has a
/// gap.
pub(crate) fn sparkline(values: &[f64], width: usize) -> String {
    let blocks = values.len().min(width);
    let means = (0..blocks).map(|block| {
        let part = &values[block * values.len() / blocks..(block + 1) * values.len() / blocks];
        part.iter().sum::<f64>() / part.len() as f64
    });
    let means: Vec<f64> = means.collect();
    let positive = means.iter().all(|mean| !mean.is_finite() || *mean > 0.0);
    let heights = means
        .iter()
        .map(|mean| if positive { mean.ln() } else { *mean });
    let heights: Vec<f64> = heights.collect();
    let finite = || heights.iter().copied().filter(|height| height.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let block = |height: &f64| {
        if !height.is_finite() {
            return ' ';
        }
        let part = (height - low) / (high - low);
        // All at one height has no scale, and lies on the ground.
        let part = if part.is_finite() { part } else { 0.0 };
        BLOCKS[(part * 7.0).round() as usize]
    };
    heights.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_go_from_the_smallest_to_the_largest_number() {
        for (values, width, expected) in [
            (
                &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0][..],
                8,
                "▁▂▃▄▅▆▇█",
            ),
            // With a number below 0 there are no logarithms.
            (&[-7.0, 0.0], 8, "▁█"),
            (&[7.0, 3.5, 0.0], 8, "█▅▁"),
            (&[3.0, 3.0], 8, "▁▁"),
            (&[1.0, f64::NAN, 2.0], 8, "▁ █"),
            // Means of two each: 1 and 3.
            (&[0.5, 1.5, 2.0, 4.0], 2, "▁█"),
            (&[], 8, ""),
        ] {
            assert_eq!(sparkline(values, width), expected, "{values:?}");
        }
    }

    #[test]
    fn many_numbers_have_no_more_blocks_than_there_is_room() {
        let values: Vec<f64> = (1..1000).map(f64::from).collect();
        assert_eq!(sparkline(&values, 40).chars().count(), 40);
    }
}
