//! A way to a node that can be closed: an outage.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub struct Gate {
    pub url: String,
    is_open: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Gate {
    /// A closed gate before a node.
    pub fn before(node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let node = node.trim_start_matches("http://").to_owned();
        let (is_open, streams) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let gate = Self { url, is_open: Arc::clone(&is_open), streams: Arc::clone(&streams) };
        // The threads end with the process.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if !is_open.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(&node) else { continue };
                let clone = |stream: &TcpStream| stream.try_clone().unwrap();
                streams.lock().unwrap().extend([clone(&near), clone(&far)]);
                let (to, from) = (clone(&far), clone(&near));
                std::thread::spawn(move || pass(from, to));
                std::thread::spawn(move || pass(far, near));
            }
        });
        gate
    }

    pub fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }

    /// Closes it, with everything that goes through.
    pub fn close(&self) {
        self.is_open.store(false, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0u8; 8192];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
