//! A key that says everything itself has a value nevertheless: ICS-23 verifies no proof of an absence beside an empty one.

use std::ops::Bound;

use abci_app::store::{Order, Store, View};
use bauta_rounds::keys::{prefix, LISTED};
use sha2::{Digest as _, Sha256};
use tendermint_proto::v0_38::abci::RequestQuery;

use super::reports_have_a_deposit::{report, with_two_headers, DEPOSIT};
use super::*;
use crate::state_is_proven::verifies;

/// Everything that a store has committed to.
fn entries(chain: &Chain, store: Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    let view = View::new(chain._node.app().latest());
    view.range(store, Bound::Unbounded, Bound::Unbounded, Order::Ascending, usize::MAX)
}

/// Whether the absence of a key is proven against the app hash after the last block.
fn is_proven_absent(chain: &Chain, store: Store, key: &[u8]) -> bool {
    let service = chain._node.service();
    let path = format!("store/{}/key", store.name());
    let answer = service.query(RequestQuery { path, data: key.to_vec().into(), height: 0, prove: true });
    let app_hash = service.info(Default::default()).last_block_app_hash;
    answer.code == 0 && answer.value.is_empty() && verifies(&answer, store.name(), key, &app_hash)
}

/// Keys that are absent and whose place in the tree, the order of SHA-256, is beside one of `keys`; before and behind each, where there is
/// such a place.
fn beside(entries: &[(Vec<u8>, Vec<u8>)], keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let hash = |key: &[u8]| <[u8; 32]>::from(Sha256::digest(key));
    let mut order: Vec<_> = entries.iter().map(|(key, _)| hash(key)).collect();
    order.sort_unstable();
    // A place is the number of keys before it.
    let mut wanted: Vec<usize> = Vec::new();
    for key in keys {
        let at = order.binary_search(&hash(key)).unwrap();
        wanted.extend([at, at + 1]);
    }
    let mut found = Vec::new();
    for number in 0..10_000_000u64 {
        if wanted.is_empty() {
            break;
        }
        let key = [&b"absent/"[..], &number.to_be_bytes()].concat();
        let at = order.partition_point(|other| *other < hash(&key));
        if wanted.contains(&at) {
            wanted.retain(|place| *place != at);
            found.push(key);
        }
    }
    assert!(wanted.is_empty(), "no absent key was found at {} places", wanted.len());
    found
}

/// Asserts that the absence of keys is proven on both sides of every key that is only listed, and that there are some under each prefix.
fn assert_proven(chain: &Chain, prefixes: &[&str]) {
    let entries = entries(chain, Store::Training);
    let listed: Vec<Vec<u8>> =
        entries.iter().filter(|(_, value)| value == LISTED).map(|(key, _)| key.clone()).collect();
    for prefix in prefixes {
        assert!(listed.iter().any(|key| key.starts_with(prefix.as_bytes())), "nothing is listed under {prefix}");
    }
    for key in beside(&entries, &listed) {
        assert!(is_proven_absent(chain, Store::Training, &key), "{}", String::from_utf8_lossy(&key));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_is_empty_and_an_absence_is_proven_beside_every_key_that_is_only_listed() {
    let (mut chain, mut admin, mut owner, mut providers) = start();
    let contracts = install(&chain, &mut admin).await;
    let message = create(&owner);
    chain.ok(&mut owner, vec![message]).await;
    stand(&chain, &contracts, &mut providers[0]).await;
    enrol(&mut chain, &mut providers[0]).await;
    assert_proven(&chain, &[prefix::RUNNING]);

    let (chain, _, mut reporter, providers, [first, second]) = with_two_headers().await;
    let message = report(&reporter, &providers[1], DEPOSIT, [&first, &second]);
    chain.ok(&mut reporter, vec![message]).await;
    assert_proven(&chain, &[prefix::EVIDENCE, prefix::KEPT, prefix::CONVICTED]);

    for store in Store::ALL.into_iter().filter(|store| store.is_committed()) {
        let empty: Vec<_> = entries(&chain, store).into_iter().filter(|(_, value)| value.is_empty()).collect();
        assert!(empty.is_empty(), "{}: {empty:?}", store.name());
    }
}
