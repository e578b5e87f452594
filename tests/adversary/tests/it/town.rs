//! Worlds whose providers are registered and bonded, brought to the phase that an attack begins in.

use crate::world::{all_but, settings, World};
use bauta_schema::training::v1 as pb;

/// Everyone of `n`.
pub fn everyone(n: usize) -> Vec<usize> {
    all_but(n, &[])
}

/// A task for `n` providers with a bond each; one group.
pub fn town(n: usize, seed: u64) -> World {
    with(n, seed, settings(n as u32, 40))
}

/// The same with other settings.
pub fn with(n: usize, seed: u64, settings: pb::TaskSettings) -> World {
    println!("seed {seed}");
    let mut world = World::with(n, seed, settings);
    for client in &world.clients {
        world.registry.admit(&client.address);
    }
    world
}

/// A task that blames: everyone has dealt and opened its shares, and the first round checks in.
pub fn blaming(n: usize, seed: u64) -> World {
    let mut settings = settings(n as u32, 40);
    settings.blame = Some(pb::Blame { window: 4 });
    let mut world = with(n, seed, settings);
    world.set_up(&everyone(n));
    world
}

/// Everyone has dealt and opened its shares, and the first round checks in.
pub fn in_rounds(n: usize, seed: u64) -> World {
    let mut world = town(n, seed);
    world.set_up(&everyone(n));
    world
}

/// Everyone has checked in to the first round, and may submit.
pub fn submitting(n: usize, seed: u64) -> World {
    let mut world = in_rounds(n, seed);
    world.check_in(&everyone(n));
    world.until_round(pb::RoundPhase::Submit);
    world
}
