//! Why the slashing contract refuses.

use bauta_foundation::{admin::AdminError, input::InputError, migration::MigrationError};
use cosmwasm_std::{Decimal, OverflowError, StdError};
use thiserror::Error;

/// Why the slashing contract refuses a message or a query.
#[derive(Debug, Error)]
pub enum ContractError {
    /// Something that a message brings is malformed.
    #[error("{0}")]
    Input(#[from] InputError),
    /// It is for the admin to do.
    #[error("{0}")]
    Admin(#[from] AdminError),
    /// The state is not one that this code continues.
    #[error("{0}")]
    Migration(#[from] MigrationError),
    /// A kind that cannot be one.
    #[error("the kind of an offence must be 1 to {max} lower-case letters, digits and underscores, a letter first, not {found:?}")]
    BadKind {
        /// The most bytes.
        max: usize,
        /// What stands there, at most its first 100 characters.
        found: String,
    },
    /// A kind without a row in the table.
    #[error("no penalty is set for the offence {kind}; the admin sets it with set_penalty, and the verdict can then be settled")]
    UnknownKind {
        /// The kind.
        kind: String,
    },
    /// A digest of another length.
    #[error("{field} must be {expected} bytes, not {found}")]
    BadDigest {
        /// Which field of the message.
        field: &'static str,
        /// How many bytes it must have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// A fraction beyond the whole.
    #[error("{field} must be 0 to 1, not {found}")]
    BadFraction {
        /// Which field of the message, or which sum.
        field: &'static str,
        /// What stands there.
        found: Decimal,
    },
    /// The list of rows is too long.
    #[error("an instantiation names at most {max} penalties, not {found}; set_penalty adds more")]
    TooManyPenalties {
        /// The most.
        max: u32,
        /// How many it names.
        found: usize,
    },
    /// A reply that belongs to no message of ours.
    #[error("the reply {0} belongs to no message of this contract")]
    UnknownReply(u64),
    /// The staking contract did not say what it took.
    #[error("the staking contract did not say what it took: {0}")]
    BadSlashResponse(String),
    /// A count beyond what its type holds.
    #[error("{0}")]
    Overflow(#[from] OverflowError),
    /// The storage or the chain failed.
    #[error("{0}")]
    Std(#[from] StdError),
}
