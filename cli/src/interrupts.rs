//! Ctrl-C.
//!
//! A prompt for a passphrase turns the terminal's echo off, and whoever ends the program there must find it on again: from the first
//! prompt on, the program does not die of the signal but takes it, and ends by itself.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Once;

/// The exit code of a program that Ctrl-C ended, as shells have it: 128 and the signal's number.
pub const EXIT_CODE: u8 = 130;

/// How many end by themselves when the program is interrupted.
static OWNERS: AtomicUsize = AtomicUsize::new(0);

/// Asks at the terminal; the prompt answers an interrupt with an error of that kind, once the terminal is as it was.
pub fn at_prompt<T>(prompt: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    are_taken();
    OWNERS.fetch_add(1, Ordering::SeqCst);
    let answer = prompt();
    if !answer.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
        OWNERS.fetch_sub(1, Ordering::SeqCst);
    }
    answer
}

/// From now on an interrupt ends the program by [`EXIT_CODE`], not by the signal.
fn are_taken() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{signal, SignalKind};
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let Ok(mut interrupts) = signal(SignalKind::interrupt()) else { return };
            tokio::spawn(async move {
                while interrupts.recv().await.is_some() {
                    if OWNERS.load(Ordering::SeqCst) == 0 {
                        std::process::exit(EXIT_CODE.into());
                    }
                }
            });
        });
    }
}

/// Ctrl-C, and the signal that service managers send, one after the other; whoever listens ends by itself.
pub struct Stops {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

impl Stops {
    /// Takes the signals from now on.
    pub fn listen() -> Self {
        OWNERS.fetch_add(1, Ordering::SeqCst);
        Self {
            #[cfg(unix)]
            signals: {
                use tokio::signal::unix::{signal, SignalKind};
                [SignalKind::interrupt(), SignalKind::terminate()].into_iter().flat_map(signal).collect()
            },
        }
    }

    /// Resolves at the next signal.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        {
            let mut signals = self.signals.iter_mut();
            match (signals.next(), signals.next()) {
                (Some(one), Some(other)) => tokio::select! {
                    _ = one.recv() => {}
                    _ = other.recv() => {}
                },
                (Some(one), None) => {
                    one.recv().await;
                }
                _ => std::future::pending().await,
            }
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

impl Drop for Stops {
    fn drop(&mut self) {
        OWNERS.fetch_sub(1, Ordering::SeqCst);
    }
}
