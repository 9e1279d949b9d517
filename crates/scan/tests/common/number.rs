//! Numbers that the naive scan is generic over: plain ones, and ones that remember where they came from.

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Sub};

/// What the naive scan computes with.
pub trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    fn of(value: f64) -> Self;
    fn value(self) -> f64;
    /// A function of one number, given its value and derivative there.
    fn map(self, value: f64, derivative: f64) -> Self;
    fn detach(self) -> Self;

    fn exp(self) -> Self {
        let value = self.value().exp();
        self.map(value, value)
    }

    fn tanh(self) -> Self {
        let value = self.value().tanh();
        self.map(value, 1.0 - value * value)
    }

    fn sqrt(self) -> Self {
        let value = self.value().sqrt();
        self.map(value, 0.5 / value)
    }

    fn relu(self) -> Self {
        match self.value() > 0.0 {
            true => self,
            false => Self::of(0.0),
        }
    }

    fn gelu(self) -> Self {
        let x = self.value();
        let below = 0.5 * (1.0 + erf(x / 2f64.sqrt()));
        let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        self.map(x * below, below + x * density)
    }
}

/// The error function by its series; enough for arguments below 6.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

impl Number for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn value(self) -> f64 {
        self
    }

    fn map(self, value: f64, _: f64) -> Self {
        value
    }

    fn detach(self) -> Self {
        self
    }
}

/// A number of which the derivative of any other that came from it can be asked.
#[derive(Clone, Copy, Debug)]
pub struct Traced {
    value: f64,
    node: usize,
}

/// Nodes with two parents each and the derivatives by them; node 0 is every constant.
type Graph = Vec<[(usize, f64); 2]>;

thread_local! {
    static GRAPH: RefCell<Graph> = RefCell::new(vec![[(0, 0.0); 2]]);
}

impl Traced {
    /// Forgets all numbers so far.
    pub fn clear() {
        GRAPH.with_borrow_mut(|graph| graph.truncate(1));
    }

    /// A number that derivatives can be asked for.
    pub fn leaf(value: f64) -> Self {
        Self::node(value, [(0, 0.0); 2])
    }

    fn node(value: f64, parents: [(usize, f64); 2]) -> Self {
        GRAPH.with_borrow_mut(|graph| {
            graph.push(parents);
            Self {
                value,
                node: graph.len() - 1,
            }
        })
    }

    fn join(value: f64, parents: [(usize, f64); 2]) -> Self {
        match parents.iter().all(|parent| parent.0 == 0) {
            true => Self { value, node: 0 },
            false => Self::node(value, parents),
        }
    }

    /// The derivatives of Σ gradient·outputs, to be read with [`of`](Derivatives::of).
    pub fn derivatives(outputs: &[Self], gradient: &[f64]) -> Derivatives {
        GRAPH.with_borrow(|graph| {
            let mut all = vec![0.0; graph.len()];
            for (output, gradient) in outputs.iter().zip(gradient) {
                all[output.node] += gradient;
            }
            for node in (1..graph.len()).rev() {
                for (parent, derivative) in graph[node] {
                    all[parent] += all[node] * derivative;
                }
            }
            Derivatives(all)
        })
    }
}

pub struct Derivatives(Vec<f64>);

impl Derivatives {
    pub fn of(&self, leaves: &[Traced]) -> Vec<f64> {
        leaves.iter().map(|leaf| self.0[leaf.node]).collect()
    }
}

impl Number for Traced {
    fn of(value: f64) -> Self {
        Self { value, node: 0 }
    }

    fn value(self) -> f64 {
        self.value
    }

    fn map(self, value: f64, derivative: f64) -> Self {
        Self::join(value, [(self.node, derivative), (0, 0.0)])
    }

    fn detach(self) -> Self {
        Self::of(self.value)
    }
}

impl Add for Traced {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::join(
            self.value + other.value,
            [(self.node, 1.0), (other.node, 1.0)],
        )
    }
}

impl Sub for Traced {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::join(
            self.value - other.value,
            [(self.node, 1.0), (other.node, -1.0)],
        )
    }
}

impl Mul for Traced {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let parents = [(self.node, other.value), (other.node, self.value)];
        Self::join(self.value * other.value, parents)
    }
}

impl Div for Traced {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        Self::join(
            value,
            [
                (self.node, 1.0 / other.value),
                (other.node, -value / other.value),
            ],
        )
    }
}
