//! A chain that stops in the middle of a round goes on from its export.

use serde_json::Value;

use super::*;

const TIME: &str = "2026-06-01T00:00:00Z";

/// The chain on another node, from a genesis.
fn continued(genesis: Value, old: Chain) -> Chain {
    let node = Node::open(NodeConfig::default()).unwrap();
    let config = EngineConfig { pacing: Pacing::Immediate, ..EngineConfig::new(genesis.clone()) };
    let (service, watch) = node.watched();
    let engine = Engine::start(service, config).unwrap();
    let idle = Account { sequence: 0, ..old.idle };
    // Blocks of the exported chain are not kept.
    let blocks = Arc::default();
    Chain { client: engine.client(), _engine: engine, _node: node, _watch: watch, idle, rng: old.rng, genesis, blocks }
}

/// A chain whose one round waits for submissions, and its people.
async fn in_a_round() -> (Chain, Contracts, Account, Vec<Provider>) {
    let (mut chain, mut admin, mut owner, mut providers) = start();
    let contracts = install(&chain, &mut admin).await;
    let message = create(&owner);
    chain.ok(&mut owner, vec![message]).await;
    for provider in &mut providers {
        let own = &provider.account;
        let name = json!({"register": {"metadata": {"name": "p"}}});
        let messages = vec![
            execute(own, &contracts.registry, &name, 0),
            execute(own, &contracts.staking, &json!({"bond": {}}), BOND),
        ];
        chain.ok(&mut provider.account, messages).await;
        enrol(&mut chain, provider).await;
    }
    chain.until_epoch(pb::EpochPhase::Deal).await;
    for provider in &mut providers {
        deal(&mut chain, provider).await;
    }
    let epoch = chain.until_epoch(pb::EpochPhase::Rounds).await;
    for (n, provider) in providers.iter_mut().enumerate() {
        open_shares(&chain, provider, &epoch).await;
        check_in(&mut chain, n, provider).await;
    }
    chain.until_round(pb::RoundPhase::Submit).await;
    let masked_update = masked(&mut chain, 0, &providers[0], &update(0)).await;
    submit(&chain, &mut providers[0], &masked_update).await;
    (chain, contracts, owner, providers)
}

fn supply(genesis: &Value) -> u128 {
    let balances = genesis["app_state"]["bank"]["balances"].as_array().unwrap().iter();
    let amounts = balances.map(|balance| balance["coins"][0]["amount"].as_str().unwrap().parse::<u128>().unwrap());
    amounts.sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_that_stops_in_a_round_goes_on_from_its_export_and_nobody_lost_a_coin() {
    let (chain, contracts, mut owner, mut providers) = in_a_round().await;
    let genesis = abci_app::deep_stack::run(|| chain._node.app().export("bauta-2", TIME)).unwrap();
    // The node that was exported stands where it stood.
    assert_eq!(chain.task().await.status(), pb::TaskStatus::Running);
    assert!(bond(&chain, &contracts, &providers[0]).await.locked);
    assert_eq!(supply(&genesis), 70_000_000);
    let height = genesis["initial_height"].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(height, chain.client.abci_info().await.unwrap().last_block_height.value() + 1);

    let chain = continued(genesis, chain);
    let task = chain.task().await;
    assert_eq!(task.status(), pb::TaskStatus::Cancelled);
    let escrow = task.escrow.unwrap();
    assert_eq!((escrow.held.as_str(), escrow.rewards.as_str()), ("0", "0"));
    assert_eq!(escrow.fees.parse::<u128>().unwrap() + escrow.refunded.parse::<u128>().unwrap(), 5_000_000);
    assert_eq!(chain.round().await.round.unwrap().abort_reason(), pb::AbortReason::Halted);
    let request = pb::QueryModelRequest { task_id: 1, hash: task.model_hash.clone(), ..Default::default() };
    let model: pb::QueryModelResponse = chain.query("Model", &request).await;
    assert!(!model.model.is_empty());
    for provider in &providers {
        let bond = bond(&chain, &contracts, provider).await;
        assert_eq!((bond.bonded.u128(), bond.locked), (BOND, false), "whoever was silent owes nothing");
    }
    // The next task has the next number, and no provider may use the keys of the old one.
    owner.sequence = 0;
    let draft = Draft { chain_id: "bauta-2".into(), ..Draft::new(vec![create(&owner)]) }.fee(0, 50_000_000);
    let created = chain.client.broadcast_tx_commit(owner.tx(draft)).await.unwrap();
    assert!(created.tx_result.code.is_ok(), "{}{}", created.check_tx.log, created.tx_result.log);
    let epoch: pb::QueryEpochResponse = chain.query("Epoch", &pb::QueryEpochRequest { task_id: 2, epoch: 1 }).await;
    let ectx = Ectx::from_bytes(epoch.epoch.unwrap().ectx.try_into().unwrap());
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let provider = &mut providers[1];
    provider.account.sequence = 0;
    let signed = provider.keys.enrol(&ectx, &provider.name(), &mut rng);
    let (body, signature) = (signed.body_bytes(), signed.signature.to_vec());
    let message = pb::MsgEnrol { sender: provider.account.address(), task_id: 2, epoch: 1, body, signature };
    let draft = Draft::new(vec![any(type_url::ENROL, &message)]).fee(0, 50_000_000);
    let draft = Draft { chain_id: "bauta-2".into(), ..draft };
    let refused = chain.client.broadcast_tx_sync(provider.account.tx(draft)).await.unwrap();
    assert!(refused.code.is_err() && refused.log.contains("key"), "{}", refused.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_an_export_has_the_same_state() {
    let (chain, ..) = in_a_round().await;
    let first = abci_app::deep_stack::run(|| chain._node.app().export("bauta-2", TIME)).unwrap();
    let mut chain = continued(first.clone(), chain);
    // A block, or there is nothing to export; it is signed for the new chain.
    let own = chain.idle.address();
    let draft = Draft { chain_id: "bauta-2".into(), ..Draft::new(vec![send(&own, &own, 1)]) };
    chain.client.broadcast_tx_commit(chain.idle.tx(draft)).await.unwrap();
    let second = abci_app::deep_stack::run(|| chain._node.app().export("bauta-3", TIME)).unwrap();
    for part in ["auth", "wasm", "app"] {
        assert_eq!(first["app_state"][part], second["app_state"][part], "{part}");
    }
    let records = |genesis: &Value| {
        let records = genesis["app_state"]["training"]["records"].as_array().unwrap().clone();
        // Blocks are counted.
        records.into_iter().filter(|record| record["key"] != hex::encode_upper("counters")).collect::<Vec<_>>()
    };
    assert_eq!(records(&first), records(&second));
    assert_eq!(first["app_state"]["training"]["blobs"], second["app_state"]["training"]["blobs"]);
    assert_eq!(first["validators"], second["validators"]);
    assert_eq!(first["consensus_params"], second["consensus_params"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_carried_over_is_refused_with_a_sentence() {
    let (chain, ..) = start();
    let error = chain._node.app().export("bauta-2", TIME).unwrap_err().to_string();
    assert!(error.contains("has no block yet"), "{error}");
    let mut chain = chain;
    chain.block().await;
    let error = chain._node.app().export(CHAIN, TIME).unwrap_err().to_string();
    assert!(error.contains("cannot be bauta-1 again"), "{error}");
    let genesis = abci_app::deep_stack::run(|| chain._node.app().export("bauta-2", TIME)).unwrap();
    for (key, value) in [("running/\0\0\0\0\0\0\0\u{1}", ""), ("params", ""), ("counters", "")] {
        let mut bad = genesis.clone();
        let record = json!({ "key": hex::encode(key), "value": value });
        bad["app_state"]["training"]["records"].as_array_mut().unwrap().extend([record.clone(), record]);
        let node = Node::open(NodeConfig::default()).unwrap();
        let error = Engine::start(node.service(), EngineConfig::new(bad)).err().unwrap().to_string();
        assert!(error.contains("cannot be carried over") || error.contains("given twice"), "{error}");
    }
}
