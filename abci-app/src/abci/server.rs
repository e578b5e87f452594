//! The door for an engine in another process: CometBFT's socket protocol over TCP or a socket in the file system (CometBFT v0.38,
//! abci/server/socket_server.go).
//!
//! A message is preceded by its length as a varint. An engine opens several connections, and gets its answers on each in the order of its
//! requests. What is no request, or longer than any that CometBFT sends, gets an exception for an answer and the connection ends: that is
//! somebody else, or an engine that is set up for more than this node bears. A call that cannot be answered without a fork stops the
//! process.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::{io, thread};

use prost::bytes::Bytes;
use prost::Message as _;
use tendermint_proto::v0_38::abci::{Request, Response};
use thiserror::Error;

use super::socket::{Listener, Stream};
use super::{dispatch, exception, AbciService};
use crate::app::AppError;

/// The longest request, in bytes. When a block is made, CometBFT offers its whole mempool, for which `bautad init` allows 1 GiB
/// and 20,000 transactions; each adds its tag and length.
pub const MAX_REQUEST: usize = (1 << 30) + (16 << 20);

/// Bytes that are read at a time.
const WINDOW: usize = 128 * 1024;

/// What the process ends with when it cannot answer (sysexits.h, `EX_SOFTWARE`).
const CANNOT_ANSWER: i32 = 70;

/// Why a connection ends.
#[derive(Debug, Error)]
enum Ended {
    #[error(transparent)]
    Broken(#[from] io::Error),
    #[error("a request of {length} bytes is announced, at most {max} are allowed")]
    TooLong { length: u64, max: usize },
    #[error("what precedes the request is no length")]
    NoLength,
    #[error("this is no request: {0}")]
    NoRequest(#[from] prost::DecodeError),
    #[error("there is no memory for a request of {0} bytes")]
    NoMemory(u64),
}

/// The server. It is bound, and answers nobody until it listens.
pub struct Server {
    listener: Listener,
    service: Arc<dyn AbciService>,
    max_request: usize,
}

impl Server {
    /// Binds it to an address such as `127.0.0.1:26658`, `tcp://127.0.0.1:26658` or `unix:///run/bauta/abci.sock`. A socket that a killed
    /// node left in the file system is replaced; only its owner can connect to it.
    ///
    /// # Errors
    /// When the address is none, or taken.
    pub fn bind(address: &str, service: Arc<dyn AbciService>) -> io::Result<Self> {
        Ok(Self { listener: Listener::bind(address)?, service, max_request: MAX_REQUEST })
    }

    /// The same server with another limit for requests, in bytes.
    #[must_use]
    pub fn with_max_request(self, max_request: usize) -> Self {
        Self { max_request, ..self }
    }

    /// Where it listens: `HOST:PORT`, or as it was given.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<String> {
        self.listener.address()
    }

    /// The port on which it listens.
    ///
    /// # Errors
    /// When it listens on none, or the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers whoever connects, each on a thread of its own.
    ///
    /// # Errors
    /// When nobody can connect any more.
    pub fn listen(self) -> io::Result<()> {
        loop {
            let (stream, peer) = match self.listener.accept() {
                Ok(accepted) => accepted,
                // Who gave up waiting to be accepted is no reason to send the others away.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            let (service, max_request) = (Arc::clone(&self.service), self.max_request);
            let answers = move || {
                tracing::info!(%peer, "an engine has connected");
                match serve(stream, service.as_ref(), max_request) {
                    Ok(()) => tracing::info!(%peer, "an engine has left"),
                    Err(error) => tracing::warn!(%peer, %error, "a connection has ended"),
                }
            };
            // The stream goes with the thread that was not made, which the engine notices.
            if let Err(error) = thread::Builder::new().name("abci".into()).spawn(answers) {
                tracing::error!(%error, "the system gives no thread for a connection");
            }
        }
    }
}

/// Answers a connection until its other end closes it.
fn serve(mut stream: Stream, service: &dyn AbciService, max_request: usize) -> Result<(), Ended> {
    let mut input = BufReader::with_capacity(WINDOW, stream.try_clone()?);
    loop {
        let request = match read(&mut input, max_request) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(Ended::Broken(error)) => return Err(error.into()),
            Err(refused) => {
                // It may be gone already, and is told nothing then.
                let _ = stream.write_all(&exception(&refused.to_string()).encode_length_delimited_to_vec());
                stream.end();
                return Err(refused);
            }
        };
        stream.write_all(&answer_or_stop(service, request).encode_length_delimited_to_vec())?;
    }
}

/// The next request; `None` when there are no more.
fn read(input: &mut impl BufRead, max_request: usize) -> Result<Option<Request>, Ended> {
    let Some(length) = read_length(input)? else { return Ok(None) };
    let size = usize::try_from(length)
        .ok()
        .filter(|size| *size <= max_request)
        .ok_or(Ended::TooLong { length, max: max_request })?;
    let mut body = Vec::new();
    // Address space only: memory is taken as bytes arrive.
    body.try_reserve_exact(size).map_err(|_| Ended::NoMemory(length))?;
    if input.take(length).read_to_end(&mut body)? < size {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    // Transactions are parts of this one buffer, not copies.
    Ok(Some(Request::decode(Bytes::from(body))?))
}

fn read_length(input: &mut impl BufRead) -> Result<Option<u64>, Ended> {
    let mut length = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let mut byte = [0];
        if input.read(&mut byte)? == 0 {
            return if shift == 0 { Ok(None) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) };
        }
        length |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(Some(length));
        }
    }
    Err(Ended::NoLength)
}

/// Answers, or ends the process: after a panic its state cannot be trusted, and an error has no place in an answer of the consensus
/// connection.
pub(super) fn answer_or_stop(service: &dyn AbciService, request: Request) -> Response {
    match catch_unwind(AssertUnwindSafe(|| dispatch(service, request))) {
        Ok(Ok(response)) => response,
        Ok(Err(AppError::Halted(height))) => {
            tracing::info!(height, "stopping, as `halt_height` says; `bautad export` makes a genesis of the state");
            std::process::exit(0)
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "a call failed; the node stops, because it could only fork from the others");
            std::process::exit(CANNOT_ANSWER)
        }
        Err(_) => {
            tracing::error!("a call panicked; the node stops, because its state cannot be trusted");
            std::process::abort()
        }
    }
}

#[cfg(test)]
mod tests {
    use tendermint_proto::v0_38::abci::{request, RequestEcho};

    use super::*;

    fn echo(message: &str) -> Request {
        Request { value: Some(request::Value::Echo(RequestEcho { message: message.into() })) }
    }

    #[test]
    fn requests_are_read_one_after_the_other() {
        let long = "l".repeat(300);
        let bytes = [echo("a"), echo(&long), echo("")].map(|request| request.encode_length_delimited_to_vec()).concat();
        let mut input = bytes.as_slice();
        for message in ["a", &long, ""] {
            assert_eq!(read(&mut input, 1_000).expect("a request"), Some(echo(message)));
        }
        assert_eq!(read(&mut input, 1_000).expect("the end"), None);
    }

    #[test]
    fn a_request_that_is_cut_off_is_none() {
        let bytes = echo(&"l".repeat(300)).encode_length_delimited_to_vec();
        for end in 1..bytes.len() {
            let read = read(&mut &bytes[..end], 1_000);
            assert!(matches!(read, Err(Ended::Broken(_))), "{end}: {read:?}");
        }
    }

    #[test]
    fn a_length_is_checked_before_anything_is_read() {
        let bytes = echo(&"l".repeat(300)).encode_length_delimited_to_vec();
        let longest = bytes.len() - 2;
        assert!(read(&mut bytes.as_slice(), longest).expect("a request").is_some());
        let mut input = bytes.as_slice();
        assert!(matches!(read(&mut input, longest - 1), Err(Ended::TooLong { .. })));
        assert_eq!(input.len(), longest, "nothing of it was read");
        assert!(matches!(read(&mut [0xff; 20].as_slice(), longest), Err(Ended::NoLength)));
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert!(matches!(read(&mut most.as_slice(), longest), Err(Ended::TooLong { length: u64::MAX, .. })));
    }

    #[test]
    fn the_mempool_of_a_node_fits_into_a_request() {
        let options = crate::operator::EngineOptions::new("node");
        let config: toml::Table = toml::from_str(&options.file()).expect("TOML");
        let of = |key: &str| usize::try_from(config["mempool"][key].as_integer().expect(key)).expect(key);
        // A tag and a length of at most four bytes for each; then what else a request has.
        assert!(of("max_txs_bytes") + of("size") * 5 + (1 << 20) <= MAX_REQUEST);
    }
}
