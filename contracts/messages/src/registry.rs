//! The registry: who is a provider, who vouches for it, and whether it may take part.
//!
//! An address has a *registration* (its own metadata), *admissions* (issuers that vouch for it) and a *standing* (good, jailed or
//! tombstoned). The three are independent: an issuer may admit an address before it registers, and a verdict reaches an address
//! whether it registered or not.

use cosmwasm_schema::{cw_serde, QueryResponses};
use cosmwasm_std::Addr;

/// The most bytes of [`Metadata::name`]; at least one is required.
pub const MAX_NAME_BYTES: usize = 64;
/// The most bytes of [`Metadata::contact`].
pub const MAX_CONTACT_BYTES: usize = 128;
/// The most bytes of [`Metadata::description`].
pub const MAX_DESCRIPTION_BYTES: usize = 512;

/// What a provider says about itself. Nobody checks it; an issuer's admission is what others rely on.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub struct Metadata {
    /// A name for people, 1 to 64 bytes, no control characters.
    pub name: String,
    /// Where its operator is reached, up to 128 bytes; may be empty.
    #[serde(default)]
    pub contact: String,
    /// What data it holds, in its own words, up to 512 bytes; may be empty.
    #[serde(default)]
    pub description: String,
}

/// Starts a registry.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub struct InstantiateMsg {
    /// Who may change the configuration and the issuers; the sender when absent.
    pub admin: Option<String>,
    /// The slashing contract, the only one that jails and tombstones. It may be set later, because the contracts know one another.
    pub slashing: Option<String>,
    /// The first issuers, at most 100.
    #[serde(default)]
    pub issuers: Vec<String>,
}

/// What may be sent to a registry. No message takes funds.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub enum ExecuteMsg {
    /// Registers the sender as a provider. Refused when it is registered already or tombstoned.
    Register {
        /// What the provider says about itself.
        metadata: Metadata,
    },
    /// Replaces the metadata of the sender, a registered provider.
    UpdateMetadata {
        /// The new metadata, whole.
        metadata: Metadata,
    },
    /// The sender, an issuer, vouches for a provider (which need not have registered yet).
    Admit {
        /// The provider's address.
        provider: String,
    },
    /// The sender, an issuer, takes its admission back.
    Revoke {
        /// The provider's address.
        provider: String,
    },
    /// By the slashing contract only: bars the provider until it sends `unjail`, at the earliest `seconds` from now. The later of
    /// two ends counts. Nothing happens to a tombstoned provider.
    Jail {
        /// The provider's address.
        provider: String,
        /// Seconds from this block's time, at most [`crate::MAX_SECONDS`].
        seconds: u64,
        /// Why, up to [`crate::MAX_REASON_BYTES`] bytes: the kind of the offence.
        reason: String,
    },
    /// The sender, a jailed provider whose time is over, returns.
    Unjail {},
    /// By the slashing contract only: bars the provider for ever. A second tombstone changes nothing.
    Tombstone {
        /// The provider's address.
        provider: String,
        /// Why, up to [`crate::MAX_REASON_BYTES`] bytes: the kind of the offence.
        reason: String,
    },
    /// By the admin: changes what is given, leaves the rest.
    UpdateConfig {
        /// The slashing contract.
        slashing: Option<String>,
    },
    /// By the admin: adds an issuer.
    AddIssuer {
        /// The issuer's address.
        issuer: String,
    },
    /// By the admin: removes an issuer. Its admissions count no more, and count again if it is added again.
    RemoveIssuer {
        /// The issuer's address.
        issuer: String,
    },
    /// By the admin: offers the role to another address, which must accept it. `null` takes an offer back.
    ProposeAdmin {
        /// The address that may accept.
        admin: Option<String>,
    },
    /// The sender, to whom the role was offered, becomes the admin.
    AcceptAdmin {},
}

/// What may be asked of a registry.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
#[derive(QueryResponses)]
pub enum QueryMsg {
    /// The configuration.
    #[returns(ConfigResponse)]
    Config {},
    /// One address: registration and standing. An address that nobody knows has neither, and that is no error.
    #[returns(ProviderResponse)]
    Provider {
        /// The provider's address.
        provider: String,
    },
    /// The registered providers, by address.
    #[returns(ProvidersResponse)]
    Providers {
        /// The last address of the page before.
        start_after: Option<String>,
        /// Page size, 30 by default, at most 100.
        limit: Option<u32>,
    },
    /// Whether a provider may take part: registered, not jailed, not tombstoned, and admitted by the issuer if one is named.
    #[returns(MayTakePartResponse)]
    MayTakePart {
        /// The provider's address.
        provider: String,
        /// The issuer that a task's settings name.
        issuer: Option<String>,
    },
    /// The issuers, by address.
    #[returns(IssuersResponse)]
    Issuers {
        /// The last address of the page before.
        start_after: Option<String>,
        /// Page size, 30 by default, at most 100.
        limit: Option<u32>,
    },
    /// The addresses an issuer has admitted, by address.
    #[returns(AdmittedResponse)]
    Admitted {
        /// The issuer's address.
        issuer: String,
        /// The last address of the page before.
        start_after: Option<String>,
        /// Page size, 30 by default, at most 100.
        limit: Option<u32>,
    },
}

/// Migrates to the code that is being installed; nothing to configure.
#[cw_serde]
#[serde(deny_unknown_fields)]
#[schemaifier(mute_warnings)]
pub struct MigrateMsg {}

/// The configuration of a registry.
#[cw_serde]
pub struct ConfigResponse {
    /// Who may change the configuration and the issuers.
    pub admin: Addr,
    /// To whom the role is offered.
    pub pending_admin: Option<Addr>,
    /// The slashing contract, once it is set.
    pub slashing: Option<Addr>,
}

/// A provider's own entry.
#[cw_serde]
pub struct Registration {
    /// What it says about itself.
    pub metadata: Metadata,
    /// When it registered, in seconds since the Unix epoch.
    pub registered_at: u64,
}

/// Whether verdicts bar an address.
#[cw_serde]
#[serde(tag = "status")]
#[schemaifier(mute_warnings)]
pub enum Standing {
    /// Nothing bars it.
    Good {},
    /// Barred until it sends `unjail`, which it may do from `until` on.
    Jailed {
        /// The earliest time to return, in seconds since the Unix epoch.
        until: u64,
        /// The kind of the offence that set `until`.
        reason: String,
    },
    /// Barred for ever.
    Tombstoned {
        /// Since when, in seconds since the Unix epoch.
        since: u64,
        /// The kind of the offence.
        reason: String,
    },
}

/// What is known about one address.
#[cw_serde]
pub struct ProviderResponse {
    /// The address asked about.
    pub provider: Addr,
    /// Its registration, if it is registered.
    pub registration: Option<Registration>,
    /// Whether verdicts bar it.
    pub standing: Standing,
}

/// A page of registered providers.
#[cw_serde]
pub struct ProvidersResponse {
    /// In order of address.
    pub providers: Vec<ProviderResponse>,
}

/// Whether a provider may take part, and if not, why.
#[cw_serde]
pub struct MayTakePartResponse {
    /// The answer.
    pub allowed: bool,
    /// What bars it, the first of the list in [`Bar`] that applies; absent when it is allowed.
    pub reason: Option<Bar>,
    /// The same as a sentence for people; absent when it is allowed.
    pub explanation: Option<String>,
}

/// What may bar a provider from taking part, in the order in which it is looked at.
#[cw_serde]
#[derive(Copy, Eq)]
pub enum Bar {
    /// Barred for ever by a verdict.
    Tombstoned,
    /// It has not registered.
    NotRegistered,
    /// Barred by a verdict until it returns.
    Jailed,
    /// The issuer named is not one of this registry.
    UnknownIssuer,
    /// The issuer named has not admitted it.
    NotAdmitted,
}

/// A page of issuers.
#[cw_serde]
pub struct IssuersResponse {
    /// In order of address.
    pub issuers: Vec<Addr>,
}

/// A page of an issuer's admissions.
#[cw_serde]
pub struct AdmittedResponse {
    /// In order of address.
    pub providers: Vec<Addr>,
}
