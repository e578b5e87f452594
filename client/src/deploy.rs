//! The three contracts of data providers: stored, instantiated, made known to one another and to the chain.

use bauta_messages::{registry, slashing, staking};
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use serde::Serialize;

use crate::chain::query::json;
use crate::chain::{messages, Chain, ChainError, Fee, Outcome, Signer, DEFAULT_DENOM};
use crate::contracts::Contracts;

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

/// A step that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("could not {step}")]
pub struct DeployError {
    /// What was to be done.
    pub step: String,
    /// Why it was not.
    pub source: ChainError,
}

impl DeployError {
    fn new(step: &str, source: impl Into<ChainError>) -> Self {
        Self { step: step.to_owned(), source: source.into() }
    }

    fn silent(step: &str, what: &str) -> Self {
        Self::new(step, ChainError::Answer { what: step.to_owned(), why: format!("it names no {what}") })
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
/// [`DeployError`] when the chain refuses a step.
pub async fn deploy(chain: &Chain, signer: &Signer, terms: &Terms) -> Result<Contracts, DeployError> {
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
    authority.tell("registry", &registry, &update).await?;
    let update = staking::ExecuteMsg::UpdateConfig {
        slashing: known,
        treasury: None,
        unbonding_seconds: None,
        max_unbondings: None,
    };
    authority.tell("staking", &staking, &update).await?;

    let step = "make the contracts known to the chain";
    let params = chain.training_params().await.map_err(|why| DeployError::new(step, why))?;
    let mut params =
        pb::Params { registry: registry.clone(), staking: staking.clone(), slashing: slashing.clone(), ..params };
    params.min_window = terms.min_window.unwrap_or(params.min_window);
    let update = pb::MsgUpdateParams { authority: me, params: Some(params) };
    authority.execute(step, messages::any(type_url::UPDATE_PARAMS, &update)).await?;
    Ok(Contracts { registry, staking, slashing })
}

impl Authority<'_> {
    async fn store(&self, name: &str, code: &[u8]) -> Result<u64, DeployError> {
        let step = format!("store the contract {name}");
        let stored = self.execute(&step, messages::store_code(self.signer.address(), code.to_vec())).await?;
        let id = stored.attribute("store_code", "code_id").and_then(|id| id.parse().ok());
        id.ok_or_else(|| DeployError::silent(&step, "code id"))
    }

    async fn instantiate<M: Serialize>(&self, code_id: u64, label: &str, message: &M) -> Result<String, DeployError> {
        let step = format!("instantiate the contract {label}");
        let me = self.signer.address();
        let message = json(message).map_err(|why| DeployError::new(&step, why))?;
        let message = messages::instantiate(me, Some(me), code_id, label, message, &[], None);
        let address = self.execute(&step, message).await?.attribute("instantiate", "_contract_address");
        address.ok_or_else(|| DeployError::silent(&step, "address"))
    }

    async fn tell<M: Serialize>(&self, label: &str, contract: &str, message: &M) -> Result<(), DeployError> {
        let step = format!("make slashing known to the contract {label}");
        let message = messages::execute(self.signer.address(), contract, message, &[]);
        let message = message.map_err(|why| DeployError::new(&step, why))?;
        self.execute(&step, message).await.map(|_| ())
    }

    async fn execute(&self, step: &str, message: cosmrs::Any) -> Result<Outcome, DeployError> {
        let done = self.chain.execute(self.signer, &[message], Fee::Simulated, "").await;
        done.map_err(|why| DeployError::new(step, why))
    }
}
