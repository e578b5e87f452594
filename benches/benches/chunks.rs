//! Chunks of masked vectors through CheckTx, FinalizeBlock and Commit, on disk, without an engine: how many bytes a second one node takes.
//!
//! `cargo bench -p bauta-benches --bench chunks`
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::float_arithmetic
)]

use std::time::{Duration, Instant};

use abci_app::Node;
use bauta_tests::network::{Crew, Embedded, Job};
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{RequestCheckTx, RequestFinalizeBlock, RequestPrepareProposal};

/// Eight updates of 4 MB.
const JOB: Job = Job { providers: 8, elements: 1_000_000, rounds: 1 };
/// Chunks of one of them: 64 KiB each, the last short.
const CHUNKS: usize = 4_000_000usize.div_ceil(65_536);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut people = JOB.names();
    people.push("owner".to_owned());
    let (node, chunks, _folder) = runtime.block_on(async {
        let host = Embedded::start(&people).await.unwrap();
        let crew = Crew::start(&host, "owner", JOB).await.unwrap();
        host.chunks_held(JOB.providers as usize * CHUNKS).await.unwrap();
        // The providers end here, and nothing else wants the processor.
        drop(crew);
        host.by_hand()
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    measure(&node, &chunks[..JOB.providers as usize * CHUNKS]);
}

fn measure(node: &Node, chunks: &[Vec<u8>]) {
    let service = node.service();
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    let checked = Instant::now();
    for tx in chunks {
        let answer = service.check_tx(RequestCheckTx { tx: tx.clone().into(), r#type: 0 });
        assert_eq!(answer.code, 0, "{}", answer.log);
    }
    let checked = checked.elapsed();
    let (mut proposed, mut finalized, mut committed, mut blocks) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, 0);
    let mut waiting: Vec<_> = chunks.iter().map(|tx| prost::bytes::Bytes::from(tx.clone())).collect();
    while !waiting.is_empty() {
        let last = node.app().latest().last().clone();
        let height = i64::try_from(last.height).unwrap() + 1;
        let begun = Instant::now();
        let request =
            RequestPrepareProposal { txs: waiting.clone(), max_tx_bytes: 100 << 20, height, ..Default::default() };
        let txs = service.prepare_proposal(request).txs;
        proposed += begun.elapsed();
        assert!(!txs.is_empty(), "{} chunks fit no block", waiting.len());
        waiting.retain(|tx| !txs.contains(tx));
        let time = Some(Timestamp { seconds: i64::try_from(last.time_ns / 1_000_000_000).unwrap() + 1, nanos: 0 });
        let begun = Instant::now();
        let answer = service.finalize_block(RequestFinalizeBlock { txs, height, time, ..Default::default() }).unwrap();
        finalized += begun.elapsed();
        assert!(answer.tx_results.iter().all(|result| result.code == 0));
        let begun = Instant::now();
        service.commit().unwrap();
        committed += begun.elapsed();
        blocks += 1;
    }
    let megabytes = bytes as f64 / 1e6;
    let rate = |time: Duration| megabytes / time.as_secs_f64();
    println!("{} chunks, {megabytes:.1} MB, {blocks} blocks, on disk", chunks.len());
    for (name, time) in [
        ("CheckTx", checked),
        ("PrepareProposal", proposed),
        ("FinalizeBlock", finalized),
        ("Commit", committed),
        ("CheckTx, FinalizeBlock and Commit", checked + finalized + committed),
    ] {
        println!("{name:<34} {:>8.1} ms {:>8.1} MB/s", time.as_secs_f64() * 1e3, rate(time));
    }
}
