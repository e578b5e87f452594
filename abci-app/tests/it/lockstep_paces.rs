use std::sync::{Arc, Mutex};
use std::time::Duration;

use abci_app::conformance::Watch;
use abci_app::sequencer::{DecidedBlock, Engine, EngineConfig, Pacing};
use abci_app::{Node, NodeConfig};
use tendermint_rpc::Client;

use crate::chain::{genesis, send, Draft, Driven};

type Blocks = Arc<Mutex<Vec<DecidedBlock>>>;

fn start(builder: abci_app::genesis::GenesisBuilder, pacing: Pacing) -> (Watch, Engine, Blocks) {
    let node = Node::open(NodeConfig::default()).unwrap();
    let blocks = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&blocks);
    let config = EngineConfig {
        pacing,
        on_block: Some(Box::new(move |block| seen.lock().unwrap().push(block.clone()))),
        ..EngineConfig::new(builder.build())
    };
    let (service, watch) = node.watched();
    (watch, Engine::start(service, config).unwrap(), blocks)
}

async fn run_once(delays: [u64; 4]) -> Vec<DecidedBlock> {
    let (accounts, builder) = genesis(4);
    let (_watch, mut engine, blocks) = start(builder, Pacing::Lockstep);
    let lockstep = engine.lockstep();
    let to = accounts[0].address();
    let participants: Vec<_> = accounts.into_iter().map(|account| (account, lockstep.register())).collect();
    let mut tasks = Vec::new();
    for (n, (mut account, mut participant)) in participants.into_iter().enumerate() {
        let (client, to) = (engine.client(), to.clone());
        tasks.push(tokio::spawn(async move {
            let mut height = participant.wait_past(0).await.unwrap();
            for round in 0..3u64 {
                tokio::time::sleep(Duration::from_millis(delays[n])).await;
                for _ in 0..=round {
                    let own = account.address();
                    let tx = account.tx(Draft::new(vec![send(&own, &to, 1)]));
                    let answer = client.broadcast_tx_sync(tx).await.unwrap();
                    assert!(answer.code.is_ok(), "{}", answer.log);
                }
                height = participant.wait_past(height).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    engine.stop();
    let blocks = blocks.lock().unwrap().clone();
    blocks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn blocks_do_not_depend_on_how_fast_participants_are() {
    let first = run_once([0, 1, 2, 3]).await;
    let second = run_once([9, 0, 4, 1]).await;
    assert_eq!(first.len(), 4);
    assert_eq!(first.len(), second.len());
    for (a, b) in first.iter().zip(&second) {
        assert_eq!(a.txs, b.txs, "height {}", a.height);
        assert_eq!(a.app_hash, b.app_hash, "height {}", a.height);
        assert_eq!(a.request, b.request);
    }
    assert_eq!(first[3].txs.len(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decided_blocks_replay_on_another_node() {
    let blocks = run_once([0, 0, 0, 0]).await;
    let (_, builder) = genesis(4);
    let chain = Driven::new(builder);
    for block in &blocks {
        use prost::Message as _;
        use tendermint_proto::v0_38::abci::{response::Value, Response};
        let answer = abci_app::abci::dispatch_bytes(chain.node.service().as_ref(), &block.request).unwrap();
        let Some(Value::FinalizeBlock(executed)) = Response::decode(answer.as_slice()).unwrap().value else {
            panic!("another answer")
        };
        assert_eq!(executed.app_hash, block.app_hash);
        chain.node.service().commit().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_block_is_made_while_a_participant_runs() {
    let (mut accounts, builder) = genesis(2);
    let (_watch, engine, _) = start(builder, Pacing::Lockstep);
    let lockstep = engine.lockstep();
    let (mut one, other) = (lockstep.register(), lockstep.register());
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 1)]));
    engine.client().broadcast_tx_sync(tx).await.unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(100), one.wait_past(0)).await;
    assert!(waited.is_err());
    assert_eq!(engine.height(), 0);
    // Who gave up waiting runs, so the other's leave alone changes nothing.
    drop(other);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(engine.height(), 0);
    assert_eq!(one.wait_past(0).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_learns_that_the_engine_has_stopped() {
    let (_, builder) = genesis(1);
    let (_watch, mut engine, _) = start(builder, Pacing::Immediate);
    let mut participant = engine.lockstep().register();
    let waiting = tokio::spawn(async move { participant.wait_past(5).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    engine.stop();
    assert!(waiting.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intervals_make_empty_blocks() {
    let (_, builder) = genesis(1);
    let (_watch, engine, _) = start(builder, Pacing::Interval(Duration::from_millis(5)));
    let mut participant = engine.lockstep().register();
    assert!(participant.wait_past(3).await.unwrap() > 3);
}
