//! Whole rounds: what the chain decodes is the plain sum.

use std::collections::BTreeSet;

use crate::tests::world::{layout, plain_sum, run, Round, World};
use proptest::prelude::*;

/// A group, its ring, its drop-outs, and the seats that answer.
#[derive(Debug, Clone)]
struct Schedule {
    n: usize,
    bits: u32,
    elements: u64,
    chunk_elems: u32,
    seed: u64,
    drops: BTreeSet<usize>,
    seats: Vec<usize>,
    min_group: usize,
}

fn schedules() -> impl Strategy<Value = Schedule> {
    (3..=20usize, 16..=64u32, 1..40u64, 1..20u32, any::<u64>()).prop_flat_map(
        |(n, bits, elements, chunk_elems, seed)| {
            let min_group = (3 * n).div_ceil(4).max(2);
            let drops = proptest::sample::subsequence((0..n).collect::<Vec<_>>(), 0..=n - min_group);
            let threshold = n / 2 + 1;
            let answering = proptest::sample::subsequence((0..n).collect::<Vec<_>>(), threshold..=n).prop_shuffle();
            (drops, answering).prop_map(move |(drops, seats)| Schedule {
                n,
                bits,
                elements,
                chunk_elems,
                seed,
                drops: drops.into_iter().collect(),
                seats,
                min_group,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_decoded_sum_is_the_plain_sum_for_every_schedule_that_leaves_enough(schedule in schedules()) {
        let mut world = World::new(schedule.n, schedule.seed);
        // Updates that use the ring up to its guard: |sum| stays below 2^(bits-1).
        let bound = (1i64 << (schedule.bits - 9)).min(1 << 50) / 32;
        let mut state = schedule.seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 13) as i64 % (2 * bound + 1) - bound
        };
        let members: Vec<_> = (0..schedule.n)
            .map(|i| (i, 1 + i as u64 % 5, (0..schedule.elements).map(|_| next()).collect()))
            .collect();
        let round = Round {
            number: 1,
            layout: layout(schedule.bits, schedule.elements, schedule.chunk_elems),
            members: &members,
            drops: &schedule.drops,
            seats: &schedule.seats,
            min_group: schedule.min_group,
        };
        prop_assert_eq!(run(&mut world, &round), plain_sum(&round));
    }
}
