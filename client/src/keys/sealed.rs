//! A secret under a passphrase: Argon2id (RFC 9106) makes the key, ChaCha20-Poly1305 (RFC 8439) locks the secret, and what stands
//! beside it in the clear is authenticated with it.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::ChaCha20Poly1305;
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::KeyError;

/// Least characters of a passphrase.
const MIN_PASSPHRASE: usize = 8;
/// RFC 9106, section 4, the second recommended option: 64 MiB, three passes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// What a file may ask for at most, so that a forged one does not exhaust the memory.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 16;

/// A passphrase, zeroised when it goes.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// A passphrase as it was typed; a line break at its end is not part of it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// Whether it may protect a new key.
    ///
    /// # Errors
    /// [`KeyError::ShortPassphrase`].
    pub fn check(&self) -> Result<(), KeyError> {
        if self.0.chars().count() < MIN_PASSPHRASE {
            return Err(KeyError::ShortPassphrase(MIN_PASSPHRASE));
        }
        Ok(())
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        // Both were typed by the same person a moment ago.
        self.0 == other.0
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(not shown)")
    }
}

/// A locked secret as it stands in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    nonce: String,
    ciphertext: String,
}

/// The name of the derivation; another one is another version.
const KDF: &str = "argon2id";

impl Sealed {
    /// Locks a secret. `beside` is what must not change without being noticed.
    ///
    /// # Errors
    /// [`KeyError::ShortPassphrase`].
    pub fn lock(
        secret: &[u8],
        beside: &[u8],
        passphrase: &Passphrase,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, KeyError> {
        passphrase.check()?;
        let (mut salt, mut nonce) = ([0u8; 16], [0u8; 12]);
        rng.fill_bytes(&mut salt);
        rng.fill_bytes(&mut nonce);
        let key = derive(passphrase, &salt, MEMORY_KIB, PASSES, LANES)?;
        let ciphertext = ChaCha20Poly1305::new(key.as_ref().into())
            .encrypt((&nonce).into(), Payload { msg: secret, aad: beside })
            .map_err(|_| damaged("the secret is too long"))?;
        Ok(Self {
            kdf: KDF.to_owned(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: hex::encode(salt),
            nonce: hex::encode(nonce),
            ciphertext: hex::encode(ciphertext),
        })
    }

    /// Opens it; `None` when the passphrase is wrong or `beside` was changed.
    ///
    /// # Errors
    /// [`KeyError::File`] when it is no sealed secret of this version.
    pub fn open(&self, beside: &[u8], passphrase: &Passphrase) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        if self.kdf != KDF || self.memory_kib > MAX_MEMORY_KIB || self.passes > MAX_PASSES || self.lanes > MAX_LANES {
            return Err(damaged("its key derivation is unknown or asks for too much"));
        }
        let nonce: [u8; 12] = bytes_of(&self.nonce)?.try_into().map_err(|_| damaged("its nonce has not 12 bytes"))?;
        let ciphertext = bytes_of(&self.ciphertext)?;
        let key = derive(passphrase, &bytes_of(&self.salt)?, self.memory_kib, self.passes, self.lanes)?;
        let opened = ChaCha20Poly1305::new(key.as_ref().into())
            .decrypt((&nonce).into(), Payload { msg: &ciphertext, aad: beside });
        Ok(opened.ok().map(Zeroizing::new))
    }
}

fn derive(
    passphrase: &Passphrase,
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|error| damaged(&error.to_string()))?;
    let mut key = Zeroizing::new([0u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.0.as_bytes(), salt, key.as_mut())
        .map_err(|error| damaged(&error.to_string()))?;
    Ok(key)
}

fn bytes_of(text: &str) -> Result<Vec<u8>, KeyError> {
    hex::decode(text).map_err(|_| damaged("a field is not hexadecimal"))
}

fn damaged(what: &str) -> KeyError {
    KeyError::File { place: "the key".to_owned(), what: what.to_owned() }
}
