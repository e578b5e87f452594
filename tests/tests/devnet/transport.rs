//! What lies between a provider and its node: a node that is started again, answers that get lost, a mempool that is full. The provider
//! goes on by itself, its submission gets in, and it has signed only one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use bauta_client::chain::{messages, Coin, Fee};
use bauta_client::contracts::Contracts;
use bauta_schema::type_url;
use tokio::runtime::Runtime;

use super::daemon::Daemon;
use super::ledger::{messages as messages_in, Ledger};
use super::node::Victim;
use super::wire::Wire;
use super::world::Devnet;

const PROVIDERS: usize = 3;
const BLOCK_MS: u64 = 300;

/// Everybody at work on a task.
fn at_work(devnet: &Devnet, wire: &Wire, task: u64) -> Vec<Daemon> {
    devnet.providers.iter().map(|provider| Daemon::serve(provider, &wire.url, task)).collect()
}

/// Waits until the task is over for everybody; each of them was in each round with one submission, and paid nothing.
fn check(devnet: &Devnet, wire: &Wire, task: u64, rounds: u32, daemons: Vec<Daemon>) {
    for mut daemon in daemons {
        daemon.until("task_ended", None);
        let settled: Vec<_> = daemon.said.iter().filter(|event| event["event"] == "round_settled").collect();
        assert_eq!(settled.len(), rounds as usize, "no round was aborted: {settled:?}");
        assert!(settled.iter().all(|event| event["finished"] == true && event["took_part"] == true), "{settled:?}");
    }
    let mut ledger = Ledger::default();
    wire.offered().iter().for_each(|tx| ledger.add(tx));
    assert_eq!(ledger.headers(), rounds as usize * PROVIDERS);
    for provider in &devnet.providers {
        assert!((1..=u64::from(rounds)).all(|round| ledger.has_header(&provider.address, task, round)));
    }
    let chain = devnet.chain();
    let offences = Runtime::new().unwrap().block_on(async {
        let contracts = Contracts::of(&chain).await.unwrap();
        contracts.history(&chain, None).await.unwrap()
    });
    assert_eq!(offences, []);
    devnet.node.check_calls();
}

/// Whether a transaction brings a header.
fn is_header(tx: &[u8]) -> bool {
    messages_in(tx).iter().any(|message| message.type_url == type_url::SUBMIT_HEADER)
}

#[test]
fn a_provider_in_the_middle_of_a_round_goes_on_when_its_node_was_killed_and_started_again() {
    let mut devnet = Devnet::start(PROVIDERS, BLOCK_MS);
    let task = devnet.create_task(2);
    let wire = Wire::to(&devnet.node.url);
    let mut daemons = at_work(&devnet, &wire, task);
    // It has committed to submit; it has sent the header, and not the chunks.
    for (event, round) in [("checked_in", 1), ("submitted", 1), ("checked_in", 2), ("submitted", 2)] {
        daemons[0].until(event, Some(round));
        devnet.node.kill(Victim::Both);
        devnet.node.start();
    }
    check(&devnet, &wire, task, 2, daemons);
}

#[test]
fn a_provider_whose_every_answer_gets_lost_once_gets_its_submission_in_and_signs_no_other() {
    let devnet = Devnet::start(PROVIDERS, BLOCK_MS);
    let task = devnet.create_task(2);
    let mut handed = BTreeSet::new();
    let wire = Wire::losing(&devnet.node.url, move |tx| handed.insert(tx.to_vec()));
    let daemons = at_work(&devnet, &wire, task);
    check(&devnet, &wire, task, 2, daemons);
    let lost = wire.lost();
    assert_eq!(lost.iter().filter(|tx| is_header(tx)).count(), 2 * PROVIDERS, "a header was handed in once only");
}

#[test]
fn a_provider_whose_nodes_mempool_is_full_gets_its_submission_in_and_signs_no_other() {
    let mut devnet = Devnet::start(PROVIDERS, BLOCK_MS);
    let task = devnet.create_task(2);
    devnet.node.kill(Victim::Both);
    devnet.node.set("CMT_MEMPOOL_SIZE", "1");
    devnet.node.start();
    let wire = Wire::to(&devnet.node.url);
    let was_refused = || wire.refused().iter().any(|(tx, why)| is_header(tx) && why.contains("mempool is full"));

    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Somebody who takes the only place again and again, until a header was turned away.
        scope.spawn(|| {
            let (runtime, chain, owner) = (Runtime::new().unwrap(), devnet.chain(), devnet.owner.signer());
            let coin = Coin::new(1, "ubauta");
            let send = messages::send(owner.address(), &devnet.providers[0].address, &[coin]);
            while !was_refused() && !is_over.load(Ordering::SeqCst) {
                // A place that was not had is tried for again.
                let _ = runtime.block_on(chain.send(&owner, std::slice::from_ref(&send), Fee::Gas(200_000), ""));
            }
        });
        // Also when this panics.
        let _over = Over(&is_over);
        check(&devnet, &wire, task, 2, at_work(&devnet, &wire, task));
    });
    assert!(was_refused(), "no header met a full mempool: {:?}", wire.refused());
}

/// Says that it is over when it goes.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
