//! Evidence that one party hands to another: a second header that somebody signed.
//!
//! A file names the accused, the round, and the header as it was signed; whoever has it looks up the header that the chain has and
//! reports both, if they convict.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use bauta_rounds::derive;
use bauta_schema::training::v1 as pb;
use bauta_secagg::context::{ModelHash, Rctx, Root};
use bauta_secagg::evidence::{two_headers, HeaderEvidence};
use bauta_secagg::signature::Signed;
use bauta_secagg::submit::Header;
use serde::{Deserialize, Serialize};

use crate::chain::messages::TrainingMessage;
use crate::chain::{Chain, ChainError, Fee, Outcome, Signer};
use crate::disk::{self, DiskError};

/// A header that somebody signed, on its way to somebody who reports it. `body` and `signature` in base64, hashes in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedHeader {
    /// The chain.
    pub chain_id: String,
    /// Address of whoever signed it.
    pub accused: String,
    /// The task.
    pub task: u64,
    /// The epoch.
    pub epoch: u64,
    /// The round.
    pub round: u64,
    /// The header's canonical bytes.
    pub body: String,
    /// The signature of V.
    pub signature: String,
    /// The model in its context; the round's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_hash: Option<String>,
    /// The roster in its context; the round's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roster_root: Option<String>,
}

/// Why evidence was not reported.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Not evidence.
    #[error("{file} is no evidence: {what}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// It does not convict.
    #[error("the evidence against {accused} does not hold, so it is not reported: {why}")]
    DoesNotHold {
        /// The accused.
        accused: String,
        /// Why not.
        why: String,
    },
    /// The chain has no header of the accused yet.
    #[error("the chain has no header of {0} for this round yet, so one alone convicts nobody")]
    NoOther(String),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

impl HandedHeader {
    /// A signed header of a round.
    #[must_use]
    pub fn new(chain_id: &str, accused: &str, task: u64, epoch: u64, round: u64, header: &Signed<Header>) -> Self {
        Self {
            chain_id: chain_id.to_owned(),
            accused: accused.to_owned(),
            task,
            epoch,
            round,
            body: STANDARD.encode(header.body_bytes()),
            signature: STANDARD.encode(header.signature),
            model_hash: None,
            roster_root: None,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`EvidenceError::File`], [`EvidenceError::Disk`].
    pub fn read(file: &Path) -> Result<Self, EvidenceError> {
        let content = disk::read_limited(file, MAX_FILE_BYTES)?;
        serde_json::from_slice(&content)
            .map_err(|error| EvidenceError::File { file: file.display().to_string(), what: error.to_string() })
    }

    /// Writes it into a peer's folder, under a name that follows from the accused and the round.
    ///
    /// # Errors
    /// [`EvidenceError::Disk`].
    pub fn write(&self, folder: &Path) -> Result<PathBuf, EvidenceError> {
        let file = folder.join(format!("{}-task-{}-round-{}.json", self.accused, self.task, self.round));
        let content = serde_json::to_vec_pretty(self)
            .map_err(|error| EvidenceError::File { file: file.display().to_string(), what: error.to_string() })?;
        disk::private_folder(folder)?;
        disk::write_private(&file, &content)?;
        Ok(file)
    }

    fn bad(&self, what: &str) -> EvidenceError {
        EvidenceError::DoesNotHold { accused: self.accused.clone(), why: what.to_owned() }
    }

    fn to_evidence(&self, round: &pb::Round) -> Result<(HeaderEvidence, pb::HeaderEvidence), EvidenceError> {
        let bytes =
            |text: &str, what: &str| STANDARD.decode(text).map_err(|_| self.bad(&format!("its {what} is not base64")));
        let hash = |given: &Option<String>, own: &[u8], what: &str| -> Result<[u8; 32], EvidenceError> {
            let bytes = match given {
                Some(text) => hex::decode(text).map_err(|_| self.bad(&format!("its {what} is not hexadecimal")))?,
                None => own.to_vec(),
            };
            bytes.try_into().map_err(|_| self.bad(&format!("its {what} has not 32 bytes")))
        };
        let (body, signature) = (bytes(&self.body, "body")?, bytes(&self.signature, "signature")?);
        let header = Signed::<Header>::from_parts(&body, &signature).map_err(|why| self.bad(&why.to_string()))?;
        let model_hash = hash(&self.model_hash, &round.model_hash, "model_hash")?;
        let roster_root = hash(&self.roster_root, &round.roster_root, "roster_root")?;
        let proto = pb::HeaderEvidence {
            signed: Some(pb::SignedBody { body, signature }),
            model_hash: model_hash.to_vec(),
            roster_root: roster_root.to_vec(),
        };
        let evidence = HeaderEvidence {
            header,
            model_hash: ModelHash::from_bytes(model_hash),
            roster_root: Root::from_bytes(roster_root),
        };
        Ok((evidence, proto))
    }
}

/// Reports a header beside the one that the chain has. Both are verified first: who reports what does not hold pays for it.
///
/// # Errors
/// [`EvidenceError`]; [`EvidenceError::NoOther`] may pass.
pub async fn report_headers(chain: &Chain, signer: &Signer, handed: &HandedHeader) -> Result<Outcome, EvidenceError> {
    if handed.chain_id != chain.id() {
        return Err(handed.bad("it is of another chain"));
    }
    let accused = chain.bytes_of(&handed.accused)?;
    let response = chain.round(handed.task, handed.round).await?;
    let response = response.ok_or_else(|| EvidenceError::NoOther(handed.accused.clone()))?;
    let round = response.round.as_ref().ok_or_else(|| handed.bad("the chain knows no such round"))?;
    let stored = response.headers.iter().find(|header| header.address == accused);
    let stored = stored.ok_or_else(|| EvidenceError::NoOther(handed.accused.clone()))?;
    let epoch = chain.epoch(handed.task, round.epoch).await?;
    let member = epoch.members.iter().find(|member| member.address == accused);
    let member = member.ok_or_else(|| handed.bad("the accused is no member of the epoch"))?;

    let on_chain = HandedHeader {
        body: STANDARD.encode(&stored.body),
        signature: STANDARD.encode(&stored.signature),
        model_hash: None,
        roster_root: None,
        ..handed.clone()
    };
    let (first, first_proto) = on_chain.to_evidence(round)?;
    let (second, second_proto) = handed.to_evidence(round)?;
    let v = derive::signing_key(member).map_err(|why| handed.bad(&why.to_string()))?;
    let rctx: [u8; 32] = round.rctx.as_slice().try_into().map_err(|_| handed.bad("the round has no context"))?;
    two_headers(&Rctx::from_bytes(rctx), &v, &first, &second).map_err(|why| handed.bad(&why.to_string()))?;

    let message = pb::MsgReport {
        sender: signer.address().to_owned(),
        accused: handed.accused.clone(),
        task_id: handed.task,
        epoch: round.epoch,
        round: handed.round,
        deposit: chain.training_params().await?.report_deposit,
        evidence: Some(pb::msg_report::Evidence::TwoHeaders(pb::TwoHeaders {
            first: Some(first_proto),
            second: Some(second_proto),
        })),
    };
    Ok(chain.execute(signer, &[message.to_any()], Fee::Simulated, "").await?)
}

/// A folder into which peers put evidence.
#[derive(Debug)]
pub struct Inbox {
    folder: PathBuf,
    /// How often each file was tried.
    tries: BTreeMap<PathBuf, u32>,
}

/// How often evidence is tried that does not convict yet.
const MAX_TRIES: u32 = 50;
/// How many files are looked at in one call: who fills the folder must not keep a provider from its rounds.
const MAX_FILES: usize = 32;

impl Inbox {
    /// The inbox in a folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, tries: BTreeMap::new() }
    }

    /// Reports what is new. A file that was reported, or never will be, gets the ending `.done` or `.refused`; what does not convict yet
    /// is tried again at the next call.
    pub async fn report(&mut self, chain: &Chain, signer: &Signer) -> Vec<(HandedHeader, Result<(), EvidenceError>)> {
        let mut outcomes = Vec::new();
        for file in self.files() {
            let handed = match HandedHeader::read(&file) {
                Ok(handed) => handed,
                Err(error) => {
                    tracing::warn!(%error, "a file in the evidence folder is not evidence");
                    self.file_away(&file, "refused");
                    continue;
                }
            };
            let outcome = report_headers(chain, signer, &handed).await;
            let tries = self.tries.entry(file.clone()).or_default();
            *tries += 1;
            match outcome {
                Ok(_) => {
                    self.file_away(&file, "done");
                    outcomes.push((handed, Ok(())));
                }
                Err(EvidenceError::NoOther(_)) if *tries < MAX_TRIES => {}
                Err(EvidenceError::Chain(error)) if error.is_transient() && *tries < MAX_TRIES => {}
                Err(error) => {
                    self.file_away(&file, "refused");
                    outcomes.push((handed, Err(error)));
                }
            }
        }
        outcomes
    }

    /// Plain files only: reading a pipe that a peer left would never end. Those tried least come first.
    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let plain = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let mut files: Vec<PathBuf> = plain.map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "json"));
        files.sort_by_key(|file| (self.tries.get(file).copied().unwrap_or(0), file.clone()));
        files.truncate(MAX_FILES);
        files
    }

    fn file_away(&mut self, file: &Path, ending: &str) {
        self.tries.remove(file);
        let name = format!("{}.{ending}", file.display());
        if let Err(error) = std::fs::rename(file, &name) {
            tracing::warn!(%error, file = %file.display(), "evidence cannot be filed away");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bauta_secagg::context::Ctx;
    use bauta_secagg::encoding::{Address, Slot};
    use proptest::prelude::*;

    use super::*;

    /// A file as somebody hands it over. Whether its signature holds is asked after it was read.
    fn handed() -> HandedHeader {
        let body = Header {
            ctx: Ctx::from_bytes([1; 32]),
            address: Address::new(vec![2; 20]).unwrap(),
            slot: Slot::new(3).unwrap(),
            group_root: Root::from_bytes([4; 32]),
            weight: 5,
            bytes: 64,
            chunks: vec![[6; 32]; 2],
        };
        let handed = HandedHeader::new("bauta-1", "bauta1accused", 1, 1, 2, &Signed { body, signature: [8; 64] });
        HandedHeader { model_hash: Some("ab".repeat(32)), ..handed }
    }

    /// Whatever a file says, it is read and weighed, or refused with a sentence.
    fn weigh(folder: &Path, content: &[u8]) -> Result<(), EvidenceError> {
        let file = folder.join("handed.json");
        std::fs::write(&file, content).unwrap();
        let handed = HandedHeader::read(&file)?;
        let round = pb::Round { model_hash: vec![1; 32], roster_root: vec![2; 32], ..Default::default() };
        handed.to_evidence(&round).map(drop)
    }

    #[test]
    fn no_file_in_the_evidence_folder_is_more_than_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let answered = |content: &[u8]| match weigh(folder.path(), content) {
            Ok(()) => true,
            Err(EvidenceError::File { what, .. }) => !what.is_empty(),
            Err(EvidenceError::DoesNotHold { why, .. }) => !why.is_empty(),
            Err(_) => false,
        };
        let good = serde_json::to_vec(&handed()).unwrap();
        weigh(folder.path(), &good).unwrap();
        let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3u8);
        proptest!(ProptestConfig::with_cases(300), |(bytes in prop::collection::vec(any::<u8>(), 0..200),
            changes in prop::collection::vec(change, 1..5))| {
            prop_assert!(answered(&bytes));
            let mut mutated = good.clone();
            for (place, byte, kind) in changes {
                let at = place.index(mutated.len());
                match kind {
                    0 => mutated[at] = byte,
                    1 => mutated.insert(at, byte),
                    _ => drop(mutated.remove(at)),
                }
            }
            prop_assert!(answered(&mutated));
        });
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_links_in_the_folder_are_not_read_and_many_files_are_taken_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.json");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("link.json")).unwrap();
        std::fs::create_dir(folder.path().join("folder.json")).unwrap();
        for number in 0..MAX_FILES + 3 {
            std::fs::write(folder.path().join(format!("{number:03}.json")), "{}").unwrap();
        }
        let mut inbox = Inbox::new(folder.path().to_owned());
        let first = inbox.files();
        assert_eq!(first.len(), MAX_FILES);
        inbox.tries.extend(first.iter().map(|file| (file.clone(), 1)));
        assert!(inbox.files().iter().take(3).all(|file| !first.contains(file)));
    }
}
