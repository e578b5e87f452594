//! What a model provider keeps of a task whose model is encrypted. Everything is on disk before it is sent, so that a daemon that starts
//! again sends the same.
//!
//! ```text
//! HOME/models/CHAIN/task-N/   lock
//!                             model         the model and the optimiser's state after the last round that was read
//!                             key-<e>       the key of an epoch
//!                             secret-<r>    the secret of a round's point, until the round was read
//!                             published-<r> what was published for a round, until it was read
//! ```

use std::fs::File;
use std::path::{Path, PathBuf};

use bauta_secagg::cohort::keys::EpochKey;
use bauta_secagg::cohort::masks::RoundSecret;
use prost::Message;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::disk::{self, DiskError, Durability};
use crate::provider::records::{folder_of_task, RecordError};

/// Bytes of a file at most: a model of the largest size and its optimiser's state.
const MAX_BYTES: u64 = 4 << 30;

/// The model and the optimiser's state after a round.
#[derive(Clone, PartialEq, Message)]
pub struct Kept {
    /// The last round that was read.
    #[prost(uint64, tag = "1")]
    pub round: u64,
    /// Canonical bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub model: Vec<u8>,
    /// Canonical bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub optimiser: Vec<u8>,
}

/// What was published for a round.
#[derive(Clone, PartialEq, Message)]
pub struct StoredModel {
    /// Hash of salt and plaintext.
    #[prost(bytes = "vec", tag = "1")]
    pub plain_hash: Vec<u8>,
    /// `Q` with its proof.
    #[prost(bytes = "vec", tag = "2")]
    pub point: Vec<u8>,
    /// The encrypted model.
    #[prost(bytes = "vec", tag = "3")]
    pub blob: Vec<u8>,
}

/// The folder of a task.
pub struct Desk {
    folder: PathBuf,
    durability: Durability,
    _lock: File,
}

impl Desk {
    /// Opens the folder, alone.
    pub fn open(home: &Path, chain: &str, task: u64, durability: Durability) -> Result<Self, RecordError> {
        let (folder, lock) = folder_of_task(&home.join("models"), chain, task)?;
        Ok(Self { folder, durability, _lock: lock })
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, DiskError> {
        Ok(disk::read_if_present(&self.folder.join(name), MAX_BYTES)?.map(Zeroizing::new))
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), DiskError> {
        disk::write_durably(&self.folder.join(name), content, self.durability)
    }

    fn decoded<M: Message + Default>(&self, name: &str) -> Result<Option<M>, RecordError> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        let damaged =
            |error: prost::DecodeError| RecordError::Damaged { file: self.folder.join(name), what: error.to_string() };
        M::decode(bytes.as_slice()).map(Some).map_err(damaged)
    }

    fn secret(&self, name: &str) -> Result<Option<Zeroizing<[u8; 32]>>, RecordError> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        let array: Result<[u8; 32], _> = bytes.as_slice().try_into();
        array.map(|array| Some(Zeroizing::new(array))).map_err(|_| RecordError::Damaged {
            file: self.folder.join(name),
            what: format!("a secret has 32 bytes, found {}", bytes.len()),
        })
    }

    /// The model after the last round that was read.
    pub fn kept(&self) -> Result<Option<Kept>, RecordError> {
        self.decoded("model")
    }

    pub fn put_kept(&self, kept: &Kept) -> Result<(), RecordError> {
        Ok(self.write("model", &kept.encode_to_vec())?)
    }

    /// The key of an epoch: the one that is there, or a fresh one.
    pub fn epoch_key(&self, epoch: u64, rng: &mut impl CryptoRngCore) -> Result<EpochKey, RecordError> {
        let name = format!("key-{epoch}");
        if let Some(bytes) = self.secret(&name)? {
            return Ok(EpochKey::from_bytes(&bytes));
        }
        let key = EpochKey::generate(rng);
        self.write(&name, key.to_bytes().as_ref())?;
        Ok(key)
    }

    /// The secret of a round: the one that is there, or a fresh one.
    pub fn round_secret(&self, round: u64, rng: &mut impl CryptoRngCore) -> Result<RoundSecret, RecordError> {
        if let Some(secret) = self.known_secret(round)? {
            return Ok(secret);
        }
        let secret = RoundSecret::generate(rng);
        self.write(&format!("secret-{round}"), secret.to_bytes().as_ref())?;
        Ok(secret)
    }

    /// The secret of a round, if it is there.
    pub fn known_secret(&self, round: u64) -> Result<Option<RoundSecret>, RecordError> {
        let name = format!("secret-{round}");
        let Some(bytes) = self.secret(&name)? else { return Ok(None) };
        RoundSecret::from_bytes(&bytes)
            .map(Some)
            .map_err(|error| RecordError::Damaged { file: self.folder.join(name), what: error.to_string() })
    }

    /// What was published for a round.
    pub fn published(&self, round: u64) -> Result<Option<StoredModel>, RecordError> {
        self.decoded(&format!("published-{round}"))
    }

    pub fn put_published(&self, round: u64, stored: &StoredModel) -> Result<(), RecordError> {
        Ok(self.write(&format!("published-{round}"), &stored.encode_to_vec())?)
    }

    /// Erases what a round that was read needs no more.
    pub fn forget_round(&self, round: u64) -> Result<(), RecordError> {
        for name in [format!("secret-{round}"), format!("published-{round}")] {
            disk::erase(&self.folder.join(name), self.durability)?;
        }
        Ok(())
    }
}
