//! The wire between clients and a node's RPC, on which somebody listens: every transaction that is offered is kept, and an answer can be
//! made to get lost.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::Value;

/// Says of a transaction that was just handed to the node whether the node's answer gets lost.
type Loses = Box<dyn FnMut(&[u8]) -> bool + Send>;

/// A wire to a node.
pub struct Wire {
    pub url: String,
    state: Arc<State>,
}

struct State {
    node: String,
    offered: Mutex<BTreeSet<Vec<u8>>>,
    refused: Mutex<Vec<(Vec<u8>, String)>>,
    lost: Mutex<Vec<Vec<u8>>>,
    loses: Mutex<Loses>,
}

/// A connection, from the client's request to the node's answer.
#[derive(Default)]
struct Exchange {
    /// The transaction that the node is to answer to, if that is what it was asked.
    asked: Option<Vec<u8>>,
    /// What the node has answered so far.
    answer: Vec<u8>,
    is_lost: bool,
}

impl Wire {
    /// A wire to the node behind this address, on which everything arrives.
    pub fn to(node: &str) -> Self {
        Self::losing(node, |_| false)
    }

    /// A wire on which the answers to some transactions get lost.
    pub fn losing(node: &str, loses: impl FnMut(&[u8]) -> bool + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            node: node.trim_start_matches("http://").to_owned(),
            offered: Mutex::default(),
            refused: Mutex::default(),
            lost: Mutex::default(),
            loses: Mutex::new(Box::new(loses)),
        });
        let wire = Self { url, state: Arc::clone(&state) };
        // The threads end with the process.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // A node that is down does not answer here either.
                let Ok(far) = TcpStream::connect(&state.node) else { continue };
                let exchange = Arc::new(Mutex::new(Exchange::default()));
                let (there, back) = ((clone(&near), clone(&far)), (far, near));
                let (asks, answers) = (Arc::clone(&state), Arc::clone(&state));
                let (asked, answered) = (Arc::clone(&exchange), exchange);
                std::thread::spawn(move || pass(there, |bytes, rest| asks.request(&asked, bytes, rest)));
                std::thread::spawn(move || pass(back, |bytes, rest| answers.answer(&answered, bytes, rest)));
            }
        });
        wire
    }

    /// Every transaction that was offered to the node.
    pub fn offered(&self) -> BTreeSet<Vec<u8>> {
        held(&self.state.offered).clone()
    }

    /// The transactions that the node's mempool did not take, and what it said.
    pub fn refused(&self) -> Vec<(Vec<u8>, String)> {
        held(&self.state.refused).clone()
    }

    /// The transactions the answers to which got lost.
    pub fn lost(&self) -> Vec<Vec<u8>> {
        held(&self.state.lost).clone()
    }
}

impl State {
    /// Takes the whole requests out of what a client has sent; says what to pass on.
    fn request(&self, exchange: &Mutex<Exchange>, bytes: &mut Vec<u8>, is_raw: &mut bool) -> Option<Vec<u8>> {
        let head = head_of(bytes)?;
        if head.to_ascii_lowercase().contains("upgrade: websocket") {
            *is_raw = true;
            return Some(std::mem::take(bytes));
        }
        let length = length_of(&head).unwrap_or(0);
        if bytes.len() < head.len() + length {
            return None;
        }
        let rest = bytes.split_off(head.len() + length);
        let request = std::mem::replace(bytes, rest);
        let tx = broadcast(&request[head.len()..]);
        let is_lost = tx.as_ref().is_some_and(|tx| {
            held(&self.offered).insert(tx.clone());
            (held(&self.loses))(tx)
        });
        *held(exchange) = Exchange { asked: tx, answer: Vec::new(), is_lost };
        Some(request)
    }

    /// Looks at what a node answers; `None` when it gets lost, and the connection with it.
    fn answer(&self, exchange: &Mutex<Exchange>, bytes: &mut Vec<u8>, is_raw: &mut bool) -> Option<Vec<u8>> {
        let bytes = std::mem::take(bytes);
        let mut exchange = held(exchange);
        let Some(asked) = exchange.asked.clone() else { return Some(bytes) };
        if exchange.is_lost {
            held(&self.lost).push(asked);
            *is_raw = true;
            return None;
        }
        exchange.answer.extend_from_slice(&bytes);
        let said = String::from_utf8_lossy(&exchange.answer).into_owned();
        if said.contains("\"error\"") && said.trim_end().ends_with('}') {
            held(&self.refused).push((asked, said));
            exchange.asked = None;
        }
        Some(bytes)
    }
}

/// Passes bytes on until one side closes. `look` takes what may be passed out of what was read, and says when nothing more is looked at;
/// nothing passed and nothing more to look at means that the connection is cut.
fn pass((mut from, mut to): (TcpStream, TcpStream), mut look: impl FnMut(&mut Vec<u8>, &mut bool) -> Option<Vec<u8>>) {
    let (mut buffer, mut waiting, mut is_raw) = ([0u8; 16_384], Vec::new(), false);
    'open: while let Ok(count @ 1..) = from.read(&mut buffer) {
        waiting.extend_from_slice(&buffer[..count]);
        if is_raw {
            if to.write_all(&std::mem::take(&mut waiting)).is_err() {
                break;
            }
            continue;
        }
        while !waiting.is_empty() {
            match look(&mut waiting, &mut is_raw) {
                Some(bytes) if to.write_all(&bytes).is_err() => break 'open,
                Some(_) => {}
                None if is_raw => break 'open,
                None => break,
            }
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// The head of an HTTP message with the empty line after it, once it is there.
fn head_of(bytes: &[u8]) -> Option<String> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(String::from_utf8_lossy(&bytes[..end + 4]).into_owned())
}

fn length_of(head: &str) -> Option<usize> {
    head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
}

/// The transaction in a request, if it is one to broadcast.
fn broadcast(body: &[u8]) -> Option<Vec<u8>> {
    let request: Value = serde_json::from_slice(body).ok()?;
    let tx = request["params"]["tx"].as_str().filter(|_| request["method"] == "broadcast_tx_sync")?;
    STANDARD.decode(tx).ok()
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().unwrap()
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
