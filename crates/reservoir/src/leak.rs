//! The leak of a reservoir or of a population, as a config states it.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ReservoirError;

/// The leak α of units, in (0, 1]; in a config a number, or `{ from = 0.01, to = 1.0 }`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leak {
    /// The same for all units.
    Same(f64),
    /// Spread over the units of a population, evenly in logarithm: unit u of U has α_u = from·(to/from)^(u/(U−1)), and a single one
    /// has `from`. So a population has fast and slow units, with time constants of some 1/α steps.
    Spread {
        /// The first unit's.
        from: f64,
        /// The last unit's.
        to: f64,
    },
}

impl Default for Leak {
    fn default() -> Self {
        Self::Same(1.0)
    }
}

impl From<f64> for Leak {
    fn from(leak: f64) -> Self {
        Self::Same(leak)
    }
}

impl Leak {
    /// The leak of each of some units.
    pub fn of_units(self, units: usize) -> impl Iterator<Item = f64> {
        (0..units).map(move |unit| match self {
            Self::Same(leak) => leak,
            Self::Spread { from, to } => {
                let place = unit as f64 / (units.max(2) - 1) as f64;
                // The bounds themselves: a power may be off by its last digit, and 1 is the most.
                match unit + 1 == units && units > 1 {
                    true => to,
                    false => from * (to / from).powf(place),
                }
            }
        })
    }

    /// Checks that every number is one that a leak can be; `field` is its key.
    pub(crate) fn validate(self, field: &str) -> Result<(), ReservoirError> {
        let numbers = match self {
            Self::Same(leak) => vec![("", leak)],
            Self::Spread { from, to } => vec![(".from", from), (".to", to)],
        };
        for (part, number) in numbers {
            // It is computed with in 32 bits, where the smallest numbers are 0.
            if !((number as f32) > 0.0 && number <= 1.0) {
                let problem = format!("must be above 0 and at most 1, got {number:?}");
                return Err(ReservoirError::config(format!("{field}{part}"), problem));
            }
        }
        Ok(())
    }
}

/// The table of [`Leak::Spread`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spread {
    from: f64,
    to: f64,
}

impl Serialize for Leak {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Same(leak) => serializer.serialize_f64(leak),
            Self::Spread { from, to } => Spread { from, to }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Leak {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LeakVisitor)
    }
}

struct LeakVisitor;

impl<'de> Visitor<'de> for LeakVisitor {
    type Value = Leak;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or { from = VALUE, to = VALUE }")
    }

    fn visit_f64<E: Error>(self, leak: f64) -> Result<Leak, E> {
        Ok(Leak::Same(leak))
    }

    fn visit_i64<E: Error>(self, leak: i64) -> Result<Leak, E> {
        self.visit_f64(leak as f64)
    }

    fn visit_u64<E: Error>(self, leak: u64) -> Result<Leak, E> {
        self.visit_f64(leak as f64)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Leak, M::Error> {
        let Spread { from, to } = Spread::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Leak::Spread { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Config {
        leak: Leak,
    }

    #[test]
    fn numbers_and_spreads_round_trip_through_toml_and_json() {
        for (text, leak) in [
            ("leak = 0.25", Leak::Same(0.25)),
            ("leak = 1", Leak::Same(1.0)),
            (
                "leak = { from = 0.01, to = 1 }",
                Leak::Spread {
                    from: 0.01,
                    to: 1.0,
                },
            ),
        ] {
            let config: Config = toml::from_str(text).unwrap();
            assert_eq!(config, Config { leak });
            let again: Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
            assert_eq!(again, config);
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
        }
        for (text, words) in [
            ("leak = 'much'", "a number or { from"),
            ("leak = { from = 0.1 }", "`to`"),
            ("leak = { from = 0.1, to = 1, law = 'log' }", "`law`"),
        ] {
            let error = toml::from_str::<Config>(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_spread_is_even_in_logarithm_and_ends_at_its_bounds() {
        let spread = Leak::Spread {
            from: 0.01,
            to: 1.0,
        };
        let leaks: Vec<f64> = spread.of_units(5).collect();
        assert_eq!((leaks[0], leaks[4]), (0.01, 1.0));
        for pair in leaks.windows(2) {
            assert!(
                (pair[1] / pair[0] - 10.0_f64.sqrt()).abs() < 1e-9,
                "{leaks:?}"
            );
        }
        assert_eq!(spread.of_units(1).collect::<Vec<_>>(), [0.01]);
        assert_eq!(Leak::Same(0.3).of_units(2).collect::<Vec<_>>(), [0.3, 0.3]);
    }
}
