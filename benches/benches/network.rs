//! A chain of real processes: how long a masked round takes, what it weighs, and what the node remembers of a hundred.
//!
//! `cargo build --release --workspace && cargo bench -p bauta-benches --bench network`. Named parts run alone: `... --bench network -- round`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::float_arithmetic
)]

use bauta_tests::network::{bytes_of_rounds, rounds, Crew, Host as _, Job, Network, Timed};

/// CometBFT's pause after a block, in milliseconds, as it comes.
const DEFAULT_MS: u64 = 1_000;
/// The pause where only the work counts.
const SHORT_MS: u64 = 50;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let wants = |part: &str| asked.is_empty() || asked.iter().any(|name| name == part);
    if wants("round") {
        runtime.block_on(round());
    }
    if wants("chunks") {
        runtime.block_on(chunks());
    }
    if wants("memory") {
        runtime.block_on(memory());
    }
}

struct Run {
    network: Network,
    timed: Vec<Timed>,
    chain: bauta_client::chain::Chain,
}

async fn run(block_ms: u64, job: Job) -> Run {
    let mut people = job.names();
    people.push("owner".to_owned());
    let network = Network::start(block_ms, &people).await.unwrap();
    let chain = network.chain().unwrap();
    let mut crew = Crew::start(&network, "owner", job).await.unwrap();
    crew.finished(&chain, 100 * u64::from(job.rounds)).await.unwrap();
    let timed = rounds(&chain, crew.task).await.unwrap();
    assert!(timed.iter().all(|round| round.survivors == job.providers as usize));
    Run { network, timed, chain }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Ten providers, d = 100,000, one validator, CometBFT's own pace.
async fn round() {
    let job = Job { providers: 10, elements: 100_000, rounds: 5 };
    let Run { timed, chain, network: _running } = run(DEFAULT_MS, job).await;
    let seconds = median(timed.iter().map(|round| round.seconds).collect());
    let work = median(timed.iter().map(|round| round.besides_pauses(DEFAULT_MS)).collect());
    let blocks = timed.iter().map(|round| round.settled - round.opened).max().unwrap_or(0);
    println!("masked round, 10 providers, d = 100,000: {seconds:.2} s in at most {blocks} blocks; besides the pauses {work:.2} s");
    let (first, last) = (timed.first().unwrap(), timed.last().unwrap());
    let bytes = bytes_of_rounds(&chain, first.opened, last.settled).await.unwrap() as f64;
    let each = bytes / timed.len() as f64 / 10.0;
    println!("bytes on chain per provider and round: {each:.0}, {:.3} times the vector", each / 400_000.0);
}

/// Eight updates of 4 MB a round, through CometBFT.
async fn chunks() {
    let job = Job { providers: 8, elements: 1_000_000, rounds: 3 };
    let Run { timed, .. } = run(SHORT_MS, job).await;
    let seconds = median(timed.iter().map(|round| round.seconds).collect());
    println!(
        "8 x 4 MB through CometBFT: a round in {seconds:.2} s, {:.1} MB/s of chunks over the whole round",
        32.0 / seconds
    );
}

/// A hundred rounds of ten providers, d = 100,000.
async fn memory() {
    let job = Job { providers: 10, elements: 100_000, rounds: 100 };
    let Run { network, timed, .. } = run(SHORT_MS, job).await;
    let (now, peak) = network.memory_mib();
    println!(
        "bautad after {} rounds of d = 100,000, 10 providers: {now:.0} MiB resident, at most {peak:.0} MiB",
        timed.len()
    );
}
