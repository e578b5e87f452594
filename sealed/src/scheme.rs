//! The trait in front of the encryption scheme: what sealed tasks ask of one, in terms of integers, seeds and limbs. Nothing outside of
//! [`crate::bfv`] names the library, so another can take its place; what is on the wire does not change with it.

use std::fmt;

use crate::packing::Plain;
use crate::parameters::Parameters;
use crate::sampling::Seed;
use crate::submission::Limbs;

/// Why an operation was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    /// A plaintext of the wrong length, or with a value that it cannot hold.
    #[error("a plaintext needs {degree} values of at most {largest} in absolute value")]
    Plain {
        /// `N`.
        degree: usize,
        /// `(t - 1) / 2`.
        largest: u64,
    },
    /// Limbs of the wrong number, or not reduced.
    #[error("{what} needs {limbs} limbs of {degree} values, each below its prime")]
    Limbs {
        /// Which polynomial.
        what: &'static str,
        /// Expected.
        limbs: usize,
        /// `N`.
        degree: usize,
    },
    /// No key for a rotation.
    #[error("there is no key for {0}")]
    NoKey(Turn),
    /// The library refused what was checked before.
    #[error("the encryption library refused an operation: {0}")]
    Library(String),
}

/// A rotation of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Both rows by so many places to the left.
    Columns(usize),
    /// The two rows change places.
    Rows,
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Columns(places) => write!(f, "turning slots by {places}"),
            Self::Rows => f.write_str("exchanging the rows of slots"),
        }
    }
}

/// A pair of polynomials whose second expands from a public seed: a public key, or the model.
#[derive(Clone, PartialEq, Eq)]
pub struct Seeded {
    /// The second polynomial's seed.
    pub seed: [u8; 32],
    /// The first polynomial: for each ciphertext prime in turn, `N` coefficients below it.
    pub first: Vec<u64>,
}

/// Only its size: the bytes are public, and of no use in a log.
impl fmt::Debug for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seeded({} coefficients)", self.first.len())
    }
}

/// A public key for one rotation: a pair a digit, all second polynomials from one seed.
#[derive(Clone, PartialEq, Eq)]
pub struct RotationKey {
    /// Which.
    pub turn: Turn,
    /// The second polynomials' seed.
    pub seed: [u8; 32],
    /// The first polynomial of each digit, as in [`Seeded`].
    pub firsts: Vec<Vec<u64>>,
}

impl fmt::Debug for RotationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RotationKey({}, {} digits)", self.turn, self.firsts.len())
    }
}

/// An additively homomorphic scheme with products by plaintexts and rotations of slots.
///
/// Everything random comes from a [`Seed`], and every result but [`Scheme::decrypt`]'s is a function of public values, a provider's
/// plaintexts and that seed alone, to the last bit and on every machine: jurors depend on it.
pub trait Scheme: Sized {
    /// The model provider's key; wiped when dropped, never printed.
    type Secret;
    /// A ciphertext as it is computed on.
    type Ciphertext: Clone;
    /// A rotation key, ready for use.
    type Prepared;

    /// For these parameters.
    ///
    /// # Errors
    /// What the library refuses.
    fn new(parameters: &Parameters) -> Result<Self, SchemeError>;

    /// The parameters.
    fn parameters(&self) -> &Parameters;

    /// The key that a seed stands for. Fresh for every task.
    ///
    /// # Errors
    /// What the library refuses.
    fn secret(&self, seed: &Seed) -> Result<Self::Secret, SchemeError>;

    /// An encryption of `plain` under a fresh second polynomial. A seed encrypts one plaintext only: two under one seed would show
    /// their difference.
    ///
    /// # Errors
    /// A plaintext out of range.
    fn encrypt(&self, secret: &Self::Secret, plain: &Plain, seed: &Seed) -> Result<Seeded, SchemeError>;

    /// The key for one rotation.
    ///
    /// # Errors
    /// What the library refuses.
    fn rotation_key(&self, secret: &Self::Secret, turn: Turn, seed: &Seed) -> Result<RotationKey, SchemeError>;

    /// Expands a public key or a model.
    ///
    /// # Errors
    /// Limbs that are too few, too many, or not reduced.
    fn expand(&self, seeded: &Seeded) -> Result<Self::Ciphertext, SchemeError>;

    /// Expands a rotation key.
    ///
    /// # Errors
    /// As [`Scheme::expand`].
    fn prepare(&self, key: &RotationKey) -> Result<Self::Prepared, SchemeError>;

    /// The product with a plaintext.
    ///
    /// # Errors
    /// A plaintext out of range.
    fn multiply(&self, ciphertext: &Self::Ciphertext, plain: &Plain) -> Result<Self::Ciphertext, SchemeError>;

    /// Adds another ciphertext.
    fn add(&self, ciphertext: &mut Self::Ciphertext, other: &Self::Ciphertext);

    /// Subtracts a plaintext.
    ///
    /// # Errors
    /// A plaintext out of range.
    fn subtract(&self, ciphertext: &mut Self::Ciphertext, plain: &Plain) -> Result<(), SchemeError>;

    /// Adds an encryption of zero under the public key, drawn from the seed.
    ///
    /// # Errors
    /// What the library refuses.
    fn add_zero(
        &self,
        ciphertext: &mut Self::Ciphertext,
        public: &Self::Ciphertext,
        seed: &Seed,
    ) -> Result<(), SchemeError>;

    /// Rotates the slots.
    ///
    /// # Errors
    /// What the library refuses.
    fn turn(&self, ciphertext: &Self::Ciphertext, key: &Self::Prepared) -> Result<Self::Ciphertext, SchemeError>;

    /// Switches the modulus down to the primes that a submission keeps. Not flooded yet.
    ///
    /// # Errors
    /// What the library refuses.
    fn switch_down(&self, ciphertext: &Self::Ciphertext) -> Result<Limbs, SchemeError>;

    /// The plaintext of a sum of submissions, centred, in the packing that is asked for (of `like`, whose values are not read). Nothing
    /// in it says whether the noise was within its bound: what does not decrypt gives numbers without meaning.
    ///
    /// # Errors
    /// What the library refuses.
    fn decrypt(&self, secret: &Self::Secret, limbs: &Limbs, like: &Plain) -> Result<Plain, SchemeError>;
}
