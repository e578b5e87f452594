//! The scheme of Brakerski 2012 and Fan and Vercauteren 2012 (BFV) on the crate `fhe`: its polynomials, plaintext scaling, modulus
//! switching and decryption. Keys, randomness, encryptions of zero and key switching are made here from its polynomials, because the
//! library draws them from generators whose values may change with a version, and jurors recompute bytes.
//!
//! The library's `mbfv` is never used: it does not flood.
//!
//! What depends on a provider's data or on the secret key runs on the library's constant-time paths. Not constant in time: products by
//! plaintexts of slots, where the library chooses, and everything about public keys and the model's ciphertext.

mod keys;
#[cfg(test)]
mod noise;
mod rotation;

use std::sync::Arc;

use fhe::bfv::{BfvParameters, BfvParametersBuilder, Ciphertext as Library, Encoding, Plaintext};
use fhe_math::rq::traits::TryConvertFrom;
use fhe_math::rq::{Context, Poly, Representation};
use fhe_traits::{FheDecoder, FheDecrypter, FheEncoder};
use zeroize::{Zeroize, Zeroizing};

pub use keys::Secret;
pub use rotation::Prepared;

use crate::packing::Plain;
use crate::parameters::Parameters;
use crate::sampling::{Seed, Stream};
use crate::scheme::{RotationKey, Scheme, SchemeError, Seeded, Turn};
use crate::submission::Limbs;

/// The scheme for one set of parameters.
pub struct Bfv {
    parameters: Parameters,
    library: Arc<BfvParameters>,
    /// Modulo all primes.
    full: Arc<Context>,
    /// Modulo those that a submission keeps.
    kept: Arc<Context>,
}

/// Two polynomials modulo all primes, in the transform's representation. A product with a provider's matrix shows the matrix until it is
/// hidden, so a ciphertext is wiped when dropped.
#[derive(Clone)]
pub struct Ciphertext {
    first: Poly,
    second: Poly,
}

impl Drop for Ciphertext {
    fn drop(&mut self) {
        self.first.zeroize();
        self.second.zeroize();
    }
}

pub(crate) fn refused(error: impl std::fmt::Display) -> SchemeError {
    SchemeError::Library(error.to_string())
}

impl Bfv {
    /// The level at which the library has the kept primes.
    fn kept_level(&self) -> usize {
        self.parameters.dropped().len()
    }

    fn checked<'a>(&self, plain: &'a Plain) -> Result<&'a [i64], SchemeError> {
        let (Plain::Coefficients(values) | Plain::Slots(values)) = plain;
        let (degree, largest) = (self.parameters.degree(), self.parameters.largest());
        if values.len() != degree || values.iter().any(|value| value.unsigned_abs() > largest) {
            return Err(SchemeError::Plain { degree, largest });
        }
        Ok(values)
    }

    fn encoded(&self, plain: &Plain) -> Result<Plaintext, SchemeError> {
        let encoding = match plain {
            Plain::Coefficients(_) => Encoding::poly(),
            Plain::Slots(_) => Encoding::simd(),
        };
        Plaintext::try_encode(self.checked(plain)?, encoding, &self.library).map_err(refused)
    }

    /// `round(q m / t)`.
    fn scaled(&self, plain: &Plain) -> Result<Zeroizing<Poly>, SchemeError> {
        let zero = Poly::zero(&self.full, Representation::Ntt);
        let mut sum = Library::new(vec![zero.clone(), zero], &self.library).map_err(refused)?;
        sum += &self.encoded(plain)?;
        let scaled = Zeroizing::new(sum[0].clone());
        sum[0].zeroize();
        Ok(scaled)
    }

    /// Small integers as a polynomial in the transform's representation.
    fn small(&self, coefficients: &[i64]) -> Result<Zeroizing<Poly>, SchemeError> {
        let poly = Poly::try_convert_from(coefficients, &self.full, false, Representation::PowerBasis);
        let mut poly = Zeroizing::new(poly.map_err(refused)?);
        poly.change_representation(Representation::Ntt);
        Ok(poly)
    }

    /// Limbs that were checked, as a polynomial.
    fn polynomial(&self, limbs: Vec<u64>, context: &Arc<Context>) -> Result<Poly, SchemeError> {
        let mut poly = Poly::try_convert_from(limbs, context, false, Representation::PowerBasis).map_err(refused)?;
        poly.change_representation(Representation::Ntt);
        Ok(poly)
    }

    fn reduced(&self, limbs: &[u64], what: &'static str) -> Result<(), SchemeError> {
        let (primes, degree) = (self.parameters.primes(), self.parameters.degree());
        let reduced = |(limb, prime): (&[u64], &u64)| limb.iter().all(|value| value < prime);
        if limbs.len() != primes.len() * degree || !limbs.chunks_exact(degree).zip(primes).all(reduced) {
            return Err(SchemeError::Limbs { what, limbs: primes.len(), degree });
        }
        Ok(())
    }

    /// Second polynomials of a public seed, one after the other.
    fn seconds(&self, seed: &[u8; 32], count: usize) -> Result<Vec<Poly>, SchemeError> {
        let mut stream = Stream::public(seed, "second");
        let (primes, degree) = (self.parameters.primes(), self.parameters.degree());
        (0..count).map(|_| self.polynomial(stream.polynomial(primes, degree), &self.full)).collect()
    }
}

impl Scheme for Bfv {
    type Secret = Secret;
    type Ciphertext = Ciphertext;
    type Prepared = Prepared;

    fn new(parameters: &Parameters) -> Result<Self, SchemeError> {
        let library = BfvParametersBuilder::new()
            .set_degree(parameters.degree())
            .set_plaintext_modulus(parameters.plaintext_modulus())
            .set_moduli(parameters.primes())
            .build_arc()
            .map_err(refused)?;
        let full = library.context_at_level(0).map_err(refused)?.clone();
        let kept = library.context_at_level(parameters.dropped().len()).map_err(refused)?.clone();
        Ok(Self { parameters: parameters.clone(), library, full, kept })
    }

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn secret(&self, seed: &Seed) -> Result<Secret, SchemeError> {
        Secret::new(self, seed)
    }

    fn encrypt(&self, secret: &Secret, plain: &Plain, seed: &Seed) -> Result<Seeded, SchemeError> {
        let public = *seed.derive("public seed", &[]).expose();
        let second = self.seconds(&public, 1)?;
        let mut first = secret.mask(self, &second[0], &mut Stream::new(seed, "noise"))?;
        first += &*self.scaled(plain)?;
        Ok(Seeded { seed: public, first: coefficients(first) })
    }

    fn rotation_key(&self, secret: &Secret, turn: Turn, seed: &Seed) -> Result<RotationKey, SchemeError> {
        rotation::key(self, secret, turn, seed)
    }

    fn expand(&self, seeded: &Seeded) -> Result<Ciphertext, SchemeError> {
        self.reduced(&seeded.first, "a first polynomial")?;
        let first = self.polynomial(seeded.first.clone(), &self.full)?;
        let second = self.seconds(&seeded.seed, 1)?.swap_remove(0);
        Ok(Ciphertext { first, second })
    }

    fn prepare(&self, key: &RotationKey) -> Result<Prepared, SchemeError> {
        Prepared::new(self, key)
    }

    fn multiply(&self, ciphertext: &Ciphertext, plain: &Plain) -> Result<Ciphertext, SchemeError> {
        match plain {
            // With coefficients around zero, noise grows by their sum instead of N t.
            Plain::Coefficients(_) => {
                let multiplier = self.small(self.checked(plain)?)?;
                Ok(Ciphertext { first: &ciphertext.first * &*multiplier, second: &ciphertext.second * &*multiplier })
            }
            Plain::Slots(_) => {
                let pair = vec![ciphertext.first.clone(), ciphertext.second.clone()];
                let mut pair = Library::new(pair, &self.library).map_err(refused)?;
                pair *= &self.encoded(plain)?;
                let product = Ciphertext { first: pair[0].clone(), second: pair[1].clone() };
                pair.iter_mut().for_each(Zeroize::zeroize);
                Ok(product)
            }
        }
    }

    fn add(&self, ciphertext: &mut Ciphertext, other: &Ciphertext) {
        ciphertext.first += &other.first;
        ciphertext.second += &other.second;
    }

    fn subtract(&self, ciphertext: &mut Ciphertext, plain: &Plain) -> Result<(), SchemeError> {
        ciphertext.first -= &*self.scaled(plain)?;
        Ok(())
    }

    fn add_zero(&self, ciphertext: &mut Ciphertext, public: &Ciphertext, seed: &Seed) -> Result<(), SchemeError> {
        let degree = self.parameters.degree();
        let mut stream = Stream::new(seed, "encryption of zero");
        let u = self.small(&stream.ternaries(degree))?;
        for (part, public) in [(&mut ciphertext.first, &public.first), (&mut ciphertext.second, &public.second)] {
            let error = self.small(&stream.errors(degree))?;
            *part += &*Zeroizing::new(&*u * public);
            *part += &*error;
        }
        Ok(())
    }

    fn turn(&self, ciphertext: &Ciphertext, key: &Prepared) -> Result<Ciphertext, SchemeError> {
        key.turn(self, ciphertext)
    }

    fn switch_down(&self, ciphertext: &Ciphertext) -> Result<Limbs, SchemeError> {
        let switched = |poly: &Poly| {
            let mut poly = poly.clone();
            poly.change_representation(Representation::PowerBasis);
            poly.switch_down_to(&self.kept).map_err(refused)?;
            Ok(coefficients(poly))
        };
        let pair = [switched(&ciphertext.first)?, switched(&ciphertext.second)?];
        Limbs::new(&self.parameters, pair).map_err(refused)
    }

    fn decrypt(&self, secret: &Secret, limbs: &Limbs, like: &Plain) -> Result<Plain, SchemeError> {
        let [first, second] = limbs.polynomials();
        let pair = vec![self.polynomial(first.to_vec(), &self.kept)?, self.polynomial(second.to_vec(), &self.kept)?];
        let pair = Library::new(pair, &self.library).map_err(refused)?;
        let plain = secret.library().try_decrypt(&pair).map_err(refused)?;
        let encoding = match like {
            Plain::Coefficients(_) => Encoding::poly_at_level(self.kept_level()),
            Plain::Slots(_) => Encoding::simd_at_level(self.kept_level()),
        };
        let values = Zeroizing::new(Vec::<u64>::try_decode(&plain, encoding).map_err(refused)?);
        let modulus = self.parameters.plaintext_modulus();
        let largest = self.parameters.largest();
        let centred = |&value: &u64| {
            // Below 2^60, as every modulus here.
            let value = value % modulus;
            if value > largest {
                -((modulus - value).cast_signed())
            } else {
                value.cast_signed()
            }
        };
        let values = values.iter().map(centred).collect();
        Ok(match like {
            Plain::Coefficients(_) => Plain::Coefficients(values),
            Plain::Slots(_) => Plain::Slots(values),
        })
    }
}

/// The canonical limbs of a polynomial: coefficients, each below its prime, limb-major.
fn coefficients(poly: Poly) -> Vec<u64> {
    let mut poly = Zeroizing::new(poly);
    poly.change_representation(Representation::PowerBasis);
    poly.coefficients().iter().copied().collect()
}
