//! What clients of the Cosmos SDK and CometBFT look for.

use abci_app::conformance::Watch;
use abci_app::sequencer::{EmbeddedClient, Engine, EngineConfig, Pacing};
use abci_app::{Node, NodeConfig};
use cosmos_sdk_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxMsgData;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse, TxRaw};
use prost::Message as _;
use tendermint_rpc::query::Query;
use tendermint_rpc::{Client, Order, Paging};

use crate::chain::{genesis, send, Account, Draft, Driven};

fn account_of(chain: &Driven, who: &str) -> BaseAccount {
    let request = QueryAccountRequest { address: who.into() };
    let answer = chain.query("/cosmos.auth.v1beta1.Query/Account", request.encode_to_vec());
    assert_eq!(answer.code, 0, "{}", answer.log);
    let any = QueryAccountResponse::decode(answer.value.as_ref()).unwrap().account.unwrap();
    assert_eq!(any.type_url, "/cosmos.auth.v1beta1.BaseAccount");
    BaseAccount::decode(any.value.as_slice()).unwrap()
}

#[test]
fn a_missing_account_is_not_found_as_the_sdk_says_it() {
    let (_, builder) = genesis(1);
    let chain = Driven::new(builder);
    let who = Account::new(77, 0).address();
    let request = QueryAccountRequest { address: who.clone() };
    let answer = chain.query("/cosmos.auth.v1beta1.Query/Account", request.encode_to_vec());
    assert_eq!((answer.code, answer.codespace.as_str()), (22, "sdk"));
    assert!(answer.log.contains(&format!("rpc error: code = NotFound desc = account {who} not found")));
    assert!(answer.height > 0);
}

#[test]
fn an_account_has_no_key_until_its_first_transaction() {
    let (mut accounts, builder) = genesis(2);
    let mut chain = Driven::new(builder);
    let (from, to) = (accounts[0].address(), Account::new(55, 0).address());
    assert_eq!(account_of(&chain, &from).pub_key, None);
    let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 7)]));
    chain.block(&[tx]);
    let account = account_of(&chain, &from);
    assert_eq!((account.sequence, account.account_number), (1, 0));
    assert_eq!(account.pub_key.unwrap().type_url, "/cosmos.crypto.secp256k1.PubKey");
    // Coins make accounts.
    assert_eq!(account_of(&chain, &to).sequence, 0);
}

#[test]
fn simulate_takes_an_empty_signature_and_an_unspecified_mode() {
    let (accounts, builder) = genesis(2);
    let mut chain = Driven::new(builder);
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let mut draft = Draft::new(vec![send(&from, &to, 7)]).fee(0, 0);
    draft.mode = 0;
    let mut raw = TxRaw::decode(draft.sign(&[&accounts[0]]).as_slice()).unwrap();
    raw.signatures = vec![vec![]];
    #[allow(deprecated)]
    let request = SimulateRequest { tx: None, tx_bytes: raw.encode_to_vec() };
    let answer = chain.query("/cosmos.tx.v1beta1.Service/Simulate", request.encode_to_vec());
    assert_eq!(answer.code, 0, "{}", answer.log);
    let gas = SimulateResponse::decode(answer.value.as_ref()).unwrap().gas_info.unwrap().gas_used;
    // What is simulated is what a transaction with that fee uses, but for the fee's own steps.
    let tx = Draft::new(vec![send(&from, &to, 7)]).sign(&[&accounts[0]]);
    let used = chain.block(&[tx]).results[0].gas_used.unsigned_abs();
    assert!(gas <= used && used <= gas * 14 / 10, "simulated {gas}, used {used}");
    assert_eq!(chain.balance(&to), 1_000_007);
}

#[test]
fn data_and_events_are_the_sdks() {
    let (mut accounts, builder) = genesis(2);
    let mut chain = Driven::new(builder);
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 7), send(&from, &to, 8)]));
    let done = chain.block(&[tx]);
    let result = &done.results[0];
    let data = TxMsgData::decode(result.data.as_ref()).unwrap();
    let types: Vec<&str> = data.msg_responses.iter().map(|any| any.type_url.as_str()).collect();
    assert_eq!(types, ["/cosmos.bank.v1beta1.MsgSendResponse"; 2]);
    let find = |kind: &str, key: &str| -> Vec<String> {
        let events = result.events.iter().filter(|event| event.r#type == kind);
        events
            .flat_map(|event| event.attributes.iter().filter(|one| one.key == key).map(|one| one.value.clone()))
            .collect()
    };
    assert_eq!(find("tx", "fee"), ["100ubauta"]);
    assert_eq!(find("tx", "fee_payer"), [from.as_str()]);
    assert_eq!(find("tx", "acc_seq"), [format!("{from}/0")]);
    assert_eq!(find("tx", "signature").len(), 1);
    assert_eq!(find("message", "action"), ["/cosmos.bank.v1beta1.MsgSend"; 2]);
    assert_eq!(find("message", "module"), ["bank"; 2]);
    assert_eq!(find("transfer", "amount"), ["100ubauta", "7ubauta", "8ubauta"]);
    assert_eq!(find("transfer", "msg_index"), ["0", "1"]);
    assert_eq!(find("coin_received", "receiver")[1..], [to.clone(), to]);
}

async fn engine() -> (Watch, Engine, EmbeddedClient, Vec<Account>) {
    let (accounts, builder) = genesis(3);
    let node = Node::open(NodeConfig::default()).unwrap();
    let config = EngineConfig { pacing: Pacing::Immediate, ..EngineConfig::new(builder.build()) };
    let (service, watch) = node.watched();
    let engine = Engine::start(service, config).unwrap();
    let client = engine.client();
    (watch, engine, client, accounts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_answers_every_method_that_clients_call() {
    let (_watch, _engine, client, mut accounts) = engine().await;
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 7)]));
    let sent = client.broadcast_tx_commit(tx.clone()).await.unwrap();
    assert!(client.broadcast_tx_sync(tx).await.unwrap_err().to_string().contains("tx already exists in cache"));

    client.health().await.unwrap();
    assert_eq!(client.abci_info().await.unwrap().last_block_height.value(), 1);
    let found =
        client.tx_search(Query::eq("tx.hash", sent.hash.to_string()), false, 1, 10, Order::Ascending).await.unwrap();
    assert_eq!(found.txs[0].hash, sent.hash);
    for query in [
        Query::eq("message.sender", from.clone()),
        Query::eq("message.action", "/cosmos.bank.v1beta1.MsgSend").and_eq("message.sender", from.clone()),
        Query::eq("transfer.recipient", to.clone()),
        Query::eq("tx.height", 1),
        Query::gte("tx.height", 1).and_lt("tx.height", 2),
    ] {
        let text = query.to_string();
        let found = client.tx_search(query, false, 1, 10, Order::Descending).await.unwrap();
        assert_eq!(found.total_count, 1, "{text}");
    }
    let none = client.tx_search(Query::eq("message.sender", to.clone()), false, 1, 10, Order::Ascending).await.unwrap();
    assert_eq!(none.total_count, 0);
    assert_eq!(client.block_results(1u32).await.unwrap().txs_results.unwrap().len(), 1);
    assert_eq!(client.header(1u32).await.unwrap().header.height.value(), 1);
    assert_eq!(client.validators(1u32, Paging::All).await.unwrap().validators.len(), 1);
    let genesis: tendermint::Genesis<serde_json::Value> = client.genesis().await.unwrap();
    assert_eq!(genesis.chain_id.as_str(), "bauta-1");
    client.consensus_params(1u32).await.unwrap();
    assert!(client.block(9u32).await.is_err());
    assert!(client.block_search(Query::eq("a.b", 1), 1, 1, Order::Ascending).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_chain_and_commits_are_signed() {
    let (_watch, _engine, client, mut accounts) = engine().await;
    let (from, to) = (accounts[0].address(), accounts[1].address());
    for _ in 0..3 {
        let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 7)]));
        client.broadcast_tx_commit(tx).await.unwrap();
    }
    let validators = client.validators(1u32, Paging::All).await.unwrap().validators;
    for height in 1..=3u32 {
        let signed = client.commit(height).await.unwrap().signed_header;
        assert_eq!(signed.commit.block_id.hash, signed.header.hash());
        let results = client.block_results(height).await.unwrap();
        if height < 3 {
            let next = client.header(height + 1).await.unwrap().header;
            assert_eq!(next.last_block_id.unwrap().hash, signed.header.hash());
            assert_eq!(next.app_hash, results.app_hash);
        }
        let vote = match &signed.commit.signatures[0] {
            tendermint::block::CommitSig::BlockIdFlagCommit { validator_address, timestamp, signature } => {
                let vote = tendermint::Vote {
                    vote_type: tendermint::vote::Type::Precommit,
                    height: signed.header.height,
                    round: signed.commit.round,
                    block_id: Some(signed.commit.block_id),
                    timestamp: Some(*timestamp),
                    validator_address: *validator_address,
                    validator_index: 0u32.try_into().unwrap(),
                    signature: signature.clone(),
                    extension: vec![],
                    extension_signature: None,
                };
                tendermint::vote::SignedVote::from_vote(vote, "bauta-1".parse().unwrap()).unwrap()
            }
            other => panic!("{other:?}"),
        };
        validators[0]
            .verify_signature::<tendermint::crypto::default::signature::Verifier>(&vote.sign_bytes(), vote.signature())
            .unwrap();
    }
}
