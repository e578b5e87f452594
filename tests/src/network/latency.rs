//! How long queries take while something else is going on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bauta_client::chain::DEFAULT_DENOM;
use bauta_client::contracts::Contracts;

use super::Host;

/// The pause between one query and the next.
const PAUSE: Duration = Duration::from_millis(20);

/// What the thread is called that asks.
pub const PROBE: &str = "probe";

/// What was measured.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    /// Ascending.
    sorted: Vec<Duration>,
}

impl Latencies {
    /// How many queries there were.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// What a share of the queries, 0..1, did not exceed; nothing without queries.
    pub fn quantile(&self, share: f64) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        let place = (share * last as f64).ceil() as usize;
        self.sorted.get(place.min(last)).copied().unwrap_or_default()
    }
}

/// Asks the node over its RPC, one query after the other, until it is told to stop: a balance, a task, a contract, in turn. It has a
/// thread and a runtime of its own, so that it waits for the node and not for what else this process does.
pub struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Latencies>>,
}

impl Probe {
    /// Begins to ask about an account and a task.
    ///
    /// # Errors
    /// When the node's address is none, or the system gives no thread.
    pub fn start(host: &dyn Host, address: String, task: u64) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, chain) = (Arc::clone(&stop), host.chain()?);
        let work = async move {
            let contracts = Contracts::of(&chain).await?;
            let mut sorted = Vec::new();
            for turn in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let begun = Instant::now();
                match turn % 3 {
                    0 => drop(chain.balance(&address, DEFAULT_DENOM).await?),
                    1 => drop(chain.task(task).await?),
                    _ => drop(contracts.bond_of(&chain, &address).await?),
                }
                sorted.push(begun.elapsed());
                tokio::time::sleep(PAUSE).await;
            }
            sorted.sort_unstable();
            Ok(Latencies { sorted })
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name(PROBE.into()).spawn(move || runtime.block_on(work))?;
        Ok(Self { stop, thread })
    }

    /// Stops asking.
    ///
    /// # Errors
    /// When a query was not answered.
    pub fn stop(self) -> anyhow::Result<Latencies> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| anyhow::bail!("the probe panicked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_of_a_hundred_is_exceeded_once() {
        let latencies = Latencies { sorted: (1..=100).map(Duration::from_millis).collect() };
        assert_eq!(latencies.quantile(0.99), Duration::from_millis(100));
        assert_eq!(latencies.quantile(0.5), Duration::from_millis(51));
        assert_eq!(Latencies::default().quantile(0.99), Duration::ZERO);
    }
}
