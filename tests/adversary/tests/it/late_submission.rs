//! A victim's submission is held up until it counts as dropped and the masks that it shares are open. Then the vector arrives.

use crate::expect::{pays, unharmed_but};
use crate::lab::{edges, less_masks, open, weighted};
use crate::town::submitting;
use crate::world::{all_but, World};
use bauta_rounds::{Error, Rejection};
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::encoding::Slot;
use bauta_secagg::switches::{without, Switch};

const N: usize = 5;
const VICTIM: usize = 4;

/// The world, and what is left of the vector without the masks that were opened.
pub fn attack(seed: u64) -> (World, Vec<i64>) {
    let mut world = submitting(N, seed);
    let update = world.update(VICTIM, 1);
    let masked = world.masked(VICTIM, &update);
    let group = world.group_of(VICTIM);
    world.submit(&all_but(N, &[VICTIM]));
    world.until_round(RoundPhase::Unmask);
    let answers: Vec<_> = [0, 1, 2].map(|i| world.answer(i)).into();
    let opened = open(&world.requests(), &answers);
    let late = world.header_msg(&masked);
    assert!(matches!(
        world.send_as(VICTIM, late).unwrap_err(),
        Rejection { error: Error::WrongPhase { .. }, offence: None }
    ));
    let masks = edges(&opened, &group, Slot::new(world.member(VICTIM).slot).unwrap());
    assert_eq!(masks.len(), N - 1);
    let left = less_masks(&world, &world.ctx(), &masked.chunks, &masks);
    world.unmask(&[0, 1, 2]);
    world.until_settled(1);
    world.assert_exact(1, &all_but(N, &[VICTIM]));
    (world, left)
}

/// It stays under the victim's own mask, which nobody opens for one that dropped out.
#[test]
fn is_caught() {
    let (world, left) = attack(25);
    let update = weighted(&world, VICTIM, &world.update(VICTIM, 1));
    assert!(update.iter().zip(&left).all(|(value, left)| value != left));
    pays(&world, VICTIM, OffenceKind::NoSubmission);
    unharmed_but(&world, &[VICTIM]);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::SelfMask);
    let (world, left) = attack(25);
    assert_eq!(weighted(&world, VICTIM, &world.update(VICTIM, 1)), left);
}
