//! Executing a decided block, and committing what it did.

use tendermint_proto::v0_38::abci::{
    ExecTxResult, RequestFinalizeBlock, RequestInfo, ResponseCommit, ResponseFinalizeBlock, ResponseInfo,
};

use super::genesis::Validator;
use super::{lock, next_height, proto_events, time_ns, view_of, App, AppError, VALIDATORS};
use crate::address::Address;
use crate::coin::Coins;
use crate::context::{BlockInfo, Context, Mode, TxInfo};
use crate::error::{Error, Result as TxResult};
use crate::events::Event;
use crate::gas::{Gas, GasMeter};
use crate::modules::{auth, bank, EndOfBlock};
use crate::params::{self, AppParams, LARGEST_PROTOCOL_TX};
use crate::store::{Changes, Commitment, LastBlock, Snapshot, Store, Trees, Update, View};
use crate::tx::run::{do_outside, run, Outcome, Rules};
use crate::tx::Tx;

/// A block that is executed and not yet committed.
pub(super) struct Pending {
    last: LastBlock,
    changes: Changes,
    update: Update,
}

/// Changes with the semantics of the application: nodes with different numbers must not run one chain.
pub const APP_VERSION: u64 = 1;

impl App {
    /// What is committed, truthfully: after a crash the engine replays from here.
    pub fn info(&self, _request: &RequestInfo) -> ResponseInfo {
        let snapshot = self.latest();
        let last = snapshot.last();
        // Before the first block there is only a genesis, which the engine offers again.
        let (height, app_hash) = if last.has_blocks() { (last.height, last.app_hash()) } else { (0, Vec::new()) };
        ResponseInfo {
            data: "bauta".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            app_version: APP_VERSION,
            last_block_height: i64::try_from(height).unwrap_or(i64::MAX),
            last_block_app_hash: app_hash.into(),
        }
    }

    /// Executes a decided block. It writes nothing: the same block may come again after a crash.
    ///
    /// # Errors
    /// When the height is not the next one, or behind the last that the operator wants, or the state cannot be read.
    pub fn finalize_block(&self, request: &RequestFinalizeBlock) -> Result<ResponseFinalizeBlock, AppError> {
        let snapshot = self.latest();
        let block = self.block_info(&snapshot, request)?;
        let halt = self.config.halt_height;
        if halt > 0 && block.height > halt {
            return Err(AppError::Halted(block.height - 1));
        }
        let view = view_of(&snapshot);
        let app_params = params::load(&view);
        let rules = self.rules(&app_params, &view);

        let mut events = self.begin_block(&view, &block, &app_params);
        let executed = self.transactions(&view, &block, &rules, &request.txs);
        // After the transactions, so that a window that ends here has seen all of this block's.
        events.extend(self.end_block(&view, &block, &app_params, &executed));
        // Last, so that what the hooks paid in fees is paid out as well.
        events.extend(self.pay_validators(&view, &block, &app_params));

        // A missing code or a failing disk is this machine's own misfortune, not a result that others would agree with.
        if let Some(why) = self.modules.wasm.vm().broken() {
            return Err(AppError::Machine(why));
        }
        let changes = view.take_changes();
        let update = Trees::of(&snapshot).apply(&changes, block.height)?;
        let app_hash = update.app_hash;
        let last = LastBlock {
            height: block.height,
            app_hash: hex::encode(app_hash),
            time_ns: block.time_ns,
            ..snapshot.last().clone()
        };
        tracing::debug!(
            height = block.height,
            txs = executed.results.len(),
            failed = executed.results.iter().filter(|result| result.code != 0).count(),
            lane_bytes = executed.lane_bytes_used,
            app_hash = last.app_hash,
            "executed a block"
        );
        *lock(&self.pending) = Some(Pending { last, changes, update });
        Ok(ResponseFinalizeBlock {
            events: proto_events(events),
            tx_results: executed.results,
            validator_updates: Vec::new(),
            consensus_param_updates: None,
            app_hash: app_hash.to_vec().into(),
        })
    }

    /// Writes everything that the block did, in one transaction of the database.
    ///
    /// # Errors
    /// When no block is executed, or it cannot be written.
    pub fn commit(&self) -> Result<ResponseCommit, AppError> {
        let pending = lock(&self.pending)
            .take()
            .ok_or_else(|| AppError::Order("Commit without a block that was executed".into()))?;
        let height = pending.last.height;
        let _held = lock(&self.committing);
        self.db.commit(pending.last, &pending.changes, &pending.update)?;
        self.set_latest(self.db.snapshot()?);
        tracing::debug!(height, "committed a block");
        let retain = match self.config.retain_blocks {
            0 => 0,
            blocks => height.saturating_sub(blocks),
        };
        Ok(ResponseCommit { retain_height: i64::try_from(retain).unwrap_or(0) })
    }

    fn block_info(&self, snapshot: &Snapshot, request: &RequestFinalizeBlock) -> Result<BlockInfo, AppError> {
        let height = next_height(snapshot, request.height)?;
        let chain_id = snapshot.last().chain_id.clone();
        Ok(BlockInfo { chain_id, height, time_ns: time_ns(request.time.as_ref()) })
    }

    fn begin_block(&self, view: &View, block: &BlockInfo, params: &AppParams) -> Vec<Event> {
        let mut ctx = hook_context(view, block, params);
        self.modules.begin_block(&mut ctx);
        ctx.events
    }

    fn end_block(&self, view: &View, block: &BlockInfo, params: &AppParams, executed: &Executed) -> Vec<Event> {
        let mut ctx = hook_context(view, block, params);
        let lane_bytes_used = executed.lane_bytes_used;
        // A full lane may have kept messages out that were on time: such a block is not held against their senders.
        let counted = lane_bytes_used.saturating_add(LARGEST_PROTOCOL_TX) <= params.lane_bytes;
        self.modules.end_block(&mut ctx, &EndOfBlock { counted, lane_bytes_used });
        ctx.events
    }

    fn transactions(&self, view: &View, block: &BlockInfo, rules: &Rules<'_>, txs: &[prost::bytes::Bytes]) -> Executed {
        let mut executed = Executed::default();
        let mut block_gas: Gas = 0;
        for (index, bytes) in txs.iter().enumerate() {
            let tx = match Tx::decode(bytes, rules.params) {
                Ok(tx) => tx,
                Err(error) => {
                    executed.results.push(failed(&error, 0, 0));
                    continue;
                }
            };
            if rules.max_block_gas.is_some_and(|limit| block_gas >= limit) {
                let error = Error::out_of_gas("no block gas left to run tx");
                executed.results.push(failed(&error, tx.gas_limit, 0));
                continue;
            }
            let info = TxInfo { hash: tx.hash, index: u32::try_from(index).unwrap_or(u32::MAX) };
            let mut ctx = Context::new(
                view.clone(),
                GasMeter::limited(0),
                block.clone(),
                Mode::Finalize,
                Some(info),
                rules.params.prefix.as_str(),
            );
            let mut outcome = run(&mut ctx, rules, &tx);
            let outside = std::mem::take(&mut ctx.outside);
            if outcome.admitted {
                do_outside(&mut ctx, outside);
                outcome.events.append(&mut ctx.events);
                if tx.is_protocol() {
                    executed.lane_bytes_used = executed.lane_bytes_used.saturating_add(tx.size as u64);
                }
            }
            block_gas = block_gas.saturating_add(outcome.gas_used);
            executed.results.push(result(outcome));
        }
        executed
    }

    /// Pays the collected fees to the validators' operators by power. There is no inflation, and what does not divide
    /// stays for the next block; so does the share of a validator without an operator.
    fn pay_validators(&self, view: &View, block: &BlockInfo, params: &AppParams) -> Vec<Event> {
        let mut ctx = hook_context(view, block, params);
        if let Err(error) = ctx.nested(|ctx| pay(ctx, &params.fee_denom)) {
            tracing::error!(%error, "fees could not be paid out and stay for the next block");
        }
        ctx.events
    }
}

/// What became of a block's transactions.
#[derive(Default)]
struct Executed {
    results: Vec<ExecTxResult>,
    lane_bytes_used: u64,
}

fn hook_context(view: &View, block: &BlockInfo, params: &AppParams) -> Context {
    Context::new(view.clone(), GasMeter::unlimited(), block.clone(), Mode::Finalize, None, params.prefix.as_str())
}

fn pay(ctx: &mut Context, denom: &str) -> TxResult<()> {
    let collector = Address::module(auth::FEE_COLLECTOR);
    let fees = bank::balance(ctx, &collector, denom)?;
    let validators: Vec<Validator> =
        ctx.view.get(Store::App, VALIDATORS).and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let total: u128 = validators.iter().map(|validator| u128::from(validator.power)).sum();
    if fees == 0 || total == 0 {
        return Ok(());
    }
    for validator in &validators {
        let Some(operator) = &validator.operator else { continue };
        // Power is below 2^63 / 8 (CometBFT's `MaxTotalVotingPower`); fees beyond 2^64 are paid in several blocks.
        let share = fees.min(u128::from(u64::MAX)) * u128::from(validator.power) / total;
        let to = Address::parse(operator, &ctx.prefix)?;
        bank::transfer(ctx, &collector, &to, &Coins::one(denom, share))?;
    }
    Ok(())
}

fn result(outcome: Outcome) -> ExecTxResult {
    let data = outcome.data();
    let events = proto_events(outcome.events);
    match outcome.result {
        Ok(_) => ExecTxResult {
            data: data.into(),
            gas_wanted: gas(outcome.gas_wanted),
            gas_used: gas(outcome.gas_used),
            events,
            ..Default::default()
        },
        Err(error) => ExecTxResult { events, ..failed(&error, outcome.gas_wanted, outcome.gas_used) },
    }
}

fn failed(error: &Error, gas_wanted: Gas, gas_used: Gas) -> ExecTxResult {
    ExecTxResult {
        code: error.code,
        codespace: error.codespace.into(),
        log: error.log.clone(),
        gas_wanted: gas(gas_wanted),
        gas_used: gas(gas_used),
        ..Default::default()
    }
}

/// Gas as the engine counts it.
pub(super) fn gas(gas: Gas) -> i64 {
    i64::try_from(gas).unwrap_or(i64::MAX)
}
