//! Admission to the mempool, on a view of its own that advances as transactions are admitted.

use std::sync::Arc;

use tendermint_proto::v0_38::abci::{CheckTxType, RequestCheckTx, ResponseCheckTx};

use super::block::gas;
use super::{lock, next_block, proto_events, view_of, App, Waiting};
use crate::context::{BlockInfo, Context, Mode, TxInfo};
use crate::error::Error;
use crate::gas::{Gas, GasMeter};
use crate::params;
use crate::store::{Snapshot, View};
use crate::tx::run::run;
use crate::tx::Tx;

/// The state as it would be if everything admitted were executed: so sequences go on, and coins are promised once.
pub(super) struct Mempool {
    view: View,
    block: BlockInfo,
    /// What waits besides protocol messages.
    ordinary: Waiting,
}

impl Mempool {
    /// The mempool after a commit; what was admitted before comes again as re-checks.
    pub(super) fn after(snapshot: &Arc<Snapshot>) -> Self {
        Self { view: view_of(snapshot), block: next_block(snapshot), ordinary: Waiting { txs: 0, bytes: 0 } }
    }

    /// Refuses an ordinary transaction for which there is no room. The engine's mempool is one for all: were it full of
    /// transfers, no protocol message would reach a proposal, whatever lane is kept for it there.
    fn room(&self, tx: &Tx, most: Waiting) -> Result<(), Error> {
        let after = self.ordinary.with(tx);
        if after.txs <= most.txs && after.bytes <= most.bytes {
            return Ok(());
        }
        Err(Error::mempool_full(format!(
            "mempool is full: {} transactions of {} bytes wait, at most {} of {} bytes do besides protocol messages; send it \
             again after the next block",
            self.ordinary.txs, self.ordinary.bytes, most.txs, most.bytes
        )))
    }
}

impl Waiting {
    fn with(self, tx: &Tx) -> Self {
        Self { txs: self.txs.saturating_add(1), bytes: self.bytes.saturating_add(tx.size as u64) }
    }
}

impl App {
    /// Whether a transaction may wait in the mempool.
    pub fn check_tx(&self, request: &RequestCheckTx) -> ResponseCheckTx {
        let mut mempool = lock(&self.mempool);
        let app_params = params::load(&mempool.view);
        let tx = match Tx::decode(&request.tx, &app_params) {
            Ok(tx) => tx,
            Err(error) => return refused(&error, 0, 0),
        };
        let info = TxInfo { hash: tx.hash, index: 0 };
        let mut ctx = Context::new(
            mempool.view.clone(),
            GasMeter::limited(0),
            mempool.block.clone(),
            Mode::Check,
            Some(info),
            app_params.prefix.as_str(),
        );
        ctx.recheck = request.r#type == CheckTxType::Recheck as i32;
        // What is asked again has its place already.
        if !tx.is_protocol() && !ctx.recheck {
            if let Err(error) = mempool.room(&tx, self.config.waiting) {
                return refused(&error, tx.gas_limit, 0);
            }
        }
        // What is refused leaves nothing behind, not even the fee: it will not be in a block.
        mempool.view.begin();
        let outcome = run(&mut ctx, &self.rules(&app_params, &mempool.view), &tx);
        match outcome.result {
            Ok(_) => {
                mempool.view.commit();
                tracing::trace!(
                    tx = hex::encode_upper(tx.hash),
                    again = ctx.recheck,
                    "the mempool takes a transaction"
                );
                if !tx.is_protocol() {
                    mempool.ordinary = mempool.ordinary.with(&tx);
                }
                ResponseCheckTx {
                    gas_wanted: gas(outcome.gas_wanted),
                    gas_used: gas(outcome.gas_used),
                    events: proto_events(outcome.events),
                    ..Default::default()
                }
            }
            Err(error) => {
                mempool.view.discard();
                refused(&error, outcome.gas_wanted, outcome.gas_used)
            }
        }
    }
}

fn refused(error: &Error, gas_wanted: Gas, gas_used: Gas) -> ResponseCheckTx {
    tracing::debug!(
        codespace = error.codespace,
        code = error.code,
        why = error.log,
        "the mempool refuses a transaction"
    );
    ResponseCheckTx {
        code: error.code,
        codespace: error.codespace.into(),
        log: error.log.clone(),
        gas_wanted: gas(gas_wanted),
        gas_used: gas(gas_used),
        ..Default::default()
    }
}
