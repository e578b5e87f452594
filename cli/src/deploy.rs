//! The three contracts of data providers: stored, instantiated, made known to one another and to the chain.

use anyhow::Context as _;
use bauta_client::chain::{messages, Chain, ChainError, Fee, Outcome, Signer, DEFAULT_DENOM};
use bauta_client::contracts::Contracts;
use bauta_messages::{registry, slashing, staking};
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use serde::Serialize;

/// The contracts, as they are committed in `contracts/artifacts`.
const ARTIFACTS: [(&str, &[u8]); 3] = [
    ("registry", include_bytes!("../../contracts/artifacts/registry.wasm")),
    ("staking", include_bytes!("../../contracts/artifacts/staking.wasm")),
    ("slashing", include_bytes!("../../contracts/artifacts/slashing.wasm")),
];

/// What a chain's contracts begin with.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How long coins take to unbond, in seconds.
    pub unbonding_seconds: u64,
    /// Penalties that differ from protocol.md's table.
    pub penalties: Vec<slashing::PenaltyRow>,
    /// The shortest window of a task in blocks, if it is to be another.
    pub min_window: Option<u32>,
    /// Who may attest providers, in bech32.
    pub issuers: Vec<String>,
}

impl Default for Terms {
    /// Two weeks to unbond, and the table's penalties.
    fn default() -> Self {
        Self { unbonding_seconds: 14 * 24 * 60 * 60, penalties: Vec::new(), min_window: None, issuers: Vec::new() }
    }
}

/// An authority that sets up its chain.
struct Authority<'a> {
    chain: &'a Chain,
    signer: &'a Signer,
}

/// Stores and instantiates the contracts, makes them known to one another and to the chain. `signer` must be the authority over the
/// parameters of training; it becomes the contracts' admin.
///
/// # Errors
/// When the chain refuses a step.
pub async fn deploy(chain: &Chain, signer: &Signer, terms: &Terms) -> anyhow::Result<Contracts> {
    let authority = Authority { chain, signer };
    let me = signer.address().to_owned();
    let mut codes = Vec::new();
    for (name, code) in ARTIFACTS {
        codes.push(authority.store(name, code).await?);
    }
    let registry = registry::InstantiateMsg { admin: None, slashing: None, issuers: terms.issuers.clone() };
    let registry = authority.instantiate(codes[0], "registry", &registry).await?;
    let staking = staking::InstantiateMsg {
        admin: None,
        slashing: None,
        treasury: None,
        bond_denom: DEFAULT_DENOM.to_owned(),
        unbonding_seconds: terms.unbonding_seconds,
        max_unbondings: None,
    };
    let staking = authority.instantiate(codes[1], "staking", &staking).await?;
    let slashing = slashing::InstantiateMsg {
        admin: None,
        staking: staking.clone(),
        registry: registry.clone(),
        penalties: terms.penalties.clone(),
    };
    let slashing = authority.instantiate(codes[2], "slashing", &slashing).await?;

    let known = Some(slashing.clone());
    let update = registry::ExecuteMsg::UpdateConfig { slashing: known.clone() };
    authority.execute(messages::execute(&me, &registry, &update, &[])?).await?;
    let update = staking::ExecuteMsg::UpdateConfig {
        slashing: known,
        treasury: None,
        unbonding_seconds: None,
        max_unbondings: None,
    };
    authority.execute(messages::execute(&me, &staking, &update, &[])?).await?;

    let mut params = pb::Params {
        registry: registry.clone(),
        staking: staking.clone(),
        slashing: slashing.clone(),
        ..chain.training_params().await?
    };
    params.min_window = terms.min_window.unwrap_or(params.min_window);
    let update = pb::MsgUpdateParams { authority: me, params: Some(params) };
    authority.execute(messages::any(type_url::UPDATE_PARAMS, &update)).await?;
    Ok(Contracts { registry, staking, slashing })
}

impl Authority<'_> {
    async fn store(&self, name: &str, code: &[u8]) -> anyhow::Result<u64> {
        let store = messages::store_code(self.signer.address(), code.to_vec());
        let stored = self.execute(store).await.with_context(|| format!("could not store the contract {name}"))?;
        stored
            .attribute("store_code", "code_id")
            .and_then(|id| id.parse().ok())
            .with_context(|| format!("storing {name} answered no code id"))
    }

    async fn instantiate<M: Serialize>(&self, code_id: u64, label: &str, message: &M) -> anyhow::Result<String> {
        let me = self.signer.address();
        let message = messages::instantiate(me, Some(me), code_id, label, serde_json::to_vec(message)?, &[], None);
        let outcome =
            self.execute(message).await.with_context(|| format!("could not instantiate the contract {label}"))?;
        outcome
            .attribute("instantiate", "_contract_address")
            .with_context(|| format!("instantiating {label} answered no address"))
    }

    async fn execute(&self, message: cosmrs::Any) -> Result<Outcome, ChainError> {
        self.chain.execute(self.signer, &[message], Fee::Simulated, "").await
    }
}
