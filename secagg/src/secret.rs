//! Secret scalars: erased on drop, compared in constant time, never printed.

use crate::curve::{scalar_from_bytes, Point};
use crate::encoding::Malformed;
use elliptic_curve::ops::MulByGenerator;
use k256::{NonZeroScalar, ProjectivePoint, Scalar};
use rand_core::CryptoRngCore;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A secret scalar other than zero.
#[derive(Clone)]
pub struct SecretScalar(Scalar);

impl SecretScalar {
    /// Uniform among the scalars other than zero.
    pub fn random(rng: &mut impl CryptoRngCore) -> Self {
        Self(*NonZeroScalar::random(rng))
    }

    /// Refuses zero.
    pub(crate) fn new(scalar: Scalar) -> Option<Self> {
        (!bool::from(scalar.is_zero())).then_some(Self(scalar))
    }

    /// Parses 32 bytes, big endian, canonical and not zero.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Malformed> {
        Self::new(scalar_from_bytes(bytes)?).ok_or(Malformed::Scalar)
    }

    /// 32 bytes, big endian.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The scalar, for arithmetic inside this crate.
    pub(crate) fn scalar(&self) -> &Scalar {
        &self.0
    }

    /// `sG`.
    pub fn public(&self) -> Point {
        Point::from_projective(&ProjectivePoint::mul_by_generator(&self.0)).expect("the scalar is not zero")
    }

    /// `sB` where it stays a secret between its two ends.
    pub fn shared(&self, base: &Point) -> SharedPoint {
        SharedPoint(self.times(base))
    }

    /// `sB`, in constant time.
    pub fn times(&self, base: &Point) -> Point {
        Point::from_projective(&(base.projective() * self.0))
            .expect("the scalar is not zero, the base is not the identity, the order is prime")
    }
}

/// A Diffie-Hellman point that only its two ends know; erased on drop.
#[derive(Clone)]
pub struct SharedPoint(Point);

impl core::ops::Deref for SharedPoint {
    type Target = Point;

    fn deref(&self) -> &Point {
        &self.0
    }
}

impl Drop for SharedPoint {
    fn drop(&mut self) {
        self.0.erase();
    }
}

impl ZeroizeOnDrop for SharedPoint {}

impl core::fmt::Debug for SharedPoint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SharedPoint(..)")
    }
}

impl ConstantTimeEq for SecretScalar {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl Drop for SecretScalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for SecretScalar {}

impl core::fmt::Debug for SecretScalar {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SecretScalar(..)")
    }
}
