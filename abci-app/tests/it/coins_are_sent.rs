use abci_app::sequencer::{EmbeddedClient, Engine, EngineConfig, Pacing};
use abci_app::{Node, NodeConfig};
use cosmos_sdk_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use prost::Message as _;
use tendermint_rpc::Client;

use crate::chain::{genesis, send, Account, Draft};

pub async fn balance(client: &EmbeddedClient, who: &str) -> u128 {
    let request = QueryBalanceRequest { address: who.into(), denom: "ubauta".into() };
    let path = Some("/cosmos.bank.v1beta1.Query/Balance".to_string());
    let answer = client.abci_query(path, request.encode_to_vec(), None, false).await.unwrap();
    assert!(answer.code.is_ok(), "{}", answer.log);
    let response = QueryBalanceResponse::decode(answer.value.as_slice()).unwrap();
    response.balance.unwrap().amount.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coins_are_sent_through_the_rpc_client() {
    let (mut accounts, builder) = genesis(2);
    let node = Node::open(NodeConfig::default()).unwrap();
    let config = EngineConfig { pacing: Pacing::Immediate, ..EngineConfig::new(builder.build()) };
    let (service, _watch) = node.watched();
    let engine = Engine::start(service, config).unwrap();
    let client = engine.client();

    let (from, to) = (accounts[0].address(), accounts[1].address());
    let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 250)]));
    let answer = client.broadcast_tx_commit(tx).await.unwrap();
    assert!(answer.check_tx.code.is_ok(), "{}", answer.check_tx.log);
    assert!(answer.tx_result.code.is_ok(), "{}", answer.tx_result.log);

    assert_eq!(balance(&client, &from).await, 1_000_000 - 250 - 100);
    assert_eq!(balance(&client, &to).await, 1_000_250);
    // The one validator's operator is paid the fee.
    assert_eq!(balance(&client, &Account::new(999, 0).address()).await, 100);

    let status = client.status().await.unwrap();
    assert_eq!(status.sync_info.latest_block_height.value(), 1);
    let found = client.tx(answer.hash, false).await.unwrap();
    assert_eq!(found.height.value(), 1);
    let block = client.block(1u32).await.unwrap();
    assert_eq!(block.block.data.len(), 1);
    assert_eq!(block.block_id.hash, block.block.header.hash());
}
