//! SIGKILL of everything, at random instants.
//!
//! `BAUTA_KILLS` is how often (24 if it is not set), `BAUTA_SEED` makes a run again as far as its schedule goes.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bauta_client::chain::Chain;
use bauta_client::contracts::Contracts;
use bauta_messages::slashing::kind;
use bauta_schema::training::v1::TaskStatus;
use tendermint::Time;

use super::fleet::Fleet;
use super::ledger::{self, Ledger};
use super::node::{Node, Victim, Watch};
use super::people::Person;
use super::plan::{NodeKill, Plan, ProviderKill, When};
use super::tasks::Tasks;
use super::wire::Wire;
use super::world::{Devnet, BOND};

const PROVIDERS: usize = 5;
const ROUNDS: u32 = 4;
const BLOCK_MS: u64 = 300;
/// From a kill to the next signed block, no worse than this.
const RESTART: Duration = Duration::from_secs(5);
/// The same, and a task's end, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often it is looked what has ended and who is to be killed.
const LOOK: Duration = Duration::from_millis(10);

/// What the threads of a run know of one another.
struct Run {
    /// The task that is served.
    task: AtomicU64,
    /// How many still kill.
    killers: AtomicUsize,
    /// Whether the last task is over.
    over: AtomicBool,
    /// Whether a thread has failed.
    failed: AtomicBool,
}

impl Run {
    fn go_on(&self) {
        assert!(!self.failed.load(Ordering::SeqCst), "another thread of this test has failed");
        std::thread::sleep(LOOK);
    }
}

/// Raises the alarm when its thread fails.
struct Alarm<'a>(&'a Run);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.failed.store(true, Ordering::SeqCst);
        }
    }
}

/// A fall of the node, from which it recovers.
struct Fall {
    kill: NodeKill,
    at: Instant,
    time: Time,
}

/// A recovery of the node.
struct Recovery {
    victim: Victim,
    /// From the kill to the next signed block, less what it was left lying.
    took: Duration,
}

#[test]
fn whoever_is_killed_at_any_instant_goes_on_and_nothing_is_signed_twice() {
    let seed = number("BAUTA_SEED").unwrap_or_else(rand::random);
    let kills = number("BAUTA_KILLS").unwrap_or(24);
    println!("BAUTA_SEED={seed} BAUTA_KILLS={kills}");
    let plan = Plan::draw(seed, usize::try_from(kills).unwrap(), PROVIDERS);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut devnet = Devnet::start(PROVIDERS, BLOCK_MS);
    let wire = Wire::to(&devnet.node.url);
    let chain = devnet.chain();
    let first = devnet.create_task(ROUNDS);
    let mut tasks = Tasks::like(first, chain.clone(), devnet.owner.signer(), &runtime);
    let run = Run {
        task: AtomicU64::new(first),
        killers: AtomicUsize::new(2),
        over: AtomicBool::new(false),
        failed: AtomicBool::new(false),
    };

    let began = Instant::now();
    let (node, people) = (&mut devnet.node, devnet.providers.as_slice());
    let (recoveries, fleet) = std::thread::scope(|scope| {
        let nodes = scope.spawn(|| kill_node(&run, node, &plan.node));
        let providers = scope.spawn(|| kill_providers(&run, people, &wire.url, &plan.providers));
        let _alarm = Alarm(&run);
        serve(&run, &mut tasks);
        run.over.store(true, Ordering::SeqCst);
        (nodes.join().unwrap(), providers.join().unwrap())
    });
    let lasted = began.elapsed();

    let mut ledger = Ledger::default();
    wire.offered().iter().for_each(|tx| ledger.add(tx));
    let (blocks, offences) = runtime.block_on(async {
        let blocks = ledger::read(&chain, &devnet.node.genesis, &mut ledger).await;
        (blocks, check_bonds(&chain, people).await)
    });
    assert!(devnet.node.tend(), "the node does not run any more");
    devnet.node.check_calls();
    let (submissions, answers) = (ledger.headers(), ledger.answers());
    let least = usize::try_from(tasks.last).unwrap() * ROUNDS as usize * 3;
    assert!(submissions >= least && answers >= least, "{submissions} submissions and {answers} answers");

    let of = |victim| recoveries.iter().filter(|recovery| recovery.victim == victim).count();
    let mut took: Vec<Duration> = recoveries.iter().map(|recovery| recovery.took).collect();
    took.sort();
    let (median, most) = (took[took.len() / 2], took[took.len() - 1]);
    println!(
        "{} kills of the node, {} of providers, in {:.0} s; the node came back {} times: {} of bautad, {} of CometBFT, {} of both",
        plan.node.len(),
        plan.providers.len(),
        lasted.as_secs_f64(),
        recoveries.len(),
        of(Victim::Application),
        of(Victim::Engine),
        of(Victim::Both),
    );
    println!("CometBFT did not end without its application {} times, and was killed", devnet.node.hung);
    println!(
        "{} tasks finished; {} heights replayed with equal app hashes; {} transactions, {} of them failed; \
         {submissions} submissions and {answers} answers, each signed once; {offences} offences, all of them silence",
        tasks.last, blocks.agreed, blocks.transactions, blocks.failed,
    );
    println!(
        "restart after kill -9 to the next signed block: median {:.2} s, at most {:.2} s",
        median.as_secs_f64(),
        most.as_secs_f64()
    );
    assert!(fleet.is_empty(), "providers gave up:\n{}", fleet.join("\n"));
    assert!(most <= RESTART, "a restart took {most:?}");
}

/// One task after the other, until nobody kills any more; each is finished.
fn serve(run: &Run, tasks: &mut Tasks<'_>) {
    loop {
        let patience = Instant::now() + PATIENCE;
        loop {
            match tasks.status(tasks.last) {
                Some(TaskStatus::Finished) => break,
                None | Some(TaskStatus::Running) => {}
                Some(other) => panic!("task {} ended as {other:?}", tasks.last),
            }
            assert!(Instant::now() < patience, "task {} does not end", tasks.last);
            run.go_on();
        }
        if run.killers.load(Ordering::SeqCst) == 0 {
            return;
        }
        tasks.create();
        run.task.store(tasks.last, Ordering::SeqCst);
    }
}

/// Kills the node as planned, and looks how it comes back.
fn kill_node(run: &Run, node: &mut Node, kills: &[NodeKill]) -> Vec<Recovery> {
    let _alarm = Alarm(run);
    let watch = Watch::new(&node.url);
    let mut kills = kills.iter().peekable();
    let mut recoveries = Vec::new();
    let mut fallen: Option<Fall> = None;
    let (mut steady, mut started) = (Instant::now(), Instant::now());
    let mut lying_until = None;
    while kills.peek().is_some() || fallen.is_some() {
        run.go_on();
        if let Some(until) = lying_until {
            if Instant::now() < until {
                continue;
            }
            (lying_until, started) = (None, Instant::now());
        }
        let runs = node.tend();
        if let Some(fall) = fallen.take_if(|fall| runs && watch.has_block_after(fall.time)) {
            let took = fall.at.elapsed().saturating_sub(fall.kill.down);
            recoveries.push(Recovery { victim: fall.kill.victim, took });
            steady = Instant::now();
        }
        if let Some(fall) = &fallen {
            assert!(fall.at.elapsed() < PATIENCE, "no block after {:?}\n{}", fall.kill, node.last_words());
        }
        let is_due = |kill: &&NodeKill| match kill.when {
            When::Running(after) => fallen.is_none() && steady.elapsed() >= after,
            When::Recovering(after) => started.elapsed() >= after,
        };
        if let Some(kill) = kills.next_if(|kill| is_due(kill) && node.runs(kill.victim)) {
            fallen = Some(Fall { kill: *kill, at: Instant::now(), time: Time::now() });
            node.kill(kill.victim);
            lying_until = Some(Instant::now() + kill.down);
        }
    }
    run.killers.fetch_sub(1, Ordering::SeqCst);
    recoveries
}

/// Kills providers as planned; what was said by those that ended with an error by themselves.
fn kill_providers(run: &Run, people: &[Person], node: &str, kills: &[ProviderKill]) -> Vec<String> {
    let _alarm = Alarm(run);
    let mut fleet = Fleet::new(people, node);
    let mut kills = kills.iter().peekable();
    let (mut last, mut kills_on) = (Instant::now(), true);
    loop {
        run.go_on();
        let task = run.task.load(Ordering::SeqCst);
        fleet.tend(task);
        let is_due = |kill: &&ProviderKill| last.elapsed() >= kill.after && fleet.serves(kill.who);
        if let Some(kill) = kills.next_if(is_due) {
            fleet.kill(kill.who, kill.down);
            last = Instant::now();
        }
        if kills_on && kills.peek().is_none() {
            kills_on = false;
            run.killers.fetch_sub(1, Ordering::SeqCst);
        }
        if run.over.load(Ordering::SeqCst) && fleet.have_served(task) {
            return fleet.gave_up;
        }
    }
}

/// How many offences there were: each of them silence, and all that was taken from bonds was taken for them.
async fn check_bonds(chain: &Chain, people: &[Person]) -> usize {
    let contracts = Contracts::of(chain).await.unwrap();
    let mut count = 0;
    for person in people {
        let offences = contracts.history(chain, Some(&person.address)).await.unwrap();
        let mut taken = 0;
        for offence in &offences {
            let is_silence = [kind::NO_SUBMISSION, kind::SILENT_SEAT].contains(&offence.kind.as_str());
            assert!(is_silence, "{} for {} in round {}", offence.provider, offence.kind, offence.round);
            taken += offence.slashed.u128();
        }
        let bond = contracts.bond_of(chain, &person.address).await.unwrap();
        assert_eq!(bond.bonded.u128(), BOND - taken, "the bond of {}", person.address);
        count += offences.len();
    }
    count
}

/// A number in the environment.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, which is no number")))
}
