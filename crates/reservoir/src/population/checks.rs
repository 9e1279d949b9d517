//! What a population's options may be, and which kinds have them.

use ran_qkv_unit::{Qk, Roles, Value};

use super::PopulationConfig;
use crate::reads::Reads;
use crate::{ReservoirError, UnitKind};

impl PopulationConfig {
    /// Checks every field; `index` is the population's place, for the message.
    pub(crate) fn validate(&self, index: usize) -> Result<(), ReservoirError> {
        let wrong = |field: &str, problem: String| {
            let field = format!("reservoir.population[{index}].{field}");
            Err(ReservoirError::config(field, problem))
        };
        for (field, got) in [("units", self.units), ("d_unit", self.d_unit)] {
            if got == 0 {
                return wrong(field, "must be at least 1, got 0".into());
            }
        }
        if let Some(leak) = self.leak {
            leak.validate(&format!("reservoir.population[{index}].leak"))?;
        }
        let heads = self.heads.unwrap_or(1);
        if heads == 0 || !self.d_unit.is_multiple_of(heads) {
            let d_unit = self.d_unit;
            let problem = format!("must divide d_unit, got {heads} heads for a width of {d_unit}");
            return wrong("heads", problem);
        }
        if let Some(bias) = self.bias.filter(|bias| !bias.is_finite() || *bias < 0.0) {
            return wrong("bias", format!("must be at least 0, got {bias}"));
        }
        let own = match self.kind {
            UnitKind::Own(kind) => Some(kind),
            _ => None,
        };
        let attends = self.kind.has_roles();
        let feeds = self.kind.feeds_forward();
        let neurons = self.kind == UnitKind::TanhUnit;
        let options = [
            ("heads", self.heads.is_some(), attends),
            ("causal", self.causal.is_some(), attends),
            ("activation", self.activation.is_some(), feeds),
            ("residual", self.residual.is_some(), attends || feeds),
            ("layer_norm", self.layer_norm.is_some(), attends || feeds),
            ("output", self.output.is_some(), attends || feeds),
            ("initializer", self.initializer.is_some(), !neurons),
            ("bias", self.bias.is_some(), neurons),
            ("options", self.options.is_some(), own.is_some()),
            ("linear", self.linear.is_some(), neurons),
            ("reads", self.reads.is_some(), true),
            ("fan_in", self.fan_in.is_some(), true),
            ("recurrence", self.recurrence.is_some(), neurons),
            ("qk", self.qk.is_some(), attends),
            ("qk_noise", self.qk_noise.is_some(), attends),
            ("qk_gain", self.qk_gain.is_some(), attends),
            ("gate_gain", self.gate_gain.is_some(), attends),
            ("gate_law", self.gate_law.is_some(), attends),
            ("value", self.value.is_some(), attends),
            ("lag_bias", self.lag_bias.is_some(), attends),
            ("lag_bias_scale", self.lag_bias_scale.is_some(), attends),
        ];
        let allowed = options.iter().filter(|(_, _, fits)| *fits);
        let allowed: Vec<_> = allowed.map(|(field, ..)| *field).collect();
        match options.iter().find(|(_, given, fits)| *given && !fits) {
            Some((field, ..)) => {
                let kind = self.kind.name();
                let allowed = allowed.join(", ");
                let problem = format!("is not an option of kind {kind:?}, which has: {allowed}");
                wrong(field, problem)
            }
            None => match own.map(|kind| kind.check(&self.own_options(), self.shape())) {
                Some(Err(problem)) => wrong("options", problem),
                _ => self.validate_reading(index),
            },
        }
    }

    /// Checks what the population reads, as far as it can be without the inputs, and how its attention begins.
    fn validate_reading(&self, index: usize) -> Result<(), ReservoirError> {
        let place = format!("reservoir.population[{index}]");
        let wrong = |field: &str, problem: String| {
            Err(ReservoirError::config(format!("{place}.{field}"), problem))
        };
        for (field, number) in [
            ("qk_noise", self.qk_noise),
            ("qk_gain", self.qk_gain),
            ("gate_gain", self.gate_gain),
            ("lag_bias_scale", self.lag_bias_scale),
        ] {
            let outside = |number: &f64| !(*number as f32).is_finite();
            if let Some(number) = number.filter(outside) {
                return wrong(field, format!("must be a finite number, got {number}"));
            }
        }
        let roles = match &self.reads {
            Some(Reads::Roles(roles)) => Some(roles),
            _ => None,
        };
        if roles.is_some() && !self.kind.has_roles() {
            let kind = self.kind.name();
            let problem =
                format!("must be a list of signals: kind {kind:?} has no queries, keys and values");
            return wrong("reads", problem);
        }
        let gated = roles.is_some_and(|roles| roles.gate.is_some());
        let listed = matches!(self.reads, Some(Reads::Slots(_)));
        let mimetic = (self.qk == Some(Qk::Mimetic), "qk = \"mimetic\"");
        let gated = (gated, "a gate in reads");
        let lagged = (self.lag_law().is_some(), "a lag_bias that is not \"none\"");
        for (field, given, (needed, what)) in [
            ("qk_noise", self.qk_noise.is_some(), mimetic),
            ("gate_gain", self.gate_gain.is_some(), gated),
            ("gate_law", self.gate_law.is_some(), gated),
            ("lag_bias_scale", self.lag_bias_scale.is_some(), lagged),
            (
                "fan_in",
                self.fan_in.is_some(),
                (listed, "reads, a list of signals"),
            ),
            ("recurrence", self.recurrence.is_some(), (listed, "reads")),
        ] {
            if given && !needed {
                return wrong(field, format!("needs {what}"));
            }
        }
        if self.fan_in.is_some_and(|fan_in| fan_in < 2) {
            return wrong(
                "fan_in",
                "must be at least 2: weights have a mean of zero".into(),
            );
        }
        if self.fan_in.is_some() && self.recurrence.is_some() {
            let problem = "does not go with recurrence, which says what each slot reads";
            return wrong("fan_in", problem.into());
        }
        match roles {
            None if self.kind.has_roles() && self.value == Some(Value::Identity) => {
                let roles = Roles {
                    value: (0..self.d_unit).collect(),
                    ..Roles::default()
                };
                self.check_roles(&roles, &place)
            }
            _ => Ok(()),
        }
    }
}
