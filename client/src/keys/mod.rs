//! Account keys: mnemonics (BIP-39), derivation (BIP-32, BIP-44), signatures, and a keyring on disk.
//!
//! Nothing here prints a secret: the `Debug` of a type that holds one shows the public half or nothing.

mod keyring;
mod sealed;
mod secret;

pub use keyring::{Entry, Keyring, KeyringBackend};
pub use sealed::{Passphrase, Sealed};
pub use secret::{Mnemonic, SecretKey, COIN_TYPE};

use crate::disk::DiskError;

/// What went wrong with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Words that are no mnemonic.
    #[error(
        "this is not a BIP-39 mnemonic of 24 English words; check their spelling and their order \
         (the last word is a checksum)"
    )]
    Mnemonic,
    /// Bytes that are no key.
    #[error("this is not a secp256k1 secret key: 32 bytes, not zero and below the group's order")]
    Secret,
    /// A key's name that could not be a file's.
    #[error("a key's name has 1 to 64 letters, digits, `-` or `_`; {0:?} is not one")]
    Name(String),
    /// The name is taken.
    #[error("the keyring has a key named {0:?} already; choose another name or delete it first")]
    Exists(String),
    /// No such key.
    #[error("the keyring at {folder} has no key named {name:?}; `bauta keys list` shows those it has")]
    Missing {
        /// The name asked for.
        name: String,
        /// Where the keyring is.
        folder: String,
    },
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the key {0:?}")]
    WrongPassphrase(String),
    /// A passphrase that protects nothing.
    #[error("a passphrase has at least {0} characters")]
    ShortPassphrase(usize),
    /// A key file that cannot be understood.
    #[error("{place} is not a key file of this version: {what}")]
    File {
        /// Which file.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// An address that cannot be written.
    #[error("{0:?} cannot be the prefix of an address: lower-case letters and digits, a letter first")]
    Prefix(String),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
}
