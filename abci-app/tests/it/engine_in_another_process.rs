//! The door that CometBFT comes through, over TCP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use abci_app::abci::Server;
use abci_app::conformance::{Watch, OUT_OF_ORDER};
use abci_app::genesis::{GenesisBuilder, GenesisDoc};
use abci_app::{Node, NodeConfig};
use prost::Message as _;
use tendermint_abci::ClientBuilder;
use tendermint_proto::v0_38::abci::{
    request, response, Request, RequestCheckTx, RequestCommit, RequestEcho, RequestInfo, RequestPrepareProposal,
    RequestProcessProposal, Response,
};

use crate::chain::{block, genesis, send, Draft};

/// Bytes that the client reads at a time.
const WINDOW: usize = 128 * 1024;

/// A node behind a server that takes requests of at most so many bytes.
fn server(max_request: usize) -> (Watch, SocketAddr) {
    let (service, watch) = Node::open(NodeConfig::default()).unwrap().watched();
    let server = Server::bind("127.0.0.1:0", service).unwrap().with_max_request(max_request);
    let address = server.local_addr().unwrap();
    // The thread ends with the process.
    std::thread::spawn(move || drop(server.listen()));
    (watch, address)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Reads one answer, and nothing beyond it.
fn read(stream: &mut TcpStream) -> Response {
    let mut length = 0usize;
    for shift in (0..).step_by(7) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        length |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Response::decode(body.as_slice()).unwrap()
}

fn ask(stream: &mut TcpStream, value: request::Value) -> response::Value {
    stream.write_all(&Request { value: Some(value) }.encode_length_delimited_to_vec()).unwrap();
    read(stream).value.unwrap()
}

fn exception(response: Response) -> String {
    match response.value {
        Some(response::Value::Exception(exception)) => exception.error,
        other => panic!("no exception but {other:?}"),
    }
}

/// Both directions are closed by the other end.
fn has_ended(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0]), Ok(0))
}

#[test]
fn a_block_of_twenty_mebibytes_gets_a_defined_answer_over_tcp() {
    let (mut accounts, builder) = genesis(2);
    let (_watch, address) = server(abci_app::abci::MAX_REQUEST);
    let mut client = ClientBuilder::new(WINDOW).connect(address).unwrap();

    assert_eq!(client.info(RequestInfo::default()).unwrap().last_block_height, 0);
    let doc = GenesisDoc::read(&builder.build()).unwrap();
    client.init_chain(doc.init_chain().unwrap()).unwrap();
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let good = accounts[0].tx(Draft::new(vec![send(&from, &to, 3)]));
    assert_eq!(client.check_tx(RequestCheckTx { tx: good.clone().into(), r#type: 0 }).unwrap().code, 0);

    let mut txs = vec![good];
    txs.extend((0..20).map(|n| vec![n; 1 << 20]));
    let proposal = RequestProcessProposal { txs: block(1, &txs).txs, height: 1, ..Default::default() };
    let response::Value::ProcessProposal(answer) =
        ask(&mut connect(address), request::Value::ProcessProposal(proposal))
    else {
        panic!("another answer")
    };
    assert_eq!(answer.status, 2, "a correct proposer makes no such block");
    // Decided all the same, it is executed: what is no transaction fails, the others do not.
    let answer = client.finalize_block(block(1, &txs)).unwrap();
    let codes: Vec<u32> = answer.tx_results.iter().map(|result| result.code).collect();
    assert_eq!(codes[0], 0);
    assert!(codes[1..].iter().all(|code| *code == 2));
    client.commit().unwrap();
    assert_eq!(client.info(RequestInfo::default()).unwrap().last_block_app_hash, answer.app_hash);
}

#[test]
fn a_request_longer_than_allowed_is_refused_before_it_is_sent() {
    let (_watch, address) = server(1_000);
    let mut stream = connect(address);
    let longest = RequestEcho { message: "l".repeat(1_000 - 6) };
    assert_eq!(Request { value: Some(request::Value::Echo(longest.clone())) }.encoded_len(), 1_000);
    assert!(matches!(ask(&mut stream, request::Value::Echo(longest)), response::Value::Echo(_)));
    // Its length alone, and nothing behind it.
    stream.write_all(&[0xe9, 0x07]).unwrap();
    let said = exception(read(&mut stream));
    assert_eq!(said, "a request of 1001 bytes is announced, at most 1000 are allowed");
    assert!(has_ended(&mut stream));
    // Others are still answered.
    let mut other = connect(address);
    assert!(matches!(ask(&mut other, request::Value::Info(RequestInfo::default())), response::Value::Info(_)));
}

#[test]
fn who_speaks_another_protocol_is_told_so_and_sent_away() {
    let (_watch, address) = server(1_000);
    let mut stream = connect(address);
    // `G` is the length 71.
    stream.write_all(format!("GET / HTTP/1.1\r\n{}\r\n\r\n", "h".repeat(100)).as_bytes()).unwrap();
    assert!(exception(read(&mut stream)).starts_with("this is no request: "));
    let mut stream = connect(address);
    stream.write_all(&[0xff; 10]).unwrap();
    assert_eq!(exception(read(&mut stream)), "what precedes the request is no length");
    assert!(has_ended(&mut stream));
}

#[test]
fn a_kind_of_request_that_is_not_known_gets_an_exception_and_the_connection_lives_on() {
    let (_watch, address) = server(1_000);
    let mut stream = connect(address);
    // No kind at all, and a field that a later CometBFT may have.
    for unknown in [&[0][..], &[4, 0x9a, 0x03, 0x01, 0x07]] {
        stream.write_all(unknown).unwrap();
        assert_eq!(exception(read(&mut stream)), "this application does not know that kind of request");
    }
    assert!(matches!(ask(&mut stream, request::Value::Info(RequestInfo::default())), response::Value::Info(_)));
}

/// `bautad start` on a folder of its own.
struct Bautad {
    child: Child,
    address: SocketAddr,
    said: BufReader<std::process::ChildStderr>,
    _folder: tempfile::TempDir,
}

impl Bautad {
    fn start() -> Self {
        Self::logging("info")
    }

    fn logging(filter: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("config")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_bautad"))
            .args(["start", "--listen", "127.0.0.1:0", "--log", filter, "--home"])
            .arg(folder.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("waiting for CometBFT") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "bautad has ended");
        }
        let address = line.split_whitespace().find_map(|word| word.strip_prefix("address=")).unwrap();
        Self { address: address.parse().unwrap(), child, said, _folder: folder }
    }

    /// The most memory that it had at once, in MiB.
    fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
    }

    /// What it ends with, and the rest of what it says.
    fn ends(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Bautad {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn begin(stream: &mut TcpStream, builder: GenesisBuilder) {
    ask(stream, request::Value::Info(RequestInfo::default()));
    let doc = GenesisDoc::read(&builder.build()).unwrap();
    let begun = ask(stream, request::Value::InitChain(doc.init_chain().unwrap()));
    assert!(matches!(begun, response::Value::InitChain(_)));
}

#[test]
fn a_call_out_of_order_is_logged_and_stops_the_process_where_an_answer_could_only_fork() {
    let (_, builder) = genesis(1);
    let bautad = Bautad::start();
    let mut stream = connect(bautad.address);
    begin(&mut stream, builder);
    stream
        .write_all(&Request { value: Some(request::Value::Commit(RequestCommit {})) }.encode_length_delimited_to_vec())
        .unwrap();
    assert!(has_ended(&mut stream), "there is no answer");
    let (code, said) = bautad.ends();
    assert_eq!(code, Some(70), "{said}");
    assert!(said.contains(OUT_OF_ORDER) && said.contains("after Info, InitChain"), "{said}");
    assert!(said.contains("Commit without a block that was executed"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn what_a_block_did_is_logged_to_who_asks_for_more_than_usual() {
    let said = |filter: &str| {
        let (mut accounts, builder) = genesis(2);
        let bautad = Bautad::logging(filter);
        let mut stream = connect(bautad.address);
        begin(&mut stream, builder);
        let (from, to) = (accounts[0].address(), accounts[1].address());
        let good = accounts[0].tx(Draft::new(vec![send(&from, &to, 3)]));
        ask(&mut stream, request::Value::CheckTx(RequestCheckTx { tx: b"none".to_vec().into(), r#type: 0 }));
        ask(&mut stream, request::Value::FinalizeBlock(block(1, &[good])));
        ask(&mut stream, request::Value::Commit(RequestCommit {}));
        // It ends over a second commit, which it logs as an error.
        let again = Request { value: Some(request::Value::Commit(RequestCommit {})) };
        stream.write_all(&again.encode_length_delimited_to_vec()).unwrap();
        assert!(has_ended(&mut stream));
        bautad.ends().1
    };
    let more = said("info,abci_app::app=debug");
    for line in ["executed a block", "txs=1", "failed=0", "committed a block", "the mempool refuses a transaction"] {
        assert!(more.contains(line), "{line}: {more}");
    }
    let usual = said("info");
    assert!(!usual.contains("executed a block") && usual.contains("a call failed"), "{usual}");
}

#[test]
fn large_blocks_and_a_full_mempool_take_bounded_time_and_memory() {
    let (mut accounts, builder) = genesis(2);
    let bautad = Bautad::start();
    let mut stream = connect(bautad.address);
    begin(&mut stream, builder);
    let before = bautad.peak_mib();
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let good = accounts[0].tx(Draft::new(vec![send(&from, &to, 3)]));

    // A mempool of 100 MiB, of which one transaction is good.
    let mut offered: Vec<Vec<u8>> = (0..1_600u32).map(|n| n.to_be_bytes().repeat(1 << 14)).collect();
    offered.push(good.clone());
    let begun = Instant::now();
    let request = RequestPrepareProposal {
        txs: block(1, &offered).txs,
        max_tx_bytes: 100 << 20,
        height: 1,
        ..Default::default()
    };
    let response::Value::PrepareProposal(proposal) = ask(&mut stream, request::Value::PrepareProposal(request)) else {
        panic!("another answer")
    };
    assert_eq!(proposal.txs, [good]);
    // A decided block of 20 MiB, five times: an engine that comes back replays it.
    for _ in 0..5 {
        ask(&mut stream, request::Value::Info(RequestInfo::default()));
        let mut txs = offered[..320].to_vec();
        txs.push(offered[1_600].clone());
        let executed = ask(&mut stream, request::Value::FinalizeBlock(block(1, &txs)));
        let response::Value::FinalizeBlock(executed) = executed else { panic!("another answer") };
        assert_eq!(executed.tx_results.len(), txs.len());
        assert_eq!(executed.tx_results[320].code, 0);
    }
    assert!(matches!(ask(&mut stream, request::Value::Commit(RequestCommit {})), response::Value::Commit(_)));
    let (seconds, grown) = (begun.elapsed().as_secs(), bautad.peak_mib() - before);
    assert!(seconds < 60, "{seconds} seconds");
    // The longest request once, and what is made of a transaction at a time.
    assert!(grown < 180, "{grown} MiB");
}

/// The same life of a chain through any server of the protocol: what it answers, in order.
fn answers(address: SocketAddr) -> Vec<Vec<u8>> {
    let (mut accounts, builder) = genesis(2);
    let mut client = ClientBuilder::new(WINDOW).connect(address).unwrap();
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let good = accounts[0].tx(Draft::new(vec![send(&from, &to, 3)]));
    let doc = GenesisDoc::read(&builder.build()).unwrap();
    let offered = RequestPrepareProposal {
        txs: vec![good.clone().into()],
        max_tx_bytes: 1 << 20,
        height: 1,
        ..Default::default()
    };
    let proposal = RequestProcessProposal { txs: vec![good.clone().into()], height: 1, ..Default::default() };
    // Of what the library's client has no method for.
    let other = |value| Response { value: Some(ask(&mut connect(address), value)) }.encode_to_vec();
    vec![
        client.echo(RequestEcho { message: "x".into() }).unwrap().encode_to_vec(),
        client.info(RequestInfo::default()).unwrap().encode_to_vec(),
        client.init_chain(doc.init_chain().unwrap()).unwrap().encode_to_vec(),
        client.check_tx(RequestCheckTx { tx: good.clone().into(), r#type: 0 }).unwrap().encode_to_vec(),
        client.check_tx(RequestCheckTx { tx: b"none".to_vec().into(), r#type: 0 }).unwrap().encode_to_vec(),
        other(request::Value::PrepareProposal(offered)),
        other(request::Value::ProcessProposal(proposal)),
        client.finalize_block(block(1, &[good])).unwrap().encode_to_vec(),
        client.commit().unwrap().encode_to_vec(),
        client.info(RequestInfo::default()).unwrap().encode_to_vec(),
    ]
}

#[test]
fn the_servers_of_the_library_and_of_the_node_answer_alike() {
    let (service, _watch) = Node::open(NodeConfig::default()).unwrap().watched();
    let library = abci_app::abci::Application(service);
    let library = tendermint_abci::ServerBuilder::new(WINDOW).bind("127.0.0.1:0", library).unwrap();
    let address: SocketAddr = library.local_addr().parse().unwrap();
    std::thread::spawn(move || drop(library.listen()));
    let (_ours, ours) = server(abci_app::abci::MAX_REQUEST);
    assert_eq!(answers(address), answers(ours));
}
