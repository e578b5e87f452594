//! The observer: who has all chain data and the secrets of `t - 1` seats cannot tell two worlds apart that differ only in honest updates
//! of equal sum. The same tests, with the secrets of `t` seats, do.

use std::collections::BTreeMap;

use crate::context::Ctx;
use crate::encoding::{SeatIndex, Slot};
use crate::interpolate::Lagrange;
use crate::parties::{Group, Survivors};
use crate::prg::{MaskKey, Use};
use crate::ring::{Elements, Layout, Sign};
use crate::secret::SecretScalar;
use crate::submit::sign_of_edge;
use crate::tests::world::{index, layout, rng, slot, World};
use crate::unmask::{self, Requests};
use k256::Scalar;
use rand_core::RngCore;

const PROVIDERS: usize = 7;
/// Whose updates differ between the worlds: one gives to the other what the other has less.
const GIVES: usize = 0;
const TAKES: usize = 1;
/// Rounds that are observed.
const ROUNDS: u64 = 256;
const ELEMENTS: usize = 24;
/// Where seeds begin.
const SEED: u64 = 4_711;

/// The updates of a round in one of two worlds.
fn updates(round: u64, world: bool) -> Vec<Vec<i64>> {
    let mut rng = rng(SEED + round);
    let mut value = || i64::from(rng.next_u32() % 2_001) - 1_000;
    let mut updates: Vec<Vec<i64>> = (0..PROVIDERS).map(|_| (0..ELEMENTS).map(|_| value()).collect()).collect();
    let moved: Vec<i64> = (0..ELEMENTS).map(|_| value()).collect();
    if world {
        for (element, moved) in moved.into_iter().enumerate() {
            updates[GIVES][element] -= moved;
            updates[TAKES][element] += moved;
        }
    }
    updates
}

/// What an observer sees of a round: the group, the masked vectors, the self masks that the seats opened; and what its own seats hold.
struct View<'a> {
    world: &'a World,
    ctx: Ctx,
    group: Group,
    layout: Layout,
    masked: BTreeMap<Slot, Vec<u8>>,
    self_masks: BTreeMap<Slot, crate::curve::Point>,
    /// Seats whose shares the observer has; their holders' keys are its own.
    seats: Vec<usize>,
}

impl View<'_> {
    /// The masking key of a provider, as well as the shares that the observer has give it.
    fn key(&self, of: usize) -> SecretScalar {
        let seats: Vec<SeatIndex> = self.seats.iter().map(|&k| index(k)).collect();
        let lagrange = Lagrange::new(&seats).unwrap().scalars();
        let shares = self.seats.iter().map(|&k| {
            let bytes = self.world.shares[k][&slot(of)].to_bytes();
            *SecretScalar::from_bytes(&bytes).unwrap().scalar()
        });
        let sum = lagrange.into_iter().zip(shares).fold(Scalar::ZERO, |sum, (factor, share)| sum + factor * share);
        SecretScalar::new(sum).unwrap()
    }

    /// A masked vector without the masks that the observer knows, or for which this key is right.
    fn bared(&self, of: usize, key: &SecretScalar) -> Elements {
        let mut left = self.layout.zero(0).unwrap();
        left.add_packed(&self.masked[&slot(of)], Sign::Plus).unwrap();
        MaskKey::new(Use::Vector, &self.ctx, &self.self_masks[&slot(of)]).apply(&mut left, Sign::Minus);
        let own = self.group.iter().find(|member| member.slot == slot(of)).unwrap();
        for other in self.group.iter().filter(|other| other.slot != slot(of)) {
            // With those who hold its own seats, it knows the mask for certain.
            let holder = self.seats.iter().find(|&&k| slot(k) == other.slot);
            let shared = match holder {
                Some(&k) => self.world.keys[k].x.shared(&own.p),
                None => key.shared(&other.p),
            };
            let sign = match sign_of_edge(slot(of), other.slot) {
                Sign::Plus => Sign::Minus,
                Sign::Minus => Sign::Plus,
            };
            MaskKey::new(Use::Vector, &self.ctx, &shared).apply(&mut left, sign);
        }
        left
    }

    /// In which world the observer believes to be: the one whose update a bared vector is nearer to, coordinate by coordinate.
    fn believes(&self, round: u64) -> bool {
        let candidates = [false, true].map(|world| updates(round, world));
        let mut nearer = [0usize; 2];
        for of in [GIVES, TAKES] {
            let left = self.bared(of, &self.key(of)).decode();
            for (element, value) in left.into_iter().enumerate() {
                let distance = |world: usize| value.abs_diff(candidates[world][of][element]);
                nearer[usize::from(distance(1) < distance(0))] += 1;
            }
        }
        nearer[1] > nearer[0]
    }
}

/// How many of the rounds an observer with the secrets of so many seats tells right.
fn told_right(seats: usize) -> u64 {
    let mut world = World::new(PROVIDERS, SEED);
    let layout = layout(32, ELEMENTS as u64, ELEMENTS as u32);
    let everyone: Vec<usize> = (0..PROVIDERS).collect();
    let mut coins = rng(SEED);
    let mut right = 0;
    for round in 1..=ROUNDS {
        let truth = coins.next_u32() & 1 == 1;
        let who: Vec<(usize, u64)> = everyone.iter().map(|&i| (i, 1)).collect();
        let (group, mut states) = world.group(round, &who);
        let ctx = world.ctx(round);
        let mut masked = BTreeMap::new();
        for (i, update) in updates(round, truth).into_iter().enumerate() {
            let state = states.remove(&i).unwrap();
            let vector = state.mask(&ctx, &group, &layout, &update, &mut world.rng).unwrap();
            masked.insert(slot(i), vector.chunks[0].clone());
        }
        let submitted = masked.keys().copied().collect();
        let survivors = Survivors::new(&group, &submitted, 3).unwrap();
        let requests = Requests::new(&world.rctx(round), &[(&group, &survivors)]).unwrap();
        let signed = world.partials(&everyone[..world.seats.threshold()], round, &requests);
        let partials: Vec<_> = signed.iter().map(|signed| &signed.body).collect();
        let opened = unmask::open(&requests, &partials).unwrap();
        let entries = requests.entries().iter().map(|entry| entry.provider());
        let self_masks = entries.zip(opened.points().iter().copied()).collect();
        // Its seats are the last: neither of those whose updates differ holds one.
        let seats = everyone[PROVIDERS - seats..].to_vec();
        let view = View { world: &world, ctx, group, layout, masked, self_masks, seats };
        right += u64::from(view.believes(round) == truth);
    }
    right
}

#[test]
fn with_the_secrets_of_one_seat_less_than_the_threshold_two_worlds_of_equal_sum_are_not_told_apart() {
    let threshold = World::new(PROVIDERS, SEED).seats.threshold();
    let right = told_right(threshold - 1);
    // Four standard deviations of a fair coin.
    let off = (4.0 * (ROUNDS as f64 / 4.0).sqrt()) as u64;
    assert!(right.abs_diff(ROUNDS / 2) <= off, "{right} of {ROUNDS} told right, seed {SEED}");
}

#[test]
fn with_the_secrets_of_as_many_seats_as_the_threshold_the_same_tests_tell_every_round() {
    let threshold = World::new(PROVIDERS, SEED).seats.threshold();
    assert_eq!(told_right(threshold), ROUNDS, "seed {SEED}");
}

#[test]
fn the_two_worlds_differ_in_two_updates_and_not_in_their_sum() {
    for round in 1..=ROUNDS {
        let worlds = [false, true].map(|world| updates(round, world));
        let sum = |updates: &[Vec<i64>]| -> Vec<i64> {
            (0..ELEMENTS).map(|element| updates.iter().map(|update| update[element]).sum()).collect()
        };
        assert_eq!(sum(&worlds[0]), sum(&worlds[1]));
        let differing = (0..PROVIDERS).filter(|&i| worlds[0][i] != worlds[1][i]);
        assert_eq!(differing.collect::<Vec<_>>(), [GIVES, TAKES]);
    }
}
