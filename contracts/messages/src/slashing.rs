//! Slashing: what an offence costs, and what was done about each.
//!
//! The chain judges; this contract holds the price list. A verdict arrives by `sudo` with the digest of its evidence, is carried out
//! by messages to the staking contract and the registry, and is kept. *One round, one penalty per provider: the largest* is the
//! chain's rule: what arrives here is already chosen, and every verdict that arrives is carried out once.

use cosmwasm_schema::{cw_serde, QueryResponses};
use cosmwasm_std::{Addr, Binary, Decimal, Uint128};

/// The most bytes of the kind of an offence: lower-case letters, digits and underscores, a letter first.
pub const MAX_KIND_BYTES: usize = 64;
/// The bytes of an offence's id and of its evidence's digest.
pub const DIGEST_BYTES: usize = 32;

/// The kinds of offence the chain knows, by the names that verdicts, parameters and reports use.
pub mod kind {
    /// A dealt share contradicts the dealer's commitments.
    pub const BAD_SHARE: &str = "bad_share";
    /// A complaint about a share that was good.
    pub const FALSE_COMPLAINT: &str = "false_complaint";
    /// Checked in, and no complete submission when the window ended.
    pub const NO_SUBMISSION: &str = "no_submission";
    /// A seat was silent in a phase that failed for want of answers.
    pub const SILENT_SEAT: &str = "silent_seat";
    /// Two different headers signed for one round of one task.
    pub const TWO_HEADERS: &str = "two_headers";
    /// An inner-signed partial lists what no request list of the round asked for.
    pub const UNREQUESTED_PARTIAL: &str = "unrequested_partial";
    /// An inner-signed body with an invalid proof.
    pub const INVALID_PROOF: &str = "invalid_proof";
    /// Non-canonical content under a signed header.
    pub const NON_CANONICAL: &str = "non_canonical";
    /// Enrolled, and gave nothing to the seed of the seats.
    pub const WITHHELD_SEED: &str = "withheld_seed";
    /// An edge's number, signed in blame, that is not what the edge's mask holds.
    pub const FALSE_EDGE: &str = "false_edge";
    /// An update out of its bound, by the numbers that its author signed in blame.
    pub const OUT_OF_BOUND: &str = "out_of_bound";
    /// Silent in blame when its window ended.
    pub const SILENT_IN_BLAME: &str = "silent_in_blame";

    /// All of the above, in byte order.
    pub const ALL: [&str; 12] = [
        BAD_SHARE,
        FALSE_COMPLAINT,
        FALSE_EDGE,
        INVALID_PROOF,
        NO_SUBMISSION,
        NON_CANONICAL,
        OUT_OF_BOUND,
        SILENT_IN_BLAME,
        SILENT_SEAT,
        TWO_HEADERS,
        UNREQUESTED_PARTIAL,
        WITHHELD_SEED,
    ];
}

/// What one kind of offence costs.
#[cw_serde]
#[derive(Copy, Eq)]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub struct Penalty {
    /// How much of bond and unbonding coins is taken, 0 to 1.
    pub fraction: Decimal,
    /// For how long the registry bars the provider, at most [`crate::MAX_SECONDS`]; 0 for not at all.
    #[serde(default)]
    pub jail_seconds: u64,
    /// Whether the registry bars the provider for ever.
    #[serde(default)]
    pub tombstone: bool,
    /// What the reporter gets, as a fraction of what is taken.
    #[serde(default)]
    pub bounty_fraction: Decimal,
    /// What the harmed get together, as a fraction of what is taken; with the bounty at most 1.
    #[serde(default)]
    pub compensation_fraction: Decimal,
}

/// One row of the table.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub struct PenaltyRow {
    /// The kind of the offence, up to [`MAX_KIND_BYTES`] bytes.
    pub kind: String,
    /// What it costs.
    pub penalty: Penalty,
}

/// Starts a slashing contract.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub struct InstantiateMsg {
    /// Who may change the configuration and the penalties; the sender when absent.
    pub admin: Option<String>,
    /// The staking contract.
    pub staking: String,
    /// The registry.
    pub registry: String,
    /// Rows that replace or extend the defaults, at most 100.
    #[serde(default)]
    pub penalties: Vec<PenaltyRow>,
}

/// What may be sent to a slashing contract. No message takes funds.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub enum ExecuteMsg {
    /// By the admin: sets the penalty of a kind, known or new. Verdicts that were carried out keep theirs.
    SetPenalty {
        /// The kind of the offence, up to [`MAX_KIND_BYTES`] bytes.
        kind: String,
        /// What it costs from now on.
        penalty: Penalty,
    },
    /// By the admin: changes what is given, leaves the rest.
    UpdateConfig {
        /// The staking contract.
        staking: Option<String>,
        /// The registry.
        registry: Option<String>,
    },
    /// By the admin: offers the role to another address, which must accept it. `null` takes an offer back.
    ProposeAdmin {
        /// The address that may accept.
        admin: Option<String>,
    },
    /// The sender, to whom the role was offered, becomes the admin.
    AcceptAdmin {},
}

/// What the chain itself says to a slashing contract.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub enum SudoMsg {
    /// Carries out a verdict, once: an id that was settled before changes nothing and is no error. If the slash, the jail or the
    /// tombstone fails, the whole message fails and nothing is kept, so that the chain can try again.
    Settle(Verdict),
}

/// A verdict of the chain.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub struct Verdict {
    /// 32 bytes that name this offence and no other.
    pub offence_id: Binary,
    /// The kind of the offence; see [`kind`].
    pub kind: String,
    /// Who did it.
    pub provider: String,
    /// In which task.
    pub task: u64,
    /// In which epoch of the task.
    pub epoch: u64,
    /// In which round of the epoch; 0 when it belongs to no round.
    pub round: u64,
    /// The 32-byte digest of the evidence, which the chain has checked.
    pub evidence: Binary,
    /// Who reported it, if somebody did.
    pub reporter: Option<String>,
    /// Who was harmed; the first [`crate::staking::MAX_COMPENSATED`] share the compensation.
    #[serde(default)]
    pub harmed: Vec<String>,
}

/// What may be asked of a slashing contract.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
#[derive(QueryResponses)]
pub enum QueryMsg {
    /// The configuration.
    #[returns(ConfigResponse)]
    Config {},
    /// The table of offences to penalties, by kind.
    #[returns(PenaltiesResponse)]
    Penalties {
        /// The last kind of the page before.
        start_after: Option<String>,
        /// Page size, 30 by default, at most 100.
        limit: Option<u32>,
    },
    /// One settled offence.
    #[returns(OffenceResponse)]
    Offence {
        /// Its 32-byte id.
        offence_id: Binary,
    },
    /// Settled offences in the order in which they were settled, of one provider or of all.
    #[returns(HistoryResponse)]
    History {
        /// Whose; everybody's when absent.
        provider: Option<String>,
        /// The sequence number of the last offence of the page before.
        start_after: Option<u64>,
        /// Page size, 30 by default, at most 100.
        limit: Option<u32>,
    },
}

/// Migrates to the code that is being installed; nothing to configure.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub struct MigrateMsg {}

/// The configuration of a slashing contract.
#[cw_serde]
pub struct ConfigResponse {
    /// Who may change the configuration and the penalties.
    pub admin: Addr,
    /// To whom the role is offered.
    pub pending_admin: Option<Addr>,
    /// The staking contract.
    pub staking: Addr,
    /// The registry.
    pub registry: Addr,
}

/// A page of the table of offences to penalties.
#[cw_serde]
pub struct PenaltiesResponse {
    /// In byte order of the kind.
    pub penalties: Vec<PenaltyRow>,
}

/// A verdict that was asked for, if it was settled.
#[cw_serde]
pub struct OffenceResponse {
    /// Absent when no offence of this id was settled.
    pub offence: Option<SettledOffence>,
}

/// A page of settled offences.
#[cw_serde]
pub struct HistoryResponse {
    /// In order of their sequence numbers.
    pub offences: Vec<SettledOffence>,
}

/// A verdict that was carried out, and what it did.
#[cw_serde]
pub struct SettledOffence {
    /// 1 for the first offence that this contract settled, and so on.
    pub sequence: u64,
    /// 32 bytes that name this offence and no other.
    pub offence_id: Binary,
    /// The kind of the offence.
    pub kind: String,
    /// Who did it.
    pub provider: Addr,
    /// In which task.
    pub task: u64,
    /// In which epoch of the task.
    pub epoch: u64,
    /// In which round of the epoch; 0 when it belongs to no round.
    pub round: u64,
    /// The 32-byte digest of the evidence.
    pub evidence: Binary,
    /// Who reported it, if somebody did.
    pub reporter: Option<Addr>,
    /// How many addresses were named as harmed.
    pub harmed: u32,
    /// The height of the block that settled it.
    pub height: u64,
    /// The time of that block, in seconds since the Unix epoch.
    pub time: u64,
    /// The penalty as it stood then.
    pub penalty: Penalty,
    /// Bond and unbonding coins before, as the staking contract reported.
    pub before: Uint128,
    /// Bond and unbonding coins after.
    pub after: Uint128,
    /// What was taken: `before - after`.
    pub slashed: Uint128,
    /// Of it, to the reporter.
    pub bounty: Uint128,
    /// Of it, to the harmed.
    pub compensation: Uint128,
    /// Of it, to the treasury.
    pub treasury: Uint128,
}
