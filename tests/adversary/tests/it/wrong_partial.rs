//! A seat answers with a wrong share of a mask, to spoil the sum.

use crate::expect::{convicted, unharmed};
use crate::town::{everyone, submitting};
use crate::world::deeds::wrong_partial;
use crate::world::World;
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::switches::{without, Switch};

fn attack() -> World {
    let mut world = submitting(5, 8);
    world.submit(&everyone(5));
    world.until_round(RoundPhase::Unmask);
    let wrong = wrong_partial(&mut world, 0);
    let call = world.unmask_msg(&wrong);
    world.send_as(0, call).unwrap();
    world.unmask(&[1, 2, 3]);
    world.until_settled(1);
    world
}

#[test]
fn is_caught() {
    let world = attack();
    world.assert_exact(1, &everyone(5));
    convicted(&world, 0, OffenceKind::InvalidProof);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::PartialProof);
    let world = attack();
    assert_eq!(world.numbered(1).phase(), RoundPhase::Aborted);
    unharmed(&world);
}
