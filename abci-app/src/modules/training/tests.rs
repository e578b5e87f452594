//! The glue, with contracts that are played.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bauta_messages::{registry, slashing, staking};
use bauta_rounds::{keys, query, state, Providers};
use bauta_schema::training::v1 as pb;
use bauta_secagg::context::Ectx;
use bauta_secagg::deal::Dealer;
use bauta_secagg::encoding::Address as SecaggAddress;
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::signature::{digest, Body};
use prost::Message as _;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest as _, Sha256};

use super::contracts::AskContracts;
use super::effects::escrow_account;
use super::genesis::{Genesis, GenesisParams};
use super::messages::validate_together;
use super::store::Records;
use super::{genesis, queries, queue, Contracts, Keeper, Message};
use crate::address::Address;
use crate::coin::Coins;
use crate::context::{BlockInfo, Context, Mode, QueryContext, TxInfo};
use crate::error::{Error, Result};
use crate::gas::{Gas, GasMeter};
use crate::modules::{bank, EndOfBlock};
use crate::store::{MemoryBase, View};

const PREFIX: &str = "bauta";
const DENOM: &str = "ubauta";

fn account(n: u8) -> Address {
    Address::new(vec![n; 20]).unwrap()
}

fn text(address: &Address) -> String {
    address.to_bech32(PREFIX)
}

/// Contracts that answer what they are told to, and remember what they heard.
#[derive(Default)]
struct Played {
    bonds: BTreeMap<String, u128>,
    jailed: Vec<String>,
    admitted_by: Vec<(String, String)>,
    is_broken: bool,
    /// Whose verdicts and unlocks are never taken.
    refused: Vec<String>,
    /// What a question costs, and how many there were.
    cost: Gas,
    asked: Mutex<u64>,
    heard: Mutex<Vec<(String, String)>>,
}

impl Played {
    fn heard_by(&self, contract: u8) -> Vec<String> {
        let name = text(&account(contract));
        self.heard.lock().unwrap().iter().filter(|(to, _)| *to == name).map(|(_, what)| what.clone()).collect()
    }
}

impl Contracts for Played {
    fn ask(&self, ctx: &mut QueryContext, contract: &Address, msg: &[u8]) -> Result<Vec<u8>> {
        *self.asked.lock().unwrap() += 1;
        ctx.gas.consume(self.cost, "played")?;
        if *contract == account(202) {
            let staking::QueryMsg::Bond { provider } = serde_json::from_slice(msg).unwrap() else { unreachable!() };
            let bonded = self.bonds.get(&provider).copied().unwrap_or(0);
            return Ok(serde_json::to_vec(&serde_json::json!({
                "provider": provider, "bonded": bonded.to_string(), "unbonding": "0", "locked": false, "locks": []
            }))
            .unwrap());
        }
        let answer = match serde_json::from_slice(msg).unwrap() {
            registry::QueryMsg::MayTakePart { provider, issuer } => {
                let allowed = match issuer {
                    None => !self.jailed.contains(&provider),
                    Some(issuer) => self.admitted_by.contains(&(issuer, provider)),
                };
                serde_json::json!({
                    "allowed": allowed,
                    "reason": if allowed { serde_json::Value::Null } else { "not_admitted".into() },
                    "explanation": if allowed { serde_json::Value::Null } else { "the registry says no".into() },
                })
            }
            registry::QueryMsg::Provider { provider } => {
                let standing = if self.jailed.contains(&provider) {
                    serde_json::json!({"status": "jailed", "until": 5, "reason": "no_submission"})
                } else {
                    serde_json::json!({"status": "good"})
                };
                serde_json::json!({"provider": provider, "registration": null, "standing": standing})
            }
            other => unreachable!("{other:?}"),
        };
        Ok(serde_json::to_vec(&answer).unwrap())
    }

    fn tell(&self, _ctx: &mut Context, contract: &Address, msg: &[u8], _gas: Gas) -> Result<()> {
        if self.is_broken {
            return Err(Error::new("wasm", 5, "execute wasm contract failed"));
        }
        let what = String::from_utf8(msg.to_vec()).unwrap();
        if self.refused.iter().any(|provider| what.contains(provider)) {
            return Err(Error::new("wasm", 5, "execute wasm contract failed"));
        }
        self.heard.lock().unwrap().push((text(contract), what));
        Ok(())
    }
}

struct Chain {
    view: View,
    height: u64,
    keeper: Keeper,
    contracts: Played,
}

impl Chain {
    fn new() -> Self {
        let mut chain = Self {
            view: View::new(Arc::new(MemoryBase::default())),
            height: 0,
            keeper: Keeper::new(&super::Config::default()),
            contracts: Played::default(),
        };
        let mut ctx = chain.context(Mode::Finalize, None);
        let params = GenesisParams {
            authority: text(&account(200)),
            registry: text(&account(201)),
            staking: text(&account(202)),
            slashing: text(&account(203)),
            min_window: Some(2),
            ..Default::default()
        };
        genesis::init(&mut ctx, &Genesis { params, ..Genesis::default() }).unwrap();
        bank::mint(&mut ctx, &account(1), &Coins::one(DENOM, 1_000_000_000)).unwrap();
        chain.height = 1;
        for n in 10..20 {
            chain.contracts.bonds.insert(text(&account(n)), 5_000);
        }
        chain
    }

    fn context(&self, mode: Mode, tx: Option<u32>) -> Context {
        let block = BlockInfo { chain_id: "bauta-1".into(), height: self.height, time_ns: 0 };
        let tx = tx.map(|index| TxInfo { hash: [index as u8; 32], index });
        Context::new(self.view.clone(), GasMeter::unlimited(), block, mode, tx, PREFIX)
    }

    /// A transaction of one message, as the app runs it: the fee, the message in a layer, and what is left beside it.
    fn send(&self, message: &Message) -> (Result<()>, Vec<crate::events::Event>) {
        message.validate_basic(PREFIX).unwrap();
        let mut ctx = self.context(Mode::Finalize, Some(0));
        if message.is_protocol() {
            let charged = ctx.nested(|ctx| self.keeper.charge_protocol_fee(ctx, &self.contracts, message, Gas::MAX));
            if let Err(error) = charged {
                return (Err(error), ctx.events);
            }
        }
        let result = ctx.nested(|ctx| message.execute(ctx, &self.keeper, &self.contracts)).map(drop);
        for work in std::mem::take(&mut ctx.outside) {
            ctx.nested(work).unwrap();
        }
        (result, ctx.events)
    }

    fn block(&mut self) -> Vec<crate::events::Event> {
        let mut ctx = self.context(Mode::Finalize, None);
        let block = EndOfBlock { counted: true, lane_bytes_used: 0 };
        self.keeper.end_block(&mut ctx, &self.contracts, &block).unwrap();
        self.height += 1;
        ctx.events
    }

    fn balance(&self, who: &Address) -> u128 {
        bank::balance_of(&self.view, who, DENOM)
    }

    fn epoch(&self) -> pb::Epoch {
        state::epoch(&Records(self.view.clone()), 1, 1).unwrap()
    }
}

fn create(budget: &str) -> Message {
    let windows = pb::Windows { enrol: 3, deal: 3, complain: 3, check_in: 3, submit: 3, unmask: 3, evidence: 3 };
    Message::CreateTask(Box::new(pb::MsgCreateTask {
        owner: text(&account(1)),
        settings: Some(pb::TaskSettings {
            level: pb::Level::Open.into(),
            model: Some(pb::ModelSpec {
                kind: pb::ModelKind::Custom.into(),
                tensors: vec![pb::Tensor { name: "w".into(), shape: vec![8] }],
                hidden: 0,
            }),
            data: Some(pb::DataSpec { features: 1, ..Default::default() }),
            encoding: Some(pb::Encoding {
                bits: 32,
                chunk_elems: 8,
                clip: 1 << 32,
                scale_bits: 8,
                bound: 1000,
                max_weight: 2,
                rows_per_weight: 1,
                metrics: 0,
            }),
            optimiser: Some(pb::Optimiser {
                kind: pb::OptimiserKind::Fedavg.into(),
                learning_rate: 1 << 32,
                ..Default::default()
            }),
            cohort: Some(pb::Cohort {
                min_providers: 3,
                max_providers: 3,
                group_size: 3,
                min_group: 3,
                corrupt_heads: Some(0),
                min_bond: "5000".into(),
                issuer: String::new(),
                ..Default::default()
            }),
            windows: Some(windows),
            rewards: Some(pb::Rewards { gas_price: "1".into(), ..Default::default() }),
            rounds: 1,
            max_idle_epochs: 1,
            ..Default::default()
        }),
        initial_model: Some(pb::InitialModel { source: Some(pb::initial_model::Source::Zero(pb::ZeroInit {})) }),
        budget: budget.into(),
        ..Default::default()
    }))
}

fn enrol(chain: &Chain, n: u8, keys: &ProviderKeys) -> Message {
    let ectx = Ectx::from_bytes(chain.epoch().ectx.try_into().unwrap());
    let address = SecaggAddress::new(account(n).as_bytes()).unwrap();
    let signed = keys.enrol(&ectx, &address, &mut ChaCha20Rng::seed_from_u64(u64::from(n)));
    Message::Enrol(pb::MsgEnrol {
        sender: text(&account(n)),
        task_id: 1,
        epoch: 1,
        body: signed.body_bytes(),
        signature: signed.signature.to_vec(),
    })
}

fn provider_keys(n: u8) -> ProviderKeys {
    ProviderKeys::generate(&mut ChaCha20Rng::seed_from_u64(1000 + u64::from(n)))
}

#[test]
fn a_budget_moves_to_escrow_and_back_and_cannot_be_promised_without_coins() {
    let mut chain = Chain::new();
    let (result, _) = chain.send(&create("2000000000"));
    assert_eq!(result.unwrap_err().code, 5);
    assert_eq!(chain.balance(&escrow_account()), 0);
    let mut ctx = chain.context(Mode::Check, Some(0));
    ctx.view = chain.view.fork();
    let refused = create("2000000000").check(&mut ctx, &chain.keeper, &chain.contracts);
    assert_eq!(refused.unwrap_err().code, 5);
    chain.send(&create("900000000")).0.unwrap();
    assert_eq!(chain.balance(&escrow_account()), 900_000_000);
    let cancel = Message::CancelTask(pb::MsgCancelTask { owner: text(&account(1)), task_id: 1 });
    chain.send(&cancel).0.unwrap();
    chain.block();
    assert_eq!(chain.balance(&escrow_account()), 0);
    assert_eq!(chain.balance(&account(1)), 1_000_000_000);
}

#[test]
fn the_escrow_pays_for_what_the_round_awaits_and_for_nothing_else() {
    let chain = Chain::new();
    chain.send(&create("900000000")).0.unwrap();
    let message = enrol(&chain, 10, &provider_keys(10));
    chain.send(&message).0.unwrap();
    let held = chain.balance(&escrow_account());
    assert!(held < 900_000_000);
    assert_eq!(chain.balance(&Address::module("fee_collector")), 900_000_000 - held);
    assert_eq!(chain.contracts.heard_by(202).len(), 1);
    assert!(chain.contracts.heard_by(202)[0].contains(r#""key":"1/1""#));
    // Again: it is not awaited, nothing is charged.
    let (result, events) = chain.send(&message);
    let error = result.unwrap_err();
    assert_eq!((error.codespace, error.code), ("training", 13));
    assert!(events.is_empty());
    assert_eq!(chain.balance(&escrow_account()), held);
}

#[test]
fn a_gas_limit_below_the_messages_work_is_refused_before_anything_is_charged() {
    let chain = Chain::new();
    chain.send(&create("900000000")).0.unwrap();
    let message = enrol(&chain, 10, &provider_keys(10));
    let mut ctx = chain.context(Mode::Finalize, Some(0));
    let refused = chain.keeper.charge_protocol_fee(&mut ctx, &chain.contracts, &message, 1000);
    assert_eq!(refused.unwrap_err().code, 11);
    assert_eq!(chain.balance(&escrow_account()), 900_000_000);
}

#[test]
fn contracts_decide_who_may_enrol() {
    let mut chain = Chain::new();
    chain.send(&create("900000000")).0.unwrap();
    chain.contracts.jailed.push(text(&account(10)));
    chain.contracts.bonds.insert(text(&account(11)), 4_999);
    chain.contracts.admitted_by.push((text(&account(1)), text(&account(12))));
    for (n, why) in [(10, "registry"), (11, "bond"), (12, "owner")] {
        let error = chain.send(&enrol(&chain, n, &provider_keys(n))).0.unwrap_err();
        assert_eq!((error.codespace, error.code), ("training", 10));
        assert!(error.log.contains(why), "{}", error.log);
    }
    // A bond that cannot be locked fails the enrolment.
    chain.contracts.is_broken = true;
    let held = chain.balance(&escrow_account());
    let error = chain.send(&enrol(&chain, 13, &provider_keys(13))).0.unwrap_err();
    assert_eq!((error.codespace, error.code), ("wasm", 5));
    assert_eq!(chain.epoch().enrolled, 0);
    assert!(chain.balance(&escrow_account()) < held);
}

#[test]
fn the_mempool_and_proposals_ask_the_contracts_who_may_enrol() {
    let mut chain = Chain::new();
    chain.send(&create("900000000")).0.unwrap();
    chain.contracts.jailed.push(text(&account(10)));
    for mode in [Mode::Check, Mode::Propose] {
        let try_it = |n: u8| {
            let mut ctx = chain.context(mode, Some(0));
            ctx.view = chain.view.fork();
            let message = enrol(&chain, n, &provider_keys(n));
            chain.keeper.charge_protocol_fee(&mut ctx, &chain.contracts, &message, Gas::MAX)?;
            message.check(&mut ctx, &chain.keeper, &chain.contracts)
        };
        // One that is jailed, one that has no bond, one that may.
        assert_eq!(try_it(10).unwrap_err().code, 10);
        assert_eq!(try_it(30).unwrap_err().code, 10);
        try_it(11).unwrap();
    }
}

#[test]
fn questions_about_who_is_jailed_are_asked_once_and_within_an_allowance() {
    let mut chain = Chain::new();
    chain.contracts.cost = 1_000_000;
    chain.contracts.jailed.push(text(&account(10)));
    let ctx = chain.context(Mode::Finalize, None);
    let params = super::effects::params(&ctx).unwrap();
    let providers = AskContracts::for_block(&chain.contracts, &ctx, &params);
    for _ in 0..3 {
        assert!(providers.is_jailed(account(10).as_bytes()));
        assert!(!providers.is_jailed(account(11).as_bytes()));
    }
    assert_eq!(*chain.contracts.asked.lock().unwrap(), 2);
    // Together the questions of a block cost what the largest transaction may: 100 here.
    for n in 0..200 {
        providers.is_jailed(&[n; 21]);
    }
    assert_eq!(*chain.contracts.asked.lock().unwrap(), 100);
    // Those of a message have their own, and one that runs out of its gas answers nothing.
    chain.contracts.cost = params.contract_gas + 1;
    let ctx = chain.context(Mode::Finalize, None);
    let providers = AskContracts::for_message(&chain.contracts, &ctx, &params);
    assert!(!providers.is_jailed(account(10).as_bytes()));
}

fn verdict(provider: &Address, n: u64) -> pb::Verdict {
    let id = [n.to_be_bytes(); 4].concat();
    pb::Verdict { id, provider: provider.as_bytes().to_vec(), task_id: n, ..Default::default() }
}

#[test]
fn what_the_contracts_never_take_goes_behind_and_holds_up_nothing_else() {
    let mut chain = Chain::new();
    chain.contracts.refused.push(text(&account(10)));
    let mut ctx = chain.context(Mode::Finalize, None);
    let params = super::effects::params(&ctx).unwrap();
    let many = queue::ENTRIES_A_BLOCK as u64 + 10;
    for n in 0..many {
        queue::push_verdict(&mut ctx, verdict(&account(10), n));
        queue::push_unlock(&mut ctx, account(10).as_bytes().to_vec(), n, 1);
    }
    queue::push_verdict(&mut ctx, verdict(&account(11), many));
    queue::push_unlock(&mut ctx, account(12).as_bytes().to_vec(), many, 1);
    for _ in 0..2 {
        queue::deliver(&mut ctx, &chain.contracts, &params);
    }
    assert_eq!(chain.contracts.heard_by(203).len(), 1, "the verdict against the other is settled in the second block");
    assert_eq!(chain.contracts.heard_by(202).len(), 1, "so is the other's bond unlocked");
    // Nothing was lost, and when the contract takes them they come in an order that all nodes agree on.
    chain.contracts.refused.clear();
    for _ in 0..4 {
        queue::deliver(&mut ctx, &chain.contracts, &params);
    }
    assert_eq!(chain.contracts.heard_by(203).len() as u64, many + 1);
    assert_eq!(chain.contracts.heard_by(202).len() as u64, many + 1);
    let tasks: Vec<u64> = chain.contracts.heard_by(203)[1..]
        .iter()
        .map(|told| {
            let slashing::SudoMsg::Settle(verdict) = serde_json::from_str(told).unwrap();
            verdict.task
        })
        .collect();
    let split = 2 * queue::ENTRIES_A_BLOCK as u64 % many;
    assert!(tasks.windows(2).filter(|pair| pair[0] > pair[1]).count() <= 1, "they went round, {split} first");
}

#[test]
fn an_offence_is_recorded_beside_the_failed_message_and_told_to_the_slashing_contract_until_it_hears() {
    let mut chain = Chain::new();
    chain.send(&create("900000000")).0.unwrap();
    for n in 10..13 {
        chain.send(&enrol(&chain, n, &provider_keys(n))).0.unwrap();
    }
    while chain.epoch().phase() != pb::EpochPhase::Deal {
        chain.block();
    }
    // A deal with a proof that does not hold, signed.
    let ectx = Ectx::from_bytes(chain.epoch().ectx.try_into().unwrap());
    let seats = bauta_rounds::derive::seats(&state::seats(&Records(chain.view.clone()), 1, 1).unwrap()).unwrap();
    let keys = provider_keys(10);
    let address = SecaggAddress::new(account(10).as_bytes()).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut deal = Dealer::new(&keys, ectx, &address).deal(&seats, 2, &mut rng).unwrap().body;
    deal.proof.response += k256::Scalar::ONE;
    let secret = k256::schnorr::SigningKey::from_bytes(&keys.to_bytes()[96..128]).unwrap();
    let hash = digest(bauta_secagg::deal::Deal::KIND, ectx.as_bytes(), &deal.encode());
    let message = Message::Deal(pb::MsgDeal {
        sender: text(&account(10)),
        task_id: 1,
        epoch: 1,
        body: deal.encode(),
        signature: secret.sign_raw(&hash, &[1; 32]).unwrap().to_bytes().to_vec(),
    });
    // The mempool lets it in and records nothing.
    let mut ctx = chain.context(Mode::Check, Some(0));
    ctx.view = chain.view.fork();
    assert_eq!(message.check(&mut ctx, &chain.keeper, &chain.contracts).unwrap_err().code, 2, "nobody paid for it");
    chain.keeper.charge_protocol_fee(&mut ctx, &chain.contracts, &message, Gas::MAX).unwrap();
    message.check(&mut ctx, &chain.keeper, &chain.contracts).unwrap();
    assert!(ctx.outside.is_empty());
    let (result, events) = chain.send(&message);
    assert_eq!(result.unwrap_err().code, 18);
    assert!(events.iter().any(|event| event.kind == "offence"));
    // A contract that errs delays the verdict and halts nothing.
    chain.contracts.is_broken = true;
    for attempt in 1..3 {
        let events = chain.block();
        let delayed = events.iter().find(|event| event.kind == "verdict_delayed").unwrap();
        assert!(delayed.attributes.contains(&("attempts".into(), attempt.to_string())));
    }
    // Nor is a bond unlocked while a verdict against its owner waits.
    let mut ctx = chain.context(Mode::Finalize, None);
    queue::push_unlock(&mut ctx, account(10).as_bytes().to_vec(), 7, 7);
    queue::push_unlock(&mut ctx, account(11).as_bytes().to_vec(), 7, 7);
    chain.contracts.is_broken = false;
    let params = super::effects::params(&ctx).unwrap();
    let before = chain.contracts.heard_by(202).len();
    let waiting = chain.view.range(
        crate::store::Store::Training,
        std::ops::Bound::Included(b"queue/"),
        std::ops::Bound::Excluded(&keys::after(b"queue/")),
        crate::store::Order::Ascending,
        10,
    );
    assert_eq!(waiting.len(), 1);
    queue::deliver(&mut ctx, &chain.contracts, &params);
    assert!(ctx.events.iter().any(|event| event.kind == "verdict_settled"));
    let told = chain.contracts.heard_by(203);
    assert_eq!(told.len(), 1);
    let slashing::SudoMsg::Settle(verdict) = serde_json::from_str(&told[0]).unwrap();
    assert_eq!((verdict.kind.as_str(), verdict.provider), ("invalid_proof", text(&account(10))));
    assert_eq!((verdict.task, verdict.epoch, verdict.round), (1, 1, 0));
    assert_eq!(verdict.offence_id.len(), 32);
    assert_eq!(chain.contracts.heard_by(202).len(), before + 2);
    // It is told once.
    queue::deliver(&mut ctx, &chain.contracts, &params);
    assert_eq!(chain.contracts.heard_by(203).len(), 1);
}

#[test]
fn only_the_authority_changes_parameters_and_only_to_what_can_be() {
    let chain = Chain::new();
    let ctx = chain.context(Mode::Finalize, None);
    let params = super::effects::params(&ctx).unwrap();
    let update = |authority: u8, change: fn(&mut pb::Params)| {
        let mut params = params.clone();
        change(&mut params);
        let msg = pb::MsgUpdateParams { authority: text(&account(authority)), params: Some(params) };
        Message::UpdateParams(Box::new(msg))
    };
    assert_eq!(chain.send(&update(199, |p| p.min_window = 7)).0.unwrap_err().code, 51);
    assert!(update(200, |p| p.min_window = 0).validate_basic(PREFIX).is_err());
    assert!(update(200, |p| p.registry = "cosmos1x".into()).validate_basic(PREFIX).is_err());
    assert!(chain.send(&update(200, |p| p.lane_bytes = 1 << 40)).0.is_err());
    chain.send(&update(200, |p| p.min_window = 7)).0.unwrap();
    assert_eq!(super::effects::params(&ctx).unwrap().min_window, 7);
}

#[test]
fn a_transaction_holds_one_protocol_message_or_different_chunks() {
    let chunk = |index| {
        Message::SubmitChunk(pb::MsgSubmitChunk { sender: "a".into(), task_id: 1, round: 1, index, data: vec![] })
    };
    let header = Message::SubmitHeader(pb::MsgSubmitHeader::default());
    validate_together(&[&header]).unwrap();
    let cancel = Message::CancelTask(pb::MsgCancelTask::default());
    validate_together(&[&cancel, &cancel]).unwrap();
    assert!(validate_together(&[&cancel, &header]).is_err());
    validate_together(&[&chunk(0), &chunk(1)]).unwrap();
    assert!(validate_together(&[&chunk(1), &chunk(1)]).is_err());
    assert!(validate_together(&[&header, &chunk(0)]).is_err());
    assert!(validate_together(&[&header, &header]).is_err());
}

#[test]
fn queries_answer_with_records_and_say_what_is_not_there() {
    let chain = Chain::new();
    chain.send(&create("900000000")).0.unwrap();
    let ask = |method: &str, data: Vec<u8>| {
        let block = BlockInfo { chain_id: "bauta-1".into(), height: 1, time_ns: 0 };
        let mut ctx = QueryContext::new(chain.view.fork(), GasMeter::unlimited(), block, PREFIX);
        queries::query(&mut ctx, &format!("/bauta.training.v1.Query/{method}"), &data).unwrap()
    };
    let answer = ask("Task", pb::QueryTaskRequest { task_id: 1 }.encode_to_vec()).unwrap();
    let answer = pb::QueryTaskResponse::decode(&answer[..]).unwrap();
    assert_eq!(answer.task.unwrap().owner, account(1).as_bytes());
    let error = ask("Task", pb::QueryTaskRequest { task_id: 2 }.encode_to_vec()).unwrap_err();
    assert!(error.log.contains("NotFound"), "{}", error.log);
    let error = ask("Rewards", pb::QueryRewardsRequest { address: "x".into() }.encode_to_vec()).unwrap_err();
    assert!(error.log.contains("InvalidArgument"), "{}", error.log);
    let error =
        ask("TestSet", pb::QueryTestSetRequest { task_id: 1, ..Default::default() }.encode_to_vec()).unwrap_err();
    assert!(error.log.contains("has no test set"), "{}", error.log);
    assert!(ask("Task", vec![0xff; 9]).is_err());
    assert!(ask("Nothing", vec![]).unwrap_err().log.contains("Unimplemented"));
    for (method, data) in [
        ("Params", vec![]),
        ("Tasks", pb::QueryTasksRequest::default().encode_to_vec()),
        ("Epoch", pb::QueryEpochRequest { task_id: 1, epoch: 0 }.encode_to_vec()),
        ("Deals", pb::QueryDealsRequest { task_id: 1, ..Default::default() }.encode_to_vec()),
        ("Model", pb::QueryModelRequest { task_id: 1, ..Default::default() }.encode_to_vec()),
        ("Verdicts", pb::QueryVerdictsRequest { task_id: 1, ..Default::default() }.encode_to_vec()),
        ("Rewards", pb::QueryRewardsRequest { address: text(&account(10)) }.encode_to_vec()),
        ("Estimate", pb::QueryEstimateRequest::default().encode_to_vec()),
    ] {
        ask(method, data).unwrap();
    }
}

#[test]
fn a_model_of_a_million_elements_is_answered_in_parts_within_a_tenth_of_the_gas_of_a_node_as_it_comes() {
    let chain = Chain::new();
    let Message::CreateTask(mut create) = create("900000000000") else { panic!() };
    let settings = create.settings.as_mut().unwrap();
    settings.model.as_mut().unwrap().tensors[0].shape = vec![1_000_000];
    settings.encoding.as_mut().unwrap().chunk_elems = 16_384;
    let mut ctx = chain.context(Mode::Finalize, None);
    bank::mint(&mut ctx, &account(1), &Coins::one(DENOM, 1_000_000_000_000)).unwrap();
    chain.send(&Message::CreateTask(create)).0.unwrap();
    let block = BlockInfo { chain_id: "bauta-1".into(), height: 1, time_ns: 0 };
    let ask = |offset: u64, limit: u32| {
        let gas = GasMeter::limited(crate::app::AppConfig::default().query_gas / 10);
        let mut ctx = QueryContext::new(chain.view.fork(), gas, block.clone(), PREFIX);
        let request = pb::QueryModelRequest { task_id: 1, hash: vec![], offset, limit }.encode_to_vec();
        let answer = queries::query(&mut ctx, "/bauta.training.v1.Query/Model", &request).unwrap().unwrap();
        pb::QueryModelResponse::decode(&answer[..]).unwrap()
    };
    let mut model = Vec::new();
    let total = ask(0, 1).total;
    while (model.len() as u64) < total {
        let part = ask(model.len() as u64, 0);
        assert!(!part.model.is_empty() && part.model.len() <= query::MAX_PART as usize && part.total == total);
        model.extend(part.model);
    }
    assert!(model.len() > 8_000_000);
    assert_eq!(Sha256::digest(&model).as_slice(), ask(total, 0).hash);
    // A limit is kept, what is asked for beyond the end is nothing, and a limit above that of a part does not lift it.
    assert_eq!(ask(7, 5).model, &model[7..12]);
    assert_eq!(ask(u64::MAX, 5).model, b"");
    assert_eq!(ask(0, u32::MAX).model.len(), query::MAX_PART as usize);
}
