//! Two polynomials modulo the kept primes, as the `Rns` ring of the protocol has them.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::bits::{pack, packed_bytes, unpack};
use crate::parameters::{bit_length, Parameters};

/// Why limbs were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimbsError {
    /// Another number of values: another level, another degree, or cut short.
    #[error("polynomial {polynomial} has {found} values; {limbs} limbs of {degree} are needed")]
    Length {
        /// 0 or 1.
        polynomial: usize,
        /// Given.
        found: usize,
        /// Primes that are kept.
        limbs: usize,
        /// `N`.
        degree: usize,
    },
    /// A value that is not below its prime.
    #[error("value {place} of limb {limb} of polynomial {polynomial} is not reduced: it must be below {prime}")]
    NotReduced {
        /// 0 or 1.
        polynomial: usize,
        /// From 0.
        limb: usize,
        /// From 0.
        place: usize,
        /// The limb's.
        prime: u64,
    },
    /// Bytes of another length.
    #[error("a submission has {expected} bytes, not {found}")]
    Bytes {
        /// By the parameters.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// Bits behind the last value.
    #[error("the padding bits of limb {limb} of polynomial {polynomial} must be zero")]
    Padding {
        /// 0 or 1.
        polynomial: usize,
        /// From 0.
        limb: usize,
    },
}

/// Two polynomials, each limb-major: for each kept prime in turn, `N` coefficients below it. Before it is masked a submission is as
/// secret as what it was made of, so it is wiped when dropped and never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Limbs {
    polynomials: [Vec<u64>; 2],
}

impl std::fmt::Debug for Limbs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Limbs(2 x {} values)", self.polynomials[0].len())
    }
}

impl Limbs {
    /// Checks lengths and that every value is reduced.
    ///
    /// # Errors
    /// The first that is not.
    pub fn new(parameters: &Parameters, polynomials: [Vec<u64>; 2]) -> Result<Self, LimbsError> {
        let limbs = Self { polynomials };
        limbs.check(parameters)?;
        Ok(limbs)
    }

    /// The sum of nothing.
    #[must_use]
    pub fn zero(parameters: &Parameters) -> Self {
        let values = parameters.kept().len() * parameters.degree();
        Self { polynomials: [vec![0; values], vec![0; values]] }
    }

    /// Whether these are limbs of these parameters.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn check(&self, parameters: &Parameters) -> Result<(), LimbsError> {
        let (degree, limbs) = (parameters.degree(), parameters.kept().len());
        for (polynomial, values) in self.polynomials.iter().enumerate() {
            if values.len() != limbs * degree {
                return Err(LimbsError::Length { polynomial, found: values.len(), limbs, degree });
            }
            for (limb, (values, &prime)) in values.chunks_exact(degree).zip(parameters.kept()).enumerate() {
                if let Some(place) = values.iter().position(|&value| value >= prime) {
                    return Err(LimbsError::NotReduced { polynomial, limb, place, prime });
                }
            }
        }
        Ok(())
    }

    /// Both polynomials, each limb-major.
    #[must_use]
    pub fn polynomials(&self) -> [&[u64]; 2] {
        [&self.polynomials[0], &self.polynomials[1]]
    }

    pub(crate) fn first_mut(&mut self) -> &mut [u64] {
        &mut self.polynomials[0]
    }

    /// Adds other limbs, modulo each prime.
    ///
    /// # Errors
    /// Limbs of another shape.
    pub fn add(&mut self, parameters: &Parameters, other: &Self) -> Result<(), LimbsError> {
        self.combine(parameters, other, |a, b, prime| {
            // Both below the prime, which is below 2^60.
            let sum = a + b;
            sum.min(sum.wrapping_sub(prime))
        })
    }

    /// Subtracts other limbs, modulo each prime.
    ///
    /// # Errors
    /// Limbs of another shape.
    pub fn subtract(&mut self, parameters: &Parameters, other: &Self) -> Result<(), LimbsError> {
        self.combine(parameters, other, |a, b, prime| {
            let difference = a.wrapping_sub(b);
            difference.min(difference.wrapping_add(prime))
        })
    }

    fn combine(
        &mut self,
        parameters: &Parameters,
        other: &Self,
        combine: impl Fn(u64, u64, u64) -> u64,
    ) -> Result<(), LimbsError> {
        other.check(parameters)?;
        let degree = parameters.degree();
        for (ours, theirs) in self.polynomials.iter_mut().zip(&other.polynomials) {
            let limbs = ours.chunks_exact_mut(degree).zip(theirs.chunks_exact(degree)).zip(parameters.kept());
            for ((ours, theirs), &prime) in limbs {
                ours.iter_mut().zip(theirs).for_each(|(a, &b)| *a = combine(*a, b, prime));
            }
        }
        Ok(())
    }

    /// The bytes on the wire: limb-major, each limb at its prime's bit length, least significant bit first, padded to a byte.
    #[must_use]
    pub fn to_bytes(&self, parameters: &Parameters) -> Vec<u8> {
        let degree = parameters.degree();
        let mut bytes = Vec::with_capacity(parameters.submission_bytes());
        for values in &self.polynomials {
            for (limb, &prime) in values.chunks_exact(degree).zip(parameters.kept()) {
                pack(limb, bit_length(prime), &mut bytes);
            }
        }
        bytes
    }

    /// Reads what [`Limbs::to_bytes`] wrote, and nothing else.
    ///
    /// # Errors
    /// Another length, padding that is not zero, a value that is not reduced.
    pub fn from_bytes(parameters: &Parameters, bytes: &[u8]) -> Result<Self, LimbsError> {
        let expected = parameters.submission_bytes();
        if bytes.len() != expected {
            return Err(LimbsError::Bytes { expected, found: bytes.len() });
        }
        let degree = parameters.degree();
        let mut limbs = Self { polynomials: [Vec::new(), Vec::new()] };
        let mut rest = bytes;
        for (polynomial, values) in limbs.polynomials.iter_mut().enumerate() {
            values.reserve_exact(parameters.kept().len() * degree);
            for (limb, &prime) in parameters.kept().iter().enumerate() {
                let (part, behind) = rest.split_at(packed_bytes(degree, bit_length(prime)));
                if !unpack(part, degree, bit_length(prime), values) {
                    return Err(LimbsError::Padding { polynomial, limb });
                }
                rest = behind;
            }
        }
        limbs.check(parameters)?;
        Ok(limbs)
    }
}
