//! What the chain, its users and the three contracts say to one another.
//!
//! | module | contract | what it keeps |
//! |---|---|---|
//! | [`registry`] | who | providers, admission by issuers, jail and tombstone |
//! | [`staking`] | bonds | bonds, what is unbonding, locks held by the chain, where slashed coins go |
//! | [`slashing`] | penalties | the table of offences to penalties, verdicts and their history |
//!
//! JSON is `snake_case`; a message with an unknown variant or an unknown field is refused. Amounts ([`cosmwasm_std::Uint128`]) and
//! fractions ([`cosmwasm_std::Decimal`]) are JSON strings, byte strings ([`cosmwasm_std::Binary`]) are base64, times are whole
//! seconds since the Unix epoch, addresses are bech32 strings.
//!
//! The JSON schemas made from these types are committed in `schema/contracts/`.

mod page;
pub mod registry;
#[cfg(not(target_arch = "wasm32"))]
pub mod schema;
pub mod slashing;
pub mod staking;

pub use page::{page_size, DEFAULT_PAGE, MAX_PAGE};

/// The longest time, in seconds, that a parameter or a message may name (ten years of 365 days): a jail, an unbonding period.
pub const MAX_SECONDS: u64 = 10 * 365 * 24 * 60 * 60;

/// The most bytes of a reason that travels with a jail or a tombstone.
pub const MAX_REASON_BYTES: usize = 128;
