//! Integers modulo a product of word-sized primes, as their residues: a residue number system. Adding is exact and independent of order in
//! each limb. Sealed tasks mask the polynomials of a ciphertext in it, so that whoever adds them needs no encryption library.

use super::Sign;
use crate::encoding::{within, Malformed};
use crate::packing::{packed_bytes, unpack};

/// The most primes.
pub const MAX_LIMBS: usize = 4;

/// Bits of a prime: at least so many that a masked residue says nothing of use, at most so many that two residues add up within a word.
const BITS: (u64, u64) = (30, 62);

/// The primes of a residue number system: distinct, of 30 to 62 bits each, one to [`MAX_LIMBS`] of them, in the order of their limbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rns {
    primes: [u64; MAX_LIMBS],
    limbs: usize,
}

impl Rns {
    /// Checks that the moduli are such primes.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn new(moduli: &[u64]) -> Result<Self, Malformed> {
        within("number of limbs", moduli.len() as u64, 1, MAX_LIMBS as u64)?;
        let mut primes = [0; MAX_LIMBS];
        for (place, &modulus) in moduli.iter().enumerate() {
            within("bits of a modulus", u64::from(bits(modulus)), BITS.0, BITS.1)?;
            if !is_prime(modulus) || primes.contains(&modulus) {
                return Err(Malformed::Modulus { got: modulus });
            }
            primes[place] = modulus;
        }
        Ok(Self { primes, limbs: moduli.len() })
    }

    /// The primes, in the order of the limbs.
    pub fn moduli(&self) -> &[u64] {
        &self.primes[..self.limbs]
    }

    /// Bits of an element on the wire: those of all its residues.
    pub fn bits(&self) -> u32 {
        self.moduli().iter().map(|&prime| bits(prime)).sum()
    }

    /// The bytes of each limb in a chunk of so many elements, a multiple of eight.
    pub(super) fn limbs<'a>(&'a self, bytes: &'a [u8], elements: usize) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.moduli().iter().scan(bytes, move |left, &prime| {
            let (limb, rest) = left.split_at_checked(packed_bytes(elements, bits(prime)))?;
            *left = rest;
            Some(limb)
        })
    }

    /// The first limb of a chunk with a residue that is not below its prime.
    pub(super) fn first_unreduced(&self, bytes: &[u8], elements: usize) -> Option<usize> {
        self.limbs(bytes, elements).zip(self.moduli()).position(|(limb, &prime)| {
            let mut is_reduced = true;
            unpack(limb, elements, bits(prime), |_, residue| is_reduced &= residue < prime);
            !is_reduced
        })
    }
}

/// Bits of a number.
pub(crate) fn bits(modulus: u64) -> u32 {
    u64::BITS - modulus.leading_zeros()
}

/// Adds two residues. Both are below the prime, which has at most 62 bits.
pub(crate) fn add(one: u64, other: u64, prime: u64) -> u64 {
    let sum = one + other;
    if sum >= prime {
        sum - prime
    } else {
        sum
    }
}

/// Adds a residue to another, or takes it away.
pub(crate) fn combine(one: u64, other: u64, prime: u64, sign: Sign) -> u64 {
    match sign {
        Sign::Plus => add(one, other, prime),
        Sign::Minus if other == 0 => one,
        Sign::Minus => add(one, prime - other, prime),
    }
}

/// The product of two residues.
pub(crate) fn multiply(one: u64, other: u64, prime: u64) -> u64 {
    // A residue is below 2^64.
    (u128::from(one) * u128::from(other) % u128::from(prime)) as u64
}

/// The residue of an integer.
pub(crate) fn residue(value: i64, prime: u64) -> u64 {
    let magnitude = value.unsigned_abs() % prime;
    if value < 0 && magnitude > 0 {
        prime - magnitude
    } else {
        magnitude
    }
}

/// Miller and Rabin's test with the first twelve primes as bases, which is exact below 2^64 (Sorenson and Webster 2015, "Strong
/// pseudoprimes to twelve prime bases").
fn is_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 {
        return false;
    }
    if let Some(base) = BASES.iter().find(|&&base| n.is_multiple_of(base)) {
        return n == *base;
    }
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    BASES.iter().all(|&base| {
        let mut power = power(base, odd, n);
        if power == 1 || power == n - 1 {
            return true;
        }
        (1..twos).any(|_| {
            power = multiply(power, power, n);
            power == n - 1
        })
    })
}

fn power(base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let (mut result, mut square) = (1, base % modulus);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, square, modulus);
        }
        square = multiply(square, square, modulus);
        exponent >>= 1;
    }
    result
}
