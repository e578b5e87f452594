//! What may go wrong between a client and the chain.

use crate::light::LightError;

/// A transaction or a query that the chain refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} (codespace {codespace}, code {code})", sentence.trim_end_matches('.'))]
pub struct Refused {
    /// Who defined the code.
    pub codespace: String,
    /// The code; never 0.
    pub code: u32,
    /// What the chain said.
    pub sentence: String,
}

impl Refused {
    /// Whether it is this code of this codespace.
    #[must_use]
    pub fn is(&self, codespace: &str, code: u32) -> bool {
        self.codespace == codespace && self.code == code
    }

    /// The SDK's "wrong sequence".
    #[must_use]
    pub fn is_wrong_sequence(&self) -> bool {
        self.is("sdk", 32)
    }

    /// The SDK's "mempool is full".
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is("sdk", 20)
    }

    /// The SDK's "tx already in mempool".
    #[must_use]
    pub fn is_already_known(&self) -> bool {
        self.is("sdk", 19)
    }

    /// The SDK's "not found", and what a gRPC status `NotFound` becomes.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.is("sdk", 22) || self.is("sdk", 38) || self.sentence.contains("code = NotFound")
    }
}

/// What may go wrong between a client and the chain.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The endpoint's URL is none.
    #[error("{url:?} is not the URL of a node's RPC ({what}); write one like http://127.0.0.1:26657")]
    Endpoint {
        /// What was given.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// The endpoint does not answer.
    #[error("the node does not answer: {0}; check that it runs and that --node names its RPC address")]
    Unreachable(String),
    /// The endpoint answers what cannot be understood.
    #[error("the node's answer to {what} cannot be understood: {why}")]
    Answer {
        /// What was asked.
        what: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The chain said no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The transaction was accepted and never came into a block.
    #[error("transaction {hash} was sent and is in no block after {blocks} blocks, and cannot come into one any more; try again")]
    Lost {
        /// Its hash.
        hash: String,
        /// How long it was waited for.
        blocks: u64,
    },
    /// It is not known whether the transaction arrived.
    #[error("it is not known whether transaction {hash} arrived ({why}); before you try again, look for it with `bauta tx show {hash}`: \
             after block {until} it cannot come into one any more")]
    Unknown {
        /// Its hash.
        hash: String,
        /// The last block that may hold it.
        until: u64,
        /// Why it is not known.
        why: String,
    },
    /// No transaction of this hash.
    #[error("no block holds a transaction with the hash {0}")]
    NoTransaction(String),
    /// An account that the chain does not know.
    #[error("the account {0} does not exist on the chain yet; send it some coins first")]
    NoAccount(String),
    /// A text that is no address.
    #[error("{text:?} is not an address of this chain; addresses here begin with \"{prefix}1\"")]
    Address {
        /// What was given.
        text: String,
        /// The prefix that was expected.
        prefix: String,
    },
    /// An amount that is none.
    #[error("{0:?} is not an amount; write a whole number and a denomination, like 1000000ubauta")]
    Amount(String),
    /// A chain id that is not the endpoint's.
    #[error("the node belongs to the chain {found:?}, not to {expected:?}; check --node and --chain-id")]
    OtherChain {
        /// What the client expects.
        expected: String,
        /// What the node says.
        found: String,
    },
    /// What the node says of its chain does not hold.
    #[error(transparent)]
    Light(#[from] LightError),
    /// A signature could not be made.
    #[error("the transaction cannot be signed: {0}")]
    Signing(String),
}

impl ChainError {
    /// What the chain refused, if that is what happened.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }

    /// Whether trying again later may help: the endpoint was away or busy.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Lost { .. } | Self::Unknown { .. } => true,
            Self::Light(error) => error.is_transient(),
            Self::Refused(refused) => refused.is_full() || refused.is_wrong_sequence(),
            _ => false,
        }
    }
}
