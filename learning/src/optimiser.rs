//! The server's optimisers, in integers: the combined update is a pseudo-gradient, the optimiser moves the model by it.
//!
//! Reddi et al. 2021 ("Adaptive Federated Optimization"), Algorithm 2, and Hsu et al. 2019 for momentum; `D` is the combined update
//! (new minus old, hence added), all values in units of `2^-32`, every product and quotient rounded once (half to even):
//!
//! | | state of a coordinate | step |
//! |---|---|---|
//! | `FedAvg` | none | `x += round(lr D)` |
//! | `FedAvgM` | `m`, from 0 | `m = round(momentum m) + D`, `x += round(lr m)` |
//! | `FedAdam` | `m` from 0, `v` from `tau^2` in units of `2^-64` | `m = round(beta1 m + (1 - beta1) D)`, `v = round(beta2 v) + round((1 - beta2) D^2)`, `x += round(lr m / (isqrt(v) + tau))` |
//!
//! There is no bias correction, as in the paper. Additions saturate. A step works on any run of coordinates, and coordinates never
//! influence each other, so a block's budget may cut a step anywhere.

mod state;

pub use state::{State, StateError, STATE_TAG};

use crate::fixed::{add, divide_half_even, multiply, multiply_fraction, saturate, shift_half_even, square_root, Fixed};
use crate::fixed::{FRACTION_BITS, ONE};

/// Why hyper-parameters or a step were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptimiserError {
    /// Nothing would move, or the first step would leave the range.
    #[error("learning_rate is {0}; it must be above 0 and at most 1024")]
    LearningRate(Fixed),
    /// At 1 or above, old updates would never fade.
    #[error("momentum is {0}; it must be at least 0 and below 1")]
    Momentum(Fixed),
    /// At 1 or above, old updates would never fade.
    #[error("{name} is {value}; it must be at least 0 and below 1")]
    Beta {
        /// `beta1` or `beta2`.
        name: &'static str,
        /// Its value.
        value: Fixed,
    },
    /// The divisor of a coordinate that never moved would drown in the fixed point.
    #[error("tau is {0}; it must be at least 0.000001 and at most 1024")]
    Tau(Fixed),
    /// Runs of different lengths.
    #[error("a step over {parameters} parameters needs as many coordinates of the update and of the state, not {update} and {state}")]
    Length {
        /// Parameters given.
        parameters: usize,
        /// Coordinates of the update.
        update: usize,
        /// Coordinates of the state.
        state: usize,
    },
    /// The state was made by another kind of optimiser.
    #[error("the state was made by {found}, not by {expected}")]
    Kind {
        /// This optimiser.
        expected: &'static str,
        /// The state's.
        found: &'static str,
    },
}

/// A server optimiser with its hyper-parameters. Public, part of a task's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimiser {
    /// The mean update times a learning rate.
    FedAvg {
        /// `lr`; 1 gives plain federated averaging.
        learning_rate: Fixed,
    },
    /// With momentum.
    FedAvgM {
        /// `lr`.
        learning_rate: Fixed,
        /// How much of the last step is kept.
        momentum: Fixed,
    },
    /// With a step size of its own for each coordinate.
    FedAdam {
        /// `lr`.
        learning_rate: Fixed,
        /// How much of the first moment is kept.
        beta1: Fixed,
        /// How much of the second moment is kept.
        beta2: Fixed,
        /// Added to the root of the second moment: the degree of adaptivity.
        tau: Fixed,
    },
}

/// Which optimiser made a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No state.
    FedAvg,
    /// One number a coordinate.
    FedAvgM,
    /// Two numbers a coordinate.
    FedAdam,
}

impl Kind {
    /// As it is called in settings and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FedAvg => "fed_avg",
            Self::FedAvgM => "fed_avg_m",
            Self::FedAdam => "fed_adam",
        }
    }

    /// The byte in a state's header.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::FedAvg => 1,
            Self::FedAvgM => 2,
            Self::FedAdam => 3,
        }
    }

    /// Bytes of state a coordinate.
    #[must_use]
    pub const fn state_bytes(self) -> usize {
        match self {
            Self::FedAvg => 0,
            Self::FedAvgM => 8,
            Self::FedAdam => 24,
        }
    }
}

impl Optimiser {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::FedAvg { .. } => Kind::FedAvg,
            Self::FedAvgM { .. } => Kind::FedAvgM,
            Self::FedAdam { .. } => Kind::FedAdam,
        }
    }

    /// How many operations a coordinate counts in a block's budget: about one a division.
    #[must_use]
    pub const fn cost(&self) -> u64 {
        match self {
            Self::FedAvg { .. } => 1,
            Self::FedAvgM { .. } => 2,
            Self::FedAdam { .. } => 16,
        }
    }

    /// Whether the hyper-parameters make sense.
    ///
    /// # Errors
    /// An [`OptimiserError`] with the first that does not.
    pub fn check(&self) -> Result<(), OptimiserError> {
        let learning_rate = match *self {
            Self::FedAvg { learning_rate }
            | Self::FedAvgM { learning_rate, .. }
            | Self::FedAdam { learning_rate, .. } => learning_rate,
        };
        if learning_rate <= Fixed::ZERO || learning_rate > Fixed::from_integer(1024) {
            return Err(OptimiserError::LearningRate(learning_rate));
        }
        let is_fraction = |value: Fixed| (Fixed::ZERO..Fixed::ONE).contains(&value);
        match *self {
            Self::FedAvg { .. } => {}
            Self::FedAvgM { momentum, .. } => {
                if !is_fraction(momentum) {
                    return Err(OptimiserError::Momentum(momentum));
                }
            }
            Self::FedAdam { beta1, beta2, tau, .. } => {
                for (name, value) in [("beta1", beta1), ("beta2", beta2)] {
                    if !is_fraction(value) {
                        return Err(OptimiserError::Beta { name, value });
                    }
                }
                if tau < Fixed::ratio(1, 1_000_000) || tau > Fixed::from_integer(1024) {
                    return Err(OptimiserError::Tau(tau));
                }
            }
        }
        Ok(())
    }

    /// Moves a run of `parameters` by the same run of the combined `update`, and the `state` of that run with it.
    ///
    /// # Errors
    /// A [`OptimiserError`] about lengths, kinds or hyper-parameters, before anything has moved; none depends on values.
    pub fn step(&self, parameters: &mut [i64], state: &mut State, update: &[i64]) -> Result<(), OptimiserError> {
        self.check()?;
        if state.kind() != self.kind() {
            return Err(OptimiserError::Kind { expected: self.kind().name(), found: state.kind().name() });
        }
        if parameters.len() != update.len() || parameters.len() != state.len() {
            return Err(OptimiserError::Length {
                parameters: parameters.len(),
                update: update.len(),
                state: state.len(),
            });
        }
        match *self {
            Self::FedAvg { learning_rate } => {
                for (x, &d) in parameters.iter_mut().zip(update) {
                    *x = add(*x, multiply(learning_rate.to_bits(), d));
                }
            }
            Self::FedAvgM { learning_rate, momentum } => {
                for ((x, m), &d) in parameters.iter_mut().zip(&mut state.first).zip(update) {
                    *m = add(multiply(momentum.to_bits(), *m), d);
                    *x = add(*x, multiply(learning_rate.to_bits(), *m));
                }
            }
            Self::FedAdam { learning_rate, beta1, beta2, tau } => {
                let moments = state.first.iter_mut().zip(&mut state.second);
                for ((x, (m, v)), &d) in parameters.iter_mut().zip(moments).zip(update) {
                    *m = first_moment(*m, d, beta1);
                    *v = second_moment(*v, d, beta2);
                    *x = add(*x, adaptive_step(learning_rate, *m, *v, tau));
                }
            }
        }
        Ok(())
    }
}

/// `beta m + (1 - beta) d`, rounded once. Both products are below `2^63 * 2^32`.
fn first_moment(m: i64, d: i64, beta: Fixed) -> i64 {
    let kept = i128::from(m) * i128::from(beta.to_bits());
    let added = i128::from(d) * i128::from(ONE - beta.to_bits());
    saturate(shift_half_even(kept + added, FRACTION_BITS))
}

/// `beta v + (1 - beta) d^2` in units of `2^-64`, each product rounded once.
fn second_moment(v: u128, d: i64, beta: Fixed) -> u128 {
    let magnitude = u128::from(d.unsigned_abs());
    let kept = multiply_fraction(v, beta.to_bits().unsigned_abs());
    let added = multiply_fraction(magnitude * magnitude, (ONE - beta.to_bits()).unsigned_abs());
    kept.saturating_add(added)
}

/// `lr m / (sqrt(v) + tau)`, rounded once. The product is below `2^42 * 2^63`, the divisor at least `tau > 0`.
fn adaptive_step(learning_rate: Fixed, m: i64, v: u128, tau: Fixed) -> i64 {
    let divisor = i128::from(square_root(v)) + i128::from(tau.to_bits());
    let product = i128::from(learning_rate.to_bits()) * i128::from(m);
    divide_half_even(product, divisor).map_or(0, saturate)
}
