//! Staking: the bonds that answer for providers.
//!
//! A provider's coins are *bonded*, or *unbonding* in entries that mature after a period. Both can be slashed, matured entries
//! included, until they are withdrawn. While the chain holds any *lock* on a provider nothing of it can be withdrawn, so bonds cannot
//! leave before the evidence window of an epoch ends; to begin to unbond is allowed, and the period may pass meanwhile.

use cosmwasm_schema::{cw_serde, QueryResponses};
use cosmwasm_std::{Addr, Decimal, Uint128};

/// The most unbonding entries a provider may have at once, whatever the configuration says.
pub const MAX_UNBONDINGS: u32 = 32;
/// Unbonding entries a provider may have at once when the instantiation does not say.
pub const DEFAULT_UNBONDINGS: u32 = 7;
/// The most bytes of the key of a lock; at least one is required.
pub const MAX_LOCK_KEY_BYTES: usize = 64;
/// The most addresses among which one slash's compensation is split.
pub const MAX_COMPENSATED: usize = 128;

/// The key of the lock that an epoch of a task holds: `task/epoch` in decimal.
pub fn lock_key(task: u64, epoch: u64) -> String {
    format!("{task}/{epoch}")
}

/// Starts a staking contract.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub struct InstantiateMsg {
    /// Who may change the configuration; the sender when absent.
    pub admin: Option<String>,
    /// The slashing contract, the only one that slashes. It may be set later, because the contracts know one another.
    pub slashing: Option<String>,
    /// Where slashed coins go that are neither bounty nor compensation; the admin when absent.
    pub treasury: Option<String>,
    /// The one denomination that is bonded; it never changes.
    pub bond_denom: String,
    /// Seconds from `unbond` to when an entry matures, 1 to [`crate::MAX_SECONDS`].
    pub unbonding_seconds: u64,
    /// Unbonding entries a provider may have at once, 1 to [`MAX_UNBONDINGS`]; [`DEFAULT_UNBONDINGS`] when absent.
    pub max_unbondings: Option<u32>,
}

/// What may be sent to a staking contract. Only `bond` takes funds.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub enum ExecuteMsg {
    /// Adds the funds sent, coins of the bond denomination alone, to the sender's bond.
    Bond {},
    /// Moves an amount from the sender's bond to an unbonding entry.
    Unbond {
        /// How much, at least one.
        amount: Uint128,
    },
    /// Pays the sender its matured entries. Refused while the chain holds a lock on it.
    Withdraw {},
    /// By the slashing contract only: takes a fraction of everything that the provider has here. The response's data is a
    /// [`SlashResponse`].
    Slash {
        /// The provider's address.
        provider: String,
        /// How much of bond and unbonding entries together, 0 to 1; see [`SlashResponse`] on rounding.
        fraction: Decimal,
        /// Who reported it; the provider itself earns no bounty.
        bounty_to: Option<String>,
        /// The bounty as a fraction of what is slashed.
        bounty_fraction: Decimal,
        /// Who was harmed, at most [`MAX_COMPENSATED`]; repetitions and the provider itself are left out.
        compensate: Vec<String>,
        /// The compensation as a fraction of what is slashed; with the bounty at most 1.
        compensation_fraction: Decimal,
    },
    /// By the admin: changes what is given, leaves the rest. Entries that are unbonding keep their time.
    UpdateConfig {
        /// The slashing contract.
        slashing: Option<String>,
        /// Where the rest of slashed coins goes.
        treasury: Option<String>,
        /// Seconds from `unbond` to when an entry matures.
        unbonding_seconds: Option<u64>,
        /// Unbonding entries a provider may have at once.
        max_unbondings: Option<u32>,
    },
    /// By the admin: offers the role to another address, which must accept it. `null` takes an offer back.
    ProposeAdmin {
        /// The address that may accept.
        admin: Option<String>,
    },
    /// The sender, to whom the role was offered, becomes the admin.
    AcceptAdmin {},
}

/// What the chain itself says to a staking contract. Both are idempotent.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub enum SudoMsg {
    /// Holds a provider's coins: no withdrawal until every lock is gone.
    Lock {
        /// The provider's address.
        provider: String,
        /// What holds it, 1 to [`MAX_LOCK_KEY_BYTES`] bytes; see [`lock_key`].
        key: String,
    },
    /// Releases one lock; a key that holds nothing changes nothing.
    Unlock {
        /// The provider's address.
        provider: String,
        /// The key of the lock.
        key: String,
    },
}

/// What may be asked of a staking contract.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
#[derive(QueryResponses)]
pub enum QueryMsg {
    /// The configuration.
    #[returns(ConfigResponse)]
    Config {},
    /// One provider's bond; zeros for an address that never bonded.
    #[returns(BondResponse)]
    Bond {
        /// The provider's address.
        provider: String,
    },
    /// The providers that have anything here, by address.
    #[returns(BondsResponse)]
    Bonds {
        /// The last address of the page before.
        start_after: Option<String>,
        /// Page size, 30 by default, at most 100.
        limit: Option<u32>,
    },
    /// A provider's unbonding entries, oldest first; never more than [`MAX_UNBONDINGS`].
    #[returns(UnbondingsResponse)]
    Unbondings {
        /// The provider's address.
        provider: String,
    },
    /// The keys of the locks on a provider, in order.
    #[returns(LocksResponse)]
    Locks {
        /// The provider's address.
        provider: String,
        /// The last key of the page before.
        start_after: Option<String>,
        /// Page size, 30 by default, at most 100.
        limit: Option<u32>,
    },
    /// What all providers have here.
    #[returns(TotalsResponse)]
    Totals {},
}

/// Migrates to the code that is being installed; nothing to configure.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub struct MigrateMsg {}

/// The configuration of a staking contract.
#[cw_serde]
pub struct ConfigResponse {
    /// Who may change the configuration.
    pub admin: Addr,
    /// To whom the role is offered.
    pub pending_admin: Option<Addr>,
    /// The slashing contract, once it is set.
    pub slashing: Option<Addr>,
    /// Where the rest of slashed coins goes.
    pub treasury: Addr,
    /// The one denomination that is bonded.
    pub bond_denom: String,
    /// Seconds from `unbond` to when an entry matures.
    pub unbonding_seconds: u64,
    /// Unbonding entries a provider may have at once.
    pub max_unbondings: u32,
}

/// One provider's bond.
#[cw_serde]
pub struct BondResponse {
    /// The address asked about.
    pub provider: Addr,
    /// What answers for it and earns it a part in tasks.
    pub bonded: Uint128,
    /// The sum of its unbonding entries, matured ones included: it still answers for offences.
    pub unbonding: Uint128,
    /// Whether the chain holds any lock on it.
    pub locked: bool,
    /// The first page of the locks' keys.
    pub locks: Vec<String>,
}

/// One line of the list of bonds.
#[cw_serde]
pub struct Bond {
    /// The provider's address.
    pub provider: Addr,
    /// What answers for it and earns it a part in tasks.
    pub bonded: Uint128,
    /// The sum of its unbonding entries.
    pub unbonding: Uint128,
    /// Whether the chain holds any lock on it.
    pub locked: bool,
}

/// A page of bonds.
#[cw_serde]
pub struct BondsResponse {
    /// In order of address.
    pub bonds: Vec<Bond>,
}

/// Coins on their way out.
#[cw_serde]
pub struct Unbonding {
    /// How much.
    pub amount: Uint128,
    /// From when on it may be withdrawn, in seconds since the Unix epoch.
    pub matures_at: u64,
}

/// A provider's unbonding entries.
#[cw_serde]
pub struct UnbondingsResponse {
    /// Oldest first.
    pub unbondings: Vec<Unbonding>,
}

/// A page of a provider's locks.
#[cw_serde]
pub struct LocksResponse {
    /// In byte order.
    pub locks: Vec<String>,
}

/// What all providers have here. Together it is the contract's balance of the bond denomination, plus whatever somebody sent to
/// the contract's address unasked.
#[cw_serde]
pub struct TotalsResponse {
    /// All bonds.
    pub bonded: Uint128,
    /// All unbonding entries.
    pub unbonding: Uint128,
}

/// What a slash did, as the data of its response (JSON).
///
/// `slashed = floor(fraction * before)`, so that no split into entries changes it. The bond and every entry give the floor of their
/// own share, and the units that are then missing come from the bond first and from the entries, oldest first, after it.
/// `bounty = floor(bounty_fraction * slashed)` when there is somebody to pay it to, `compensation` is the largest multiple of the
/// number of harmed addresses in `floor(compensation_fraction * slashed)`, and the treasury gets the rest.
#[cw_serde]
pub struct SlashResponse {
    /// Bond and unbonding entries before.
    pub before: Uint128,
    /// Bond and unbonding entries after.
    pub after: Uint128,
    /// `before - after`, which is `bounty + compensation + treasury`.
    pub slashed: Uint128,
    /// Paid to the reporter.
    pub bounty: Uint128,
    /// Paid to the harmed, all together.
    pub compensation: Uint128,
    /// Paid to the treasury.
    pub treasury: Uint128,
}
