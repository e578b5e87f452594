//! The first state of a chain.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use cosmos_sdk_proto::cosmwasm::wasm::v1::GenesisState;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use tendermint_proto::v0_38::abci::{RequestInitChain, ResponseInitChain, ValidatorUpdate};
use tendermint_proto::v0_38::crypto::public_key::Sum;

use super::{lock, time_ns, view_of, App, AppError, CONSENSUS_PARAMS, VALIDATORS};
use crate::address::Address;
use crate::context::{BlockInfo, Context, Mode};
use crate::error::Error;
use crate::gas::GasMeter;
use crate::modules::{auth, bank, training, wasm, MODULE_ACCOUNTS};
use crate::params::{self, AppParams};
use crate::store::{Commitment, LastBlock, Store, Trees, View};

/// `app_state` of the genesis document: one part a module, each with defaults.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppGenesis {
    /// The chain's own parameters.
    pub app: AppParams,
    /// Accounts.
    pub auth: auth::genesis::Genesis,
    /// Balances.
    pub bank: bank::genesis::Genesis,
    /// Contracts.
    pub wasm: wasm::Genesis,
    /// Parameters of training.
    pub training: training::genesis::Genesis,
}

/// A validator, and who is paid for its work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Validator {
    /// Base64 of its key.
    pub pub_key: String,
    /// Its voting power.
    pub power: u64,
    /// Its operator's account.
    pub operator: Option<String>,
}

impl App {
    /// Begins the chain. The engine may call this again after a crash before the first block: it starts over.
    ///
    /// # Errors
    /// When the genesis is none, or cannot be written.
    pub fn init_chain(&self, request: RequestInitChain) -> Result<ResponseInitChain, AppError> {
        let initial_height = u64::try_from(request.initial_height.max(1)).unwrap_or(1);
        if self.latest().last().has_blocks() {
            return Err(AppError::Order("InitChain, but the chain has blocks already".into()));
        }
        let genesis: AppGenesis = match request.app_state_bytes.as_ref() {
            b"" => AppGenesis::default(),
            bytes => serde_json::from_slice(bytes)
                .map_err(|error| AppError::Genesis(format!("app_state is not as expected: {error}")))?,
        };
        let snapshot = self.latest();
        let empty = crate::store::MemoryBase::default();
        let view = View::new(std::sync::Arc::new(empty));
        let block = BlockInfo {
            chain_id: request.chain_id.clone(),
            height: initial_height - 1,
            time_ns: time_ns(request.time.as_ref()),
        };
        let mut ctx = Context::new(
            view.clone(),
            GasMeter::unlimited(),
            block.clone(),
            Mode::Finalize,
            None,
            genesis.app.prefix.clone(),
        );
        self.fill(&mut ctx, &genesis, &request).map_err(|error| AppError::Genesis(error.log))?;

        let changes = view.take_changes();
        let update = Trees::empty(&snapshot).apply(&changes, block.height)?;
        let last = LastBlock {
            height: block.height,
            app_hash: hex::encode(update.app_hash),
            time_ns: block.time_ns,
            chain_id: block.chain_id,
            initial_height,
            oldest: block.height,
        };
        // What was executed over another genesis must not be committed over this one.
        *lock(&self.pending) = None;
        self.db.reset(last, &changes, &update)?;
        let snapshot = self.db.snapshot()?;
        debug_assert!(view_of(&snapshot).get(Store::App, params::KEY).is_some());
        self.set_latest(snapshot);
        Ok(ResponseInitChain {
            consensus_params: request.consensus_params,
            validators: request.validators,
            app_hash: update.app_hash.to_vec().into(),
        })
    }

    fn fill(&self, ctx: &mut Context, genesis: &AppGenesis, request: &RequestInitChain) -> crate::error::Result<()> {
        genesis.app.validate()?;
        params::save(&ctx.view, &genesis.app)?;
        let consensus = request.consensus_params.clone().unwrap_or_default();
        ctx.view.set(Store::App, CONSENSUS_PARAMS.to_vec(), consensus.encode_to_vec());
        let validators = validators(&request.validators, &genesis.app)?;
        let validators = serde_json::to_vec(&validators).map_err(|error| Error::logic(error.to_string()))?;
        ctx.view.set(Store::App, VALIDATORS.to_vec(), validators);
        auth::genesis::init(ctx, &genesis.auth)?;
        bank::genesis::init(ctx, &genesis.bank)?;
        // After the people's, whose numbers then follow the genesis.
        for name in MODULE_ACCOUNTS {
            auth::ensure_module_account(ctx, name)?;
        }
        self.modules.wasm.init_genesis(ctx, &GenesisState::try_from(&genesis.wasm)?)?;
        // After the contracts, whose addresses it holds.
        training::genesis::init(ctx, &genesis.training)?;
        Ok(())
    }
}

fn validators(updates: &[ValidatorUpdate], app: &AppParams) -> crate::error::Result<Vec<Validator>> {
    for operator in &app.validators {
        Address::parse(&operator.operator, &app.prefix)
            .map_err(|error| error.context(format!("app.validators: {}", operator.operator)))?;
    }
    updates
        .iter()
        .map(|update| {
            let key = match update.pub_key.as_ref().and_then(|key| key.sum.as_ref()) {
                Some(Sum::Ed25519(key) | Sum::Secp256k1(key)) => STANDARD.encode(key),
                None => return Err(Error::invalid_pub_key("a validator of the genesis has no key")),
            };
            let operator = app.validators.iter().find(|operator| operator.pub_key == key);
            Ok(Validator {
                pub_key: key,
                power: u64::try_from(update.power).unwrap_or(0),
                operator: operator.map(|operator| operator.operator.clone()),
            })
        })
        .collect()
}
