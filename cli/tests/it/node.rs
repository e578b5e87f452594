//! A node in this process behind HTTP: the embedded engine, and just enough of a server for one client after the other.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use abci_app::coin::Coins;
use abci_app::conformance::Watch;
use abci_app::genesis::GenesisBuilder;
use abci_app::node::{Node as Inner, NodeConfig};
use abci_app::sequencer::{BlockTime, EmbeddedClient, Engine, EngineConfig, Pacing};
use serde_json::json;

pub struct Node {
    pub url: String,
    // The engine first: the node owns the folder of the contracts' codes.
    _engine: Engine,
    _node: Inner,
    _watch: Watch,
}

impl Node {
    /// A chain on which the first of these addresses is the authority, and each has a thousand million.
    pub fn start(addresses: &[&str]) -> Self {
        let key = EngineConfig::public_key(&[7; 32]);
        let authority = addresses.first().copied().unwrap_or_default();
        let mut genesis = GenesisBuilder::new("bauta-1").validator(&key, 10, None);
        for address in addresses {
            genesis = genesis.account(address, &Coins::one("ubauta", 1_000_000_000));
        }
        let genesis = genesis.part("training", json!({ "params": { "authority": authority } })).build();
        let node = Inner::open(NodeConfig::default()).unwrap();
        let mut config = EngineConfig::new(genesis);
        config.pacing = Pacing::Interval(Duration::from_millis(150));
        // Clients compare the time of headers with their own.
        config.time = BlockTime::Machine;
        let (service, watch) = node.watched();
        let engine = Engine::start(service, config).unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = engine.client();
        // The threads end with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let client = client.clone();
                std::thread::spawn(move || serve(stream, &client));
            }
        });
        Self { url, _engine: engine, _node: node, _watch: watch }
    }
}

fn serve(mut stream: TcpStream, client: &EmbeddedClient) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    // Requests come one after the other on a connection that is kept.
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let answer = runtime.block_on(client.call_json(&String::from_utf8_lossy(&body)));
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", answer.len());
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes())).is_err() {
            return;
        }
    }
}
