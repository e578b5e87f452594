//! What a provider keeps on disk, a folder a task. Every record is written, and flushed, before what it records leaves the machine, so
//! that a restart at any point goes on where it stopped: the same bytes are sent again, no second header is signed, and a seat never
//! answers both kinds for one provider.
//!
//! ```text
//! <chain>/task-<n>/lock                    held while a process works on the task
//!                  secret                  decides training and rounding (secret, erased when the task is over)
//!                  settings                the hash of the settings that were agreed to
//!                  training/<random>/      where a trainer works (secret, erased when it is done)
//!                  epoch-<e>/keys          the four keys (secret, erased when the epoch is closed)
//!                            enrol, deal   the messages
//!                            shares        the shares of the other providers' keys (secret, erased likewise)
//!                            contribution  the message for the seed of the seats
//!                            evaluated-<p>       what its seats evaluate the joint key on for a purpose
//!                            evaluation-<p>-<k>  the message of a seat
//!                            closed        written when the secrets were erased
//!                            round-<r>/check_in      the message and its weight
//!                                      update        the encoded update (secret, erased when the round is over)
//!                                      submission    header and chunks
//!                                      answers       for whom the seat answered with which kind
//!                                      partial-<k>   the message of a seat
//!                                      numbers-<p>   what was signed in a pass of blame
//!                                      opening-<k>-<l>  the answer of a seat to a list of blame
//! ```

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::seat::{AnswerRecord, Share};
use bauta_secagg::signature::{Body, Signed};
use prost::Message;
use rand_core::CryptoRngCore;
use zeroize::{Zeroize, Zeroizing};

use crate::disk::{self, DiskError, Durability};

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Another process works on this task.
    #[error("another process works on this task with the records in {0}; a task is served by one process")]
    Locked(PathBuf),
    /// The content is not what was written.
    #[error("the record {file} is damaged: {what}; nothing is sent without it")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The task has other settings than those that were agreed to.
    #[error("the node shows other settings for the task than those this provider agreed to; it is lying or on another chain")]
    OtherSettings,
}

/// Largest record: a submission of 2^26 elements at 64 bits.
const MAX_BYTES: u64 = 1 << 30;

/// A signed message of the protocol.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredMessage {
    #[prost(bytes = "vec", tag = "1")]
    pub body: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

impl StoredMessage {
    pub fn of<B: Body>(signed: &Signed<B>) -> Self {
        Self { body: signed.body_bytes(), signature: signed.signature.to_vec() }
    }
}

/// A check-in with its weight.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredCheckIn {
    #[prost(uint64, tag = "1")]
    pub weight: u64,
    #[prost(message, optional, tag = "2")]
    pub message: Option<StoredMessage>,
}

/// An update, encoded and not weighted, and the model it was trained on.
#[derive(PartialEq)]
pub(crate) struct StoredUpdate {
    pub model_hash: [u8; 32],
    pub values: Zeroizing<Vec<i64>>,
}

impl StoredUpdate {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(32 + 8 * self.values.len()));
        bytes.extend_from_slice(&self.model_hash);
        for value in self.values.iter() {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (hash, values) = bytes.split_first_chunk::<32>()?;
        let (values, rest) = values.as_chunks::<8>();
        rest.is_empty().then(|| Self {
            model_hash: *hash,
            values: Zeroizing::new(values.iter().map(|value| i64::from_le_bytes(*value)).collect()),
        })
    }
}

/// A submission: what is sent is these bytes and no others.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredSubmission {
    #[prost(message, optional, tag = "1")]
    pub header: Option<StoredMessage>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub chunks: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct StoredShares {
    #[prost(message, repeated, tag = "1")]
    shares: Vec<StoredShare>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct StoredShare {
    #[prost(bytes = "vec", tag = "1")]
    dealer: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    secret: Vec<u8>,
    #[prost(uint32, tag = "3")]
    seat: u32,
}

impl std::fmt::Debug for StoredShares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredShares(of {} dealers)", self.shares.len())
    }
}

impl std::fmt::Debug for StoredShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredShare(of {})", hex::encode(&self.dealer))
    }
}

impl StoredShares {
    fn erase(&mut self) {
        self.shares.iter_mut().for_each(|share| share.secret.zeroize());
    }
}

/// The records of one task.
pub(crate) struct Records {
    folder: PathBuf,
    durability: Durability,
    /// Held until this goes.
    _lock: File,
}

/// The folder of a task below `home`, and the lock by which one process alone works in it.
pub(crate) fn folder_of_task(home: &Path, chain_id: &str, task: u64) -> Result<(PathBuf, File), RecordError> {
    // A chain's id is text of the chain's; as a folder's name it must not lead elsewhere.
    let harmless = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let name: String = chain_id.chars().map(harmless).collect();
    let folder = home.join(name).join(format!("task-{task}"));
    disk::private_folder(home)?;
    disk::private_folder(&folder)?;
    let path = folder.join("lock");
    if !path.exists() {
        disk::write_private(&path, b"")?;
    }
    let lock = File::open(&path).map_err(|error| damaged(&path, &error.to_string()))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => RecordError::Locked(folder.clone()),
        TryLockError::Error(error) => damaged(&path, &format!("it cannot be locked: {error}")),
    })?;
    Ok((folder, lock))
}

impl Records {
    /// Opens the records of a task below `home`.
    pub fn open(home: &Path, chain_id: &str, task: u64, durability: Durability) -> Result<Self, RecordError> {
        let (folder, lock) = folder_of_task(home, chain_id, task)?;
        Ok(Self { folder, durability, _lock: lock })
    }

    /// What decides training and rounding. Made once.
    pub fn secret(&self, rng: &mut impl CryptoRngCore) -> Result<Zeroizing<[u8; 32]>, RecordError> {
        let path = self.folder.join("secret");
        let mut secret = Zeroizing::new([0u8; 32]);
        match read(&path)? {
            Some(bytes) => {
                let bytes = Zeroizing::new(bytes);
                if bytes.len() != secret.len() {
                    return Err(damaged(&path, "it has not 32 bytes"));
                }
                secret.copy_from_slice(&bytes);
            }
            None => {
                rng.fill_bytes(secret.as_mut());
                disk::write_durably(&path, secret.as_ref(), self.durability)?;
            }
        }
        Ok(secret)
    }

    /// Erases what decides training and rounding: who has it, and the rows, can tell the update behind a masked one.
    pub fn erase_secret(&self) -> Result<(), RecordError> {
        Ok(disk::erase(&self.folder.join("secret"), self.durability)?)
    }

    /// Holds the task to the settings that were agreed to first.
    pub fn agree(&self, settings_hash: &[u8]) -> Result<(), RecordError> {
        let path = self.folder.join("settings");
        match read(&path)? {
            Some(agreed) if agreed == settings_hash => Ok(()),
            Some(_) => Err(RecordError::OtherSettings),
            None => Ok(disk::write_durably(&path, settings_hash, self.durability)?),
        }
    }

    /// The records of an epoch.
    pub fn epoch(&self, epoch: u64) -> EpochRecords {
        EpochRecords { folder: self.folder.join(format!("epoch-{epoch}")), durability: self.durability }
    }

    /// The epochs that have secrets on disk.
    pub fn open_epochs(&self) -> Vec<u64> {
        let mut epochs = numbered(&self.folder, "epoch-");
        epochs.retain(|&epoch| !self.epoch(epoch).is_closed());
        epochs
    }

    /// A fresh folder in which a trainer works. It has a name that no other has had: a trainer that outlived its daemon cannot leave
    /// the update of one round in the folder of another.
    pub fn training_folder(&self, rng: &mut impl CryptoRngCore) -> Result<PathBuf, RecordError> {
        let mut name = [0u8; 8];
        rng.fill_bytes(&mut name);
        let folder = self.training().join(hex::encode(name));
        disk::private_folder(&folder)?;
        Ok(folder)
    }

    /// Erases what trainers left behind: an update tells about the rows behind it.
    pub fn erase_training(&self) -> Result<(), RecordError> {
        Ok(disk::erase_folder(&self.training())?)
    }

    fn training(&self) -> PathBuf {
        self.folder.join("training")
    }
}

/// What a joint key is evaluated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To cut the groups.
    Partition,
    /// To draw the next epoch's seats.
    Seats,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Seats => "seats",
        }
    }
}

/// The records of one epoch.
#[derive(Clone, Debug)]
pub(crate) struct EpochRecords {
    folder: PathBuf,
    durability: Durability,
}

impl EpochRecords {
    pub fn keys(&self) -> Result<Option<ProviderKeys>, RecordError> {
        let path = self.folder.join("keys");
        let Some(bytes) = read(&path)? else { return Ok(None) };
        let bytes = Zeroizing::new(bytes);
        ProviderKeys::from_bytes(&bytes).map(Some).map_err(|error| damaged(&path, &error.to_string()))
    }

    pub fn put_keys(&self, keys: &ProviderKeys) -> Result<(), RecordError> {
        self.write("keys", &keys.to_bytes())
    }

    pub fn enrolment(&self) -> Result<Option<StoredMessage>, RecordError> {
        decoded(&self.folder.join("enrol"))
    }

    pub fn put_enrolment(&self, message: &StoredMessage) -> Result<(), RecordError> {
        self.write("enrol", &message.encode_to_vec())
    }

    pub fn deal(&self) -> Result<Option<StoredMessage>, RecordError> {
        decoded(&self.folder.join("deal"))
    }

    pub fn put_deal(&self, message: &StoredMessage) -> Result<(), RecordError> {
        self.write("deal", &message.encode_to_vec())
    }

    /// Whether the seats may evaluate the joint key on this: for each purpose only on what they evaluate first. With other dealers it would
    /// tell more.
    pub fn may_evaluate(&self, purpose: Purpose, input: &[u8; 32]) -> Result<bool, RecordError> {
        let name = format!("evaluated-{}", purpose.name());
        match read(&self.folder.join(&name))? {
            Some(agreed) => Ok(agreed == input),
            None => self.write(&name, input).map(|()| true),
        }
    }

    pub fn evaluation(&self, purpose: Purpose, seat: u32) -> Result<Option<StoredMessage>, RecordError> {
        decoded(&self.folder.join(format!("evaluation-{}-{seat}", purpose.name())))
    }

    pub fn put_evaluation(&self, purpose: Purpose, seat: u32, message: &StoredMessage) -> Result<(), RecordError> {
        self.write(&format!("evaluation-{}-{seat}", purpose.name()), &message.encode_to_vec())
    }

    pub fn contribution(&self) -> Result<Option<StoredMessage>, RecordError> {
        decoded(&self.folder.join("contribution"))
    }

    pub fn put_contribution(&self, message: &StoredMessage) -> Result<(), RecordError> {
        self.write("contribution", &message.encode_to_vec())
    }

    /// Shares by seats and the dealers' addresses.
    pub fn shares(&self) -> Result<BTreeMap<(u32, Vec<u8>), Share>, RecordError> {
        let path = self.folder.join("shares");
        let mut stored: StoredShares = decoded(&path)?.unwrap_or_default();
        let share = |stored: &StoredShare| {
            let mut secret = Zeroizing::new([0u8; 32]);
            if stored.secret.len() != secret.len() {
                return Err(damaged(&path, "a share has not 32 bytes"));
            }
            secret.copy_from_slice(&stored.secret);
            let share = Share::from_bytes(&secret).map_err(|error| damaged(&path, &error.to_string()))?;
            Ok(((stored.seat, stored.dealer.clone()), share))
        };
        let shares = stored.shares.iter().map(share).collect();
        stored.erase();
        shares
    }

    pub fn put_shares(&self, shares: &BTreeMap<(u32, Vec<u8>), Share>) -> Result<(), RecordError> {
        let shares = shares
            .iter()
            .map(|((seat, dealer), share)| {
                let secret = share.to_bytes().to_vec();
                StoredShare { dealer: dealer.clone(), secret, seat: *seat }
            })
            .collect();
        let mut stored = StoredShares { shares };
        let bytes = Zeroizing::new(stored.encode_to_vec());
        stored.erase();
        self.write("shares", &bytes)
    }

    pub fn round(&self, round: u64) -> RoundRecords {
        RoundRecords { folder: self.folder.join(format!("round-{round}")), durability: self.durability }
    }

    /// The rounds that left something here.
    pub fn rounds(&self) -> Vec<u64> {
        numbered(&self.folder, "round-")
    }

    pub fn is_closed(&self) -> bool {
        self.folder.join("closed").exists()
    }

    /// Erases every secret of the epoch; what was sent stays.
    pub fn close(&self) -> Result<(), RecordError> {
        for round in self.rounds() {
            self.round(round).erase_update()?;
        }
        for name in ["shares", "keys"] {
            disk::erase(&self.folder.join(name), self.durability)?;
        }
        self.write("closed", b"")
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), RecordError> {
        disk::private_folder(&self.folder)?;
        Ok(disk::write_durably(&self.folder.join(name), content, self.durability)?)
    }
}

/// The records of one round.
#[derive(Clone, Debug)]
pub(crate) struct RoundRecords {
    folder: PathBuf,
    durability: Durability,
}

impl RoundRecords {
    pub fn check_in(&self) -> Result<Option<StoredCheckIn>, RecordError> {
        decoded(&self.folder.join("check_in"))
    }

    pub fn put_check_in(&self, check_in: &StoredCheckIn) -> Result<(), RecordError> {
        self.write("check_in", &check_in.encode_to_vec())
    }

    /// The update for a model, if it was trained on that one.
    pub fn update(&self, model_hash: &[u8]) -> Result<Option<StoredUpdate>, RecordError> {
        let path = self.folder.join("update");
        let Some(bytes) = read(&path)?.map(Zeroizing::new) else { return Ok(None) };
        let update = StoredUpdate::decode(&bytes).ok_or_else(|| damaged(&path, "it is cut off"))?;
        Ok(Some(update).filter(|update| update.model_hash == model_hash))
    }

    pub fn put_update(&self, update: &StoredUpdate) -> Result<(), RecordError> {
        self.write("update", &update.encode())
    }

    pub fn erase_update(&self) -> Result<(), RecordError> {
        Ok(disk::erase(&self.folder.join("update"), self.durability)?)
    }

    pub fn submission(&self) -> Result<Option<StoredSubmission>, RecordError> {
        decoded(&self.folder.join("submission"))
    }

    pub fn put_submission(&self, submission: &StoredSubmission) -> Result<(), RecordError> {
        self.write("submission", &submission.encode_to_vec())
    }

    pub fn answers(&self) -> Result<Option<AnswerRecord>, RecordError> {
        let path = self.folder.join("answers");
        read(&path)?
            .map(|bytes| AnswerRecord::decode(&bytes).map_err(|error| damaged(&path, &error.to_string())))
            .transpose()
    }

    pub fn put_answers(&self, answers: &AnswerRecord) -> Result<(), RecordError> {
        self.write("answers", &answers.encode())
    }

    pub fn partial(&self, seat: u32) -> Result<Option<StoredMessage>, RecordError> {
        decoded(&self.folder.join(format!("partial-{seat}")))
    }

    pub fn put_partial(&self, seat: u32, message: &StoredMessage) -> Result<(), RecordError> {
        self.write(&format!("partial-{seat}"), &message.encode_to_vec())
    }

    /// What was signed in a pass of blame.
    pub fn numbers(&self, pass: u32) -> Result<Option<StoredMessage>, RecordError> {
        decoded(&self.folder.join(format!("numbers-{pass}")))
    }

    pub fn put_numbers(&self, pass: u32, message: &StoredMessage) -> Result<(), RecordError> {
        self.write(&format!("numbers-{pass}"), &message.encode_to_vec())
    }

    /// The answer of a seat to a list of blame.
    pub fn opening(&self, seat: u32, list: u32) -> Result<Option<StoredMessage>, RecordError> {
        decoded(&self.folder.join(format!("opening-{seat}-{list}")))
    }

    pub fn put_opening(&self, seat: u32, list: u32, message: &StoredMessage) -> Result<(), RecordError> {
        self.write(&format!("opening-{seat}-{list}"), &message.encode_to_vec())
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), RecordError> {
        disk::private_folder(&self.folder)?;
        Ok(disk::write_durably(&self.folder.join(name), content, self.durability)?)
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, RecordError> {
    Ok(disk::read_if_present(path, MAX_BYTES)?)
}

fn decoded<M: Message + Default>(path: &Path) -> Result<Option<M>, RecordError> {
    let Some(bytes) = read(path)?.map(Zeroizing::new) else { return Ok(None) };
    M::decode(bytes.as_slice()).map(Some).map_err(|error| damaged(path, &error.to_string()))
}

fn damaged(path: &Path, what: &str) -> RecordError {
    RecordError::Damaged { file: path.to_owned(), what: what.to_owned() }
}

/// The numbers of the folders `<prefix><number>`, ascending.
fn numbered(folder: &Path, prefix: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}

#[cfg(test)]
mod tests;
