//! It commits to submit, so that the others mask towards it, and submits nothing.

use crate::expect::{convicted, unharmed};
use crate::town::submitting;
use crate::world::{all_but, World};
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::switches::{without, Switch};

fn attack() -> World {
    let mut world = submitting(5, 1);
    let others = all_but(5, &[0]);
    world.submit(&others);
    world.until_round(RoundPhase::Unmask);
    world.unmask(&others);
    world.until_settled(1);
    world.assert_exact(1, &others);
    world
}

#[test]
fn is_caught() {
    convicted(&attack(), 0, OffenceKind::NoSubmission);
}

/// Keeping silent is free: the seats have worked for its masks, and it may do so in every round.
#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::NoSubmission);
    unharmed(&attack());
}
