//! An epoch's key, and the model of a round encrypted under it.

use crate::context::{hash_type, Ectx, ModelHash, Rctx};
use crate::curve::Point;
use crate::encoding::{sha256, tag};
use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Tag};
use hkdf::Hkdf;
use rand_core::CryptoRngCore;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of the salt in front of a model.
pub const SALT: usize = 32;
/// Bytes that a blob has more than its model: salt and tag.
pub const OVERHEAD: usize = SALT + 16;

hash_type!(
    /// `SHA-256(lp("bauta/1/cohort/key") | ectx | epoch key)`, fixed once an epoch: an AEAD does not commit to its key, and one blob could
    /// open to two models under two keys.
    KeyHash
);
hash_type!(
    /// `SHA-256(lp("bauta/1/cohort/model") | salt | plaintext)`. The salt is inside the blob, so that nobody tries models against it.
    PlainHash
);

/// The key of an epoch's models; erased on drop, never printed.
#[derive(Clone)]
pub struct EpochKey(Zeroizing<[u8; 32]>);

impl EpochKey {
    /// A fresh key.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(key.as_mut());
        Self(key)
    }

    /// From its owner's disk, or out of a wrap.
    pub fn from_bytes(bytes: &Zeroizing<[u8; 32]>) -> Self {
        Self(bytes.clone())
    }

    /// For its owner's disk (mode 0600).
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// What is published of it.
    pub fn hash(&self, ectx: &Ectx) -> KeyHash {
        KeyHash(sha256(&[&tag("cohort/key"), ectx.as_bytes(), self.0.as_ref()]))
    }

    /// HKDF-SHA-256, salt `rctx`, IKM the epoch key, info `lp("bauta/1/cohort/blob")`: a key for one blob, so that the nonce can be 0. The
    /// chain takes one blob a round; a model provider that would encrypt a second one under it reveals both to no one but itself.
    fn cipher(&self, rctx: &Rctx) -> ChaCha20Poly1305 {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(rctx.as_bytes()), self.0.as_ref())
            .expand(&tag("cohort/blob"), key.as_mut())
            .expect("32 bytes are less than 255 blocks of SHA-256");
        ChaCha20Poly1305::new(key.as_ref().into())
    }

    /// Encrypts the model of a round, in canonical bytes, under a fresh salt.
    pub fn seal(&self, rctx: &Rctx, model: &[u8], rng: &mut impl CryptoRngCore) -> SealedModel {
        let mut blob = vec![0; SALT];
        rng.fill_bytes(&mut blob);
        let plain_hash = plain_hash(&blob, model);
        blob.extend_from_slice(model);
        let tag = self
            .cipher(rctx)
            .encrypt_in_place_detached(&[0; 12].into(), &[], &mut blob)
            .expect("a model is shorter than the 256 GiB that ChaCha20-Poly1305 takes");
        blob.extend_from_slice(&tag);
        SealedModel { blob, plain_hash }
    }

    /// Decrypts the model of a round and compares it with its hash.
    ///
    /// # Errors
    /// [`BlobFault`]: whoever has the key sees alike that the blob is bad.
    pub fn open(&self, rctx: &Rctx, sealed: &SealedModel) -> Result<Zeroizing<Vec<u8>>, BlobFault> {
        let (body, tag) = sealed
            .blob
            .len()
            .checked_sub(OVERHEAD)
            .map(|model| sealed.blob.split_at(SALT + model))
            .ok_or(BlobFault::DoesNotOpen)?;
        let mut plain = Zeroizing::new(body.to_vec());
        self.cipher(rctx)
            .decrypt_in_place_detached(&[0; 12].into(), &[], plain.as_mut(), Tag::from_slice(tag))
            .map_err(|_| BlobFault::DoesNotOpen)?;
        let (salt, model) = plain.split_at(SALT);
        if plain_hash(salt, model) != sealed.plain_hash {
            return Err(BlobFault::AnotherModel);
        }
        Ok(Zeroizing::new(model.to_vec()))
    }
}

impl core::fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("EpochKey(..)")
    }
}

/// A round's model as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedModel {
    /// Salt and canonical model bytes, encrypted, and the tag.
    pub blob: Vec<u8>,
    /// Hash of the plaintext.
    pub plain_hash: PlainHash,
}

/// A blob that is not what its hash says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlobFault {
    /// The cipher does not open it.
    #[error("the model's blob does not open under the epoch's key")]
    DoesNotOpen,
    /// It opens to something else.
    #[error("the model in the blob is another than the one whose hash is published")]
    AnotherModel,
}

fn plain_hash(salt: &[u8], model: &[u8]) -> PlainHash {
    PlainHash(sha256(&[&tag("cohort/model"), salt, model]))
}

/// `SHA-256(lp("bauta/1/cohort") | plaintext hash | key hash | SHA-256(blob) | Q)`: what `ctx` has of a cohort task's model, so that clients
/// that are shown another blob, key or `Q` have another context.
pub fn model_hash(plain_hash: &PlainHash, key_hash: &KeyHash, blob_hash: &[u8; 32], q: &Point) -> ModelHash {
    ModelHash::from_bytes(sha256(&[&tag("cohort"), &plain_hash.0, &key_hash.0, blob_hash, &q.to_bytes()]))
}
