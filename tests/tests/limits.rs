//! What the node bears: blocks full of chunks, a flood of transfers, questions meanwhile. A binary of its own, because it measures.

#![allow(clippy::unwrap_used, missing_docs)]

use std::time::Duration;

use bauta_tests::network::{
    gives_way_but, rounds, signer, transfers, Crew, Flood, Host as _, Job, Network, Probe, PROBE,
};

/// Eight updates of 4 MB: two full blocks a round.
const LARGE: Job = Job { providers: 8, elements: 1_000_000, rounds: 2 };
/// Accounts that send transfers.
const SENDERS: usize = 48;
/// Transfers that the mempool holds, so that it is full and stays so.
const WAITING_TXS: u64 = 100;
/// Milliseconds after a block.
const BLOCK_MS: u64 = 500;
/// Blocks in which the task must be finished.
const BLOCKS: u64 = 200;
/// What 99 of 100 queries must not exceed.
const P99: Duration = Duration::from_millis(50);
/// What `bautad` may have resident, in MiB.
const MEMORY: f64 = 500.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rounds_of_a_million_elements_finish_under_a_flood_of_transfers_and_queries_stay_fast() {
    let mut people = LARGE.names();
    people.extend(Flood::names(SENDERS));
    people.push("owner".to_owned());
    // This process has one test, and starts the node after this.
    std::env::set_var("BAUTAD_WAITING_TXS", WAITING_TXS.to_string());
    let mut network = Network::start(BLOCK_MS, &people).await.unwrap();
    let chain = network.chain().unwrap();
    let mut crew = Crew::start(&network, "owner", LARGE).await.unwrap();
    let probe = Probe::start(&network, signer("p0").unwrap().address().to_owned(), crew.task).unwrap();
    gives_way_but(PROBE).unwrap();
    let flood = Flood::start(&network, SENDERS).unwrap();

    let finished = crew.finished(&chain, BLOCKS).await;
    let latencies = probe.stop().unwrap();
    let sent = flood.stop().await.unwrap();
    let (_, memory) = network.memory_mib();
    network.still_runs().unwrap();
    network.called_in_order().unwrap();
    finished.unwrap();
    let rounds = rounds(&chain, crew.task).await.unwrap();
    let (first, last) = (rounds.first().unwrap(), rounds.last().unwrap());
    let transfers = transfers(&chain, first.opened, last.settled).await.unwrap();
    let fullest = transfers.into_iter().max().unwrap();
    println!(
        "{} rounds of 8 x 1,000,000 elements in {:?} blocks and {:.1?} s, {} transfers meanwhile (at most {} a block); {} queries, \
         median {:.1?}, p99 {:.1?}; bautad {memory:.0} MiB",
        rounds.len(),
        rounds.iter().map(|round| round.settled - round.opened).collect::<Vec<_>>(),
        rounds.iter().map(|round| round.seconds).collect::<Vec<_>>(),
        sent,
        fullest,
        latencies.count(),
        latencies.quantile(0.5),
        latencies.quantile(0.99),
    );
    assert!(rounds.iter().all(|round| round.survivors == 8), "nobody was kept out: {rounds:?}");
    // What a block takes has waited: never more than may, and once as much, so that the mempool was full.
    assert_eq!(fullest, WAITING_TXS);
    assert!(sent > 1_000, "there was a flood: {sent}");
    assert!(latencies.count() > 100 && latencies.quantile(0.99) <= P99, "p99 {:?}", latencies.quantile(0.99));
    assert!(memory > 0.0 && memory <= MEMORY, "bautad took {memory} MiB");
}
