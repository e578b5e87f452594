//! Ordinary transactions leave room in the engine's mempool for protocol messages.

use abci_app::app::{AppConfig, Waiting};
use abci_app::{Node, NodeConfig};
use tendermint_proto::v0_38::abci::{RequestCheckTx, ResponseCheckTx};

use crate::chain::{genesis, send, Account, Draft, Driven};

fn node(waiting: Waiting) -> (Vec<Account>, Driven) {
    let (accounts, builder) = genesis(2);
    let app = AppConfig { waiting, ..AppConfig::default() };
    (accounts, Driven::over(Node::open(NodeConfig { app, ..NodeConfig::default() }).unwrap(), builder))
}

fn transfer(account: &mut Account) -> Vec<u8> {
    let own = account.address();
    account.tx(Draft::new(vec![send(&own, &own, 1)]))
}

fn recheck(chain: &Driven, tx: &[u8]) -> ResponseCheckTx {
    chain.node.service().check_tx(RequestCheckTx { tx: tx.to_vec().into(), r#type: 1 })
}

#[test]
fn a_transfer_too_many_is_told_that_the_mempool_is_full() {
    let (mut accounts, chain) = node(Waiting { txs: 3, bytes: 1 << 20 });
    for _ in 0..3 {
        assert_eq!(chain.check(&transfer(&mut accounts[0])).code, 0);
    }
    let refused = chain.check(&transfer(&mut accounts[1]));
    assert_eq!((refused.codespace.as_str(), refused.code), ("sdk", 20));
    assert!(refused.log.starts_with("mempool is full: 3 transactions"), "{}", refused.log);
}

#[test]
fn large_transfers_are_counted_by_their_bytes() {
    let (mut accounts, chain) = node(Waiting { txs: 1_000, bytes: 700 });
    assert_eq!(chain.check(&transfer(&mut accounts[0])).code, 0);
    assert_eq!(chain.check(&transfer(&mut accounts[0])).code, 0);
    assert_eq!(chain.check(&transfer(&mut accounts[0])).code, 20);
}

#[test]
fn what_left_the_mempool_with_a_block_makes_room() {
    let (mut accounts, mut chain) = node(Waiting { txs: 2, bytes: 1 << 20 });
    let first = transfer(&mut accounts[0]);
    let second = transfer(&mut accounts[0]);
    assert_eq!(chain.check(&first).code, 0);
    assert_eq!(chain.check(&second).code, 0);
    assert_eq!(chain.block(&[first]).results[0].code, 0);
    // CometBFT asks again about what still waits: it has its place, and counts.
    assert_eq!(recheck(&chain, &second).code, 0);
    let third = transfer(&mut accounts[1]);
    assert_eq!(chain.check(&third).code, 0);
    assert_eq!(chain.check(&transfer(&mut accounts[1])).code, 20);
}

#[test]
fn what_is_refused_takes_no_room() {
    let (mut accounts, chain) = node(Waiting { txs: 1, bytes: 1 << 20 });
    let mut poor = Account::new(77, 9);
    assert_eq!(chain.check(&transfer(&mut poor)).code, 9);
    assert_eq!(chain.check(&transfer(&mut accounts[0])).code, 0);
}
