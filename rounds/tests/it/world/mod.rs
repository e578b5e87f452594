//! A driver: a chain in memory, and honest clients that make real messages.

pub mod blame;
mod clients;
pub mod deeds;
mod steps;

use crate::store::{BlobStore, Memory, Registry};
use bauta_rounds::escrow::Purse;
use bauta_rounds::terms::Terms;
use bauta_rounds::{
    charge, check, derive, end_block, halt, handle, keys, params, record_offence, state, Budget, Call, Env, Message,
    Output, Rejection, Response,
};
use bauta_schema::training::v1 as pb;
use bauta_secagg::context::{Ctx, Ectx, Rctx};
use bauta_secagg::encoding::{Address, Slot};
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::seat::Share;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use std::collections::BTreeMap;

pub const CHAIN: &str = "bauta-1";
pub const OWNER: &[u8] = b"owner-owner-owner-ow";

/// Shares by seat, and by the slots of their dealers.
pub type SeatShares = BTreeMap<u32, BTreeMap<Slot, Share>>;

/// What a provider keeps on its disk.
pub struct Client {
    pub address: Vec<u8>,
    pub keys: ProviderKeys,
    /// Shares for its first seat.
    pub shares: BTreeMap<Slot, Share>,
    /// Shares for its other seats, where it was drawn more than once.
    pub further: SeatShares,
    /// What it keeps of the epoch before.
    pub before: Option<(ProviderKeys, SeatShares)>,
    pub weight: u64,
}

impl Client {
    pub fn name(&self) -> Address {
        Address::new(self.address.clone()).unwrap()
    }
}

/// A chain in memory with one task.
pub struct World {
    pub storage: Memory,
    pub blobs: BlobStore,
    pub registry: Registry,
    pub balances: BTreeMap<Vec<u8>, i128>,
    pub escrow: i128,
    pub verdicts: Vec<pb::Verdict>,
    pub events: Vec<bauta_rounds::Event>,
    pub locked: BTreeMap<Vec<u8>, u32>,
    pub height: u64,
    pub tx_index: u32,
    pub operations: u64,
    pub clients: Vec<Client>,
    pub rng: ChaCha20Rng,
    pub task: u64,
}

/// Settings for `n` providers and a model of `d` elements.
pub fn settings(n: u32, d: u32) -> pb::TaskSettings {
    let group_size = (n / 2 + 1).max(3);
    pb::TaskSettings {
        metadata: Some(pb::Metadata { name: "test".into(), ..Default::default() }),
        level: pb::Level::Open.into(),
        model: Some(pb::ModelSpec {
            kind: pb::ModelKind::Custom.into(),
            tensors: vec![pb::Tensor { name: "w".into(), shape: vec![d] }],
            hidden: 0,
        }),
        data: Some(pb::DataSpec { features: 4, classes: 2, ..Default::default() }),
        trainer: None,
        encoding: Some(pb::Encoding {
            bits: 32,
            chunk_elems: 16,
            clip: 1 << 32,
            scale_bits: 12,
            bound: 5_000,
            max_weight: 8,
            rows_per_weight: 100,
            metrics: 0,
        }),
        optimiser: Some(pb::Optimiser {
            kind: pb::OptimiserKind::Fedavgm.into(),
            learning_rate: 1 << 32,
            beta1: 1 << 31,
            ..Default::default()
        }),
        cohort: Some(pb::Cohort {
            min_providers: group_size.max(3),
            max_providers: n,
            group_size,
            min_group: (group_size * 3).div_ceil(4).max(3),
            corrupt_heads: Some(0),
            min_bond: "1000".into(),
            issuer: String::new(),
            ..Default::default()
        }),
        windows: Some(pb::Windows { enrol: 4, deal: 4, complain: 4, check_in: 4, submit: 4, unmask: 4, evidence: 6 }),
        rewards: Some(pb::Rewards { per_update: "50".into(), per_partial: "20".into(), gas_price: "3".into() }),
        rounds: 2,
        max_idle_epochs: 2,
        combination: None,
        ..Default::default()
    }
}

pub fn test_params() -> pb::Params {
    pb::Params {
        registry: "registry".into(),
        staking: "staking".into(),
        slashing: "slashing".into(),
        min_window: 2,
        ..params::default_params()
    }
}

pub fn zero_model() -> pb::InitialModel {
    pb::InitialModel { source: Some(pb::initial_model::Source::Zero(pb::ZeroInit {})) }
}

pub fn create(settings: pb::TaskSettings) -> pb::MsgCreateTask {
    pb::MsgCreateTask {
        owner: "bauta1owner".into(),
        settings: Some(settings),
        initial_model: Some(zero_model()),
        budget: "1000000000".into(),
        ..Default::default()
    }
}

impl World {
    /// A chain without a task.
    pub fn empty(n: usize, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut storage = Memory::default();
        state::save(&mut storage, keys::PARAMS.to_vec(), &test_params());
        let clients = (0..n)
            .map(|i| {
                let mut address = vec![0; 20];
                rng.fill(&mut address[..]);
                address[0] = (i * 37 % 251) as u8;
                Client {
                    address,
                    keys: ProviderKeys::generate(&mut rng),
                    shares: BTreeMap::new(),
                    further: BTreeMap::new(),
                    before: None,
                    weight: 1 + i as u64 % 3,
                }
            })
            .collect();
        Self {
            storage,
            blobs: BlobStore::default(),
            registry: Registry::default(),
            balances: BTreeMap::from([(OWNER.to_vec(), 2_000_000_000)]),
            escrow: 0,
            verdicts: Vec::new(),
            events: Vec::new(),
            locked: BTreeMap::new(),
            height: 10,
            tx_index: 0,
            operations: 10_000_000,
            clients,
            rng,
            task: 0,
        }
    }

    /// A chain with a task.
    pub fn with(n: usize, seed: u64, settings: pb::TaskSettings) -> Self {
        let mut world = Self::empty(n, seed);
        world.send(OWNER, Call::CreateTask(Box::new(create(settings)))).unwrap();
        world
    }

    /// The same with `n` providers, 40 elements.
    pub fn new(n: usize, seed: u64) -> Self {
        Self::with(n, seed, settings(n as u32, 40))
    }

    pub fn env(&self) -> Env<'static> {
        Env { chain_id: CHAIN, height: self.height, tx_index: self.tx_index }
    }

    /// A transaction: check, charge, handle, and what follows from it.
    pub fn send(&mut self, sender: &[u8], call: Call) -> Result<(), Rejection> {
        let message = Message { sender: sender.to_vec(), call };
        let env = self.env();
        self.tx_index += 1;
        let admission = check(&env, &self.storage, &self.registry, &message)?;
        if let Some(fee) = &admission.fee {
            let output = charge(&mut self.storage, fee).unwrap();
            self.carry_out(vec![output]);
        }
        let (storage, blobs) = (self.storage.clone(), self.blobs.clone());
        let result = handle(&env, &mut self.storage, &mut self.blobs, &self.registry, &message);
        let result = match result {
            Ok((response, outputs)) => {
                if let Response::Task(task) = response {
                    self.task = task;
                }
                self.carry_out(outputs);
                Ok(())
            }
            Err(rejection) => {
                assert_eq!(self.storage, storage, "a failed message left something behind");
                assert_eq!(self.blobs, blobs, "a failed message left a blob behind");
                assert!(
                    rejection.offence.is_some() || admission.fee.is_none(),
                    "a message was charged, failed, and is no offence: {}",
                    rejection.error
                );
                if let Some(offence) = &rejection.offence {
                    let outputs = record_offence(&env, &mut self.storage, offence).unwrap();
                    self.carry_out(outputs);
                }
                Err(rejection)
            }
        };
        self.check_invariants();
        result
    }

    /// The end of a block.
    pub fn block(&mut self) {
        self.end_block(true);
    }

    pub fn end_block(&mut self, counted: bool) {
        let mut budget = Budget::new(self.operations);
        let env = self.env();
        let outputs = end_block(&env, &mut self.storage, &mut self.blobs, &self.registry, counted, &mut budget);
        self.carry_out(outputs);
        self.height += 1;
        self.tx_index = 0;
        self.check_invariants();
    }

    /// The chain stops.
    pub fn halt(&mut self) {
        let env = self.env();
        let outputs = halt(&env, &mut self.storage, &mut self.blobs, &self.registry).unwrap();
        self.carry_out(outputs);
        self.check_invariants();
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Deposit { from, amount } => {
                    *self.balances.entry(from).or_default() -= amount as i128;
                    self.escrow += amount as i128;
                }
                Output::Fee { amount } => {
                    *self.balances.entry(b"fees".to_vec()).or_default() += amount as i128;
                    self.escrow -= amount as i128;
                }
                Output::Pay { to, amount, .. } | Output::Refund { to, amount, .. } => {
                    *self.balances.entry(to).or_default() += amount as i128;
                    self.escrow -= amount as i128;
                }
                Output::Verdict(verdict) => {
                    self.registry.settle(&verdict);
                    self.verdicts.push(verdict);
                }
                Output::LockBond { provider, .. } => *self.locked.entry(provider).or_default() += 1,
                Output::UnlockBond { provider, .. } => *self.locked.get_mut(&provider).unwrap() -= 1,
                Output::Event(event) => {
                    self.registry.see(&event);
                    self.events.push(event);
                }
            }
        }
    }

    /// Coins are conserved in every block.
    fn check_invariants(&self) {
        let mut held = 0;
        for task in 1..=state::counters(&self.storage).unwrap().tasks {
            let purse = Purse::of(&state::task(&self.storage, task).unwrap()).unwrap();
            assert!(purse.is_conserved(), "{purse:?}");
            assert!(purse.reserved <= purse.held);
            let bond = state::task(&self.storage, task).unwrap().bond;
            held += purse.held as i128 + bond.parse::<i128>().unwrap_or(0);
        }
        assert_eq!(held, self.escrow);
        assert_eq!(self.balances.values().sum::<i128>() + self.escrow, 2_000_000_000);
    }

    pub fn the_task(&self) -> pb::Task {
        state::task(&self.storage, self.task).unwrap()
    }

    pub fn epoch(&self) -> pb::Epoch {
        state::epoch(&self.storage, self.task, self.the_task().epoch).unwrap()
    }

    pub fn round(&self) -> pb::Round {
        state::round(&self.storage, self.task, self.the_task().round).unwrap()
    }

    pub fn numbered(&self, round: u64) -> pb::Round {
        state::round(&self.storage, self.task, round).unwrap()
    }

    pub fn terms(&self) -> Terms {
        Terms::read(&state::settings(&self.storage, self.task).unwrap()).unwrap()
    }

    pub fn members(&self) -> Vec<pb::Member> {
        state::members(&self.storage, self.task, self.the_task().epoch).unwrap()
    }

    pub fn member(&self, i: usize) -> pb::Member {
        state::member(&self.storage, self.task, self.the_task().epoch, &self.clients[i].address).unwrap()
    }

    pub fn balance(&self, i: usize) -> i128 {
        self.balances.get(&self.clients[i].address).copied().unwrap_or_default()
    }

    pub fn member_of(&self, i: usize, epoch: u64) -> pb::Member {
        state::member(&self.storage, self.task, epoch, &self.clients[i].address).unwrap()
    }

    /// Whether a client holds a share of every dealer on the request list.
    pub fn can_answer(&self, i: usize) -> bool {
        let round = self.round();
        self.member(i).seat > 0
            && round.group.iter().all(|&slot| self.clients[i].shares.contains_key(&Slot::new(slot).unwrap()))
    }

    pub fn verdicts_of(&self, i: usize) -> Vec<pb::OffenceKind> {
        let address = &self.clients[i].address;
        self.verdicts.iter().filter(|verdict| verdict.provider == *address).map(|verdict| verdict.kind()).collect()
    }

    pub fn ectx(&self) -> Ectx {
        Ectx::from_bytes(self.epoch().ectx.try_into().unwrap())
    }

    pub fn rctx_of(&self, round: u64) -> Rctx {
        Rctx::new(&self.ectx(), round)
    }

    pub fn ctx(&self) -> Ctx {
        derive::ctx(&self.round()).unwrap()
    }
}

/// All of `0..n` but some.
pub fn all_but(n: usize, without: &[usize]) -> Vec<usize> {
    (0..n).filter(|i| !without.contains(i)).collect()
}
