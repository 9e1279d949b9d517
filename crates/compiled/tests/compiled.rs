//! What is compiled here computes.

use ran_compiled::forward_and_backward;
use ran_reservoir::{PopulationConfig, ReservoirConfig, UnitKind};

#[test]
fn what_is_compiled_computes() {
    let block = PopulationConfig::new(UnitKind::AttentionBlock, 2, 4);
    let [loss, gradient] = forward_and_backward(&ReservoirConfig::new(2, vec![block])).unwrap();
    assert!(loss > 0.0 && loss.is_finite(), "{loss}");
    assert!(gradient > 0.0 && gradient.is_finite(), "{gradient}");
}
