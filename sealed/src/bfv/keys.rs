//! The model provider's key.

use fhe::bfv::SecretKey;
use fhe_math::rq::{Poly, Representation};
use fhe_traits::DeserializeParametrized;
use zeroize::Zeroizing;

use super::{refused, Bfv};
use crate::sampling::{Seed, Stream};
use crate::scheme::SchemeError;

/// A ternary secret. The library wipes its copy when it is dropped, and so does this one of its own.
pub struct Secret {
    /// In the transform's representation.
    poly: Zeroizing<Poly>,
    library: SecretKey,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    pub(super) fn new(scheme: &Bfv, seed: &Seed) -> Result<Self, SchemeError> {
        let coefficients = Stream::new(seed, "secret key").ternaries(scheme.parameters.degree());
        // The library takes coefficients only in its own encoding: field 1, packed, zigzag; each is one byte.
        let mut encoded = Zeroizing::new(vec![0x0a]);
        let mut length = coefficients.len();
        while length >= 0x80 {
            encoded.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        encoded.push(length as u8);
        encoded.extend(coefficients.iter().map(|&value| ((value << 1) ^ (value >> 63)) as u8));
        let library = SecretKey::from_bytes(&encoded, &scheme.library).map_err(refused)?;
        Ok(Self { poly: scheme.small(&coefficients)?, library })
    }

    pub(super) fn library(&self) -> &SecretKey {
        &self.library
    }

    pub(super) fn poly(&self) -> &Poly {
        &self.poly
    }

    /// `e - a s` for a second polynomial `a`: the first of an encryption of zero.
    pub(super) fn mask(&self, scheme: &Bfv, second: &Poly, stream: &mut Stream) -> Result<Poly, SchemeError> {
        debug_assert_eq!(second.representation(), &Representation::Ntt);
        let mut first = Poly::clone(&*scheme.small(&stream.errors(scheme.parameters.degree()))?);
        first -= &*Zeroizing::new(second * &*self.poly);
        Ok(first)
    }
}
