//! Blocks: messages are checked, charged and handled as a node does it, and after each of them the books are looked at.

use std::collections::BTreeMap;

use bauta_rounds::escrow::Purse;
use bauta_rounds::{
    charge, check, end_block, handle, keys, params, record_offence, state, Budget, Call, Env, Message, Output,
    Rejection,
};
use bauta_schema::training::v1 as pb;

use crate::ledger::{BlobStore, Contracts, Records};
use crate::plan::Plan;

/// The chain's id.
pub const CHAIN_ID: &str = "simulation-1";
/// Who pays for the task.
pub const OWNER: &[u8] = b"owner-owner-owner-ow";
/// What the owner has.
const WEALTH: i128 = 2_000_000_000;
/// What the task may cost.
const BUDGET: &str = "1000000000";
/// The one task.
pub const TASK: u64 = 1;

/// A chain in memory with one task.
pub struct Chain {
    /// The machine's records.
    pub records: Records,
    /// The machine's blobs.
    pub blobs: BlobStore,
    /// What the contracts know.
    pub contracts: Contracts,
    /// Every verdict so far.
    pub verdicts: Vec<pb::Verdict>,
    /// The block that is executed.
    pub height: u64,
    /// Blocks so far whose lane was full.
    pub uncounted: u64,
    balances: BTreeMap<Vec<u8>, i128>,
    escrow: i128,
    operations: u64,
    tx_index: u32,
    /// Bonds at first.
    bonds: u128,
}

impl Chain {
    /// With the plan's task; these providers are registered and bonded.
    ///
    /// # Errors
    /// When the task is refused: a defect of the plan.
    pub fn new(plan: &Plan, providers: &[Vec<u8>]) -> Result<Self, String> {
        let mut chain = Self {
            records: Records::default(),
            blobs: BlobStore::default(),
            contracts: Contracts::default(),
            verdicts: Vec::new(),
            height: 1,
            uncounted: 0,
            balances: BTreeMap::from([(OWNER.to_vec(), WEALTH)]),
            escrow: 0,
            operations: plan.operations,
            tx_index: 0,
            bonds: 0,
        };
        let params = pb::Params {
            registry: "registry".into(),
            staking: "staking".into(),
            slashing: "slashing".into(),
            min_window: 2,
            ..params::default_params()
        };
        state::save(&mut chain.records, keys::PARAMS.to_vec(), &params);
        for provider in providers {
            chain.contracts.register(provider.clone());
        }
        chain.bonds = chain.contracts.bonded();
        let zero = pb::InitialModel { source: Some(pb::initial_model::Source::Zero(pb::ZeroInit {})) };
        let create = pb::MsgCreateTask {
            owner: "owner".into(),
            settings: Some(plan.settings()),
            initial_model: Some(zero),
            budget: BUDGET.into(),
            test_set: plan.test_set().map(|rows| rows.encode()).unwrap_or_default(),
        };
        match chain.deliver(OWNER, Call::CreateTask(Box::new(create)))? {
            Ok(()) => Ok(chain),
            Err(rejection) => Err(format!("the task is refused: {}", rejection.error)),
        }
    }

    fn env(&self) -> Env<'static> {
        Env { chain_id: CHAIN_ID, height: self.height, tx_index: self.tx_index }
    }

    /// Executes one message.
    ///
    /// # Errors
    /// What must never happen; that the message is refused is no error.
    pub fn deliver(&mut self, sender: &[u8], call: Call) -> Result<Result<(), Rejection>, String> {
        let env = self.env();
        self.tx_index += 1;
        let message = Message { sender: sender.to_vec(), call };
        let admission = match check(&env, &self.records, &self.contracts, &message) {
            Ok(admission) => admission,
            Err(rejection) => return Ok(Err(rejection.into())),
        };
        if let Some(fee) = &admission.fee {
            let output = charge(&mut self.records, fee).map_err(|error| format!("a fee that was admitted: {error}"))?;
            self.carry_out(vec![output])?;
        }
        self.records.begin();
        self.blobs.begin();
        let result = handle(&env, &mut self.records, &mut self.blobs, &self.contracts, &message);
        self.records.end(result.is_ok());
        self.blobs.end(result.is_ok());
        let result = match result {
            Ok((_, outputs)) => {
                self.carry_out(outputs)?;
                Ok(())
            }
            Err(rejection) => {
                if let Some(offence) = &rejection.offence {
                    let outputs =
                        record_offence(&env, &mut self.records, offence).map_err(|error| error.to_string())?;
                    self.carry_out(outputs)?;
                }
                Err(rejection)
            }
        };
        Ok(result)
    }

    /// Ends the block. One whose lane was full does not count towards windows.
    ///
    /// # Errors
    /// What must never happen.
    pub fn end_block(&mut self, counted: bool) -> Result<(), String> {
        let env = self.env();
        let mut budget = Budget::new(self.operations);
        let outputs = end_block(&env, &mut self.records, &mut self.blobs, &self.contracts, counted, &mut budget);
        self.carry_out(outputs)?;
        self.uncounted += u64::from(!counted);
        self.height += 1;
        self.contracts.height = self.height;
        self.tx_index = 0;
        self.books_are_right()
    }

    fn carry_out(&mut self, outputs: Vec<Output>) -> Result<(), String> {
        for output in outputs {
            match output {
                Output::Deposit { from, amount } => self.pay(amount, from, 1)?,
                Output::Fee { amount } => self.pay(amount, b"fees".to_vec(), -1)?,
                Output::Pay { to, amount, .. } | Output::Refund { to, amount, .. } => self.pay(amount, to, -1)?,
                Output::Verdict(verdict) => {
                    self.contracts.carry_out(&verdict);
                    self.verdicts.push(verdict);
                }
                Output::LockBond { provider, .. } => self.contracts.lock(&provider, true)?,
                Output::UnlockBond { provider, .. } => self.contracts.lock(&provider, false)?,
                Output::Event(event) if event.kind == "task_fault" => return Err(format!("{event:?}")),
                Output::Event(_) => {}
            }
        }
        Ok(())
    }

    /// Coins go between an account and the escrow account.
    fn pay(&mut self, amount: u128, account: Vec<u8>, into_escrow: i128) -> Result<(), String> {
        let amount = i128::try_from(amount).map_err(|_| "more coins than there are")?;
        *self.balances.entry(account).or_default() -= into_escrow * amount;
        self.escrow += into_escrow * amount;
        Ok(())
    }

    /// Coins are conserved, in escrow, accounts and bonds.
    fn books_are_right(&self) -> Result<(), String> {
        let purse = Purse::of(&self.task()?).map_err(|error| error.to_string())?;
        let held = i128::try_from(purse.held).map_err(|_| "more coins than there are")?;
        let claims = [
            (purse.is_conserved() && purse.reserved <= purse.held, "the task's purse does not add up"),
            (held == self.escrow, "the escrow account holds something else than the task's purse"),
            (self.balances.values().sum::<i128>() + self.escrow == WEALTH, "coins were made or lost"),
            (self.balances.values().all(|balance| *balance >= 0), "an account is overdrawn"),
            (self.contracts.bonded() + self.contracts.taken == self.bonds, "bonds were made or lost"),
            (!self.blobs.overdrawn, "a blob was released more often than it was put"),
        ];
        claims.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, claim)| Err(claim.into()))
    }

    /// The task.
    ///
    /// # Errors
    /// When its record is broken.
    pub fn task(&self) -> Result<pb::Task, String> {
        state::task(&self.records, TASK).map_err(|error| error.to_string())
    }

    /// The current epoch.
    ///
    /// # Errors
    /// When its record is broken.
    pub fn epoch(&self) -> Result<pb::Epoch, String> {
        state::epoch(&self.records, TASK, self.task()?.epoch).map_err(|error| error.to_string())
    }

    /// The running round, or the last; none before the first.
    ///
    /// # Errors
    /// When its record is broken.
    pub fn round(&self) -> Result<Option<pb::Round>, String> {
        state::find_round(&self.records, TASK, self.task()?.round).map_err(|error| error.to_string())
    }
}
