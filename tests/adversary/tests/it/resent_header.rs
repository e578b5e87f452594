//! Somebody sends an honest provider's header once more, with a higher fee: that is no equivocation of its author.

use crate::expect::{pays, unharmed};
use crate::town::submitting;
use crate::world::World;
use bauta_rounds::Rejection;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::switches::{without, Switch};

fn attack() -> (World, Result<(), Rejection>) {
    let mut world = submitting(5, 11);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    world.submit_masked(0, &masked);
    let again = world.header_msg(&masked);
    let answer = world.send_as(0, again);
    (world, answer)
}

#[test]
fn is_caught() {
    let (world, answer) = attack();
    assert!(answer.unwrap_err().offence.is_none());
    unharmed(&world);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::SameHeader);
    let (world, _) = attack();
    pays(&world, 0, OffenceKind::TwoHeaders);
}
