//! Proposers fill the reserved lane, so that an honest provider's submission does not get in before its window is over.

use crate::expect::{pays, unharmed, unharmed_but};
use crate::town::{everyone, submitting};
use crate::world::World;
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::switches::{without, Switch};

/// The others' messages come first; then the lane is full for longer than the window is.
fn attack() -> World {
    let mut world = submitting(5, 14);
    world.submit(&[1, 2, 3, 4]);
    (0..5).for_each(|_| world.end_block(false));
    world
}

#[test]
fn is_caught() {
    let mut world = attack();
    world.submit(&[0]);
    world.until_round(RoundPhase::Unmask);
    world.unmask(&[0, 1, 2]);
    world.until_settled(1);
    world.assert_exact(1, &everyone(5));
    unharmed(&world);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::CountedBlocks);
    let mut world = attack();
    world.until_round(RoundPhase::Unmask);
    world.unmask(&[1, 2, 3]);
    world.until_settled(1);
    pays(&world, 0, OffenceKind::NoSubmission);
    unharmed_but(&world, &[0]);
}
