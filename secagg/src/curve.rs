//! secp256k1 as the protocol uses it: points that are never the identity, canonical scalars, and hashing to the curve.

use crate::encoding::{Hex, Malformed};
use elliptic_curve::bigint::U512;
use elliptic_curve::group::GroupEncoding;
use elliptic_curve::hash2curve::{ExpandMsgXmd, GroupDigest};
use elliptic_curve::ops::Reduce;
use elliptic_curve::{BatchNormalize, PrimeField};
use k256::{AffinePoint, ProjectivePoint, Scalar, Secp256k1};
use sha2::Sha256;
use zeroize::Zeroize;

/// A point of secp256k1 other than the identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Point(AffinePoint);

impl Point {
    /// The generator `G`.
    pub const GENERATOR: Self = Self(AffinePoint::GENERATOR);

    /// Parses 33 bytes, SEC1 compressed. The identity, x-coordinates that are not reduced or not on the curve, and other
    /// SEC1 forms are refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: &[u8; 33] = bytes.try_into().map_err(|_| Malformed::Point)?;
        if bytes[0] != 2 && bytes[0] != 3 {
            return Err(Malformed::Point);
        }
        Option::from(AffinePoint::from_bytes(bytes.into())).map(Self).ok_or(Malformed::Point)
    }

    /// 33 bytes, SEC1 compressed.
    pub fn to_bytes(&self) -> [u8; 33] {
        self.0.to_bytes().into()
    }

    /// `None` for the identity.
    pub fn from_projective(point: &ProjectivePoint) -> Option<Self> {
        (*point != ProjectivePoint::IDENTITY).then(|| Self(point.to_affine()))
    }

    /// Normalises many points with one field inversion; `None` if the identity is among them.
    pub fn batch(points: &[ProjectivePoint]) -> Option<Vec<Self>> {
        if points.contains(&ProjectivePoint::IDENTITY) {
            return None;
        }
        let affine = <ProjectivePoint as BatchNormalize<[ProjectivePoint]>>::batch_normalize(points);
        Some(affine.into_iter().map(Self).collect())
    }

    /// Overwrites the coordinates of a secret point that is being dropped.
    pub(crate) fn erase(&mut self) {
        self.0.zeroize();
    }

    /// Affine coordinates.
    pub fn affine(&self) -> AffinePoint {
        self.0
    }

    /// Projective coordinates.
    pub fn projective(&self) -> ProjectivePoint {
        self.0.into()
    }
}

impl core::fmt::Debug for Point {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Point({})", Hex(&self.to_bytes()))
    }
}

/// An x-only public key `V` (BIP 340), checked to be on the curve.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifyKey([u8; 32]);

impl VerifyKey {
    /// Parses 32 bytes: the x-coordinate of a point.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| Malformed::VerifyKey)?;
        k256::schnorr::VerifyingKey::from_bytes(&bytes).map_err(|_| Malformed::VerifyKey)?;
        Ok(Self(bytes))
    }

    /// The x-coordinate.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl core::fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "VerifyKey({})", Hex(&self.0))
    }
}

/// Parses a canonical scalar, 32 bytes big endian below the group order; zero is allowed.
pub fn scalar_from_bytes(bytes: &[u8; 32]) -> Result<Scalar, Malformed> {
    Option::from(Scalar::from_repr((*bytes).into())).ok_or(Malformed::Scalar)
}

/// 64 bytes, read big endian, modulo the group order.
pub fn scalar_from_wide(bytes: &[u8; 64]) -> Scalar {
    <Scalar as Reduce<U512>>::reduce(U512::from_be_slice(bytes))
}

/// 16 bytes, read big endian, as a scalar.
pub(crate) fn scalar_from_128(bytes: [u8; 16]) -> Scalar {
    Scalar::from(u128::from_be_bytes(bytes))
}

/// What a point is hashed for; part of the domain separation tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashKind {
    /// Bases of pairwise masks: `P_i = x_i H(pair, rctx)`.
    Pair,
    /// Bases of self masks: `T_i = x_i H(self, rctx)`.
    SelfMask,
    /// The beacon of the sketch.
    Beacon,
    /// The seed of the partition.
    Partition,
    /// The seed of the draw of seats.
    Seats,
}

impl HashKind {
    /// The kind's name in tags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::SelfMask => "self",
            Self::Beacon => "beacon",
            Self::Partition => "partition",
            Self::Seats => "seats",
        }
    }
}

/// `H(kind, c)`: `hash_to_curve(msg = c, DST = "BAUTA-V1-" | kind | "-secp256k1_XMD:SHA-256_SSWU_RO_")`, RFC 9380
/// sections 3 and 8.7. (The identity would need a preimage of SHA-256: nobody finds one.)
pub fn hash_to_curve(kind: HashKind, c: &[u8; 32]) -> Point {
    let dst = ["BAUTA-V1-", kind.name(), "-secp256k1_XMD:SHA-256_SSWU_RO_"].concat();
    Point(hash_to_affine(c, dst.as_bytes()))
}

/// RFC 9380's suite `secp256k1_XMD:SHA-256_SSWU_RO_` under any tag.
pub(crate) fn hash_to_affine(message: &[u8], dst: &[u8]) -> AffinePoint {
    Secp256k1::hash_from_bytes::<ExpandMsgXmd<Sha256>>(&[message], &[dst])
        .expect("the tag is between 1 and 255 bytes and the output is two field elements")
        .to_affine()
}
