//! What is killed, and when: drawn from a seed, so that a run can be made again.

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use super::node::Victim;

/// When a process of the node is killed.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// So long after the first new block.
    Running(Duration),
    /// So long after the node was started again, whether it has come back by then or not.
    Recovering(Duration),
}

/// A kill of the node.
#[derive(Clone, Copy, Debug)]
pub struct NodeKill {
    pub when: When,
    pub victim: Victim,
    /// How long it is left lying.
    pub down: Duration,
}

/// A kill of a provider.
#[derive(Clone, Copy, Debug)]
pub struct ProviderKill {
    /// So long after the one before.
    pub after: Duration,
    pub who: usize,
    /// How long it is left lying.
    pub down: Duration,
}

/// All that is killed in a run.
#[derive(Debug)]
pub struct Plan {
    pub node: Vec<NodeKill>,
    pub providers: Vec<ProviderKill>,
}

impl Plan {
    /// So many kills, half of them of the node, the others of these many providers.
    pub fn draw(seed: u64, kills: usize, providers: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let node = (0..kills.div_ceil(2)).map(|_| NodeKill::draw(&mut rng)).collect();
        let providers = (0..kills / 2)
            .map(|_| ProviderKill {
                after: millis(&mut rng, 4_000),
                who: rng.gen_range(0..providers),
                down: lying(&mut rng, 0.5),
            })
            .collect();
        Self { node, providers }
    }
}

impl NodeKill {
    fn draw(rng: &mut ChaCha20Rng) -> Self {
        let when = match rng.gen_bool(0.75) {
            true => When::Running(millis(rng, 3_000)),
            false => When::Recovering(millis(rng, 1_500)),
        };
        let victim = match rng.gen_range(0..3) {
            0 => Victim::Application,
            1 => Victim::Engine,
            _ => Victim::Both,
        };
        Self { when, victim, down: lying(rng, 0.8) }
    }
}

/// Started again at once with this probability, otherwise after up to two seconds.
fn lying(rng: &mut ChaCha20Rng, at_once: f64) -> Duration {
    match rng.gen_bool(at_once) {
        true => Duration::ZERO,
        false => millis(rng, 2_000),
    }
}

/// A time, uniform below so many milliseconds.
fn millis(rng: &mut ChaCha20Rng, below: u64) -> Duration {
    Duration::from_millis(rng.gen_range(0..below))
}
