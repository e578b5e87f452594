//! What a watcher keeps on disk: signed bodies that no block took, what was reported, and how far blocks were followed. A restart loses
//! none of it.
//!
//! ```text
//! <home>/<chain>/lock              held while a process watches
//!                height            the last block that was looked at
//!                seen/*.json       a signed body each
//!                reports/*.json    a report each: written before it is sent
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::sighting::{Kind, Sighting};
use super::WatchError;
use crate::disk::{self, Durability};

/// Largest file: a partial of the largest group, in base64.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Bodies kept at most: who fills the mempool must not fill the disk.
const MAX_BODIES: usize = 20_000;
/// Bodies kept of one author, kind, task and place at most; two headers convict.
const MAX_OF_ONE: usize = 32;

/// A signed body, whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub kind: Kind,
    /// Its author, as text.
    pub accused: String,
    pub task: u64,
    pub epoch: u64,
    /// 0 for one of an epoch.
    pub round: u64,
    /// Base64.
    body: String,
    /// Base64.
    signature: String,
    /// The height at which it was first seen.
    pub height: u64,
}

impl Kept {
    pub fn new(sighting: &Sighting, accused: String, epoch: u64, height: u64) -> Self {
        Self {
            kind: sighting.kind,
            accused,
            task: sighting.task,
            epoch,
            round: if sighting.kind.is_of_round() { sighting.place } else { 0 },
            body: STANDARD.encode(&sighting.body),
            signature: STANDARD.encode(&sighting.signature),
            height,
        }
    }

    /// As evidence.
    pub fn signed(&self) -> bauta_schema::training::v1::SignedBody {
        let bytes = |text: &str| STANDARD.decode(text).unwrap_or_default();
        bauta_schema::training::v1::SignedBody { body: bytes(&self.body), signature: bytes(&self.signature) }
    }

    /// What it shares with others of its author.
    pub fn place(&self) -> Place {
        (self.task, self.epoch, self.round, self.accused.clone())
    }
}

/// Task, epoch, round, author.
pub(super) type Place = (u64, u64, u64, String);

/// How far a report has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It may have been sent.
    Sending,
    /// The chain convicted the accused of it.
    Held,
    /// Somebody else had reported it, or the chain had seen it.
    Settled,
    /// It did not hold, and cost the deposit.
    Lost,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The offence.
    pub offence: String,
    /// Whose.
    pub accused: String,
    /// The task.
    pub task: u64,
    /// The epoch.
    pub epoch: u64,
    /// The round; 0 for an offence of an epoch.
    pub round: u64,
    /// How far it has come.
    pub state: State,
    /// What was put up, an amount.
    pub deposit: String,
    /// What was earned, an amount.
    pub bounty: String,
    /// The transaction, once it was sent.
    pub tx_hash: Option<String>,
}

impl Report {
    fn name(&self) -> String {
        format!("{}-{}-{}-{}-{}", self.task, self.epoch, self.round, self.accused, self.offence)
    }
}

/// The records.
#[derive(Debug)]
pub(super) struct Book {
    folder: PathBuf,
    durability: Durability,
    kept: BTreeMap<String, Kept>,
    reports: BTreeMap<String, Report>,
    _lock: File,
}

impl Book {
    /// Opens the records of a chain below `home`.
    pub fn open(home: &Path, chain_id: &str, durability: Durability) -> Result<Self, WatchError> {
        let harmless = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
        let folder = home.join(chain_id.chars().map(harmless).collect::<String>());
        for folder in [home, &folder, &folder.join("seen"), &folder.join("reports")] {
            disk::private_folder(folder)?;
        }
        let path = folder.join("lock");
        if !path.exists() {
            disk::write_private(&path, b"")?;
        }
        let lock =
            File::open(&path).map_err(|error| WatchError::Damaged { file: path.clone(), what: error.to_string() })?;
        lock.try_lock().map_err(|_| WatchError::Locked(folder.clone()))?;
        let (kept, reports) = (read_all(&folder.join("seen"))?, read_all(&folder.join("reports"))?);
        Ok(Self { folder, durability, kept, reports, _lock: lock })
    }

    /// The last block that was looked at.
    pub fn height(&self) -> Result<Option<u64>, WatchError> {
        let path = self.folder.join("height");
        let Some(bytes) = disk::read_if_present(&path, 32)? else { return Ok(None) };
        let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
        number.map(Some).ok_or_else(|| WatchError::Damaged { file: path, what: "it holds no height".to_owned() })
    }

    pub fn put_height(&self, height: u64) -> Result<(), WatchError> {
        // Blocks that are looked at again after a power cut tell nothing else.
        Ok(disk::write_durably(&self.folder.join("height"), height.to_string().as_bytes(), Durability::Process)?)
    }

    /// Keeps a body; whether it is new and there is room for it.
    pub fn keep(&mut self, digest: &[u8; 32], kept: Kept) -> Result<bool, WatchError> {
        let name = name_of(digest);
        let of_one = self.kept.values().filter(|other| other.kind == kept.kind && other.place() == kept.place());
        if self.kept.contains_key(&name) || self.kept.len() >= MAX_BODIES || of_one.count() >= MAX_OF_ONE {
            return Ok(false);
        }
        self.write("seen", &name, &kept)?;
        self.kept.insert(name, kept);
        Ok(true)
    }

    /// The bodies that are kept, by name.
    pub fn kept(&self) -> &BTreeMap<String, Kept> {
        &self.kept
    }

    pub fn forget(&mut self, name: &str) -> Result<(), WatchError> {
        if self.kept.remove(name).is_some() {
            disk::erase(&self.folder.join("seen").join(format!("{name}.json")), Durability::Process)?;
        }
        Ok(())
    }

    pub fn forget_digest(&mut self, digest: &[u8; 32]) -> Result<(), WatchError> {
        self.forget(&name_of(digest))
    }

    /// What was reported.
    pub fn reports(&self) -> impl Iterator<Item = &Report> {
        self.reports.values()
    }

    /// Whether somebody was convicted of something in a place: one round, one penalty, and whatever is reported costs the largest.
    pub fn is_convicted(&self, place: &Place) -> bool {
        let is_there = |report: &&Report| {
            (report.task, report.epoch, report.round, &report.accused) == (place.0, place.1, place.2, &place.3)
        };
        self.reports.values().filter(is_there).any(|report| matches!(report.state, State::Held | State::Settled))
    }

    /// Whether a report has come to its end.
    pub fn is_done(&self, report: &Report) -> bool {
        self.reports.get(&report.name()).is_some_and(|known| known.state != State::Sending)
    }

    pub fn put_report(&mut self, report: Report) -> Result<(), WatchError> {
        let name = report.name();
        self.write("reports", &name, &report)?;
        self.reports.insert(name, report);
        Ok(())
    }

    fn write<T: Serialize>(&self, folder: &str, name: &str, content: &T) -> Result<(), WatchError> {
        let file = self.folder.join(folder).join(format!("{name}.json"));
        let bytes = serde_json::to_vec_pretty(content)
            .map_err(|error| WatchError::Damaged { file: file.clone(), what: error.to_string() })?;
        Ok(disk::write_durably(&file, &bytes, self.durability)?)
    }
}

fn name_of(digest: &[u8; 32]) -> String {
    hex::encode(digest)
}

fn read_all<T: DeserializeOwned>(folder: &Path) -> Result<BTreeMap<String, T>, WatchError> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.path();
        let Some(name) = file.file_stem().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        if file.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let bytes = disk::read_limited(&file, MAX_BYTES)?;
        let read = serde_json::from_slice(&bytes);
        all.insert(name, read.map_err(|error| WatchError::Damaged { file, what: error.to_string() })?);
    }
    Ok(all)
}
