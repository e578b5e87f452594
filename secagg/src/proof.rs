//! Schnorr and DLEQ proofs with Fiat-Shamir transcripts. A proof is its commitments and responses, never the challenge, so
//! that proofs batch; `challenge = SHA-512(transcript) mod l`; nonces are hedged:
//! `SHA-512(secret | fresh randomness | transcript) mod l`.

use crate::curve::{scalar_from_wide, Point};
use crate::encoding::{tag, Malformed, Reader, Writer};
use crate::msm::sum_is_identity;
use crate::secret::SecretScalar;
use crate::switched_off;
use k256::Scalar;
use rand_core::CryptoRngCore;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

/// A transcript in canonical encoding: a tag, the context, the prover's address and every public input.
#[derive(Debug, Clone)]
pub struct Transcript(Writer);

impl Transcript {
    /// Begins with `lp("bauta/1/proof/" | kind)` and the context.
    pub fn new(kind: &str, context: &[u8; 32]) -> Self {
        let mut writer = Writer::new();
        writer.bytes(&tag(&["proof/", kind].concat())).bytes(context);
        Self(writer)
    }

    /// The writer for the public inputs.
    pub fn writer(&mut self) -> &mut Writer {
        &mut self.0
    }

    /// `SHA-512(transcript | commitments) mod l`.
    pub fn challenge(&self, commitments: &[Point]) -> Scalar {
        let mut full = if switched_off!(ProofStatement) { Writer::new() } else { self.0.clone() };
        for commitment in commitments {
            full.point(commitment);
        }
        scalar_from_wide(&Sha512::digest(full.into_bytes()).into())
    }

    /// A hedged nonce: unpredictable if either the secret or the randomness is, and never the same for two transcripts.
    /// `index` tells apart the nonces of one transcript.
    pub fn nonce(&self, secret: &Scalar, index: u32, rng: &mut impl CryptoRngCore) -> SecretScalar {
        loop {
            let mut randomness = Zeroizing::new([0u8; 32]);
            rng.fill_bytes(randomness.as_mut());
            let mut secret_bytes: Zeroizing<[u8; 32]> = Zeroizing::new(secret.to_bytes().into());
            let mut wide: Zeroizing<[u8; 64]> = Zeroizing::new(
                Sha512::new()
                    .chain_update(secret_bytes.as_ref())
                    .chain_update(randomness.as_ref())
                    .chain_update(self.0.clone().into_bytes())
                    .chain_update(index.to_be_bytes())
                    .finalize()
                    .into(),
            );
            let nonce = SecretScalar::new(scalar_from_wide(&wide));
            wide.zeroize();
            secret_bytes.zeroize();
            if let Some(nonce) = nonce {
                return nonce;
            }
        }
    }
}

/// Knowledge of `s` with `X = sG`: `A = aG`, `z = a + e s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schnorr {
    /// `A`.
    pub commitment: Point,
    /// `z`.
    pub response: Scalar,
}

impl Schnorr {
    /// Bytes of the encoding.
    pub const BYTES: usize = 65;

    /// Proves knowledge of `secret`; the transcript must already hold its public point.
    pub fn prove(secret: &SecretScalar, transcript: &Transcript, rng: &mut impl CryptoRngCore) -> Self {
        let nonce = transcript.nonce(secret.scalar(), 0, rng);
        let commitment = nonce.public();
        let challenge = transcript.challenge(&[commitment]);
        Self { commitment, response: challenge * secret.scalar() + nonce.scalar() }
    }

    /// `zG = A + eX`.
    #[must_use]
    pub fn holds(&self, public: &Point, transcript: &Transcript) -> bool {
        let challenge = transcript.challenge(&[self.commitment]);
        sum_is_identity(&[(self.response, Point::GENERATOR), (-challenge, *public), (-Scalar::ONE, self.commitment)])
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.point(&self.commitment).scalar(&self.response);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { commitment: reader.point()?, response: reader.scalar()? })
    }
}

/// Equality of discrete logarithms, `X = sG` and `Y = sB` (Chaum-Pedersen): `A = aG`, `A' = aB`, `z = a + e s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dleq {
    /// `A`, on the generator.
    pub commitment: Point,
    /// `A'`, on the base.
    pub base_commitment: Point,
    /// `z`.
    pub response: Scalar,
}

impl Dleq {
    /// Bytes of the encoding.
    pub const BYTES: usize = 98;

    /// Proves `log_G X = log_B Y = secret`; the transcript must already hold `X`, `B` and `Y`.
    pub fn prove(secret: &SecretScalar, base: &Point, transcript: &Transcript, rng: &mut impl CryptoRngCore) -> Self {
        let nonce = transcript.nonce(secret.scalar(), 0, rng);
        let (commitment, base_commitment) = (nonce.public(), nonce.times(base));
        let challenge = transcript.challenge(&[commitment, base_commitment]);
        Self { commitment, base_commitment, response: challenge * secret.scalar() + nonce.scalar() }
    }

    /// `zG = A + eX` and `zB = A' + eY`.
    #[must_use]
    pub fn holds(&self, public: &Point, base: &Point, image: &Point, transcript: &Transcript) -> bool {
        let challenge = transcript.challenge(&[self.commitment, self.base_commitment]);
        sum_is_identity(&[(self.response, Point::GENERATOR), (-challenge, *public), (-Scalar::ONE, self.commitment)])
            && sum_is_identity(&[(self.response, *base), (-challenge, *image), (-Scalar::ONE, self.base_commitment)])
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.point(&self.commitment).point(&self.base_commitment).scalar(&self.response);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { commitment: reader.point()?, base_commitment: reader.point()?, response: reader.scalar()? })
    }
}
