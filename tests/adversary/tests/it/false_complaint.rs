//! A seat complains about a share that is right, to have its dealer slashed.

use crate::expect::{convicted, pays};
use crate::town::in_rounds;
use crate::world::World;
use bauta_rounds::state;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::deal::Deal;
use bauta_secagg::signature::Body;
use bauta_secagg::switches::{without, Switch};

/// Provider 0 complains about provider 1.
fn attack() -> World {
    let mut world = in_rounds(5, 3);
    let dealer = world.clients[1].address.clone();
    let record = state::find_deal(&world.storage, world.task, 1, &dealer).unwrap().unwrap();
    let complaint = world.complain_msg(0, &Deal::decode(&record.body).unwrap());
    // Whether it is refused is what the two tests differ in.
    let _ = world.send_as(0, complaint);
    world
}

#[test]
fn is_caught() {
    convicted(&attack(), 0, OffenceKind::FalseComplaint);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::FalseComplaint);
    let world = attack();
    assert!(world.verdicts_of(0).is_empty());
    pays(&world, 1, OffenceKind::BadShare);
}
