//! Why the registry refuses.

use bauta_foundation::{admin::AdminError, input::InputError, migration::MigrationError};
use cosmwasm_std::{Addr, OverflowError, StdError};
use thiserror::Error;

/// Why the registry refuses a message or a query.
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
    /// The sender vouches for nobody.
    #[error("{sender} is not an issuer; the admin adds issuers with add_issuer")]
    NotIssuer {
        /// Who tried.
        sender: Addr,
    },
    /// A second registration.
    #[error("{provider} is registered already; update_metadata changes what it says about itself")]
    AlreadyRegistered {
        /// The provider.
        provider: Addr,
    },
    /// It has not registered.
    #[error("{provider} is not registered; it registers with register")]
    NotRegistered {
        /// The provider.
        provider: Addr,
    },
    /// Barred for ever.
    #[error("{provider} is barred for ever, for {reason}")]
    Tombstoned {
        /// The provider.
        provider: Addr,
        /// The kind of the offence.
        reason: String,
    },
    /// It is free already.
    #[error("{provider} is not jailed")]
    NotJailed {
        /// The provider.
        provider: Addr,
    },
    /// Its time is not over.
    #[error("{provider} is jailed until {until} (seconds since 1970), and it is {now}; send unjail then")]
    StillJailed {
        /// The provider.
        provider: Addr,
        /// The earliest time to return.
        until: u64,
        /// This block's time.
        now: u64,
    },
    /// The address is an issuer already.
    #[error("{issuer} is an issuer already")]
    AlreadyIssuer {
        /// The issuer.
        issuer: Addr,
    },
    /// The address is no issuer.
    #[error("{issuer} is not an issuer of this registry")]
    UnknownIssuer {
        /// The address.
        issuer: Addr,
    },
    /// There is nothing to take back.
    #[error("{issuer} has not admitted {provider}")]
    NotAdmitted {
        /// The issuer.
        issuer: Addr,
        /// The provider.
        provider: Addr,
    },
    /// The list of first issuers is too long.
    #[error("an instantiation names at most {max} issuers, not {found}; add_issuer adds more")]
    TooManyIssuers {
        /// The most.
        max: u32,
        /// How many it names.
        found: usize,
    },
    /// A time beyond what 64 bits hold.
    #[error("{0}")]
    Overflow(#[from] OverflowError),
    /// The storage or the chain failed.
    #[error("{0}")]
    Std(#[from] StdError),
}
