//! An epoch's key, wrapped to every provider from one ephemeral `W = wG` with a proof of `w` over everything. Without the proof, wraps could
//! be made from somebody else's ephemeral points, and honest complaints would decrypt what was meant for others.

use super::keys::{EpochKey, KeyHash};
use crate::context::Ectx;
use crate::curve::Point;
use crate::encoding::{sha256, tag, Address, Malformed, Reader, Writer, MAX_PROVIDERS};
use crate::enrol::ProviderKeys;
use crate::proof::{Schnorr, Transcript};
use crate::rejection::{Refusal, Rejection};
use crate::secret::SecretScalar;
use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Tag};
use hkdf::Hkdf;
use rand_core::CryptoRngCore;
use sha2::Sha256;
use zeroize::Zeroizing;

/// A wrapped key: 32 bytes of ciphertext and 16 of tag.
pub type Wrap = [u8; 48];

/// Somebody to whom a key is wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its account.
    pub address: Address,
    /// Its cohort key `Z_i` of the epoch.
    pub z: Point,
}

/// What a model provider posts once an epoch: a wrap for each dealer, in the order of their slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wraps {
    /// Hash of the key in them.
    pub key_hash: KeyHash,
    /// `W = wG`.
    pub ephemeral: Point,
    /// Knowledge of `w`, over `ectx`, model provider, key hash and all wraps.
    pub proof: Schnorr,
    /// In the order of the recipients.
    pub wraps: Vec<Wrap>,
}

/// A wrap that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrapFault {
    /// There is none for this provider.
    #[error("the model provider wrapped the epoch's key to nobody in this place")]
    Missing,
    /// The cipher does not open it.
    #[error("the wrap does not open")]
    DoesNotOpen,
    /// It opens to another key.
    #[error("the key in the wrap is another than the one whose hash is published")]
    AnotherKey,
}

impl Wraps {
    /// Wraps a key to the recipients, from a fresh ephemeral key.
    pub fn new(
        ectx: &Ectx,
        owner: &Address,
        key: &EpochKey,
        recipients: &[Recipient],
        rng: &mut impl CryptoRngCore,
    ) -> Self {
        let ephemeral = SecretScalar::random(rng);
        let public = ephemeral.public();
        let key_hash = key.hash(ectx);
        let wrap = |recipient: &Recipient| {
            let shared = ephemeral.shared(&recipient.z);
            let mut plain = key.to_bytes();
            let tag = cipher(ectx, owner, recipient, &public, &shared)
                .encrypt_in_place_detached(&[0; 12].into(), &[], plain.as_mut())
                .expect("a key is shorter than the 256 GiB that ChaCha20-Poly1305 takes");
            let mut wrap = [0; 48];
            wrap[..32].copy_from_slice(plain.as_ref());
            wrap[32..].copy_from_slice(&tag);
            wrap
        };
        let wraps: Vec<Wrap> = recipients.iter().map(wrap).collect();
        let transcript = transcript(ectx, owner, &key_hash, recipients, &wraps, &public);
        let proof = Schnorr::prove(&ephemeral, &transcript, rng);
        Self { key_hash, ephemeral: public, proof, wraps }
    }

    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.bytes(self.key_hash.as_bytes()).point(&self.ephemeral);
        self.proof.write(&mut writer);
        writer.count(self.wraps.len());
        self.wraps.iter().for_each(|wrap| {
            writer.bytes(wrap);
        });
        writer.into_bytes()
    }

    /// Parses canonical bytes.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let wraps = Self {
            key_hash: KeyHash::from_bytes(reader.array("key hash")?),
            ephemeral: reader.point()?,
            proof: Schnorr::read(&mut reader)?,
            wraps: reader.list("wraps", MAX_PROVIDERS, 48, |r| r.array("wrap"))?,
        };
        reader.finish()?;
        Ok(wraps)
    }

    /// SHA-256 of the canonical bytes, by which complaints name them.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&[&self.encode()])
    }

    /// Checks that there is a wrap for each recipient, and the proof. The caller has checked who sent them and when, and refuses an
    /// ephemeral key seen before.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn verify(&self, ectx: &Ectx, owner: &Address, recipients: &[Recipient]) -> Result<(), Rejection> {
        if self.wraps.len() != recipients.len() {
            let (expected, got) = (recipients.len(), self.wraps.len());
            return Err(Refusal::Count { what: "wraps", expected, got }.into());
        }
        let transcript = transcript(ectx, owner, &self.key_hash, recipients, &self.wraps, &self.ephemeral);
        if !self.proof.holds(&self.ephemeral, &transcript) {
            return Err(Rejection::InvalidProof("the wraps' ephemeral key"));
        }
        Ok(())
    }

    /// Opens the wrap of a provider, which is in this place among the recipients.
    ///
    /// # Errors
    /// [`WrapFault`]: the provider complains.
    pub fn open(
        &self,
        keys: &ProviderKeys,
        ectx: &Ectx,
        owner: &Address,
        own: &Address,
        place: usize,
    ) -> Result<EpochKey, WrapFault> {
        let recipient = Recipient { address: own.clone(), z: keys.z.public() };
        self.open_with(ectx, owner, &recipient, place, &keys.z.shared(&self.ephemeral))
    }

    /// Opens a wrap with the point `z_i W` that its two ends share.
    pub(super) fn open_with(
        &self,
        ectx: &Ectx,
        owner: &Address,
        recipient: &Recipient,
        place: usize,
        shared: &Point,
    ) -> Result<EpochKey, WrapFault> {
        let wrap = self.wraps.get(place).ok_or(WrapFault::Missing)?;
        let mut plain = Zeroizing::new([0; 32]);
        plain.copy_from_slice(&wrap[..32]);
        cipher(ectx, owner, recipient, &self.ephemeral, shared)
            .decrypt_in_place_detached(&[0; 12].into(), &[], plain.as_mut(), Tag::from_slice(&wrap[32..]))
            .map_err(|_| WrapFault::DoesNotOpen)?;
        let key = EpochKey::from_bytes(&plain);
        if key.hash(ectx) != self.key_hash {
            return Err(WrapFault::AnotherKey);
        }
        Ok(key)
    }
}

/// HKDF-SHA-256, salt `ectx`, IKM the compressed point `w Z_i`, info `lp("bauta/1/wrap") | model provider | provider | Z_i | W`.
fn cipher(ectx: &Ectx, owner: &Address, recipient: &Recipient, ephemeral: &Point, shared: &Point) -> ChaCha20Poly1305 {
    let mut info = Writer::new();
    info.bytes(&tag("wrap")).address(owner).address(&recipient.address).point(&recipient.z).point(ephemeral);
    let mut key = Zeroizing::new([0; 32]);
    let material = Zeroizing::new(shared.to_bytes());
    Hkdf::<Sha256>::new(Some(ectx.as_bytes()), material.as_ref())
        .expand(&info.into_bytes(), key.as_mut())
        .expect("32 bytes are less than 255 blocks of SHA-256");
    ChaCha20Poly1305::new(key.as_ref().into())
}

pub(crate) fn transcript(
    ectx: &Ectx,
    owner: &Address,
    key_hash: &KeyHash,
    recipients: &[Recipient],
    wraps: &[Wrap],
    ephemeral: &Point,
) -> Transcript {
    let mut transcript = Transcript::new("wraps", ectx.as_bytes());
    let writer = transcript.writer();
    writer.address(owner).bytes(key_hash.as_bytes()).count(recipients.len());
    for Recipient { address, z } in recipients {
        writer.address(address).point(z);
    }
    writer.count(wraps.len());
    wraps.iter().for_each(|wrap| {
        writer.bytes(wrap);
    });
    writer.point(ephemeral);
    transcript
}
