//! All but a victim and the attacker are kept from submitting: the sum of two, less its own, is the victim's update.

use crate::lab::weighted;
use crate::town::submitting;
use crate::world::World;
use bauta_schema::training::v1::{AbortReason, RoundPhase};
use bauta_secagg::switches::{without, Switch};

/// The world when the window is over; provider 0 attacks provider 1.
fn attack() -> World {
    let mut world = submitting(5, 28);
    world.submit(&[0, 1]);
    while world.numbered(1).phase() == RoundPhase::Submit {
        world.block();
    }
    world
}

#[test]
fn is_caught() {
    let round = attack().numbered(1);
    assert_eq!(round.abort_reason(), AbortReason::TooFewSurvivors);
    assert!(!round.released && round.request_root.is_empty(), "the seats are asked for nothing");
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::MinGroup);
    let mut world = attack();
    world.unmask(&[2, 3, 4]);
    world.until_settled(1);
    let own = weighted(&world, 0, &world.update(0, 1));
    let rest: Vec<i64> = world.aggregate(1).iter().zip(own).map(|(sum, own)| sum - own).collect();
    assert_eq!(rest, weighted(&world, 1, &world.update(1, 1)));
}
