//! Cross-entropies of a row of outputs, with their slopes: for closed passes here, and for training by gradient.

/// −Σ y·log softmax(o) of a row; the outputs become its slopes with respect to them, softmax(o)·Σy − y.
pub fn softmax_cross_entropy(outputs: &mut [f64], targets: &[f64]) -> f64 {
    // The largest output is subtracted, so that no exponential overflows and their sum is at least 1.
    let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut total, mut met) = (0.0, 0.0, 0.0);
    for (o, y) in outputs.iter_mut().zip(targets) {
        let above = *o - largest;
        met += y * above;
        total += y;
        *o = above.exp();
        sum += *o;
    }
    for (o, y) in outputs.iter_mut().zip(targets) {
        *o = *o / sum * total - y;
    }
    total * sum.ln() - met
}

/// −y·log σ(o) − (1 − y)·log(1 − σ(o)) of one output, and its slope σ(o) − y.
#[must_use]
pub fn binary_cross_entropy(o: f64, y: f64) -> [f64; 2] {
    // exp(−|o|) cannot overflow; σ(|o|) and σ(−|o|) are both made of it without a difference of near numbers.
    let small = (-o.abs()).exp();
    let (far, near) = (1.0 / (1.0 + small), small / (1.0 + small));
    let (on, off) = if o >= 0.0 { (far, near) } else { (near, far) };
    [o.max(0.0) - o * y + small.ln_1p(), (1.0 - y) * on - y * off]
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn they_equal_values_worked_by_hand_and_large_outputs_do_not_overflow() {
        // softmax(0, ln 3) = (1/4, 3/4), for a target of 2 on the second output.
        let mut outputs = [0.0, 3.0_f64.ln()];
        let loss = softmax_cross_entropy(&mut outputs, &[0.0, 2.0]);
        assert_relative_eq!(loss, 2.0 * (4.0_f64 / 3.0).ln(), epsilon = 1e-12);
        assert_relative_eq!(outputs[..], [0.5, -0.5][..], epsilon = 1e-12);
        // σ(ln 3) = 3/4.
        let [loss, slope] = binary_cross_entropy(3.0_f64.ln(), 0.0);
        assert_relative_eq!(loss, 4.0_f64.ln(), epsilon = 1e-12);
        assert_relative_eq!(slope, 0.75, epsilon = 1e-12);

        let mut outputs = [1e300, -1e300];
        assert_eq!(softmax_cross_entropy(&mut outputs, &[1.0, 0.0]), 0.0);
        assert_eq!(outputs, [0.0, 0.0]);
        assert_eq!(binary_cross_entropy(-1e300, 1.0), [1e300, -1.0]);
    }
}
