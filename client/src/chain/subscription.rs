//! New blocks announced over a websocket.
//!
//! An announcement is a bell and nothing more: what the last block is, the node is asked as ever. So a bell that rings falsely, or not
//! at all, costs time and no correctness; while no websocket stands, the node is asked again and again.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{connect_async, MaybeTlsStream, WebSocketStream};

use super::{ChainError, Pace, Rpc};

/// Waits for blocks by subscription, with polling to fall back on.
pub struct Subscribed {
    rpc: Arc<dyn Rpc>,
    urls: Vec<String>,
    listener: OnceLock<Listener>,
    interval: Duration,
    patience: Duration,
}

/// The task that holds the websocket.
struct Listener {
    bell: watch::Receiver<Bell>,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How often a block was announced, and whether a websocket stands.
#[derive(Clone, Copy, Default)]
struct Bell {
    rung: u64,
    is_connected: bool,
}

/// How long an announcement is waited for before the node is asked all the same.
const SILENCE: Duration = Duration::from_secs(5);
/// The first and the longest pause before a websocket is tried again.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// How long a websocket may take to stand.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a websocket may be silent.
const GONE: Duration = Duration::from_secs(90);

impl Subscribed {
    /// Subscribes to the nodes behind these RPC addresses, one at a time; those that are no HTTP addresses are left out. Nothing is
    /// connected before somebody waits.
    #[must_use]
    pub fn new(rpc: Arc<dyn Rpc>, urls: &[String]) -> Self {
        let urls = urls.iter().filter_map(|url| websocket_of(url)).collect();
        Self::with(rpc, urls, Duration::from_millis(250), Duration::from_secs(300))
    }

    fn with(rpc: Arc<dyn Rpc>, urls: Vec<String>, interval: Duration, patience: Duration) -> Self {
        Self { rpc, urls, listener: OnceLock::new(), interval, patience }
    }

    /// The bell; within a runtime.
    fn bell(&self) -> watch::Receiver<Bell> {
        let listener = self.listener.get_or_init(|| {
            let (ring, bell) = watch::channel(Bell::default());
            Listener { bell, task: tokio::spawn(listen(self.urls.clone(), ring)) }
        });
        listener.bell.clone()
    }
}

#[async_trait]
impl Pace for Subscribed {
    async fn wait_past(&self, height: u64) -> Result<u64, ChainError> {
        let mut bell = self.bell();
        // Blocks of other nodes ring as well, so that pauses are shorter than they are meant to be.
        let mut silent_since = None;
        let mut pause = self.interval;
        loop {
            // Before the question: what is announced meanwhile is heard.
            let is_connected = bell.borrow_and_update().is_connected;
            match self.rpc.status().await {
                Ok(status) => {
                    let last = status.sync_info.latest_block_height.value();
                    if last > height {
                        return Ok(last);
                    }
                    silent_since = None;
                    pause = if is_connected { SILENCE } else { self.interval };
                }
                Err(error) => {
                    if silent_since.get_or_insert_with(Instant::now).elapsed() > self.patience {
                        return Err(error);
                    }
                    pause = (pause * 2).clamp(self.interval, Duration::from_secs(10));
                }
            }
            // Not the end of the listener: without urls there is none, and its bell never rings.
            let rung = async {
                if bell.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// Keeps a websocket to one of the nodes, for ever.
async fn listen(urls: Vec<String>, ring: watch::Sender<Bell>) {
    let mut pause = RECONNECT.0;
    for url in urls.iter().cycle() {
        match tokio::time::timeout(HANDSHAKE, subscribe(url)).await {
            Ok(Ok(mut socket)) => {
                pause = RECONNECT.0;
                // Nodes ping twice a minute; who says nothing for longer is gone. Pings are answered while the next message is awaited.
                while let Ok(Some(Ok(message))) = tokio::time::timeout(GONE, socket.next()).await {
                    if message.is_text() {
                        ring.send_modify(|bell| *bell = Bell { rung: bell.rung.wrapping_add(1), is_connected: true });
                    }
                }
                ring.send_modify(|bell| bell.is_connected = false);
                tracing::debug!("the websocket for new blocks has closed; polling until another stands");
            }
            Ok(Err(error)) => tracing::debug!(%error, "no websocket for new blocks; polling"),
            Err(_) => tracing::debug!("no websocket for new blocks in time; polling"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RECONNECT.1);
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Subscribes to headers, not blocks: a block of chunks has many megabytes.
async fn subscribe(url: &str) -> Result<Socket, Error> {
    const REQUEST: &str =
        r#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"query":"tm.event = 'NewBlockHeader'"}}"#;
    let (mut socket, _) = connect_async(url).await?;
    socket.send(Message::Text(REQUEST.to_owned())).await?;
    Ok(socket)
}

/// The websocket of the node behind an RPC address.
fn websocket_of(url: &str) -> Option<String> {
    let url = url.trim_end_matches('/');
    let rest = url.strip_prefix("http").filter(|rest| rest.starts_with("://") || rest.starts_with("s://"))?;
    Some(format!("ws{rest}/websocket"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_nodes_websocket_is_beside_its_rpc() {
        assert_eq!(websocket_of("http://127.0.0.1:26657").unwrap(), "ws://127.0.0.1:26657/websocket");
        assert_eq!(websocket_of("https://a.example/rpc/").unwrap(), "wss://a.example/rpc/websocket");
        assert!(websocket_of("tcp://127.0.0.1:26657").is_none());
    }
}
