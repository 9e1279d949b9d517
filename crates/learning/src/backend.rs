//! What a backend must bring to train and run models.

use ran_readout::ProductBackend;
use ran_reservoir::ScanBackend;

/// A backend that models are trained on: the reservoir's scan and the readout's product, each with a default in burn
/// operations.
pub trait LearningBackend: ScanBackend + ProductBackend {}

impl<B: ScanBackend + ProductBackend> LearningBackend for B {}
