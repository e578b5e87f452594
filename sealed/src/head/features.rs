//! From raw rows to quantised features, on the provider's own machine before anything is committed to. Floats are allowed here and nowhere
//! else in this crate: what a juror recomputes begins with the integers. Transcendental functions are `libm`'s, sums are in one order, and
//! random features come from a public seed, so that two providers map equal rows alike.
#![allow(clippy::float_arithmetic)]

use bauta_learning::fixed::{Fixed, ONE};

use super::Training;
use crate::sampling::Stream;

/// Most raw features.
const MAX_RAW: usize = 1 << 16;

/// Why features were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// A row of another width.
    #[error("a row has {found} features; the task has {expected}")]
    Width {
        /// Given.
        found: usize,
        /// By the task.
        expected: usize,
    },
    /// Not a number, or infinite.
    #[error("feature {0} is not a finite number")]
    NotFinite(usize),
    /// A map of nothing, or of more than is supported.
    #[error("a map from {raw} to {features} features; both must be at least 1 and at most {MAX_RAW}")]
    Size {
        /// Raw features.
        raw: usize,
        /// Features.
        features: usize,
    },
}

/// A public map from raw features to the model's, without the constant one.
#[derive(Clone, Debug, PartialEq)]
pub enum Features {
    /// As they are.
    Raw {
        /// How many.
        width: usize,
    },
    /// `(x - offset) * factor`, each feature with constants that the task declares.
    Standardised {
        /// Offset and factor of each feature.
        scalings: Vec<(Fixed, Fixed)>,
    },
    /// Random Fourier features of the Gaussian kernel `exp(-gamma |x - y|^2)` (Rahimi and Recht 2007, Algorithm 1): `sqrt(2) cos(omega x +
    /// phase)`, without the paper's division by the root of their number, which would waste the fixed point and only scales the kernel.
    Fourier {
        /// The map that comes first.
        of: Box<Features>,
        /// `omega`, one row a feature.
        frequencies: Vec<Vec<f64>>,
        /// One a feature.
        phases: Vec<f64>,
    },
}

fn real(value: Fixed) -> f64 {
    value.to_bits() as f64 / ONE as f64
}

/// Uniform in the open unit interval, 53 bits.
fn uniform(stream: &mut Stream) -> f64 {
    (stream.below(1 << 53) as f64 + 0.5) / (1u64 << 53) as f64
}

impl Features {
    /// `count` random Fourier features of another map's, from a public seed.
    ///
    /// # Errors
    /// Sizes out of range.
    pub fn fourier(of: Features, count: usize, gamma: Fixed, seed: &[u8; 32]) -> Result<Self, FeatureError> {
        let raw = of.width();
        if !(1..=MAX_RAW).contains(&count) || !(1..=MAX_RAW).contains(&raw) {
            return Err(FeatureError::Size { raw, features: count });
        }
        let mut stream = Stream::public(seed, "fourier features");
        let deviation = libm::sqrt(2.0 * real(gamma).max(0.0));
        // Box and Muller 1958.
        let mut normal = || {
            let radius = libm::sqrt(-2.0 * libm::log(uniform(&mut stream)));
            radius * libm::cos(2.0 * std::f64::consts::PI * uniform(&mut stream))
        };
        let frequencies = (0..count).map(|_| (0..raw).map(|_| deviation * normal()).collect()).collect();
        let phases = (0..count).map(|_| 2.0 * std::f64::consts::PI * uniform(&mut stream)).collect();
        Ok(Self::Fourier { of: Box::new(of), frequencies, phases })
    }

    /// Features that the map gives.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Raw { width } => *width,
            Self::Standardised { scalings } => scalings.len(),
            Self::Fourier { phases, .. } => phases.len(),
        }
    }

    /// Maps a row.
    ///
    /// # Errors
    /// A row of another width, or with a value that is not finite.
    pub fn map(&self, row: &[f64]) -> Result<Vec<f64>, FeatureError> {
        if let Self::Fourier { of, frequencies, phases } = self {
            let row = of.map(row)?;
            let angle = |omega: &[f64], phase: f64| omega.iter().zip(&row).fold(phase, |sum, (w, x)| sum + w * x);
            let features = frequencies.iter().zip(phases);
            return Ok(features
                .map(|(omega, phase)| std::f64::consts::SQRT_2 * libm::cos(angle(omega, *phase)))
                .collect());
        }
        if row.len() != self.width() {
            return Err(FeatureError::Width { found: row.len(), expected: self.width() });
        }
        if let Some(place) = row.iter().position(|value| !value.is_finite()) {
            return Err(FeatureError::NotFinite(place));
        }
        Ok(match self {
            Self::Standardised { scalings } => {
                row.iter().zip(scalings).map(|(x, (offset, factor))| (x - real(*offset)) * real(*factor)).collect()
            }
            _ => row.to_vec(),
        })
    }
}

/// From a raw row to a training's integers: the map, the constant one at the end, rounding half to even, clipping.
#[derive(Clone, Debug)]
pub struct Quantiser {
    features: Features,
    bits: u32,
    bound: i64,
}

impl Quantiser {
    /// For a training whose width is one more than the map's.
    ///
    /// # Errors
    /// Another width.
    pub fn new(features: Features, training: &Training) -> Result<Self, FeatureError> {
        let (found, expected) = (features.width() + 1, training.width);
        if found != expected {
            return Err(FeatureError::Width { found, expected });
        }
        let bound = i64::try_from(training.feature_bound).unwrap_or(i64::MAX);
        Ok(Self { features, bits: training.feature_bits.min(16), bound })
    }

    /// A row's integers.
    ///
    /// # Errors
    /// As [`Features::map`].
    #[allow(clippy::cast_possible_truncation)]
    pub fn row(&self, row: &[f64]) -> Result<Vec<i64>, FeatureError> {
        let one = f64::from(1u32 << self.bits);
        // A cast saturates, so the clip is right for any value.
        let quantised = |value: f64| (libm::rint(value * one) as i64).clamp(-self.bound, self.bound);
        Ok(self.features.map(row)?.into_iter().chain([1.0]).map(quantised).collect())
    }
}
