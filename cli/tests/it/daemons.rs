//! `provider run`, interrupted, doubled, and handed evidence.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta_client::chain::{Chain, ChainSettings, Signer, DEFAULT_PREFIX};
use bauta_client::evidence::HandedHeader;
use bauta_client::keys::{Keyring, KeyringBackend};
use bauta_client::policy::Policy;
use bauta_client::provider::{Behaviour, Provider, ProviderConfig, Scene};
use bauta_learning::data::Embedded;
use bauta_learning::trainers::BuiltIn;
use bauta_secagg::check_in::CheckedIn;
use serde_json::Value;

use crate::bauta::{stderr, Bauta};
use crate::people::{address, create_task, digits_from, found_contracts, people, serving, text};

/// Reads a daemon's events until one is this, and gives back all that were read.
fn until(daemon: &mut Child, is_it: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut events = Vec::new();
    let mut lines = BufReader::new(daemon.stdout.as_mut().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        let event: Value = serde_json::from_str(&line).unwrap();
        events.push(event);
        if is_it(events.last().unwrap()) {
            return events;
        }
    }
    let mut said = String::new();
    std::io::Read::read_to_string(daemon.stderr.as_mut().unwrap(), &mut said).unwrap();
    panic!("it ended before that: {events:?} {said}");
}

fn is(event: &Value, name: &str, round: u64) -> bool {
    event["event"] == name && event["round"] == round
}

#[test]
fn a_provider_that_is_killed_in_the_middle_of_rounds_finishes_its_task_and_pays_nothing() {
    let (_node, people) = people(&["alice", "bob", "carol", "dave"]);
    let (alice, providers) = people.split_first().unwrap();
    found_contracts(alice);
    create_task(alice, 2);
    let mut others: Vec<Child> = (1..3).map(|index| serving(&providers[index], index, &[])).collect();

    // SIGKILL right after its check-in, which commits it, and right after its header, before the chunks are in a block.
    let bob = &providers[0];
    let mut first = serving(bob, 0, &[]);
    until(&mut first, |event| is(event, "checked_in", 1));
    first.kill().unwrap();
    first.wait().unwrap();
    let mut second = serving(bob, 0, &[]);
    until(&mut second, |event| is(event, "submitted", 2));
    second.kill().unwrap();
    second.wait().unwrap();
    others.push(serving(bob, 0, &[]));

    for other in others {
        let output = other.wait_with_output().unwrap();
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
    }
    let shown = alice.json(&["task", "show", "1"]);
    assert_eq!(shown["status"], "finished");
    assert_eq!(shown["finished_rounds"], 2);
    assert_eq!(shown["round"], 2, "no round was aborted");
    assert_eq!(shown["verdicts"].as_array().unwrap().len(), 0);
    let status = bob.json(&["provider", "status"]);
    assert_eq!(status["bonded"], "1000000");
    assert_eq!(status["offences"].as_array().unwrap().len(), 0);
    assert_eq!(bob.json(&["rewards"])["tasks"][0]["updates"], 2);
}

#[test]
fn a_second_daemon_on_the_same_home_is_refused_and_the_first_goes_on() {
    let (_node, people) = people(&["alice", "bob"]);
    let (alice, bob) = (&people[0], &people[1]);
    found_contracts(alice);
    create_task(alice, 1);
    let mut first = serving(bob, 0, &[]);
    until(&mut first, |event| event["event"] == "enrolled");
    let args = ["provider", "run", "--task", "1", "--data", "rows.csv", "--yes"];
    let output = bob.run(&args);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("another process works on this task"), "{}", stderr(&output));
    assert!(first.try_wait().unwrap().is_none(), "the first goes on");

    // Ctrl-C, as a terminal sends it.
    let sent = std::process::Command::new("kill").args(["-INT", &first.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = first.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("{\"event\":\"stopped\"}\n"));
}

/// Signs a second header in its first round, and hands it to a peer.
struct SignsTwice {
    peer: PathBuf,
}

impl Behaviour for SignsTwice {
    fn submitted(&self, scene: &Scene<'_>) {
        let mut other = scene.update.to_vec();
        other[0] += if other[0] > 0 { -1 } else { 1 };
        let masked = CheckedIn::resume(scene.keys, scene.rctx, scene.address, scene.weight);
        let masked = masked.mask(scene.ctx, scene.group, scene.layout, &other, &mut rand::rngs::OsRng).unwrap();
        let header =
            HandedHeader::new(scene.chain_id, scene.account, scene.task, scene.epoch, scene.round, &masked.header);
        header.write(&self.peer).unwrap();
    }
}

/// Serves task 1 with somebody's key, in this process.
async fn cheat(bauta: &Bauta, url: String, peer: PathBuf) {
    let home = bauta.home.path().join("bauta");
    let key = Keyring::new(&home, KeyringBackend::Test, DEFAULT_PREFIX).unlock("me", None).unwrap();
    let signer = Signer::new(key, DEFAULT_PREFIX).unwrap();
    let chain = Chain::http(&url, ChainSettings::new("bauta-1")).unwrap();
    let rows = Path::new("rows.csv");
    bauta.file("rows.csv", digits_from(2));
    let data = Embedded::Digits.spec().load(&bauta.home.path().join(rows)).unwrap();
    let mut config = ProviderConfig::new(1, home.join("providers"), Arc::new(BuiltIn::new(data)), 599);
    config.policy = Policy::default();
    let behaviour = Box::new(SignsTwice { peer });
    let mut provider = Provider::open(chain, Arc::new(signer), config, Box::new(rand::rngs::OsRng), behaviour).unwrap();
    let _ = provider.run().await;
}

#[test]
fn evidence_that_a_peer_left_is_reported_and_what_is_none_is_put_aside() {
    let (node, people) = people(&["alice", "bob", "carol", "dave"]);
    let (alice, providers) = people.split_first().unwrap();
    let (bob, dave) = (&providers[0], &providers[2]);
    found_contracts(alice);
    create_task(alice, 2);

    let args = ["provider", "run", "--task", "1", "--data", "rows.csv", "--evidence-dir", "nowhere"];
    bob.file("rows.csv", digits_from(0));
    bob.fails(&args, 1, "nowhere");
    let inbox = bob.home.path().join("inbox");
    std::fs::create_dir(&inbox).unwrap();
    std::fs::write(inbox.join("junk.json"), "{}").unwrap();

    dave.json(&["provider", "register", "--name", "dave"]);
    dave.json(&["provider", "bond", "1000000ubauta", "--yes"]);
    let mut reporter = serving(bob, 0, &["--evidence-dir", "inbox"]);
    let mut other = serving(&providers[1], 1, &[]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (url, peer) = (node.url.clone(), inbox.clone());
    let accused = address(dave);
    std::thread::scope(|scope| {
        // It ends when the task does, or with the runtime.
        scope.spawn(|| {
            runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), cheat(dave, url, peer)).await })
        });
        let events = until(&mut reporter, |event| event["event"] == "reported");
        assert_eq!(events.last().unwrap()["accused"], accused);
        reporter.kill().unwrap();
        other.kill().unwrap();
        // Without company the cheat's task ends by itself.
        alice.json(&["task", "cancel", "1", "--yes"]);
    });
    reporter.wait().unwrap();
    other.wait().unwrap();

    let status = bob.json(&["provider", "status", &accused]);
    assert_eq!(status["offences"][0]["offence"], "two_headers");
    assert!(text(&status["offences"][0]["explanation"]).contains("barred for ever, on evidence "), "{status:#}");
    assert!(text(&status["now"]).contains("nothing brings it back"), "{status:#}");
    assert_eq!(status["bonded"], "0");
    assert_eq!(status["standing"], "tombstoned");
    let left: Vec<String> =
        std::fs::read_dir(&inbox).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.contains(&"junk.json.refused".to_owned()), "{left:?}");
    assert!(left.iter().any(|name| name.starts_with(text(&Value::from(accused.clone()))) && name.ends_with(".done")));
}

#[cfg(unix)]
#[test]
fn ctrl_c_at_the_prompt_for_a_passphrase_leaves_the_terminal_as_it_was() {
    use std::io::{Read as _, Write as _};
    use std::process::{Command, Stdio};
    let bauta = Bauta::new();
    // `script` gives the program a terminal of its own.
    let line = format!("{} keys add alice; echo code=$?; stty -a", env!("CARGO_BIN_EXE_bauta"));
    let mut script = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("BAUTA_HOME", bauta.home.path().join("bauta"))
        .env_remove("BAUTA_PASSPHRASE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keyboard, mut screen) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
    let mut seen = Vec::new();
    let started = Instant::now();
    let mut pressed = false;
    let mut buffer = [0u8; 1024];
    while let Ok(count @ 1..) = screen.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..count]);
        if !pressed && String::from_utf8_lossy(&seen).contains("New passphrase") {
            // The prompt is shown a moment before the terminal is set to it.
            std::thread::sleep(Duration::from_millis(300));
            keyboard.write_all(b"\x03").unwrap();
            pressed = true;
        }
        assert!(started.elapsed() < Duration::from_secs(20));
    }
    script.wait().unwrap();
    let seen = String::from_utf8_lossy(&seen).into_owned();
    assert!(seen.contains("code=130"), "{seen}");
    assert!(seen.contains(" echo ") && seen.contains(" icanon ") && seen.contains("isig "), "{seen}");
    assert!(!bauta.home.path().join("bauta/keyring-file/alice.json").exists());
}
