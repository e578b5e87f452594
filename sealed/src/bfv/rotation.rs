//! Rotations: the automorphism `X -> X^e` moves slots and leaves a ciphertext under `s(X^e)`; a key switch brings it back under `s`.
//!
//! The digits of a polynomial are its residues modulo each prime (Bajard et al. 2016, "A Full RNS Variant of FV", Section 4): digit
//! `i` belongs to `g_i`, 1 modulo prime `i` and 0 modulo the others, so `g_i s(X^e)` is `s(X^e)` in limb `i` and nothing elsewhere.
//! The noise this adds is bounded in [`crate::plan`].

use fhe_math::rq::traits::TryConvertFrom;
use fhe_math::rq::{Poly, Representation, SubstitutionExponent};
use zeroize::Zeroizing;

use super::{coefficients, refused, Bfv, Ciphertext, Secret};
use crate::sampling::{Seed, Stream};
use crate::scheme::{RotationKey, SchemeError, Turn};

/// A rotation key, expanded and in the representation that products want.
pub struct Prepared {
    exponent: SubstitutionExponent,
    firsts: Vec<Poly>,
    seconds: Vec<Poly>,
}

/// `3^places` modulo `2N` turns both rows; `2N - 1` exchanges them.
fn exponent(scheme: &Bfv, turn: Turn) -> Result<SubstitutionExponent, SchemeError> {
    let twice_degree = 2 * scheme.parameters.degree();
    let exponent = match turn {
        Turn::Columns(places) => (0..places % (twice_degree / 4)).fold(1, |power, _| power * 3 % twice_degree),
        Turn::Rows => twice_degree - 1,
    };
    SubstitutionExponent::new(&scheme.full, exponent).map_err(refused)
}

pub(super) fn key(scheme: &Bfv, secret: &Secret, turn: Turn, seed: &Seed) -> Result<RotationKey, SchemeError> {
    let degree = scheme.parameters.degree();
    let digits = scheme.parameters.primes().len();
    let mut from = Zeroizing::new(secret.poly().substitute(&exponent(scheme, turn)?).map_err(refused)?);
    from.change_representation(Representation::PowerBasis);
    let public = *seed.derive("public seed", &[]).expose();
    let mut stream = Stream::new(seed, "noise");
    let mut firsts = Vec::with_capacity(digits);
    for (digit, second) in scheme.seconds(&public, digits)?.iter().enumerate() {
        let mut first = coefficients(secret.mask(scheme, second, &mut stream)?);
        let prime = scheme.parameters.primes()[digit];
        let limb = digit * degree..(digit + 1) * degree;
        for (value, from) in first[limb].iter_mut().zip(from.coefficients().row(digit)) {
            // Both are below the prime, so the sum is below 2^61.
            *value = (*value + from) % prime;
        }
        firsts.push(first);
    }
    Ok(RotationKey { turn, seed: public, firsts })
}

impl Prepared {
    pub(super) fn new(scheme: &Bfv, key: &RotationKey) -> Result<Self, SchemeError> {
        let digits = scheme.parameters.primes().len();
        if key.firsts.len() != digits {
            let degree = scheme.parameters.degree();
            return Err(SchemeError::Limbs { what: "a rotation key", limbs: digits * digits, degree });
        }
        let ready = |mut poly: Poly| {
            poly.change_representation(Representation::NttShoup);
            poly
        };
        let mut firsts = Vec::with_capacity(digits);
        for first in &key.firsts {
            scheme.reduced(first, "a rotation key's digit")?;
            firsts.push(ready(scheme.polynomial(first.clone(), &scheme.full)?));
        }
        let seconds = scheme.seconds(&key.seed, digits)?.into_iter().map(ready).collect();
        Ok(Self { exponent: exponent(scheme, key.turn)?, firsts, seconds })
    }

    pub(super) fn turn(&self, scheme: &Bfv, ciphertext: &Ciphertext) -> Result<Ciphertext, SchemeError> {
        let mut first = ciphertext.first.substitute(&self.exponent).map_err(refused)?;
        let mut moved = ciphertext.second.substitute(&self.exponent).map_err(refused)?;
        moved.change_representation(Representation::PowerBasis);
        let mut second = Poly::zero(&scheme.full, Representation::Ntt);
        let residues = moved.coefficients();
        for (digit, (key_first, key_second)) in residues.outer_iter().zip(self.firsts.iter().zip(&self.seconds)) {
            let mut digit = Poly::try_convert_from(digit.to_vec(), &scheme.full, true, Representation::PowerBasis)
                .map_err(refused)?;
            digit.change_representation(Representation::Ntt);
            first += &(&digit * key_first);
            digit *= key_second;
            second += &digit;
        }
        Ok(Ciphertext { first, second })
    }
}
