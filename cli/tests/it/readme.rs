//! The README's "A chain by hand", typed as it stands there: real processes, real CometBFT, a terminal a block.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use abci_app::conformance::OUT_OF_ORDER;
use abci_app::operator::programs;
use rand::Rng as _;

use crate::bauta::repository;

/// What a reader types into one terminal.
struct Block {
    /// Whether the terminal stays occupied.
    stays: bool,
    commands: String,
}

/// The shell blocks of a section, in order.
fn blocks(text: &str, heading: &str) -> Vec<Block> {
    let section = text.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let mut blocks = Vec::new();
    let mut lines = section.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```sh") else { continue };
        let commands: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(Block { stays: info.trim() == "stays", commands: commands.join("\n") });
    }
    blocks
}

/// A desk with terminals: a home of its own, the programs on PATH, and ports that nobody else has.
struct Desk {
    home: tempfile::TempDir,
    path: std::ffi::OsString,
    ports: [u16; 3],
    occupied: Vec<(String, Child)>,
}

impl Desk {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(repository("data"), home.path().join("data")).unwrap();
        let bauta = Path::new(env!("CARGO_BIN_EXE_bauta")).parent().unwrap().to_owned();
        assert!(bauta.join("bautad").exists(), "bautad is not built; run the tests of the whole workspace");
        let cometbft = programs::cometbft(|line| eprintln!("{line}")).unwrap();
        let folders: Vec<PathBuf> = [bauta, cometbft.parent().unwrap().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap()))
            .collect();
        let first = free_ports(3);
        let ports = [first, first + 1, first + 2];
        Self { home, path: std::env::join_paths(folders).unwrap(), ports, occupied: Vec::new() }
    }

    /// A shell in which a block is typed; only the ports differ from what the README shows.
    fn shell(&self, commands: &str) -> Command {
        use std::os::unix::process::CommandExt as _;
        let [app, rpc, p2p] = self.ports;
        let mut shell = Command::new("sh");
        shell
            .args(["-euc", commands])
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", &self.path)
            .env("BAUTAD_LISTEN", format!("127.0.0.1:{app}"))
            .env("CMT_PROXY_APP", format!("tcp://127.0.0.1:{app}"))
            .env("CMT_RPC_LADDR", format!("tcp://127.0.0.1:{rpc}"))
            .env("CMT_P2P_LADDR", format!("tcp://127.0.0.1:{p2p}"))
            .env("BAUTA_NODE", format!("http://127.0.0.1:{rpc}"))
            .current_dir(self.home.path())
            .process_group(0)
            .stdin(Stdio::null());
        shell
    }

    fn stay(&mut self, commands: &str) {
        let log = self.home.path().join(format!("terminal-{}.log", self.occupied.len()));
        let file = std::fs::File::create(log).unwrap();
        let child = self.shell(commands).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        self.occupied.push((commands.to_owned(), child));
    }

    /// A person goes on to the engine when the node says that it waits for it.
    fn wait_for_the_application(&self) {
        for _ in 0..600 {
            if std::net::TcpStream::connect(("127.0.0.1", self.ports[0])).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the node does not listen\n{}", self.logs());
    }

    fn run(&self, commands: &str) -> String {
        // Nothing that is typed here takes so long, unless it waits for what never comes.
        let limited = format!("timeout 300 sh -eu <<'TYPED'\n{commands}\nTYPED\n");
        let output: Output = self.shell(&limited).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(output.status.success(), "$ {commands}\n{said}\n{}", self.logs());
        said
    }

    /// A person looks whether the node is there before going on.
    fn wait_for_the_node(&self) {
        for _ in 0..600 {
            if self.shell("bauta status").output().unwrap().status.success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the node did not come up\n{}", self.logs());
    }

    /// Whether any terminal shows this.
    fn said_anywhere(&self, what: &str) -> bool {
        let said = |index| std::fs::read_to_string(self.home.path().join(format!("terminal-{index}.log"))).unwrap();
        (0..self.occupied.len()).any(|index| said(index).contains(what))
    }

    fn logs(&self) -> String {
        (0..self.occupied.len())
            .map(|index| {
                let log = std::fs::read_to_string(self.home.path().join(format!("terminal-{index}.log"))).unwrap();
                let last: Vec<&str> = log.lines().rev().take(15).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                format!("--- {}\n{}\n", self.occupied[index].0, last.join("\n"))
            })
            .collect()
    }
}

/// The first of so many ports that nobody listens on. They are below those that the system gives to outgoing connections: one of these may
/// be taken by anybody before it is listened on.
fn free_ports(count: u16) -> u16 {
    let is_free = |port| TcpListener::bind(("0.0.0.0", port)).is_ok();
    (0..100)
        .map(|_| rand::rngs::OsRng.gen_range(10_000..32_000))
        .find(|&first| (first..first + count).all(is_free))
        .expect("there are free ports")
}

impl Drop for Desk {
    fn drop(&mut self) {
        for (_, child) in &mut self.occupied {
            // The shell and what it started.
            let _ =
                Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_chain_by_hand_goes_as_the_readme_says() {
    let readme = std::fs::read_to_string(repository("README.md")).unwrap();
    let blocks = blocks(&readme, "## A chain by hand");
    assert_eq!(blocks.iter().filter(|block| block.stays).count(), 5, "node, engine, three providers");
    let mut desk = Desk::new();
    let mut said = String::new();
    for block in &blocks {
        if block.stays {
            desk.stay(&block.commands);
            desk.wait_for_the_application();
        } else {
            desk.wait_for_the_node();
            said.push_str(&desk.run(&block.commands));
        }
    }
    assert!(said.contains("task 1 is finished after 5 finished rounds"), "{said}\n{}", desk.logs());
    assert!(said.contains("round   5  finished  3 of 3 updates"), "{said}");
    assert!(desk.home.path().join("model.safetensors").exists());
    // The model that was fetched is the one with which the last round ended.
    let watched = desk.run("bauta task watch 1 --since 5 --output json");
    let round: serde_json::Value = serde_json::from_str(watched.lines().next().unwrap()).unwrap();
    assert_eq!(round["round"], 5, "{watched}");
    assert!(said.contains(round["model_hash"].as_str().unwrap()), "{said}\n{watched}");
    // The providers leave by themselves, and without an error.
    for (commands, child) in desk.occupied.iter_mut().skip(2) {
        let status = child.wait().unwrap();
        assert!(status.success(), "$ {commands}: {status}");
    }
    // SIGTERM stops the engine, then the node between two blocks; started again they go on.
    let height = |desk: &Desk| {
        let status: serde_json::Value = serde_json::from_str(&desk.run("bautad status --output json")).unwrap();
        assert_eq!(status["running"], true);
        status["height"].as_u64().unwrap()
    };
    let before = height(&desk);
    for (_, child) in desk.occupied.iter_mut().take(2).rev() {
        let group = format!("-{}", child.id());
        Command::new("kill").args(["-TERM", "--", &group]).status().unwrap();
        child.wait().unwrap();
        // The shell goes at once; the program behind it when its commit is done.
        let is_there = || Command::new("kill").args(["-0", "--", &group]).stderr(Stdio::null()).status().unwrap();
        while is_there().success() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    desk.stay("bautad start");
    desk.wait_for_the_application();
    desk.stay("cometbft start --home ~/.bautad");
    desk.wait_for_the_node();
    assert!(height(&desk) >= before);
    assert!(!desk.said_anywhere(OUT_OF_ORDER), "{}", desk.logs());
}

#[test]
fn the_script_of_a_testnet_starts_every_validator_and_stops_no_one_else() {
    let desk = Desk::new();
    // Further nodes have ports ten higher each.
    let first = free_ports(23);
    desk.run(&format!("bautad testnet --validators 3 --block-ms 300 --out testnet --first-port {first}"));
    let said = desk.run(&format!(
        "unset BAUTAD_LISTEN CMT_PROXY_APP CMT_RPC_LADDR CMT_P2P_LADDR
         testnet/start.sh & script=$!
         trap 'kill $script 2>/dev/null || true' EXIT
         tries=0
         until bauta status --node http://127.0.0.1:{} --output json | grep '\"height\": [1-9]'; do
             tries=$((tries + 1)); test $tries -lt 120; sleep 0.5
         done
         for node in testnet/node*; do bautad status --home $node >/dev/null; done
         kill -TERM $script; wait $script || true
         echo survived
         for node in testnet/node*; do bautad status --home $node || true; done",
        first + 21
    ));
    let (_, after) = said.split_once("survived").unwrap_or_else(|| panic!("{said}"));
    assert_eq!(after.matches("the node is stopped").count(), 3, "{said}");
    for node in ["node0", "node1", "node2"] {
        let log = std::fs::read_to_string(desk.home.path().join("testnet").join(node).join("bautad.log")).unwrap();
        assert!(log.contains("an engine has connected") && !log.contains(OUT_OF_ORDER), "{log}");
    }
}
