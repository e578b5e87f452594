//! Where an engine connects: a TCP port, or a socket in the file system, which only the node's user can open.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// What an address of a socket in the file system begins with, as in CometBFT's `proxy_app`.
const UNIX: &str = "unix://";
/// What an address of a port may begin with.
const TCP: &str = "tcp://";
/// Who may connect to a socket in the file system.
const OWNER_ONLY: u32 = 0o600;

/// A socket that is bound.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Binds `unix:///FOLDER/NAME`, `tcp://HOST:PORT` or `HOST:PORT`.
    pub(super) fn bind(address: &str) -> io::Result<Self> {
        if let Some(path) = address.strip_prefix(UNIX) {
            let path = PathBuf::from(path);
            remove_if_left(&path)?;
            let listener = UnixListener::bind(&path)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(OWNER_ONLY))?;
            return Ok(Self::Unix(listener, path));
        }
        Ok(Self::Tcp(TcpListener::bind(address.strip_prefix(TCP).unwrap_or(address))?))
    }

    /// The address: `HOST:PORT`, or as it was given.
    pub(super) fn address(&self) -> io::Result<String> {
        match self {
            Self::Tcp(listener) => Ok(listener.local_addr()?.to_string()),
            Self::Unix(_, path) => Ok(format!("{UNIX}{}", path.display())),
        }
    }

    /// The port.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr(),
            Self::Unix(..) => Err(io::Error::new(io::ErrorKind::Unsupported, "it listens on no port")),
        }
    }

    /// Waits for who connects next; the stream, and what it is called in the log.
    pub(super) fn accept(&self) -> io::Result<(Stream, String)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                // Answers are waited for, and small.
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), peer.to_string()))
            }
            Self::Unix(listener, path) => Ok((Stream::Unix(listener.accept()?.0), path.display().to_string())),
        }
    }
}

/// Removes a socket to which nobody listens any more: a node that was killed leaves its own. Anything else is left, and is in the way.
fn remove_if_left(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
            _ => Ok(()),
        },
        // Binding says what is wrong.
        _ => Ok(()),
    }
}

/// A connection.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// The same connection, to be read while it is written to.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
        })
    }

    /// Ends it in both directions; it may have ended already.
    pub(super) fn end(&self) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            Self::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(from),
            Self::Unix(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Unix(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &Path) -> String {
        format!("{UNIX}{}", path.display())
    }

    #[test]
    fn a_socket_in_the_file_system_is_its_owners_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("abci.sock");
        let listener = Listener::bind(&at(&path)).expect("it is bound");
        assert_eq!(listener.address().expect("an address"), at(&path));
        assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, OWNER_ONLY);
        assert!(listener.local_addr().is_err());
    }

    #[test]
    fn a_socket_that_a_killed_node_left_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("abci.sock");
        drop(Listener::bind(&at(&path)).expect("it is bound"));
        assert!(path.exists(), "it is left");
        Listener::bind(&at(&path)).expect("it is bound again");
    }

    #[test]
    fn a_node_that_listens_and_files_of_others_are_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let (taken, file) = (folder.path().join("abci.sock"), folder.path().join("notes"));
        let _listens = Listener::bind(&at(&taken)).expect("it is bound");
        std::fs::write(&file, "mine").expect("a file");
        for path in [&taken, &file] {
            let error = Listener::bind(&at(path)).err().expect("it is taken");
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{}", path.display());
        }
        assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "mine");
        assert!(UnixStream::connect(&taken).is_ok());
    }
}
