//! What a task will compute, and whether it lasts: exactness, noise, flooding. All of it is known before anything is encrypted, so a
//! task that would not last is refused with the numbers.
//!
//! Bounds are worst cases, never averages: an honest ciphertext's noise is below them with certainty.

use std::fmt;

use num_bigint::BigUint;

use crate::packing::{Layout, Plain, Slots, MAX_VECTORS, MAX_WIDTH};
use crate::parameters::{product, Parameters};
use crate::sampling::ERROR_BOUND;

/// Bits by which flooding must exceed the noise that it hides.
pub const HIDDEN_BITS: u32 = 40;
/// Most members of a group.
pub const MAX_GROUP: u32 = 1 << 16;

/// The sizes of a task's computation `A w_v - b_v`. Bounds are of absolute values, and of what one member sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// `d`, features of the model.
    pub width: usize,
    /// `k`, vectors that share the matrix (classes; 1 for one model).
    pub vectors: usize,
    /// Of an entry of `A`.
    pub matrix_bound: u64,
    /// Of a weight.
    pub model_bound: u64,
    /// Of an entry of `b`.
    pub target_bound: u64,
    /// `n`, members of the largest group.
    pub group: u32,
}

/// Why a computation would not last.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Sizes of nothing, or beyond what is supported.
    #[error("{name} is {value}; it must be at least 1 and at most {most}")]
    Size {
        /// Which.
        name: &'static str,
        /// Asked for.
        value: u64,
        /// Supported.
        most: u64,
    },
    /// Neither packing has room.
    #[error("{vectors} vectors of {width} features do not fit in a ciphertext of degree {degree}: {width} and {vectors}, each rounded up to a power of two, may multiply to {most} at most")]
    NoRoom {
        /// Asked for.
        width: usize,
        /// Asked for.
        vectors: usize,
        /// The ring's.
        degree: usize,
        /// Half of it.
        most: usize,
    },
    /// The integers would wrap around the plaintext modulus.
    #[error("a group's sum may reach {reached} and the plaintext holds {largest}: choose fewer fraction bits, smaller batches or smaller groups")]
    Wraps {
        /// `n (d A w + b)`.
        reached: u128,
        /// `(t - 1) / 2`.
        largest: u64,
    },
    /// Flooding would not hide what a provider's data left in the noise.
    #[error(
        "flooding of 2^{flooding} exceeds the noise of a submission, up to 2^{noise_bits}, by {hidden} bits of the {HIDDEN_BITS} that are asked for: keep more limbs, or choose a smaller plaintext modulus or smaller groups"
    )]
    Flooding {
        /// `f`.
        flooding: u32,
        /// Bits of the noise bound after the modulus was switched.
        noise_bits: u64,
        /// Whole bits between them.
        hidden: u32,
    },
    /// The sum would not decrypt.
    #[error("the noise of a group's sum may reach 2^{noise_bits}, and only less than 2^{budget_bits} decrypts")]
    Noise {
        /// Bits of the bound.
        noise_bits: u64,
        /// Bits of `q' / 2t`.
        budget_bits: u64,
    },
}

/// How a submission's noise is hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flooding {
    bits: u32,
    noise: BigUint,
    budget: BigUint,
    reached: BigUint,
}

impl Flooding {
    /// `f`: the flood is uniform in `[-2^f, 2^f]`.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The bound of the noise that it hides: of one submission, after its modulus was switched. `N / 2 + 1` with one product.
    #[must_use]
    pub fn noise(&self) -> &BigUint {
        &self.noise
    }

    /// `f - log2(noise)`, in hundredths of a bit, rounded down: the statistical distance that remains is about two to the power of
    /// less that, a coefficient.
    #[must_use]
    pub fn hidden_centibits(&self) -> u32 {
        let noise = self.noise.pow(100);
        // The exponent's ceiling: one below the bits where it is a power of two.
        let exponent = (noise - 1u8).bits();
        (u64::from(self.bits) * 100).saturating_sub(exponent).try_into().unwrap_or(u32::MAX)
    }

    /// `(bits of the noise of a group's sum, bits of what decrypts)`: the budget that is left is their difference.
    #[must_use]
    pub fn budget_bits(&self) -> (u64, u64) {
        (self.reached.bits(), self.budget.bits())
    }
}

/// Largest `e` such that noise of `2^e` in each coefficient of a model, instead of an honest error, is still hidden by [`HIDDEN_BITS`].
fn tolerated(parameters: &Parameters, shape: &Shape, layout: &Layout, flooding: u32) -> u64 {
    let hidden = |bits: u32| {
        let noise = switched(parameters, evaluated(parameters, shape, layout, BigUint::from(1u8) << bits));
        BigUint::from(1u8) << flooding >= noise << HIDDEN_BITS
    };
    (0..1024).take_while(|&bits| hidden(bits)).last().unwrap_or(0).into()
}

/// `f = floor(log2(q' / (4 n t))) - 1`, at most 124; `None` where the modulus has no room for it.
#[must_use]
pub fn flooding_bits(parameters: &Parameters, group: u32) -> Option<u32> {
    let room = product(parameters.kept()) / (BigUint::from(parameters.plaintext_modulus()) * 4u8 * group);
    let floor = u32::try_from(room.bits()).ok()?.checked_sub(1)?;
    floor.checked_sub(1).map(|bits| bits.min(124))
}

/// What a person should see before a task starts.
impl fmt::Display for Flooding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hidden, (reached, budget)) = (self.hidden_centibits(), self.budget_bits());
        write!(
            f,
            "a flood of 2^{} hides noise of at most {} bits by {}.{:02} bits; the sum's noise has at most {reached} bits, and {budget} decrypt",
            self.bits,
            self.noise.bits(),
            hidden / 100,
            hidden % 100
        )
    }
}

/// A computation that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    parameters: Parameters,
    shape: Shape,
    layout: Layout,
    flooding: Flooding,
}

impl Plan {
    /// Chooses the packing and checks, in this order, sizes, room, exactness, flooding and noise.
    ///
    /// # Errors
    /// The first that does not hold, with its numbers.
    pub fn new(parameters: Parameters, shape: Shape) -> Result<Self, PlanError> {
        let sizes = [
            ("the number of features", shape.width as u64, MAX_WIDTH as u64),
            ("the number of vectors", shape.vectors as u64, MAX_VECTORS as u64),
            ("the bound of the matrix", shape.matrix_bound, parameters.largest()),
            ("the bound of the model", shape.model_bound, parameters.largest()),
            ("the bound of the targets", shape.target_bound, parameters.largest()),
            ("the size of a group", u64::from(shape.group), u64::from(MAX_GROUP)),
        ];
        for (name, value, most) in sizes {
            if !(1..=most).contains(&value) {
                return Err(PlanError::Size { name, value, most });
            }
        }
        let degree = parameters.degree();
        let no_room =
            PlanError::NoRoom { width: shape.width, vectors: shape.vectors, degree, most: parameters.degree() / 2 };
        let layout = Layout::choose(degree, shape.width, shape.vectors).ok_or(no_room)?;

        // Below 2^16 (2^10 2^59 2^59 + 2^59), which saturates above 128 bits.
        let products = u128::from(shape.matrix_bound) * u128::from(shape.model_bound);
        let one = products.saturating_mul(shape.width as u128).saturating_add(u128::from(shape.target_bound));
        let reached = one.saturating_mul(u128::from(shape.group));
        if reached > u128::from(parameters.largest()) {
            return Err(PlanError::Wraps { reached, largest: parameters.largest() });
        }

        let noise = switched(&parameters, evaluated(&parameters, &shape, &layout, BigUint::from(ERROR_BOUND + 1)));
        let bits = flooding_bits(&parameters, shape.group).unwrap_or(0);
        let flood = BigUint::from(1u8) << bits;
        if flood < &noise << HIDDEN_BITS {
            let hidden = u64::from(bits).saturating_sub(noise.bits());
            let hidden = u32::try_from(hidden).unwrap_or(u32::MAX);
            return Err(PlanError::Flooding { flooding: bits, noise_bits: noise.bits(), hidden });
        }
        let reached = (&flood + &noise) * shape.group;
        let budget = product(parameters.kept()) / (BigUint::from(parameters.plaintext_modulus()) * 2u8);
        if reached >= budget {
            return Err(PlanError::Noise { noise_bits: reached.bits(), budget_bits: budget.bits() });
        }
        let flooding = Flooding { bits, noise, budget, reached };
        Ok(Self { parameters, shape, layout, flooding })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The sizes.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The packing.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// A plaintext of zeros: what a public key encrypts.
    #[must_use]
    pub fn zero(&self) -> Plain {
        self.layout.plain(vec![0; self.parameters.degree()])
    }

    /// How much noise a model may have, in bits a coefficient, and still be hidden by [`HIDDEN_BITS`]. Nobody but the model provider can see
    /// a ciphertext's noise; up to this a provider need not.
    #[must_use]
    pub fn tolerated_bits(&self) -> u64 {
        tolerated(&self.parameters, &self.shape, &self.layout, self.flooding.bits)
    }

    /// How noise is hidden, with its numbers.
    #[must_use]
    pub fn flooding(&self) -> &Flooding {
        &self.flooding
    }
}

/// Bound of the noise, with `fresh` in the model's, of `A Enc(w) - b` plus an encryption of zero, before the modulus is switched. Noise is the distance to
/// `q m / t`, so rounding a plaintext to it counts 1.
fn evaluated(parameters: &Parameters, shape: &Shape, layout: &Layout, fresh: BigUint) -> BigUint {
    let product = match layout {
        // The sum of absolute values of the multiplier's coefficients bounds the growth.
        Layout::Coefficients(_) => fresh * shape.width * shape.width * shape.matrix_bound,
        Layout::Slots(layout) => rotated(parameters, layout, fresh),
    };
    // u e + e1 + e2 s with u, s ternary.
    let zero = BigUint::from(ERROR_BOUND) * (2 * parameters.degree() + 1);
    product + 1u8 + zero
}

/// Bound after diagonals, rotations and folds.
fn rotated(parameters: &Parameters, layout: &Slots, fresh: BigUint) -> BigUint {
    let degree = parameters.degree();
    // A key switch multiplies each digit, below its prime, by an error polynomial.
    let switch: BigUint =
        parameters.primes().iter().map(|&prime| BigUint::from(prime) * (degree as u64 * ERROR_BOUND)).sum();
    // A plaintext of slots has coefficients anywhere below t.
    let growth = BigUint::from(parameters.plaintext_modulus()) * degree;
    let mut noise = (fresh + &switch) * growth * layout.products() + &switch * layout.giant_steps().count();
    for _ in layout.folds() {
        noise = noise * 2u8 + &switch;
    }
    noise * 2u8 + switch
}

/// Bound after every prime that is not kept was dropped: each drop divides the noise by the prime and rounds both polynomials, which
/// adds `1/2 + N/2` with a ternary secret (Brakerski, Gentry and Vaikuntanathan 2012, Lemma 4). Rounded up.
fn switched(parameters: &Parameters, noise: BigUint) -> BigUint {
    let rounding = BigUint::from(parameters.degree() as u64 + 1);
    let (mut numerator, mut denominator) = (noise, BigUint::from(1u8));
    for &prime in parameters.dropped().iter().rev() {
        denominator = denominator * prime * 2u8;
        numerator = numerator * 2u8 + &rounding * (&denominator / 2u8);
    }
    (numerator + &denominator - 1u8) / denominator
}
