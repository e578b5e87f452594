//! The largest group, on vectors as long as a small model is.

// A test may look at the clock; it asserts nothing about it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::world::{all_but, settings, World};
use bauta_rounds::params::default_params;
use bauta_schema::training::v1 as pb;
use std::time::{Duration, Instant};

/// Ninety-six providers and a hundred thousand elements; ten drop out. Says what the chain's part took.
#[test]
fn ninety_six_providers_with_a_hundred_thousand_elements_finish_a_round() {
    let n = 96;
    let mut settings = settings(n as u32, 100_000);
    let cohort = settings.cohort.as_mut().unwrap();
    (cohort.group_size, cohort.min_group, cohort.min_providers) = (64, 64, 64);
    let encoding = settings.encoding.as_mut().unwrap();
    (encoding.chunk_elems, encoding.bound) = (16_384, 1_000);
    let windows = settings.windows.as_mut().unwrap();
    (windows.deal, windows.submit, windows.unmask) = (20, 20, 20);
    settings.rewards.as_mut().unwrap().gas_price = "0".into();
    let mut world = World::with(n, 19, settings);
    world.operations = default_params().block_operations;
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let survivors = all_but(n, &[3, 14, 25, 36, 47, 58, 69, 80, 91, 95]);
    world.submit(&survivors);
    world.until_round(pb::RoundPhase::Unmask);
    let (mut longest, mut total) = (Duration::ZERO, Duration::ZERO);
    let begun = world.height;
    world.unmask(&survivors[..49]);
    while world.numbered(1).settled_height == 0 {
        let start = Instant::now();
        world.block();
        longest = longest.max(start.elapsed());
        total += start.elapsed();
        assert!(world.height - begun < 20, "{:?}", world.numbered(1).phase());
    }
    world.assert_exact(1, &survivors);
    let blobs: usize = world.blobs.0.values().map(|(_, bytes)| bytes.len()).sum();
    eprintln!(
        "{} blocks, {total:?} together, the longest {longest:?}; {} bytes of messages, {blobs} bytes of blobs left",
        world.height - begun,
        world.numbered(1).bytes,
    );
}
