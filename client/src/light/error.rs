//! What may be wrong with what a node says of its chain.

use std::path::PathBuf;

use crate::disk::DiskError;

/// What may be wrong with what a node says of its chain.
#[derive(Debug, thiserror::Error)]
pub enum LightError {
    /// The header of another chain.
    #[error("the node shows a header of the chain {found:?}, not of {expected:?}; check --node and --chain-id")]
    OtherChain {
        /// The chain that is followed.
        expected: String,
        /// The header's.
        found: String,
    },
    /// The block that is to be trusted has another hash.
    #[error("the node's block {height} has the hash {found}, not {expected}, which is to be trusted; it is another chain, or the hash \
             is mistyped")]
    NotTheTrusted {
        /// Its height.
        height: u64,
        /// The hash that was given.
        expected: String,
        /// The hash that the node shows.
        found: String,
    },
    /// A header that the validators who are known have not signed.
    #[error("the node shows a block {height} that the validators of the block trusted before have not made: {why}; use another node. If \
             the chain was begun anew, say which of its blocks to trust with --trust HEIGHT:HASH")]
    Forged {
        /// Its height.
        height: u64,
        /// What is wrong with it.
        why: String,
    },
    /// What was trusted is too old.
    #[error("block {height}, the last one that was verified, is of {time}, older than the {days} days for which validators are trusted; \
             ask somebody whom you trust for a recent block and give it with --trust HEIGHT:HASH")]
    Expired {
        /// Its height.
        height: u64,
        /// Its time.
        time: String,
        /// The trusting period.
        days: u64,
    },
    /// A chain that is shorter than it was.
    #[error("the node's chain ends at block {shown}, and block {known} was verified before; it lags behind, or it hides blocks")]
    Behind {
        /// Where the node's chain ends.
        shown: u64,
        /// The last block that was verified.
        known: u64,
    },
    /// A chain whose last block is old.
    #[error("the node's last block {height} is {seconds} seconds old; it has stopped, hides blocks, or this machine's clock is wrong")]
    Stale {
        /// Its height.
        height: u64,
        /// Its age.
        seconds: u64,
    },
    /// A proof that does not hold.
    #[error("the node's proof of {what} at height {height} does not hold: {why}; nothing is sent on it")]
    Proof {
        /// What was asked for.
        what: String,
        /// The height whose state it is about.
        height: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The file with the last verified block.
    #[error("the file {} holds no verified block of this chain ({why}); remove it to begin anew, or give a block to trust with \
             --trust HEIGHT:HASH", path.display())]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A text that is no block to trust.
    #[error("{0:?} names no block; write its height and its hash, like 1200:6A4E...9F with 64 digits")]
    Trust(String),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl LightError {
    /// Whether it is about what the node says, so that another node may say better.
    #[must_use]
    pub fn is_of_the_node(&self) -> bool {
        match self {
            Self::OtherChain { .. }
            | Self::NotTheTrusted { .. }
            | Self::Forged { .. }
            | Self::Behind { .. }
            | Self::Stale { .. }
            | Self::Proof { .. } => true,
            Self::Expired { .. } | Self::Damaged { .. } | Self::Trust(_) | Self::Disk(_) => false,
        }
    }

    /// Whether it may be otherwise a little later: nodes lag and catch up.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Behind { .. } | Self::Stale { .. })
    }
}
