//! The committed state as the genesis of a chain that goes on from it.

use cosmos_sdk_proto::cosmwasm::wasm::v1::GenesisState;
use serde_json::{json, Value};
use tendermint_proto::v0_38::types::ConsensusParams;

use super::genesis::Validator;
use super::{consensus_params, view_of, App, AppError, AppGenesis, VALIDATORS};
use crate::context::{BlockInfo, Context, Mode};
use crate::error::Result as TxResult;
use crate::gas::GasMeter;
use crate::modules::{auth, bank, training};
use crate::params;
use crate::store::Store;

impl App {
    /// The genesis document of a chain that goes on, under another id, where this one stands: accounts, balances, contracts with their
    /// state, ended tasks with their models. Every task ends in it ([`bauta_rounds::halt()`]): what is left of its budget goes back, bonds
    /// are unlocked, verdicts that wait are carried out. Nothing of the node itself changes.
    ///
    /// # Errors
    /// When the chain has no block yet, keeps its id, or its state cannot be read.
    pub fn export(&self, chain_id: &str, time: &str) -> Result<Value, AppError> {
        let snapshot = self.latest();
        let last = snapshot.last().clone();
        if !last.has_blocks() {
            return Err(AppError::Genesis("the chain has no block yet; start over from its genesis".into()));
        }
        if last.chain_id == chain_id {
            return Err(AppError::Genesis(format!(
                "the new chain cannot be {chain_id} again: what was signed for one would be good for the other; count its number up"
            )));
        }
        let view = view_of(&snapshot);
        let app = params::load(&view);
        let block = BlockInfo { chain_id: last.chain_id, height: last.height, time_ns: last.time_ns };
        let mut ctx =
            Context::new(view.clone(), GasMeter::unlimited(), block, Mode::Finalize, None, app.prefix.clone());
        let state = self.state(&mut ctx).map_err(|error| AppError::Genesis(error.log))?;
        if let Some(why) = self.modules().wasm.vm().broken() {
            return Err(AppError::Machine(why));
        }
        let validators: Vec<Validator> =
            view.get(Store::App, VALIDATORS).and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let validator = |validator: &Validator| {
            json!({
                "pub_key": { "type": "tendermint/PubKeyEd25519", "value": validator.pub_key },
                "power": validator.power.to_string(),
                "name": "",
            })
        };
        Ok(json!({
            "genesis_time": time,
            "chain_id": chain_id,
            // Heights in the state go on.
            "initial_height": (last.height + 1).to_string(),
            "consensus_params": shown(&consensus_params(&view)),
            "validators": validators.iter().map(validator).collect::<Vec<_>>(),
            "app_hash": "",
            "app_state": AppGenesis { app, ..state },
        }))
    }

    fn state(&self, ctx: &mut Context) -> TxResult<AppGenesis> {
        self.modules().halt(ctx)?;
        let wasm: GenesisState = self.modules().wasm.export_genesis(&mut ctx.query(u64::MAX))?;
        Ok(AppGenesis {
            auth: auth::genesis::export(&ctx.view, &ctx.prefix),
            bank: bank::genesis::export(&ctx.view, &ctx.prefix)?,
            wasm: wasm.into(),
            training: training::genesis::export(ctx)?,
            ..AppGenesis::default()
        })
    }
}

/// As CometBFT writes them (types/params.go).
fn shown(params: &ConsensusParams) -> Value {
    let block = params.block.unwrap_or_default();
    let evidence = params.evidence.unwrap_or_default();
    let age = evidence.max_age_duration.unwrap_or_default();
    let nanoseconds = i128::from(age.seconds) * 1_000_000_000 + i128::from(age.nanos);
    json!({
        "block": { "max_bytes": block.max_bytes.to_string(), "max_gas": block.max_gas.to_string() },
        "evidence": {
            "max_age_num_blocks": evidence.max_age_num_blocks.to_string(),
            "max_age_duration": nanoseconds.to_string(),
            "max_bytes": evidence.max_bytes.to_string(),
        },
        "validator": { "pub_key_types": params.validator.clone().unwrap_or_default().pub_key_types },
        "version": { "app": params.version.unwrap_or_default().app.to_string() },
        "abci": { "vote_extensions_enable_height": "0" },
    })
}
