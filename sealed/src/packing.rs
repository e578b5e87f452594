//! How models, statistics and results lie in the polynomials of the scheme.

mod coefficients;
mod slots;

pub use coefficients::Coefficients;
pub use slots::Slots;

/// A plaintext to be: integers by coefficient, or by slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plain {
    /// The coefficients of a polynomial, from the constant on.
    Coefficients(Vec<i64>),
    /// The two rows of slots, one after the other.
    Slots(Vec<i64>),
}

/// Most features of a model.
pub const MAX_WIDTH: usize = 1024;
/// Most vectors of a model (classes).
pub const MAX_VECTORS: usize = 64;

/// Which of the two packings a computation uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One product, no keys.
    Coefficients(Coefficients),
    /// Diagonals and rotations.
    Slots(Slots),
}

impl Layout {
    /// By coefficient while `vectors * width^2 + width <= degree`, by slot above; `None` where neither has room.
    #[must_use]
    pub fn choose(degree: usize, width: usize, vectors: usize) -> Option<Self> {
        Coefficients::new(degree, width, vectors)
            .map(Self::Coefficients)
            .or_else(|| Slots::new(degree, width, vectors).map(Self::Slots))
    }

    /// The model, `vectors` times `width` weights, as a plaintext.
    pub(crate) fn model(&self, weights: &[i64]) -> Plain {
        match self {
            Self::Coefficients(layout) => Plain::Coefficients(layout.model(weights)),
            Self::Slots(layout) => Plain::Slots(layout.model(weights)),
        }
    }

    /// Where result `(vector, row)` lies, vector by vector: `vectors * width` places.
    pub(crate) fn places(&self) -> Vec<usize> {
        match self {
            Self::Coefficients(layout) => layout.places(),
            Self::Slots(layout) => layout.places(),
        }
    }

    /// A plaintext of this packing.
    pub(crate) fn plain(&self, values: Vec<i64>) -> Plain {
        match self {
            Self::Coefficients(_) => Plain::Coefficients(values),
            Self::Slots(_) => Plain::Slots(values),
        }
    }
}
