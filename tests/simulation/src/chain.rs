//! A world in memory: messages are checked, charged and handled as a node does it, and after each block the books are looked at.

use std::collections::BTreeMap;

use bauta_rounds::escrow::Purse;
use bauta_rounds::{
    charge, check, end_block, handle, keys, params, record_offence, state, Blobs as _, Budget, Call, Env, Message,
    Output, Rejection, Storage,
};
use bauta_schema::training::v1 as pb;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use crate::ledger::{BlobStore, Contracts, Records};
use crate::plan::Plan;
use crate::world::{Size, World, BUDGET};

/// The chain's id.
pub const CHAIN_ID: &str = "simulation-1";
/// Who pays for the task.
pub const OWNER: &[u8] = b"owner-owner-owner-ow";
/// What the owner has.
const WEALTH: i128 = 2_000_000_000;

/// A chain in memory with one task.
pub struct Chain {
    providers: Vec<Vec<u8>>,
    records: Records,
    blobs: BlobStore,
    contracts: Contracts,
    verdicts: Vec<pb::Verdict>,
    height: u64,
    balances: BTreeMap<Vec<u8>, i128>,
    escrow: i128,
    operations: u64,
    tx_index: u32,
    /// Bonds at first.
    bonds: u128,
}

impl Chain {
    /// With the plan's task; its providers are registered and bonded.
    ///
    /// # Errors
    /// When the task is refused: a defect of the plan.
    pub fn new(plan: &Plan) -> Result<Self, String> {
        let mut rng = ChaCha20Rng::seed_from_u64(plan.seed);
        let providers: Vec<Vec<u8>> = (0..plan.providers).map(|_| rng.gen::<[u8; 20]>().to_vec()).collect();
        let mut chain = Self {
            providers,
            records: Records::default(),
            blobs: BlobStore::default(),
            contracts: Contracts::default(),
            verdicts: Vec::new(),
            height: 1,
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
        for provider in &chain.providers {
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
        match chain.execute(OWNER, Call::CreateTask(Box::new(create)))? {
            Ok(()) => Ok(chain),
            Err(rejection) => Err(format!("the task is refused: {}", rejection.error)),
        }
    }

    fn env(&self) -> Env<'static> {
        Env { chain_id: CHAIN_ID, height: self.height, tx_index: self.tx_index }
    }

    /// Executes one message.
    fn execute(&mut self, sender: &[u8], call: Call) -> Result<Result<(), Rejection>, String> {
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
}

impl World for Chain {
    fn providers(&self) -> &[Vec<u8>] {
        &self.providers
    }

    fn records(&self) -> &dyn Storage {
        &self.records
    }

    fn blob(&self, hash: &[u8; 32]) -> Option<Vec<u8>> {
        self.blobs.get(hash)
    }

    fn size(&self) -> Size {
        Size { records: self.records.count(), blobs: self.blobs.bytes() }
    }

    fn height(&self) -> u64 {
        self.height
    }

    fn verdicts(&self) -> &[pb::Verdict] {
        &self.verdicts
    }

    fn deliver(&mut self, index: usize, call: Call) -> Result<(), String> {
        let sender = self.providers.get(index).cloned().ok_or("there is no such provider")?;
        // Whether it was refused shows in what happens to its sender.
        self.execute(&sender, call).map(|_| ())
    }

    fn end_block(&mut self, is_full: bool) -> Result<(), String> {
        let env = self.env();
        let mut budget = Budget::new(self.operations);
        let outputs = end_block(&env, &mut self.records, &mut self.blobs, &self.contracts, !is_full, &mut budget);
        self.carry_out(outputs)?;
        self.height += 1;
        self.contracts.height = self.height;
        self.tx_index = 0;
        self.books_are_right()
    }
}
