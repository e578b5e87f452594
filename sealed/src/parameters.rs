//! Parameters of the scheme, checked where they are made: what is made here is safe to encrypt with, and what is not is an error with
//! the numbers in it.

use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use crate::primes::is_prime;

/// Largest bit length of the ciphertext modulus for 128 bits of security against known classical attacks, with a ternary secret and
/// errors of standard deviation 3.2 or more (Albrecht et al. 2018, "Homomorphic Encryption Security Standard", Table 1, column
/// 128).
pub const STANDARD_128: [(usize, u64); 6] =
    [(1024, 27), (2048, 54), (4096, 109), (8192, 218), (16384, 438), (32768, 881)];

/// The ciphertext primes at `N = 8192`: 43 + 43 + 44 + 44 + 44 = 218 bits. The first are those that a submission keeps.
pub const PRIMES_8192: [u64; 5] = [0x7ff_fffd_8001, 0x7ff_fffc_8001, 0xfff_ffff_c001, 0xfff_fff6_c001, 0xfff_ffeb_c001];

/// The ciphertext primes at `N = 16384`: three of 48 and six of 49 bits, 438 in sum.
pub const PRIMES_16384: [u64; 9] = [
    0xffff_fffd_8001,
    0xffff_fffa_0001,
    0xffff_fff0_0001,
    0x1_ffff_fff6_8001,
    0x1_ffff_fff5_0001,
    0x1_ffff_ffee_8001,
    0x1_ffff_ffea_0001,
    0x1_ffff_ffe8_8001,
    0x1_ffff_ffe4_8001,
];

/// The plaintext modulus of 40 bits, congruent to 1 modulo `2N` for every `N` up to 16,384.
pub const PLAINTEXT_40: u64 = 1_099_510_054_913;

/// Limbs that a submission keeps unless told otherwise.
pub const LIMBS: usize = 3;

/// Why parameters were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// The standard's table has no such degree, or the ring would be too small to be of use.
    #[error("the degree is {0}; it must be 4096, 8192 or 16384")]
    Degree(usize),
    /// A modulus above the table's is less secure than promised.
    #[error(
        "the ciphertext modulus has {bits} bits; at degree {degree} at most {most} bits give 128 bits of security"
    )]
    Insecure {
        /// Of the product of all primes.
        bits: u64,
        /// The ring's.
        degree: usize,
        /// By the table.
        most: u64,
    },
    /// Not a prime, or not one that the number theoretic transform can use.
    #[error("ciphertext modulus {place} is {value}; it must be a prime of 30 to 60 bits that is 1 modulo {twice_degree}, and no two may be equal")]
    Prime {
        /// From 0.
        place: usize,
        /// The modulus.
        value: u64,
        /// `2N`.
        twice_degree: u64,
    },
    /// The library encrypts garbage with such a modulus, without a word.
    #[error(
        "the plaintext modulus is {modulus}; it must be below every ciphertext prime, the least of which is {least}"
    )]
    PlaintextTooLarge {
        /// Asked for.
        modulus: u64,
        /// The least ciphertext prime.
        least: u64,
    },
    /// Slots need a prime that the transform can use.
    #[error(
        "the plaintext modulus is {modulus}; it must be a prime of at least 17 bits that is 1 modulo {twice_degree}"
    )]
    Plaintext {
        /// Asked for.
        modulus: u64,
        /// `2N`.
        twice_degree: u64,
    },
    /// Nothing would be dropped, or nothing kept.
    #[error("a submission keeps {kept} of {primes} limbs; it may keep 2 or 3, and must drop one at least")]
    Kept {
        /// Asked for.
        kept: usize,
        /// All.
        primes: usize,
    },
}

/// A ring, a plaintext modulus and ciphertext primes that are safe together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    degree: usize,
    plaintext_modulus: u64,
    primes: Vec<u64>,
    kept: usize,
}

impl Parameters {
    /// Checks everything that is known before the computation is; [`crate::Plan`] checks the rest.
    ///
    /// `degree` is `N`, `primes` the ciphertext's, of which a submission keeps the first `kept`.
    ///
    /// # Errors
    /// The first that does not hold, with its numbers.
    pub fn new(degree: usize, plaintext_modulus: u64, primes: &[u64], kept: usize) -> Result<Self, ParameterError> {
        let most = match STANDARD_128.iter().find(|(standard, _)| *standard == degree) {
            Some((4096..=16384, most)) => *most,
            _ => return Err(ParameterError::Degree(degree)),
        };
        let twice_degree = 2 * degree as u64;
        for (place, &value) in primes.iter().enumerate() {
            let usable = (30..=60).contains(&bit_length(value)) && value % twice_degree == 1 && is_prime(value);
            if !usable || primes[..place].contains(&value) {
                return Err(ParameterError::Prime { place, value, twice_degree });
            }
        }
        if !(2..=3).contains(&kept) || kept >= primes.len() {
            return Err(ParameterError::Kept { kept, primes: primes.len() });
        }
        let bits = product(primes).bits();
        if bits > most {
            return Err(ParameterError::Insecure { bits, degree, most });
        }
        // There are three primes at least.
        let least = primes.iter().copied().min().unwrap_or(0);
        if plaintext_modulus >= least {
            return Err(ParameterError::PlaintextTooLarge { modulus: plaintext_modulus, least });
        }
        if bit_length(plaintext_modulus) < 17 || plaintext_modulus % twice_degree != 1 || !is_prime(plaintext_modulus) {
            return Err(ParameterError::Plaintext { modulus: plaintext_modulus, twice_degree });
        }
        Ok(Self { degree, plaintext_modulus, primes: primes.to_vec(), kept })
    }

    /// `N = 8192`, 218 bits, plaintexts of 40 bits; submissions keep `kept` limbs ([`LIMBS`] unless there is a reason).
    ///
    /// # Errors
    /// [`ParameterError::Kept`].
    pub fn n8192(kept: usize) -> Result<Self, ParameterError> {
        Self::new(8192, PLAINTEXT_40, &PRIMES_8192, kept)
    }

    /// `N = 16384`, 438 bits, plaintexts of 40 bits, for models too wide for one product at 8,192.
    ///
    /// # Errors
    /// [`ParameterError::Kept`].
    pub fn n16384(kept: usize) -> Result<Self, ParameterError> {
        Self::new(16384, PLAINTEXT_40, &PRIMES_16384, kept)
    }

    /// `N`, coefficients of a polynomial.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// `t`.
    #[must_use]
    pub fn plaintext_modulus(&self) -> u64 {
        self.plaintext_modulus
    }

    /// The largest absolute value that a centred plaintext can hold.
    #[must_use]
    pub fn largest(&self) -> u64 {
        (self.plaintext_modulus - 1) / 2
    }

    /// The ciphertext primes; their product is `q`.
    #[must_use]
    pub fn primes(&self) -> &[u64] {
        &self.primes
    }

    /// The primes that a submission keeps; their product is `q'`. The moduli of the `Rns` ring.
    #[must_use]
    pub fn kept(&self) -> &[u64] {
        &self.primes[..self.kept]
    }

    /// The primes that are dropped before flooding.
    pub(crate) fn dropped(&self) -> &[u64] {
        &self.primes[self.kept..]
    }

    /// Bytes of a submission on the wire: two polynomials, each limb at its prime's bit length.
    #[must_use]
    pub fn submission_bytes(&self) -> usize {
        2 * self.kept().iter().map(|&prime| (self.degree * bit_length(prime) as usize).div_ceil(8)).sum::<usize>()
    }

    /// SHA-256 of all of the above: bytes made under other parameters are told apart by it.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"bauta/1/sealed/parameters");
        hash.update((self.degree as u64).to_be_bytes());
        hash.update(self.plaintext_modulus.to_be_bytes());
        hash.update((self.kept as u64).to_be_bytes());
        hash.update((self.primes.len() as u64).to_be_bytes());
        self.primes.iter().for_each(|prime| hash.update(prime.to_be_bytes()));
        hash.finalize().into()
    }
}

/// Bits of a number; 0 has none.
pub(crate) fn bit_length(value: u64) -> u32 {
    64 - value.leading_zeros()
}

pub(crate) fn product(primes: &[u64]) -> BigUint {
    primes.iter().fold(BigUint::from(1u8), |product, &prime| product * prime)
}
