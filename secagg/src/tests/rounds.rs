//! Whole rounds: what the chain decodes is the plain sum.

use std::collections::{BTreeMap, BTreeSet};

use crate::interpolate::Lagrange;
use crate::parties::Survivors;
use crate::ring::Sign;
use crate::tests::world::{layout, plain_sum, run, slot, Round, World};
use crate::unmask::{open, open_range, seats_of, Asked, MaskRemoval, OpenedMasks, Requests};
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

#[test]
fn two_groups_share_one_request_list_and_each_decodes_to_its_own_sum_even_when_opened_in_steps() {
    let mut world = World::new(8, 3);
    let (layout, ctx, rctx) = (layout(24, 10, 4), world.ctx(1), world.rctx(1));
    let mut groups = Vec::new();
    // Slot 3 drops out of one group and slots 5 and 8 of the other.
    for (members, silent) in [([0, 2, 3, 5], vec![2]), ([1, 4, 6, 7], vec![4, 7])] {
        let (group, states) = world.group(1, &members.map(|i| (i, 2)));
        let mut chunks = BTreeMap::new();
        for (i, state) in states.into_iter().filter(|(i, _)| !silent.contains(i)) {
            let update = [i as i64 * 11 - 30; 10];
            chunks.insert(i, state.mask(&ctx, &group, &layout, &update, &mut world.rng).unwrap().chunks);
        }
        let submitted = chunks.keys().map(|i| slot(*i)).collect();
        let survivors = Survivors::new(&group, &submitted, 2).unwrap();
        groups.push((group, survivors, chunks));
    }
    let asked: Vec<_> = groups.iter().map(|(group, survivors, _)| (group, survivors)).collect();
    let requests = Requests::new(&rctx, &asked).unwrap();
    let order: Vec<_> = requests
        .entries()
        .iter()
        .map(|asked| match asked {
            Asked::SelfMask { provider } => (0, provider.get()),
            Asked::Edge { provider, .. } => (1, provider.get()),
        })
        .collect();
    // By group: kind 0 by slot, then kind 1 by provider slot.
    let expected = [(0, 1), (0, 4), (0, 6), (1, 3), (1, 3), (1, 3), (0, 2), (0, 7), (1, 5), (1, 5), (1, 8), (1, 8)];
    assert_eq!(order, expected);
    let signed = world.partials(&[6, 0, 3, 5, 1], 1, &requests);
    let partials: Vec<_> = signed.iter().map(|signed| &signed.body).collect();
    let lagrange = Lagrange::new(&seats_of(&partials)).unwrap();
    let steps = [(0, 5), (5, 6), (6, 100)];
    let step = |(from, to): (usize, usize)| open_range(&requests, &lagrange, &partials, from, to).unwrap();
    let opened = OpenedMasks::from_points(steps.into_iter().flat_map(step).collect());
    assert_eq!(opened, open(&requests, &partials).unwrap());
    for (group, survivors, chunks) in &groups {
        let removal = MaskRemoval::new(&ctx, group, survivors, &requests, &opened).unwrap();
        let plain = chunks.keys().map(|i| 2 * (*i as i64 * 11 - 30)).sum::<i64>();
        for chunk in 0..layout.chunks() {
            let mut sum = layout.zero(chunk).unwrap();
            chunks.values().for_each(|chunks| sum.add_packed(&chunks[chunk as usize], Sign::Plus).unwrap());
            removal.remove(&mut sum);
            assert!(sum.decode().iter().all(|value| *value == plain));
        }
    }
}
