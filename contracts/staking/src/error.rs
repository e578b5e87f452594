//! Why the staking contract refuses.

use bauta_foundation::{admin::AdminError, input::InputError, migration::MigrationError};
use cosmwasm_std::{Addr, CheckedMultiplyFractionError, Decimal, DivideByZeroError, OverflowError, StdError, Uint128};
use thiserror::Error;

/// Why the staking contract refuses a message or a query.
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
    /// Somebody else sent what only the slashing contract may send.
    #[error("only the slashing contract may send this, not {sender}")]
    NotSlashing {
        /// Who tried.
        sender: Addr,
    },
    /// A bond denomination that is none.
    #[error("bond_denom {0:?} is not a denomination: 3 to 128 of letters, digits and /:._-, a letter first")]
    BadDenom(String),
    /// The number of unbonding entries is out of its range.
    #[error("max_unbondings must be 1 to {max}, not {found}")]
    BadMaxUnbondings {
        /// The most.
        max: u32,
        /// What stands there.
        found: u32,
    },
    /// No funds, or others than the bond denomination.
    #[error("bond takes coins of {denom} and nothing else, but {found} came with it")]
    WrongFunds {
        /// The bond denomination.
        denom: String,
        /// What came.
        found: String,
    },
    /// An amount of nothing.
    #[error("the amount must be at least 1")]
    Nothing,
    /// More than there is.
    #[error("{provider} has {bonded} bonded and cannot unbond {asked}")]
    NotEnough {
        /// The provider.
        provider: Addr,
        /// What it has.
        bonded: Uint128,
        /// What it asked for.
        asked: Uint128,
    },
    /// Too many entries at once.
    #[error("{provider} has {max} unbonding entries, the most at once; withdraw those that have matured first")]
    TooManyUnbondings {
        /// The provider.
        provider: Addr,
        /// The most.
        max: u32,
    },
    /// The evidence window of an epoch is open.
    #[error(
        "the coins of {provider} are held by the chain for {key:?} (task/epoch) until its evidence window is over"
    )]
    Locked {
        /// The provider.
        provider: Addr,
        /// The key of the first of its locks.
        key: String,
    },
    /// Nothing has matured.
    #[error("nothing of {provider} matures before {at} (seconds since 1970), and it is {now}")]
    NotMatured {
        /// The provider.
        provider: Addr,
        /// When the next entry matures.
        at: u64,
        /// This block's time.
        now: u64,
    },
    /// Nothing is unbonding.
    #[error("{provider} has no unbonding entries; unbond makes one")]
    NothingUnbonding {
        /// The provider.
        provider: Addr,
    },
    /// A fraction beyond the whole.
    #[error("{field} must be 0 to 1, not {found}")]
    BadFraction {
        /// Which field of the message, or which sum.
        field: &'static str,
        /// What stands there.
        found: Decimal,
    },
    /// Too many to compensate.
    #[error("compensate names at most {max} addresses, not {found}")]
    TooManyCompensated {
        /// The most.
        max: usize,
        /// How many it names.
        found: usize,
    },
    /// An amount or a time beyond what its type holds.
    #[error("{0}")]
    Overflow(#[from] OverflowError),
    /// An amount beyond what its type holds.
    #[error("{0}")]
    Fraction(#[from] CheckedMultiplyFractionError),
    /// A split among nobody.
    #[error("{0}")]
    Division(#[from] DivideByZeroError),
    /// The storage or the chain failed.
    #[error("{0}")]
    Std(#[from] StdError),
}
