//! The node: a block of bank sends, from raw bytes to the committed state on disk.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::time::Duration;

use abci_app::{Node, NodeConfig};
use criterion::{criterion_group, criterion_main, BatchSize, Criterion};

#[path = "../../abci-app/tests/it/chain.rs"]
#[allow(dead_code)]
mod chain;

use chain::{block, genesis, init_chain, send, Account, Draft};

const SENDS: usize = 1_000;

fn transactions(accounts: &mut [Account]) -> Vec<Vec<u8>> {
    let count = accounts.len();
    (0..SENDS)
        .map(|n| {
            let to = Account::new(1_000_000 + n as u64, 0).address();
            let account = &mut accounts[n % count];
            let from = account.address();
            account.tx(Draft::new(vec![send(&from, &to, 1)]))
        })
        .collect()
}

/// FinalizeBlock and Commit of 1,000 sends from 1,000 accounts to as many new ones: signatures checked, fees paid, trees
/// updated, everything on disk. Ante alone is what CheckTx of the same transactions costs.
fn sends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node");
    group.sample_size(10).measurement_time(Duration::from_secs(15));
    let (mut accounts, builder) = genesis(SENDS as u64);
    let txs = transactions(&mut accounts);
    group.bench_function("finalize_and_commit_1000_sends_on_disk", |bencher| {
        bencher.iter_batched(
            || {
                let folder = tempfile::tempdir().unwrap();
                let config = NodeConfig { home: Some(folder.path().into()), ..NodeConfig::default() };
                let node = Node::open(config).unwrap();
                init_chain(&node, builder.clone());
                (folder, node)
            },
            |(folder, node)| {
                let answer = node.service().finalize_block(block(1, &txs)).unwrap();
                assert!(answer.tx_results.iter().all(|result| result.code == 0));
                node.service().commit().unwrap();
                (folder, node)
            },
            BatchSize::PerIteration,
        );
    });
    let node = Node::open(NodeConfig::default()).unwrap();
    init_chain(&node, builder);
    group.bench_function("finalize_1000_sends", |bencher| {
        bencher.iter(|| black_box(node.service().finalize_block(block(1, &txs)).unwrap()));
    });
    group.finish();
}

criterion_group!(benches, sends);
criterion_main!(benches);
