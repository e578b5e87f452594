//! The CosmWasm VM: codes on disk, and one instance a call.
//!
//! Wasm blobs lie under their SHA-256, so a blob that a failed transaction or a proposal left behind harms nobody. What is
//! compiled stays on this machine. An answer depends on state only, never on what a node happens to have in memory.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cosmwasm_std::Checksum;
use cosmwasm_vm::{
    call_execute_raw, call_instantiate_raw, call_migrate_with_info_raw, call_query_raw, call_reply_raw, call_sudo_raw,
    capabilities_from_csv, Backend, Cache, CacheOptions, InstanceOptions, Size, VmError,
};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::api::Api;
use super::gas;
use super::querier::ContractQuerier;
use super::storage::ContractStore;
use crate::files;

/// Memory of one contract. Part of consensus: a contract that fits on one node fits on all.
const MEMORY_LIMIT_MIB: usize = 32;
/// Codes whose analysis is remembered.
const MAX_ANALYSES: usize = 1_000;

/// What contracts may require of the chain: all that is implemented. `staking` and `stargate` (IBC, governance) are not.
pub const CAPABILITIES: &[&str] = &[
    "iterator",
    "cosmwasm_1_1",
    "cosmwasm_1_2",
    "cosmwasm_1_3",
    "cosmwasm_1_4",
    "cosmwasm_2_0",
    "cosmwasm_2_1",
    "cosmwasm_2_2",
    "cosmwasm_3_0",
];

/// How the VM is set up.
#[derive(Debug, Clone)]
pub struct VmOptions {
    /// The folder for codes; one process at a time.
    pub folder: PathBuf,
    /// What contracts may require. Part of consensus.
    pub capabilities: Vec<String>,
    /// Memory for compiled codes, MiB. Each node as it likes.
    pub cache_mib: usize,
}

impl VmOptions {
    /// The chain's, with codes in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            capabilities: CAPABILITIES.iter().map(ToString::to_string).collect(),
            cache_mib: 100,
        }
    }
}

/// Why the VM does not start.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has the folder.
    #[error("{0} is in use by another process; stop that process or give this one a folder of its own")]
    InUse(PathBuf),
    /// The folder cannot be used.
    #[error("{0} cannot be used for contract codes: {1}")]
    Folder(PathBuf, std::io::Error),
    /// The VM refuses.
    #[error("the contract VM does not start in {0}: {1}")]
    Vm(PathBuf, VmError),
}

/// What a code is, as far as its bytes tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// What it requires, sorted, with commas.
    pub required_capabilities: String,
    /// The version of its state, if it says.
    pub migrate_version: Option<u64>,
}

/// A call into a contract; what is given is JSON.
pub(super) enum Entry<'a> {
    Instantiate { info: &'a [u8], msg: &'a [u8] },
    Execute { info: &'a [u8], msg: &'a [u8] },
    Migrate { info: &'a [u8], msg: &'a [u8] },
    Sudo { msg: &'a [u8] },
    Reply { reply: &'a [u8] },
    Query { msg: &'a [u8] },
}

/// What a call answered, and the CosmWasm gas it used beside what its storage and querier have charged.
pub(super) struct Called {
    pub answer: Result<Vec<u8>, String>,
    pub gas_used: u64,
}

/// The VM and its folder.
pub struct Vm {
    cache: Cache<Api, ContractStore, ContractQuerier>,
    folder: PathBuf,
    analyses: Mutex<BTreeMap<[u8; 32], Arc<Analysis>>>,
    broken: Mutex<Option<String>>,
    /// Held as long as the VM lives.
    _lock: File,
}

impl Vm {
    /// Opens the folder, which is locked until the VM is dropped.
    ///
    /// # Errors
    /// A folder in use, or one that cannot be used.
    pub fn open(options: VmOptions) -> Result<Self, OpenError> {
        let folder = options.folder;
        let unusable = |error| OpenError::Folder(folder.clone(), error);
        std::fs::create_dir_all(&folder).map_err(unusable)?;
        let lock = File::create(folder.join("exclusive.lock")).map_err(unusable)?;
        let is_taken = |error: &TryLockError| matches!(error, TryLockError::WouldBlock);
        files::patiently(|| lock.try_lock(), is_taken).map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse(folder.clone()),
            TryLockError::Error(error) => unusable(error),
        })?;
        let cache_options = CacheOptions::new(
            &folder,
            capabilities_from_csv(&options.capabilities.join(",")),
            Size::mebi(options.cache_mib),
            Size::mebi(MEMORY_LIMIT_MIB),
        );
        // SAFETY: the VM trusts the compiled codes in its folder. The folder is this node's own, locked against other
        // processes, and nothing from another machine is ever put into its cache (state sync carries wasm only).
        #[allow(unsafe_code)]
        let cache = unsafe { Cache::new(cache_options) }.map_err(|error| OpenError::Vm(folder.clone(), error))?;
        Ok(Self { cache, folder, analyses: Mutex::default(), broken: Mutex::default(), _lock: lock })
    }

    /// Why this node can no longer be trusted to execute contracts as the others do: its disk fails, or codes are missing.
    /// The node must stop instead of answering `FinalizeBlock` with what it computed since.
    pub fn broken(&self) -> Option<String> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn mark_broken(&self, why: &str) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| why.to_string());
    }

    /// Checks, compiles and, if `persist`, keeps a code. Its checksum.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn store(&self, wasm: &[u8], persist: bool) -> Result<[u8; 32], String> {
        self.keep(wasm, true, persist)
    }

    /// Keeps a code that was checked when it was uploaded (genesis, state sync). Its checksum.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn store_unchecked(&self, wasm: &[u8]) -> Result<[u8; 32], String> {
        self.keep(wasm, false, true)
    }

    fn keep(&self, wasm: &[u8], checked: bool, persist: bool) -> Result<[u8; 32], String> {
        const MAGIC: &[u8] = b"\0asm";
        if !wasm.starts_with(MAGIC) {
            return Err("wasm bytes do not start with Wasm magic number".into());
        }
        let stored = contained(|| self.cache.store_code(wasm, checked, persist))?;
        // Without `persist` nobody agrees on anything: it is an estimate.
        let checksum = stored.map_err(|error| self.explain(&error, persist))?;
        if persist {
            // The block that refers to the blob must never be on disk without it.
            let synced = self.sync(&checksum);
            synced.map_err(|error| {
                let why = format!("the code {checksum} cannot be written: {error}");
                self.mark_broken(&why);
                why
            })?;
        }
        Ok(bytes_of(&checksum))
    }

    fn sync(&self, checksum: &Checksum) -> std::io::Result<()> {
        let folder = self.folder.join("state").join("wasm");
        File::open(folder.join(checksum.to_hex()).with_extension("wasm"))?.sync_all()?;
        File::open(folder)?.sync_all()
    }

    /// The bytes of a code.
    ///
    /// # Errors
    /// When they are not there or not those of the checksum.
    pub fn wasm(&self, checksum: &[u8; 32]) -> Result<Vec<u8>, String> {
        self.cache.load_wasm(&Checksum::from(*checksum)).map_err(|error| error.to_string())
    }

    /// What a code is. A block `decides`: if the code is not there, this machine is broken.
    ///
    /// # Errors
    /// When its bytes are not there.
    pub fn analyze(&self, checksum: &[u8; 32], decides: bool) -> Result<Arc<Analysis>, String> {
        let mut known = self.analyses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(analysis) = known.get(checksum) {
            return Ok(analysis.clone());
        }
        let report = contained(|| self.cache.analyze(&Checksum::from(*checksum)))?;
        let report = report.map_err(|error| self.explain(&error, decides))?;
        let required: Vec<String> = report.required_capabilities.into_iter().collect();
        let analysis = Arc::new(Analysis {
            required_capabilities: required.join(","),
            migrate_version: report.contract_migrate_version,
        });
        if known.len() >= MAX_ANALYSES {
            known.clear();
        }
        known.insert(*checksum, analysis.clone());
        Ok(analysis)
    }

    /// Keeps a compiled code in memory. Nobody can tell from an answer.
    ///
    /// # Errors
    /// When its bytes are not there.
    pub fn pin(&self, checksum: &[u8; 32]) -> Result<(), String> {
        contained(|| self.cache.pin(&Checksum::from(*checksum)))?.map_err(|error| self.explain(&error, true))
    }

    /// Lets a compiled code go from memory.
    ///
    /// # Errors
    /// Never in practice; the VM reserves the right.
    pub fn unpin(&self, checksum: &[u8; 32]) -> Result<(), String> {
        contained(|| self.cache.unpin(&Checksum::from(*checksum)))?.map_err(|error| self.explain(&error, true))
    }

    /// Calls a contract with at most `gas_limit`, CosmWasm gas. A block `decides`: what goes wrong with the machine then
    /// breaks it.
    pub(super) fn call(
        &self,
        checksum: &[u8; 32],
        backend: Backend<Api, ContractStore, ContractQuerier>,
        gas_limit: u64,
        env: &[u8],
        entry: Entry<'_>,
        decides: bool,
    ) -> Called {
        let checksum = Checksum::from(*checksum);
        let instance = contained(|| self.cache.get_instance(&checksum, backend, InstanceOptions { gas_limit }));
        let mut instance = match instance {
            Ok(Ok(instance)) => instance,
            Ok(Err(error)) => return Called { answer: Err(self.explain(&error, decides)), gas_used: 0 },
            Err(panic) => {
                // The VM's cache may have been left locked, which other nodes need not have seen. If so, the next block
                // that needs it finds out.
                if decides {
                    self.mark_broken(&format!("the VM's cache: {panic}"));
                }
                return Called { answer: Err(panic), gas_used: 0 };
            }
        };
        let answer = contained(|| match entry {
            Entry::Instantiate { info, msg } => call_instantiate_raw(&mut instance, env, info, msg),
            Entry::Execute { info, msg } => call_execute_raw(&mut instance, env, info, msg),
            Entry::Migrate { info, msg } => call_migrate_with_info_raw(&mut instance, env, msg, info),
            Entry::Sudo { msg } => call_sudo_raw(&mut instance, env, msg),
            Entry::Reply { reply } => call_reply_raw(&mut instance, env, reply),
            Entry::Query { msg } => call_query_raw(&mut instance, env, msg),
        });
        let gas_used = contained(|| instance.create_gas_report().used_internally).unwrap_or(gas_limit);
        let answer = answer.and_then(|answer| answer.map_err(|error| self.explain(&error, decides)));
        Called { answer: answer.and_then(|answer| within(answer, gas_limit, gas_used)), gas_used }
    }

    /// The sentence of an error; one that comes from the machine and not from the contract breaks the VM if a block
    /// depends on it. Outside of blocks it must not: whoever estimates a transaction that uses the code which it uploads
    /// would stop the node.
    fn explain(&self, error: &VmError, decides: bool) -> String {
        let text = error.to_string();
        if decides && matches!(error, VmError::CacheErr { .. } | VmError::IntegrityErr { .. }) {
            self.mark_broken(&text);
        }
        text
    }
}

/// The answer, if the gas that is left pays for decoding it. [`Vm::call`]'s caller charges for that.
fn within(answer: Vec<u8>, gas_limit: u64, gas_used: u64) -> Result<Vec<u8>, String> {
    if gas_limit < decoding(&answer).saturating_add(gas_used) {
        let length = answer.len();
        return Err(format!("insufficient gas left to deserialize contract execution result ({length} bytes)"));
    }
    Ok(answer)
}

/// CosmWasm gas to decode an answer.
pub(super) fn decoding(answer: &[u8]) -> u64 {
    gas::to_vm((answer.len() as u64).saturating_mul(gas::DECODE_BYTE))
}

/// Runs `work`; a panic inside of the VM becomes an error of the contract, as it does in wasmvm.
fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "Caught panic".to_string())
}

fn bytes_of(checksum: &Checksum) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(checksum.as_slice());
    bytes
}

/// The checksum of a code.
pub fn checksum(wasm: &[u8]) -> [u8; 32] {
    Sha256::digest(wasm).into()
}

/// Where a folder's wasm blobs lie, for those who copy them (state sync).
pub fn blobs(folder: &Path) -> PathBuf {
    folder.join("state").join("wasm")
}
