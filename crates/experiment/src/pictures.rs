//! Pictures of tasks and of what a model makes of them.

mod examples;

pub use examples::show_examples;
