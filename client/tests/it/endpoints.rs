//! Several nodes of one chain: when one is away, full, lost an answer or lies, another is asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bauta_client::chain::{messages, Chain, ChainError, ChainSettings, Coin, Endpoints, Fee, Pace, Rpc, Subscribed};
use bauta_client::light::{Clock, LightClient, LightConfig};
use bauta_client::model_provider;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{json, Value};
use tendermint_rpc::{Client, Error, SimpleRequest};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use crate::ledger::Ledger;
use crate::mock::{Fault, Idle, Machine, MockNode};
use crate::world::World;

/// A way to a node, which may be cut, or lead through what garbles every answer.
struct Way<M: Machine> {
    node: MockNode<M>,
    is_cut: Arc<AtomicBool>,
    is_garbled: bool,
}

impl<M: Machine> Clone for Way<M> {
    fn clone(&self) -> Self {
        Self { node: self.node.clone(), is_cut: Arc::clone(&self.is_cut), is_garbled: self.is_garbled }
    }
}

impl<M: Machine> Way<M> {
    fn to(node: &MockNode<M>) -> Self {
        Self { node: node.clone(), is_cut: Arc::default(), is_garbled: false }
    }

    fn garbled(node: &MockNode<M>) -> Self {
        Self { is_garbled: true, ..Self::to(node) }
    }

    fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }
}

#[async_trait]
impl<M: Machine> Client for Way<M> {
    async fn perform<R: SimpleRequest>(&self, request: R) -> Result<R::Output, Error> {
        if self.is_garbled {
            return Err(Error::serde(serde_json::from_str::<u8>("<html>").unwrap_err()));
        }
        match self.is_cut.load(Ordering::SeqCst) {
            true => Err(Error::timeout(Duration::from_secs(1))),
            false => self.node.perform(request).await,
        }
    }
}

fn several<M: Machine>(ways: &[Way<M>]) -> Arc<dyn Rpc> {
    let nodes = ways.iter().map(|way| Arc::new(way.clone()) as Arc<dyn Rpc>).collect();
    Arc::new(Endpoints::new(nodes).unwrap())
}

/// Two nodes of one chain of a few blocks; the second changes its answers.
fn honest_and_liar(
    lie: impl FnMut(&str, &Value, Value) -> Value + Send + 'static,
) -> (MockNode<Ledger>, MockNode<Ledger>) {
    let (honest, liar) = (MockNode::new(Ledger::new()), MockNode::new(Ledger::new()));
    (0..5).for_each(|_| {
        honest.make_block();
        liar.make_block();
    });
    liar.lock().rpc_lie = Some(Box::new(lie));
    (honest, liar)
}

fn chain(node: &MockNode, ways: &[Way<Idle>]) -> Chain {
    let mut settings = ChainSettings::new("bauta-1");
    settings.patience_blocks = 5;
    settings.retry_pause = Duration::ZERO;
    Chain::new(several(ways), Arc::new(node.clone()), settings)
}

fn payment(node: &MockNode) -> (bauta_client::chain::Signer, Vec<cosmrs::Any>) {
    let signer = node.signer(3);
    let message = messages::send(signer.address(), signer.address(), &[Coin::new(1, "ubauta")]);
    (signer, vec![message])
}

#[test]
fn there_is_no_chain_without_a_node() {
    assert!(Endpoints::new(Vec::new()).is_none());
    let error = Chain::connect(&[], ChainSettings::new("bauta-1")).unwrap_err();
    assert!(matches!(error, ChainError::Endpoint { .. }), "{error}");
}

#[tokio::test]
async fn another_node_is_asked_when_one_is_away_and_the_first_again_when_that_one_goes() {
    let node = MockNode::new(Idle);
    let ways = [Way::to(&node), Way::to(&node)];
    let chain = chain(&node, &ways);
    ways[0].cut(true);
    assert_eq!(chain.height().await.unwrap(), 1);
    ways[0].cut(false);
    ways[1].cut(true);
    assert_eq!(chain.height().await.unwrap(), 1);
    ways[0].cut(true);
    assert!(matches!(chain.height().await, Err(ChainError::Unreachable(_))));
}

#[tokio::test]
async fn after_a_lost_answer_the_same_bytes_go_through_another_node() {
    let node = MockNode::new(Idle);
    let chain = chain(&node, &[Way::to(&node), Way::to(&node)]);
    let (signer, messages) = payment(&node);
    node.lock().faults = [Fault::AnswerLost].into();
    chain.send(&signer, &messages, Fee::Gas(1), "").await.unwrap();
    let node = node.lock();
    assert_eq!((node.broadcasts, node.mempool.len()), (2, 1));
    assert_eq!(node.seen, vec![0], "nothing was signed twice");
}

#[tokio::test]
async fn a_full_mempool_of_one_node_is_not_waited_for_where_there_is_another() {
    let node = MockNode::new(Idle);
    let chain = chain(&node, &[Way::to(&node), Way::to(&node)]);
    let (signer, messages) = payment(&node);
    node.lock().faults = [Fault::Full, Fault::NotReached].into();
    chain.execute(&signer, &messages, Fee::Gas(1), "").await.unwrap();
    assert_eq!(node.lock().seen, vec![0], "nothing was signed twice");
}

#[tokio::test]
async fn a_node_whose_chain_does_not_hold_is_turned_away_from() {
    let (honest, liar) = honest_and_liar(|method, params, mut answer| {
        if method == "abci_query" && params["prove"] == true {
            answer["response"]["value"] = json!("AA==");
        }
        answer
    });
    let client =
        |ways: &[Way<Ledger>]| LightClient::new(several(ways), "bauta-1", LightConfig::in_memory(Clock::Chain));
    let alone = client(&[Way::to(&liar)]);
    assert!(matches!(alone.read("training", b"params").await, Err(ChainError::Light(_))));
    let only_liars = client(&[Way::to(&liar), Way::to(&liar)]);
    assert!(matches!(only_liars.read("training", b"params").await, Err(ChainError::Light(_))));
    let either = client(&[Way::to(&liar), Way::to(&honest)]);
    assert!(either.read("training", b"params").await.unwrap().value.is_some());
}

#[tokio::test]
async fn a_header_that_does_not_hold_is_asked_of_another_node() {
    let (honest, liar) = honest_and_liar(|method, _, mut answer| {
        if method == "commit" {
            answer["signed_header"]["header"]["chain_id"] = json!("bauta-2");
        }
        answer
    });
    let rpc = several(&[Way::to(&liar), Way::to(&honest)]);
    let client = LightClient::new(rpc, "bauta-1", LightConfig::in_memory(Clock::Chain));
    assert!(client.follow().await.unwrap().last.height > 1);
}

#[tokio::test]
async fn a_model_that_does_not_hold_is_asked_of_another_node() {
    let mut world = World::new(3, 1).await;
    world.run().await;
    // The first answer is a lie, whichever node gives it.
    let lie_once = |world: &World| {
        let mut lies = 1;
        world.node.lock().rpc_lie = Some(Box::new(move |method, params, mut answer| {
            if method == "abci_query" && params["path"] == "/bauta.training.v1.Query/Model" && lies > 0 {
                lies -= 1;
                answer["response"]["value"] = json!("CgEA");
            }
            answer
        }));
    };
    let chain = |ways: usize| {
        let ways: Vec<_> = (0..ways).map(|_| Way::to(&world.node)).collect();
        Chain::new(several(&ways), Arc::new(world.node.clone()), ChainSettings::new("bauta-1"))
    };
    lie_once(&world);
    let error = model_provider::download(&chain(1), world.task, None).await.unwrap_err();
    assert!(error.to_string().contains("Model"), "{error}");
    lie_once(&world);
    let model = model_provider::download(&chain(2), world.task, None).await.unwrap();
    assert_eq!(model.hash().to_vec(), world.task().model_hash);
}

#[tokio::test]
async fn new_blocks_are_announced_and_polling_and_a_new_websocket_follow_a_closed_one() {
    let node = MockNode::new(Idle);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Behind the mocked node nobody makes a block but the test.
    let rpc: Arc<dyn Rpc> = Arc::new(node.clone());
    let pace = Arc::new(Subscribed::new(rpc, &[url]));
    let waiting = |height| {
        let pace = Arc::clone(&pace);
        tokio::spawn(async move { pace.wait_past(height).await.unwrap() })
    };
    for round in 0..2 {
        let height = node.lock().height;
        let waiter = waiting(height);
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let asked = socket.next().await.unwrap().unwrap().into_text().unwrap();
        assert!(asked.contains("subscribe") && asked.contains("NewBlockHeader"), "{asked}");
        socket.send(Message::Text("{}".to_owned())).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        node.make_block();
        let announced = Instant::now();
        socket.send(Message::Text("{}".to_owned())).await.unwrap();
        assert_eq!(waiter.await.unwrap(), height + 1);
        assert!(announced.elapsed() < Duration::from_secs(4), "it was polled for, round {round}");
        drop(socket);
        // Without a websocket it is polled.
        let waiter = waiting(height + 1);
        node.make_block();
        assert_eq!(waiter.await.unwrap(), height + 2);
    }
}

#[tokio::test]
async fn another_node_is_asked_when_one_answers_what_cannot_be_understood() {
    let node = MockNode::new(Idle);
    let good = chain(&node, &[Way::garbled(&node), Way::to(&node)]);
    assert_eq!(good.height().await.unwrap(), 1);
    // What all of them answer is the answer.
    let bad = chain(&node, &[Way::garbled(&node), Way::garbled(&node)]);
    assert!(matches!(bad.height().await, Err(ChainError::Answer { .. })));
    let dead = Way::to(&node);
    dead.cut(true);
    let bad = chain(&node, &[Way::garbled(&node), dead]);
    assert!(matches!(bad.height().await, Err(ChainError::Answer { .. })));
}

#[tokio::test]
async fn a_task_whose_settings_are_not_its_own_is_asked_of_another_node() {
    let world = World::new(3, 1).await;
    let chain = |ways: usize| {
        let ways: Vec<_> = (0..ways).map(|_| Way::to(&world.node)).collect();
        Chain::new(several(&ways), Arc::new(world.node.clone()), ChainSettings::new("bauta-1"))
    };
    // The first answer is a lie, whichever node gives it.
    let lie_once = || {
        let mut lies = 1;
        world.node.lock().rpc_lie = Some(Box::new(move |method, params, mut answer| {
            if method == "abci_query" && params["path"] == "/bauta.training.v1.Query/Task" && lies > 0 {
                lies -= 1;
                answer["response"]["value"] = json!("");
            }
            answer
        }));
    };
    lie_once();
    assert!(matches!(chain(1).task(world.task).await, Err(ChainError::Answer { .. })));
    lie_once();
    assert_eq!(chain(2).task(world.task).await.unwrap().0.id, world.task);
}

#[tokio::test]
async fn a_height_out_of_the_blue_is_not_believed() {
    let (honest, liar) = honest_and_liar(|method, _, mut answer| {
        if method == "status" {
            answer["sync_info"]["latest_block_height"] = json!("9223372036854775807");
        }
        answer
    });
    let chain = |ways: &[Way<Ledger>]| {
        Chain::new(several(ways), Arc::new(honest.clone()), ChainSettings::new("bauta-1"))
            .with_light(LightConfig::in_memory(Clock::Chain))
    };
    let height = honest.lock().height;
    assert_eq!(chain(&[Way::to(&liar), Way::to(&honest)]).height().await.unwrap(), height);
    assert!(chain(&[Way::to(&liar)]).height().await.is_err());
}
