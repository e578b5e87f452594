//! A node as a world: messages are signed transactions, and providers see what is committed.

use std::collections::BTreeSet;
use std::ops::Bound;

use abci_app::coin::Coins;
use abci_app::genesis::{GenesisBuilder, GenesisDoc};
use abci_app::modules::auth;
use abci_app::params::LARGEST_PROTOCOL_TX;
use abci_app::sequencer::EngineConfig;
use abci_app::store::{blobs, Order, Store};
use bauta_rounds::keys::{self, prefix};
use bauta_rounds::{state, Call, Storage};
use bauta_schema::training::v1 as pb;
use bauta_simulation::{Plan, Size, World, TASK};
use cosmos_sdk_proto::Any;
use serde_json::json;
use tendermint_proto::v0_38::abci::ExecTxResult;

use crate::account::{Account, CHAIN_ID};
use crate::books::Books;
use crate::contracts::{execute, message, DENOM};
use crate::engine::Engine;
use crate::wrong;

/// What everybody has at first.
const WEALTH: u128 = 2_000_000_000;
/// Code of a transaction under another sequence than the account's next (cosmos-sdk types/errors).
const WRONG_SEQUENCE: u32 = 32;
/// Who has no part in the task: the authority and admin, and the task's owner.
pub const OTHERS: usize = 2;
/// The largest protocol message, for which there must be room in a block that counts, and four kilobytes.
const NARROW_LANE: u64 = LARGEST_PROTOCOL_TX + 4 * 1024;

/// A whole node with one task.
pub struct NodeWorld {
    pub(crate) engine: Engine,
    /// The authority, the owner, then the providers.
    pub(crate) people: Vec<Account>,
    providers: Vec<Vec<u8>>,
    /// What comes into the next block, with its sender.
    pub(crate) waiting: Vec<(usize, Any)>,
    verdicts: Vec<pb::Verdict>,
    known: BTreeSet<Vec<u8>>,
    books: Books,
    registry: String,
}

impl NodeWorld {
    /// A chain from its genesis on, with the contracts, the plan's providers registered and bonded, and its task.
    ///
    /// # Errors
    /// When the node does not begin, or refuses any of it.
    pub fn new(plan: &Plan) -> Result<Self, String> {
        let count = OTHERS as u64 + u64::from(plan.providers);
        let people: Vec<Account> = (0..count).map(Account::new).collect::<Result<_, _>>()?;
        let engine = Engine::new(&genesis(plan, &people)?)?;
        let providers = people.iter().skip(OTHERS).map(|one| one.address.as_bytes().to_vec()).collect();
        let mut world = Self {
            engine,
            people,
            providers,
            waiting: Vec::new(),
            verdicts: Vec::new(),
            known: BTreeSet::new(),
            books: Books::default(),
            registry: String::new(),
        };
        let contracts = world.install(plan)?;
        world.registry.clone_from(&contracts.registry);
        world.books = Books::new(&world.engine.view(), contracts);
        world.begin_task(plan)?;
        Ok(world)
    }

    /// Somebody's address as text.
    pub(crate) fn text(&self, person: usize) -> String {
        self.people.get(person).map(Account::text).unwrap_or_default()
    }

    /// Signs what waits, each person's messages under sequences that follow each other, and asks the mempool, which drops what it does
    /// not take.
    pub(crate) fn admitted(&mut self) -> Result<Vec<(usize, Vec<u8>)>, String> {
        let mut admitted = Vec::new();
        for (person, message) in std::mem::take(&mut self.waiting) {
            let tx = self.people[person].sign(vec![message])?;
            if self.engine.admits(&tx) {
                self.people[person].sequence += 1;
                admitted.push((person, tx));
            }
        }
        Ok(admitted)
    }

    /// Makes a block of what was admitted; what became of each transaction that is in it, by its place among those.
    pub(crate) fn block(&mut self, offered: &[(usize, Vec<u8>)]) -> Result<Vec<(usize, ExecTxResult)>, String> {
        let txs: Vec<Vec<u8>> = offered.iter().map(|(_, tx)| tx.clone()).collect();
        let done = self.engine.block(&txs)?;
        let view = self.engine.view();
        for person in &mut self.people {
            person.sequence = auth::account_of(&view, &person.address).ok_or("an account is gone")?.sequence;
        }
        let place_of = |tx: &[u8]| txs.iter().position(|other| other == tx);
        let placed = done.into_iter().map(|(tx, result)| {
            let place = place_of(&tx).ok_or("a node proposes what nobody sent")?;
            Ok((place, result))
        });
        placed.collect()
    }

    /// Notes the verdicts that went to the contracts, which must have settled them.
    fn note_verdicts(&mut self) -> Result<(), String> {
        let records = self.engine.records();
        for queue in [prefix::QUEUE, prefix::UNLOCK] {
            if !records.range(queue.as_bytes(), &keys::after(queue.as_bytes()), 1).is_empty() {
                return Err("the contracts have not settled what they were told in the block".into());
            }
        }
        let all = keys::numbers(prefix::VERDICT, &[TASK]);
        for verdict in state::list::<pb::Verdict>(records, &all, usize::MAX).map_err(wrong)? {
            if verdict.delivered && self.known.insert(verdict.id.clone()) {
                self.verdicts.push(verdict);
            }
        }
        Ok(())
    }

    /// Whoever's time in jail is over comes back.
    fn leave_jail(&mut self) {
        for who in self.books.released(self.engine.seconds()) {
            if let Some(person) = self.people.iter().position(|one| one.text() == who) {
                let message = execute(who, &self.registry, &json!({"unjail": {}}), 0);
                self.waiting.push((person, message));
            }
        }
    }
}

fn genesis(plan: &Plan, people: &[Account]) -> Result<GenesisDoc, String> {
    let key = EngineConfig::public_key(&[7; 32]);
    let authority = people.first().map(Account::text).unwrap_or_default();
    let mut builder = GenesisBuilder::new(CHAIN_ID).validator(&key, 10, Some(&authority));
    for person in people {
        builder = builder.account(&person.text(), &Coins::one(DENOM, WEALTH));
    }
    // Where the plan has full lanes they are so narrow that the messages of a busy block fill them.
    if plan.full_lanes > 0 {
        builder = builder.param("lane_bytes", NARROW_LANE);
    }
    let document = builder.part("training", json!({"params": {"authority": authority}})).build();
    GenesisDoc::read(&document).map_err(wrong)
}

impl World for NodeWorld {
    fn providers(&self) -> &[Vec<u8>] {
        &self.providers
    }

    fn records(&self) -> &dyn Storage {
        self.engine.records()
    }

    fn blob(&self, hash: &[u8; 32]) -> Option<Vec<u8>> {
        blobs::get(&self.engine.records().0, hash)
    }

    fn size(&self) -> Size {
        let view = &self.engine.records().0;
        let all = view.range(Store::Training, Bound::Unbounded, Bound::Unbounded, Order::Ascending, usize::MAX);
        Size { records: all.len(), blobs: blobs::all(view).iter().map(|(bytes, _)| bytes.len()).sum() }
    }

    fn height(&self) -> u64 {
        self.engine.height()
    }

    fn verdicts(&self) -> &[pb::Verdict] {
        &self.verdicts
    }

    fn deliver(&mut self, provider: usize, call: Call) -> Result<(), String> {
        let person = OTHERS + provider;
        let message = message(call, self.text(person))?;
        self.waiting.push((person, message));
        Ok(())
    }

    /// Messages of a block fill the lane of a node, or do not: `is_full` is never asked for.
    fn end_block(&mut self, _is_full: bool) -> Result<(), String> {
        let offered = self.admitted()?;
        let done = self.block(&offered)?;
        // A client signs again what found no place, and what came under a sequence that its turn has passed by, because something
        // before it was refused.
        for (place, (person, tx)) in offered.iter().enumerate() {
            let found = done.iter().find(|(of, _)| *of == place);
            if found.is_none_or(|(_, result)| result.code == WRONG_SEQUENCE) {
                self.waiting.extend(message_of(tx).map(|message| (*person, message)));
            }
        }
        self.note_verdicts()?;
        let (task, providers) = (self.task()?, self.people.iter().skip(OTHERS).map(Account::text).collect::<Vec<_>>());
        self.books.are_right(&self.engine, &providers, &task, &self.known)?;
        self.leave_jail();
        Ok(())
    }

    fn fills_itself(&self) -> bool {
        true
    }

    fn restart(&mut self) -> Result<bool, String> {
        self.engine.restart().map(|()| true)
    }
}

/// The message of a transaction that has one.
fn message_of(tx: &[u8]) -> Option<Any> {
    use cosmos_sdk_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
    use prost::Message as _;
    let raw = TxRaw::decode(tx).ok()?;
    TxBody::decode(raw.body_bytes.as_slice()).ok()?.messages.into_iter().next()
}
