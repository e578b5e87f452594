//! One task through the whole node: transactions, contracts in the real VM, bonds, rounds, verdicts and refunds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use abci_app::coin::Coins;
use abci_app::conformance::Watch;
use abci_app::genesis::GenesisBuilder;
use abci_app::sequencer::{DecidedBlock, EmbeddedClient, Engine, EngineConfig, Pacing};
use abci_app::{Node, NodeConfig};
use bauta_messages::{registry, slashing, staking};
use bauta_rounds::derive;
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use bauta_secagg::check_in::CheckedIn;
use bauta_secagg::context::{Ectx, Rctx};
use bauta_secagg::deal::{Deal, Dealer};
use bauta_secagg::encoding::{Address as SecaggAddress, SeatIndex, Slot};
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::ring::{Layout, Pow2, Ring};
use bauta_secagg::seat::{AnswerRecord, Seat, Share};
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::Masked;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgExecuteContract, MsgInstantiateContract, MsgStoreCode, QuerySmartContractStateRequest,
    QuerySmartContractStateResponse,
};
use cosmos_sdk_proto::Any;
use prost::Message as _;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde::de::DeserializeOwned;
use serde_json::json;
use tendermint_rpc::Client;

use crate::chain::{send, Account, Draft, CHAIN, PREFIX};

mod absences_are_proven;
mod blame_takes_a_bond;
mod decided;
mod hostile;
mod reports_have_a_deposit;
mod the_chain_is_exported;
mod the_lane_holds;

pub use decided::{decided, Decided};

const ELEMENTS: u64 = 24;
const BOND: u128 = 10_000;

struct Provider {
    account: Account,
    keys: ProviderKeys,
    shares: BTreeMap<Slot, Share>,
}

impl Provider {
    fn name(&self) -> SecaggAddress {
        SecaggAddress::new(bytes_of(&self.account)).unwrap()
    }
}

struct Chain {
    client: EmbeddedClient,
    _engine: Engine,
    _node: Node,
    _watch: Watch,
    idle: Account,
    rng: ChaCha20Rng,
    genesis: serde_json::Value,
    /// Every block so far.
    blocks: Arc<Mutex<Vec<DecidedBlock>>>,
}

fn bytes_of(account: &Account) -> Vec<u8> {
    abci_app::address::Address::parse(&account.address(), PREFIX).unwrap().as_bytes().to_vec()
}

fn any(type_url: &str, message: &impl prost::Message) -> Any {
    Any { type_url: type_url.into(), value: message.encode_to_vec() }
}

/// What a transaction came to: code, sentence, and the attributes of its events.
struct Done {
    code: u32,
    log: String,
    /// Of the block; 0 when no block has it.
    height: u64,
    attributes: Vec<(String, String)>,
}

impl Done {
    fn attribute(&self, key: &str) -> String {
        self.attributes.iter().find(|(found, _)| found == key).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

impl Chain {
    async fn run(&self, account: &mut Account, messages: Vec<Any>) -> Done {
        let draft = Draft::new(messages).fee(0, 50_000_000);
        let answer = self.client.broadcast_tx_commit(account.tx(draft)).await.unwrap();
        if answer.check_tx.code.is_err() {
            account.sequence -= 1;
            let log = answer.check_tx.log.to_string();
            return Done { code: answer.check_tx.code.value(), log, height: 0, attributes: Vec::new() };
        }
        let result = answer.tx_result;
        let attributes = result.events.iter().flat_map(|event| &event.attributes);
        Done {
            code: result.code.value(),
            log: result.log.to_string(),
            height: answer.height.value(),
            attributes: attributes
                .map(|a| (a.key_str().unwrap().to_string(), a.value_str().unwrap().to_string()))
                .collect(),
        }
    }

    async fn ok(&self, account: &mut Account, messages: Vec<Any>) -> Done {
        let done = self.run(account, messages).await;
        assert_eq!(done.code, 0, "{}", done.log);
        done
    }

    /// A block with nothing in it that matters.
    async fn block(&mut self) {
        let own = self.idle.address();
        let mut idle = std::mem::replace(&mut self.idle, Account::new(0, 0));
        self.ok(&mut idle, vec![send(&own, &own, 1)]).await;
        self.idle = idle;
    }

    async fn query<A: prost::Message + Default>(&self, method: &str, request: &impl prost::Message) -> A {
        let path = Some(format!("/bauta.training.v1.Query/{method}"));
        let answer = self.client.abci_query(path, request.encode_to_vec(), None, false).await.unwrap();
        assert!(answer.code.is_ok(), "{}", answer.log);
        A::decode(answer.value.as_slice()).unwrap()
    }

    async fn smart<A: DeserializeOwned>(&self, contract: &str, question: &impl serde::Serialize) -> A {
        let request = QuerySmartContractStateRequest {
            address: contract.into(),
            query_data: serde_json::to_vec(question).unwrap(),
        };
        let path = Some("/cosmwasm.wasm.v1.Query/SmartContractState".to_string());
        let answer = self.client.abci_query(path, request.encode_to_vec(), None, false).await.unwrap();
        assert!(answer.code.is_ok(), "{}", answer.log);
        let response = QuerySmartContractStateResponse::decode(answer.value.as_slice()).unwrap();
        serde_json::from_slice(&response.data).unwrap()
    }

    async fn task(&self) -> pb::Task {
        self.query::<pb::QueryTaskResponse>("Task", &pb::QueryTaskRequest { task_id: 1 }).await.task.unwrap()
    }

    async fn epoch(&self) -> pb::QueryEpochResponse {
        self.query("Epoch", &pb::QueryEpochRequest { task_id: 1, epoch: 1 }).await
    }

    async fn round(&self) -> pb::QueryRoundResponse {
        self.query("Round", &pb::QueryRoundRequest { task_id: 1, round: 1 }).await
    }

    async fn until_epoch(&mut self, phase: pb::EpochPhase) -> pb::QueryEpochResponse {
        for _ in 0..60 {
            let epoch = self.epoch().await;
            if epoch.epoch.as_ref().unwrap().phase() == phase {
                return epoch;
            }
            self.block().await;
        }
        panic!("the epoch never came to {phase:?}");
    }

    async fn until_round(&mut self, phase: pb::RoundPhase) -> pb::QueryRoundResponse {
        for _ in 0..60 {
            let round = self.round().await;
            if round.round.as_ref().unwrap().phase() == phase {
                return round;
            }
            self.block().await;
        }
        panic!("the round never came to {phase:?}");
    }
}

fn store(sender: &Account, artifact: &str) -> Any {
    let path = format!("{}/../contracts/artifacts/{artifact}.wasm", env!("CARGO_MANIFEST_DIR"));
    let wasm_byte_code = std::fs::read(path).unwrap();
    let message = MsgStoreCode { sender: sender.address(), wasm_byte_code, instantiate_permission: None };
    any("/cosmwasm.wasm.v1.MsgStoreCode", &message)
}

fn instantiate(sender: &Account, code_id: u64, label: &str, msg: &serde_json::Value) -> Any {
    let message = MsgInstantiateContract {
        sender: sender.address(),
        admin: sender.address(),
        code_id,
        label: label.into(),
        msg: serde_json::to_vec(msg).unwrap(),
        funds: Vec::new(),
    };
    any("/cosmwasm.wasm.v1.MsgInstantiateContract", &message)
}

fn execute(sender: &Account, contract: &str, msg: &serde_json::Value, funds: u128) -> Any {
    let message = MsgExecuteContract {
        sender: sender.address(),
        contract: contract.into(),
        msg: serde_json::to_vec(msg).unwrap(),
        funds: Coins::one("ubauta", funds).to_proto(),
    };
    any("/cosmwasm.wasm.v1.MsgExecuteContract", &message)
}

struct Contracts {
    registry: String,
    staking: String,
    slashing: String,
}

/// Stores and instantiates the three contracts, makes them known to one another, and training to them.
async fn install(chain: &Chain, admin: &mut Account) -> Contracts {
    let mut codes = Vec::new();
    for artifact in ["registry", "staking", "slashing"] {
        let code = store(admin, artifact);
        codes.push(chain.ok(admin, vec![code]).await.attribute("code_id").parse::<u64>().unwrap());
    }
    let message = instantiate(admin, codes[0], "registry", &json!({"admin": null, "slashing": null, "issuers": []}));
    let registry = chain.ok(admin, vec![message]).await.attribute("_contract_address");
    let bonds =
        json!({"admin": null, "slashing": null, "treasury": null, "bond_denom": "ubauta", "unbonding_seconds": 100});
    let message = instantiate(admin, codes[1], "staking", &bonds);
    let staking = chain.ok(admin, vec![message]).await.attribute("_contract_address");
    let prices = json!({"admin": null, "staking": staking, "registry": registry, "penalties": []});
    let message = instantiate(admin, codes[2], "slashing", &prices);
    let slashing = chain.ok(admin, vec![message]).await.attribute("_contract_address");
    let known = json!({"update_config": {"slashing": slashing}});
    let messages = vec![execute(admin, &registry, &known, 0), execute(admin, &staking, &known, 0)];
    chain.ok(admin, messages).await;
    let params: pb::QueryParamsResponse = chain.query("Params", &pb::QueryParamsRequest {}).await;
    let params = pb::Params {
        registry: registry.clone(),
        staking: staking.clone(),
        slashing: slashing.clone(),
        ..params.params.unwrap()
    };
    let update = pb::MsgUpdateParams { authority: admin.address(), params: Some(params) };
    chain.ok(admin, vec![any(type_url::UPDATE_PARAMS, &update)]).await;
    Contracts { registry, staking, slashing }
}

fn create(owner: &Account) -> Any {
    let encoding = pb::Encoding {
        bits: 32,
        chunk_elems: 16,
        clip: 1 << 32,
        scale_bits: 8,
        bound: 1000,
        max_weight: 4,
        rows_per_weight: 1,
        metrics: 0,
    };
    let message = pb::MsgCreateTask {
        owner: owner.address(),
        settings: Some(pb::TaskSettings {
            level: pb::Level::Open.into(),
            model: Some(pb::ModelSpec {
                kind: pb::ModelKind::Custom.into(),
                tensors: vec![pb::Tensor { name: "w".into(), shape: vec![ELEMENTS as u32] }],
                hidden: 0,
            }),
            data: Some(pb::DataSpec { features: 1, ..Default::default() }),
            encoding: Some(encoding),
            optimiser: Some(pb::Optimiser {
                kind: pb::OptimiserKind::Fedavg.into(),
                learning_rate: 1 << 32,
                ..Default::default()
            }),
            cohort: Some(pb::Cohort {
                min_providers: 4,
                max_providers: 4,
                group_size: 4,
                min_group: 3,
                corrupt_heads: Some(1),
                min_bond: BOND.to_string(),
                issuer: String::new(),
                ..Default::default()
            }),
            windows: Some(pb::Windows {
                enrol: 20,
                deal: 20,
                complain: 3,
                check_in: 20,
                submit: 20,
                unmask: 20,
                evidence: 30,
            }),
            rewards: Some(pb::Rewards { per_update: "500".into(), per_partial: "100".into(), gas_price: "1".into() }),
            rounds: 1,
            max_idle_epochs: 1,
            ..Default::default()
        }),
        initial_model: Some(pb::InitialModel { source: Some(pb::initial_model::Source::Zero(pb::ZeroInit {})) }),
        budget: "5000000".into(),
        ..Default::default()
    };
    any(type_url::CREATE_TASK, &message)
}

/// Registers and bonds.
async fn stand(chain: &Chain, contracts: &Contracts, provider: &mut Provider) {
    let own = &provider.account;
    let name = json!({"register": {"metadata": {"name": "p"}}});
    let messages =
        vec![execute(own, &contracts.registry, &name, 0), execute(own, &contracts.staking, &json!({"bond": {}}), BOND)];
    chain.ok(&mut provider.account, messages).await;
}

/// Those who enrolled deal and check in.
async fn until_submit(chain: &mut Chain, providers: &mut [Provider]) {
    chain.until_epoch(pb::EpochPhase::Deal).await;
    for provider in providers.iter_mut() {
        deal(chain, provider).await;
    }
    let epoch = chain.until_epoch(pb::EpochPhase::Rounds).await;
    for (n, provider) in providers.iter_mut().enumerate() {
        open_shares(chain, provider, &epoch).await;
        check_in(chain, n, provider).await;
    }
    chain.until_round(pb::RoundPhase::Submit).await;
}

async fn enrol(chain: &mut Chain, provider: &mut Provider) {
    let ectx = Ectx::from_bytes(chain.epoch().await.epoch.unwrap().ectx.try_into().unwrap());
    let signed = provider.keys.enrol(&ectx, &provider.name(), &mut chain.rng);
    let message = pb::MsgEnrol {
        sender: provider.account.address(),
        task_id: 1,
        epoch: 1,
        body: signed.body_bytes(),
        signature: signed.signature.to_vec(),
    };
    let message = any(type_url::ENROL, &message);
    // Its fee is the task's business: with a fee of its own, or other messages beside it, it is refused.
    let draft = Draft::new(vec![message.clone()]).fee(10, 50_000_000);
    let (own, paid) = (provider.account.address(), draft.sign(&[&provider.account]));
    let refused = chain.client.broadcast_tx_sync(paid).await.unwrap();
    assert_eq!(refused.code.value(), 2, "{}", refused.log);
    let mixed = Draft::new(vec![message.clone(), send(&own, &own, 1)]).fee(0, 50_000_000).sign(&[&provider.account]);
    let refused = chain.client.broadcast_tx_sync(mixed).await.unwrap();
    assert_eq!(refused.code.value(), 2, "{}", refused.log);
    chain.ok(&mut provider.account, vec![message]).await;
}

/// The enrolment of somebody whom the registry does not know is not let into the mempool.
async fn may_not_wait(chain: &mut Chain, provider: &Provider) {
    let ectx = Ectx::from_bytes(chain.epoch().await.epoch.unwrap().ectx.try_into().unwrap());
    let signed = provider.keys.enrol(&ectx, &provider.name(), &mut chain.rng);
    let (body, signature) = (signed.body_bytes(), signed.signature.to_vec());
    let message = pb::MsgEnrol { sender: provider.account.address(), task_id: 1, epoch: 1, body, signature };
    let draft = Draft::new(vec![any(type_url::ENROL, &message)]).fee(0, 50_000_000);
    let refused = chain.client.broadcast_tx_sync(draft.sign(&[&provider.account])).await.unwrap();
    assert_eq!(refused.code.value(), 10, "{}", refused.log);
}

async fn deal(chain: &mut Chain, provider: &mut Provider) {
    let answer = chain.epoch().await;
    let epoch = answer.epoch.unwrap();
    let ectx = Ectx::from_bytes(epoch.ectx.try_into().unwrap());
    let seats = derive::seats(&answer.seats).unwrap();
    let name = provider.name();
    let dealer = Dealer::new(&provider.keys, ectx, &name);
    let signed = dealer.deal(&seats, epoch.threshold as usize, &mut chain.rng).unwrap();
    let message = pb::MsgDeal {
        sender: provider.account.address(),
        task_id: 1,
        epoch: 1,
        body: signed.body_bytes(),
        signature: signed.signature.to_vec(),
    };
    chain.ok(&mut provider.account, vec![any(type_url::DEAL, &message)]).await;
}

fn own<'a>(epoch: &'a pb::QueryEpochResponse, provider: &Provider) -> &'a pb::Member {
    let address = bytes_of(&provider.account);
    epoch.members.iter().find(|member| member.address == address).unwrap()
}

async fn open_shares(chain: &Chain, provider: &mut Provider, epoch: &pb::QueryEpochResponse) {
    let request = pb::QueryDealsRequest { task_id: 1, epoch: 1, ..Default::default() };
    let deals: pb::QueryDealsResponse = chain.query("Deals", &request).await;
    let ectx = Ectx::from_bytes(epoch.epoch.clone().unwrap().ectx.try_into().unwrap());
    let name = provider.name();
    let index = SeatIndex::new(own(epoch, provider).seat).unwrap();
    let mut shares = BTreeMap::new();
    let seat = Seat::new(&provider.keys, ectx, &name, index);
    for deal in deals.deals {
        let slot = epoch.members.iter().find(|member| member.address == deal.dealer).unwrap().slot;
        shares.insert(Slot::new(slot).unwrap(), seat.open(&Deal::decode(&deal.body).unwrap()).unwrap());
    }
    provider.shares = shares;
}

fn layout() -> Layout {
    Layout::new(Ring::Pow2(Pow2::new(32).unwrap()), ELEMENTS, 16).unwrap()
}

fn update(n: usize) -> Vec<i64> {
    (0..ELEMENTS as i64).map(|c| (c * 37 + n as i64 * 101) % 1001 - 500).collect()
}

fn weight(n: usize) -> u64 {
    1 + n as u64 % 3
}

async fn check_in(chain: &mut Chain, n: usize, provider: &mut Provider) {
    let rctx = Rctx::from_bytes(chain.round().await.round.unwrap().rctx.try_into().unwrap());
    let (signed, _) = CheckedIn::new(&provider.keys, &rctx, &provider.name(), weight(n), &mut chain.rng);
    let message = pb::MsgCheckIn {
        sender: provider.account.address(),
        task_id: 1,
        round: 1,
        body: signed.body_bytes(),
        signature: signed.signature.to_vec(),
    };
    chain.ok(&mut provider.account, vec![any(type_url::CHECK_IN, &message)]).await;
}

async fn masked(chain: &mut Chain, n: usize, provider: &Provider, update: &[i64]) -> Masked {
    let (epoch, answer) = (chain.epoch().await, chain.round().await);
    let round = answer.round.unwrap();
    let group = derive::group(&epoch.members, &answer.check_ins).unwrap();
    let rctx = derive::rctx(&round).unwrap();
    CheckedIn::resume(&provider.keys, &rctx, &provider.name(), weight(n))
        .mask(&derive::ctx(&round).unwrap(), &group, &layout(), update, &mut chain.rng)
        .unwrap()
}

async fn submit(chain: &Chain, provider: &mut Provider, masked: &Masked) {
    let header = pb::MsgSubmitHeader {
        sender: provider.account.address(),
        task_id: 1,
        round: 1,
        body: masked.header.body_bytes(),
        signature: masked.header.signature.to_vec(),
    };
    chain.ok(&mut provider.account, vec![any(type_url::SUBMIT_HEADER, &header)]).await;
    let chunks = masked.chunks.iter().zip(0u32..).map(|(data, index)| {
        let message =
            pb::MsgSubmitChunk { sender: provider.account.address(), task_id: 1, round: 1, index, data: data.clone() };
        any(type_url::SUBMIT_CHUNK, &message)
    });
    let chunks: Vec<Any> = chunks.collect();
    chain.ok(&mut provider.account, chunks).await;
}

async fn answer(chain: &mut Chain, provider: &mut Provider) {
    let (epoch, answer) = (chain.epoch().await, chain.round().await);
    let round = answer.round.unwrap();
    let groups = derive::released_groups(&epoch.members, &answer.check_ins, &round, 3).unwrap();
    let requests = derive::requests(&round, &groups).unwrap();
    let admitted = AnswerRecord::new(&derive::rctx(&round).unwrap()).admit(&requests).unwrap();
    let ectx = Ectx::from_bytes(epoch.epoch.clone().unwrap().ectx.try_into().unwrap());
    let name = provider.name();
    let seat = Seat::new(&provider.keys, ectx, &name, SeatIndex::new(own(&epoch, provider).seat).unwrap());
    let ctx = derive::ctx(&round).unwrap();
    let signed = seat.answer(&ctx, &requests, &admitted, &provider.shares, &mut chain.rng).unwrap();
    let message = pb::MsgUnmask {
        sender: provider.account.address(),
        task_id: 1,
        round: 1,
        body: signed.body_bytes(),
        signature: signed.signature.to_vec(),
    };
    chain.ok(&mut provider.account, vec![any(type_url::UNMASK, &message)]).await;
}

fn evidence<B: Body>(signed: &Signed<B>) -> Option<pb::HeaderEvidence> {
    let signed = pb::SignedBody { body: signed.body_bytes(), signature: signed.signature.to_vec() };
    Some(pb::HeaderEvidence { signed: Some(signed), model_hash: Vec::new(), roster_root: Vec::new() })
}

fn start() -> (Chain, Account, Account, Vec<Provider>) {
    let accounts: Vec<Account> = (0..7).map(|n| Account::new(n, n)).collect();
    let key = EngineConfig::public_key(&[7; 32]);
    let mut builder = GenesisBuilder::new(CHAIN).validator(&key, 10, Some(&Account::new(999, 0).address()));
    for account in &accounts {
        builder = builder.account(&account.address(), &Coins::one("ubauta", 10_000_000));
    }
    let mut genesis = builder.build();
    genesis["app_state"]["training"] = json!({"params": {"authority": accounts[0].address()}});
    let node = Node::open(NodeConfig::default()).unwrap();
    let blocks: Arc<Mutex<Vec<DecidedBlock>>> = Arc::default();
    let kept = Arc::clone(&blocks);
    let config = EngineConfig {
        pacing: Pacing::Immediate,
        on_block: Some(Box::new(move |block| kept.lock().unwrap().push(block.clone()))),
        ..EngineConfig::new(genesis.clone())
    };
    let (service, watch) = node.watched();
    let engine = Engine::start(service, config).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut accounts = accounts.into_iter();
    let (admin, owner, idle) = (accounts.next().unwrap(), accounts.next().unwrap(), accounts.next().unwrap());
    let providers = accounts
        .map(|account| Provider { account, keys: ProviderKeys::generate(&mut rng), shares: BTreeMap::new() })
        .collect();
    let client = engine.client();
    let chain = Chain { client, _engine: engine, _node: node, _watch: watch, idle, rng, genesis, blocks };
    (chain, admin, owner, providers)
}

async fn bond(chain: &Chain, contracts: &Contracts, provider: &Provider) -> staking::BondResponse {
    chain.smart(&contracts.staking, &staking::QueryMsg::Bond { provider: provider.account.address() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_trained_paid_and_judged_through_the_whole_node() {
    let (mut chain, mut admin, mut owner, mut providers) = start();
    // No task before the contracts are known.
    let early = create(&owner);
    assert_eq!(chain.run(&mut owner, vec![early]).await.code, 50);
    let contracts = install(&chain, &mut admin).await;
    let message = create(&owner);
    chain.ok(&mut owner, vec![message]).await;
    may_not_wait(&mut chain, &providers[0]).await;
    for provider in &mut providers {
        stand(&chain, &contracts, provider).await;
        enrol(&mut chain, provider).await;
        assert!(bond(&chain, &contracts, provider).await.locked);
    }
    until_submit(&mut chain, &mut providers).await;
    // The last is silent after it checked in; the second signs two headers, of which the chain sees one.
    let mut headers = Vec::new();
    for (n, provider) in providers.iter_mut().enumerate().take(3) {
        let masked_update = masked(&mut chain, n, provider, &update(n)).await;
        if n == 1 {
            headers.push(masked(&mut chain, n, provider, &update(7)).await);
            headers.push(masked_update.clone());
        }
        submit(&chain, provider, &masked_update).await;
    }
    chain.until_round(pb::RoundPhase::Unmask).await;
    for provider in providers.iter_mut().take(3) {
        answer(&mut chain, provider).await;
    }
    let round = chain.until_round(pb::RoundPhase::Finished).await.round.unwrap();
    let request = pb::QueryAggregateRequest { task_id: 1, round: 1, ..Default::default() };
    let aggregate: pb::QueryAggregateResponse = chain.query("Aggregate", &request).await;
    let sum: Vec<i64> =
        aggregate.aggregate.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect();
    let plain: Vec<i64> =
        (0..ELEMENTS as usize).map(|c| (0..3).map(|n| weight(n) as i64 * update(n)[c]).sum()).collect();
    assert_eq!(sum, plain);
    let task = chain.task().await;
    assert_eq!(task.status(), pb::TaskStatus::Finished);
    assert_eq!(task.model_hash, round.result.unwrap().model_hash);

    // Silence cost one hundredth and jail, by the contracts' own books.
    assert_eq!(bond(&chain, &contracts, &providers[3]).await.bonded.u128(), BOND - BOND / 100);
    let silent = registry::QueryMsg::Provider { provider: providers[3].account.address() };
    let standing: registry::ProviderResponse = chain.smart(&contracts.registry, &silent).await;
    assert!(matches!(standing.standing, registry::Standing::Jailed { .. }));

    // A peer reports the two headers.
    let two = pb::TwoHeaders { first: evidence(&headers[0].header), second: evidence(&headers[1].header) };
    let message = pb::MsgReport {
        sender: providers[0].account.address(),
        accused: providers[1].account.address(),
        task_id: 1,
        epoch: 1,
        round: 1,
        deposit: reports_have_a_deposit::DEPOSIT.to_string(),
        evidence: Some(pb::msg_report::Evidence::TwoHeaders(two)),
    };
    chain.ok(&mut providers[0].account, vec![any(type_url::REPORT, &message)]).await;
    assert_eq!(bond(&chain, &contracts, &providers[1]).await.bonded.u128(), 0);
    let history = slashing::QueryMsg::History { provider: None, start_after: None, limit: None };
    let history: serde_json::Value = chain.smart(&contracts.slashing, &history).await;
    assert_eq!(history.to_string().matches("\"two_headers\"").count(), 1, "{history}");
    for n in [0, 2] {
        assert_eq!(bond(&chain, &contracts, &providers[n]).await.bonded.u128(), BOND);
    }

    // Rewards are paid, the rest of the budget is back, and bonds unlock when the evidence window is over.
    let request = pb::QueryRewardsRequest { address: providers[2].account.address() };
    let rewards: pb::QueryRewardsResponse = chain.query("Rewards", &request).await;
    assert_eq!(rewards.total, "600");
    let escrow = task.escrow.unwrap();
    assert_eq!(escrow.held, "0");
    let parts: u128 = [escrow.fees, escrow.rewards, escrow.refunded].iter().map(|s| s.parse::<u128>().unwrap()).sum();
    assert_eq!(parts, 5_000_000);
    chain.until_epoch(pb::EpochPhase::Closed).await;
    for provider in &providers {
        assert!(!bond(&chain, &contracts, provider).await.locked);
    }
}
