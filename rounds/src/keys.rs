//! The keys of the store `training`. A prefix in letters, then be64 of task, epoch and round, be32 of a seat, raw bytes of an address,
//! so that the order of keys is the order of numbers; an address that does not end a key has a length byte in front. No value is empty: ICS-23
//! verifies no proof of an absence whose neighbour is.
//!
//! | key | record |
//! |---|---|
//! | `params` | `Params` |
//! | `counters` | `Counters` |
//! | `task/` task | `Task` |
//! | `settings/` task | `TaskSettings` |
//! | `running/` task | [`LISTED`]: the tasks that have not ended |
//! | `epoch/` task epoch | `Epoch` |
//! | `evidence/` task epoch | [`LISTED`]: the epochs whose evidence window is open |
//! | `prune/` task epoch | [`LISTED`]: the closed epochs whose records are being removed |
//! | `member/` task epoch address | `Member` |
//! | `seat/` task epoch seat | `Seat` |
//! | `deal/` task epoch address | `Deal` |
//! | `share_keys/` task epoch address | `ShareKeys` |
//! | `joint_keys/` task epoch | `JointKeys` |
//! | `contribution/` task epoch address | `Contribution` |
//! | `evaluation/` task epoch seat | `Evaluation` |
//! | `complaint/` task epoch seat address | `Complaint` |
//! | `key/` x coordinate | `KeyUse` |
//! | `round/` task round | `Round` |
//! | `kept/` task round | [`LISTED`]: the finished rounds whose aggregate and first model are kept |
//! | `check_in/` task round address | `CheckIn` |
//! | `header/` task round address | `Header` |
//! | `chunks/` task round address | `Chunks` |
//! | `partial/` task round seat | `Partial` |
//! | `blame/` task round | `RoundBlame` |
//! | `blame_values/` task round pass address | `BlameValues` |
//! | `blame_partial/` task round list seat | `Partial` |
//! | `wraps/` task epoch | `WrappedKeys` |
//! | `model/` task round | `SealedModel` |
//! | `finalise/` task round | `Finalise` |
//! | `verdict/` task epoch round address | `Verdict` |
//! | `convicted/` length address task epoch round | [`LISTED`]: the verdicts of a provider |
//! | `conduct/` task address | `SeatConduct` |
//! | `reward/` length address task | `Reward` |
//! | `queue/` number | `QueuedVerdict`, kept by the node |
//! | `unlock/` number | `QueuedUnlock`, kept by the node |

/// The parameters.
pub const PARAMS: &[u8] = b"params";
/// The counters.
pub const COUNTERS: &[u8] = b"counters";

/// What stands under a key that says everything itself.
pub const LISTED: &[u8] = &[1];

/// Prefixes.
pub mod prefix {
    /// Tasks.
    pub const TASK: &str = "task/";
    /// Settings.
    pub const SETTINGS: &str = "settings/";
    /// Tasks that have not ended.
    pub const RUNNING: &str = "running/";
    /// Epochs.
    pub const EPOCH: &str = "epoch/";
    /// Epochs whose evidence window is open.
    pub const EVIDENCE: &str = "evidence/";
    /// Closed epochs whose records are being removed.
    pub const PRUNE: &str = "prune/";
    /// Members.
    pub const MEMBER: &str = "member/";
    /// Seats.
    pub const SEAT: &str = "seat/";
    /// Deals.
    pub const DEAL: &str = "deal/";
    /// Share keys.
    pub const SHARE_KEYS: &str = "share_keys/";
    /// Keys of the seats' shares of the joint key.
    pub const JOINT_KEYS: &str = "joint_keys/";
    /// Contributions to the seed of the seats.
    pub const CONTRIBUTION: &str = "contribution/";
    /// Shares of the joint key's value.
    pub const EVALUATION: &str = "evaluation/";
    /// Complaints.
    pub const COMPLAINT: &str = "complaint/";
    /// Keys in use.
    pub const KEY: &str = "key/";
    /// Rounds.
    pub const ROUND: &str = "round/";
    /// Finished rounds whose aggregate and first model are kept.
    pub const KEPT: &str = "kept/";
    /// Check-ins.
    pub const CHECK_IN: &str = "check_in/";
    /// Headers.
    pub const HEADER: &str = "header/";
    /// Stored chunks.
    pub const CHUNKS: &str = "chunks/";
    /// Partials.
    pub const PARTIAL: &str = "partial/";
    /// What blame has asked.
    pub const BLAME: &str = "blame/";
    /// What members signed in blame.
    pub const BLAME_VALUES: &str = "blame_values/";
    /// Partials for the lists of blame.
    pub const BLAME_PARTIAL: &str = "blame_partial/";
    /// Wrapped keys.
    pub const WRAPS: &str = "wraps/";
    /// Encrypted models.
    pub const MODEL: &str = "model/";
    /// Work on rounds.
    pub const FINALISE: &str = "finalise/";
    /// Verdicts.
    pub const VERDICT: &str = "verdict/";
    /// Verdicts by provider.
    pub const CONVICTED: &str = "convicted/";
    /// Seat conduct.
    pub const CONDUCT: &str = "conduct/";
    /// Rewards.
    pub const REWARD: &str = "reward/";
    /// Verdicts on their way.
    pub const QUEUE: &str = "queue/";
    /// Unlocks on their way.
    pub const UNLOCK: &str = "unlock/";
}

/// A key under a prefix: numbers in be64.
pub fn numbers(prefix: &str, numbers: &[u64]) -> Vec<u8> {
    let mut key = Vec::with_capacity(prefix.len() + 8 * numbers.len() + 32);
    key.extend_from_slice(prefix.as_bytes());
    for number in numbers {
        key.extend_from_slice(&number.to_be_bytes());
    }
    key
}

/// The numbers in a key behind its prefix.
pub fn numbers_in(key: &[u8]) -> Vec<u64> {
    key.chunks_exact(8).filter_map(|chunk| chunk.try_into().ok().map(u64::from_be_bytes)).collect()
}

/// A key under a prefix: numbers, then an address that ends it.
pub fn address(prefix: &str, of: &[u64], address: &[u8]) -> Vec<u8> {
    let mut key = numbers(prefix, of);
    key.extend_from_slice(address);
    key
}

/// A key under a prefix: numbers, then a seat in be32.
pub fn seat(prefix: &str, of: &[u64], seat: u32) -> Vec<u8> {
    let mut key = numbers(prefix, of);
    key.extend_from_slice(&seat.to_be_bytes());
    key
}

/// Prefix of the partials for one of a round's request lists; 0 is the round's first list.
pub fn partials(task: u64, round: u64, list: u32) -> Vec<u8> {
    match list {
        0 => numbers(prefix::PARTIAL, &[task, round]),
        list => numbers(prefix::BLAME_PARTIAL, &[task, round, u64::from(list)]),
    }
}

/// Key of a partial.
pub fn partial(task: u64, round: u64, list: u32, seat: u32) -> Vec<u8> {
    let mut key = partials(task, round, list);
    key.extend_from_slice(&seat.to_be_bytes());
    key
}

/// Key of a complaint.
pub fn complaint(task: u64, epoch: u64, seat_index: u32, dealer: &[u8]) -> Vec<u8> {
    let mut key = seat(prefix::COMPLAINT, &[task, epoch], seat_index);
    key.extend_from_slice(dealer);
    key
}

/// A key under a prefix: a length byte and an address, then numbers.
pub fn by_address(prefix: &str, address: &[u8], of: &[u64]) -> Vec<u8> {
    let mut key = prefix.as_bytes().to_vec();
    // Addresses have at most 255 bytes (`secagg::encoding::Address`).
    key.push(u8::try_from(address.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(address);
    for number in of {
        key.extend_from_slice(&number.to_be_bytes());
    }
    key
}

/// The smallest key above all keys with this prefix.
pub fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    // Only a prefix of bytes 0xff gets here; ours begin with a letter.
    vec![u8::MAX; prefix.len() + 1]
}
