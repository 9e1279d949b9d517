//! The gradients that the backward pass is given, which ones it is asked for, and what it answers.

/// Which gradients are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Those of the weights. Without them, a third of the work falls away.
    pub weights: bool,
    /// Those of the inputs, the older ones too.
    pub inputs: bool,
    /// Those of the rows of memory before the first step.
    pub rows: bool,
}

impl Needs {
    /// Every gradient.
    pub const ALL: Self = Self {
        weights: true,
        inputs: true,
        rows: true,
    };
}

/// Gradients of a loss, each with the shape of what it belongs to; empty where it was not wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gradients {
    /// Those of the weights, tensor by tensor.
    pub weights: Vec<Vec<f32>>,
    /// `[batch, steps, d_input]`.
    pub inputs: Vec<f32>,
    /// `[batch, context, d_state]`.
    pub rows: Vec<f32>,
    /// `[batch, context − 1, d_input]`; empty in sliding memory.
    pub older_inputs: Vec<f32>,
}

/// Gradients of a loss with respect to what a scan returned; `None` is zero.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScannedGradients<'a> {
    /// That of the states.
    pub states: Option<&'a [f32]>,
    /// That of the rows.
    pub rows: Option<&'a [f32]>,
}
