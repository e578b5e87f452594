//! Making a block, and refusing those of others that no correct proposer makes.
//!
//! Both work on throw-away views: whatever a proposal does, nothing of it stays.

use std::collections::BTreeSet;

use prost::bytes::Bytes;
use prost::encoding::encoded_len_varint;
use tendermint_proto::v0_38::abci::{
    response_process_proposal::ProposalStatus, RequestPrepareProposal, RequestProcessProposal, ResponsePrepareProposal,
    ResponseProcessProposal,
};

use super::{max_block_bytes, next_block, next_height, time_ns, view_of, App};
use crate::context::{BlockInfo, Context, Mode, TxInfo};
use crate::gas::{Gas, GasMeter};
use crate::params;
use crate::store::View;
use crate::tx::run::{run, Rules};
use crate::tx::Tx;

/// A sequence that comes too early.
const WRONG_SEQUENCE: u32 = 32;

impl App {
    /// Chooses the transactions of a block from those that wait: protocol messages first, up to their lane, then the
    /// others in their order; none that would be refused. At another height than the next there is no block to make: it is empty.
    pub fn prepare_proposal(&self, request: &RequestPrepareProposal) -> ResponsePrepareProposal {
        let snapshot = self.latest();
        if let Err(error) = next_height(&snapshot, request.height) {
            tracing::warn!(%error, "an empty block is proposed");
            return ResponsePrepareProposal::default();
        }
        let view = view_of(&snapshot);
        let app_params = params::load(&view);
        let block = BlockInfo { time_ns: time_ns(request.time.as_ref()), ..next_block(&snapshot) };
        let mut proposal = Proposal {
            rules: self.rules(&app_params, &view),
            view,
            block,
            bytes_left: u64::try_from(request.max_tx_bytes).unwrap_or(0).min(app_params.block_bytes),
            lane_left: app_params.lane_bytes,
            gas_left: None,
            txs: Vec::new(),
        };
        proposal.gas_left = proposal.rules.max_block_gas;

        let offered: Vec<&Bytes> = request.txs.iter().collect();
        let Left { early, others } = proposal.take(&offered, Kind::Protocol);
        proposal.take(&others, Kind::Ordinary);
        // A signer may have sent another transaction first: its protocol message is tried again behind that one.
        proposal.take(&early, Kind::Protocol);
        tracing::debug!(
            height = proposal.block.height,
            txs = proposal.txs.len(),
            of = offered.len(),
            lane_left = proposal.lane_left,
            "proposes a block"
        );
        ResponsePrepareProposal { txs: proposal.txs }
    }

    /// Accepts what a correct proposer may have made: the next block, of transactions that decode, within all limits, none twice.
    pub fn process_proposal(&self, request: &RequestProcessProposal) -> ResponseProcessProposal {
        let snapshot = self.latest();
        let view = view_of(&snapshot);
        let app_params = params::load(&view);
        let rules = self.rules(&app_params, &view);
        let refusal = match next_height(&snapshot, request.height) {
            Ok(_) => refusal(&request.txs, &rules, max_block_bytes(&view, &app_params)),
            Err(error) => Some(error.to_string()),
        };
        let status = match refusal {
            None => ProposalStatus::Accept,
            Some(reason) => {
                tracing::warn!(height = request.height, reason, "a proposal is refused");
                ProposalStatus::Reject
            }
        };
        ResponseProcessProposal { status: status as i32 }
    }
}

/// What a transaction is to a proposal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of the lane.
    Protocol,
    /// Any other.
    Ordinary,
}

/// What was not taken, and is to be tried again.
#[derive(Default)]
struct Left<'t> {
    /// What comes too early: a transaction before it may still be on its way into the block.
    early: Vec<&'t Bytes>,
    /// What is, or may be, of another kind.
    others: Vec<&'t Bytes>,
}

/// A block in the making.
struct Proposal<'a> {
    rules: Rules<'a>,
    view: View,
    block: BlockInfo,
    bytes_left: u64,
    lane_left: u64,
    gas_left: Option<Gas>,
    txs: Vec<Bytes>,
}

impl Proposal<'_> {
    /// Takes, of one kind, what fits and what passes. One transaction is decoded at a time: the engine offers its whole mempool, which may
    /// have a gibibyte.
    fn take<'t>(&mut self, offered: &[&'t Bytes], kind: Kind) -> Left<'t> {
        let mut left = Left::default();
        for &bytes in offered {
            // A transaction is a field of the block's data: tag, length, bytes.
            let length = bytes.len() as u64;
            let size = 1 + encoded_len_varint(length) as u64 + length;
            if size > self.bytes_left {
                continue;
            }
            if kind == Kind::Protocol && length > self.lane_left {
                left.others.push(bytes);
                continue;
            }
            let Ok(tx) = Tx::decode(bytes, self.rules.params) else { continue };
            if tx.is_protocol() != (kind == Kind::Protocol) {
                left.others.push(bytes);
                continue;
            }
            if self.gas_left.is_some_and(|left| tx.gas_limit > left) {
                continue;
            }
            match self.run(&tx) {
                Ok(()) => {
                    self.bytes_left -= size;
                    if kind == Kind::Protocol {
                        self.lane_left -= length;
                    }
                    self.gas_left = self.gas_left.map(|left| left - tx.gas_limit);
                    self.txs.push(bytes.clone());
                }
                Err(WRONG_SEQUENCE) => left.early.push(bytes),
                Err(_) => {}
            }
        }
        left
    }

    fn run(&mut self, tx: &Tx) -> Result<(), u32> {
        let info = TxInfo { hash: tx.hash, index: u32::try_from(self.txs.len()).unwrap_or(u32::MAX) };
        let mut ctx = Context::new(
            self.view.clone(),
            GasMeter::limited(0),
            self.block.clone(),
            Mode::Propose,
            Some(info),
            self.rules.params.prefix.as_str(),
        );
        self.view.begin();
        let outcome = run(&mut ctx, &self.rules, tx);
        match outcome.result {
            Ok(_) => {
                self.view.commit();
                Ok(())
            }
            Err(error) => {
                self.view.discard();
                Err(error.code)
            }
        }
    }
}

/// Why no correct proposer makes this block.
fn refusal(txs: &[Bytes], rules: &Rules<'_>, max_bytes: u64) -> Option<String> {
    let mut seen = BTreeSet::new();
    let (mut bytes, mut gas): (u64, Gas) = (0, 0);
    for (index, raw) in txs.iter().enumerate() {
        let tx = match Tx::decode(raw, rules.params) {
            Ok(tx) => tx,
            Err(error) => return Some(format!("transaction {index}: {error}")),
        };
        if !seen.insert(tx.hash) {
            return Some(format!("transaction {index} is in the block twice"));
        }
        bytes = bytes.saturating_add(raw.len() as u64);
        gas = gas.saturating_add(tx.gas_limit);
    }
    if bytes > max_bytes {
        return Some(format!("its transactions have {bytes} bytes, at most {max_bytes} are allowed"));
    }
    match rules.max_block_gas {
        Some(limit) if gas > limit => Some(format!("its transactions want {gas} gas, at most {limit} is allowed")),
        _ => None,
    }
}
