//! A dealer gives a seat a share that does not open, so that the seat cannot answer for it.

use crate::expect::{convicted, pays};
use crate::town::{everyone, town};
use crate::world::deeds::bad_deal;
use crate::world::World;
use bauta_schema::training::v1::{EpochPhase, OffenceKind};
use bauta_secagg::switches::{without, Switch};

/// Provider 0 cheats the seat of provider 1, which complains.
fn attack() -> World {
    let mut world = town(5, 6);
    world.enrol(&everyone(5));
    world.until_epoch(EpochPhase::Deal);
    let victim = world.member(1).seat;
    let deal = bad_deal(&mut world, 0, &[victim]);
    let call = world.deal_msg(&deal);
    world.send_as(0, call).unwrap();
    world.deal_all(&[1, 2, 3, 4]);
    world.until_epoch(EpochPhase::Complain);
    let bad = world.open_shares(1);
    let complaint = world.complain_msg(1, &bad[0]);
    // Who is guilty is what the two tests differ in.
    let _ = world.send_as(1, complaint);
    world.until_epoch(EpochPhase::Rounds);
    world
}

#[test]
fn is_caught() {
    let world = attack();
    convicted(&world, 0, OffenceKind::BadShare);
    assert_eq!(world.member(0).slot, 0, "it is no dealer of this epoch");
}

/// The seat that was cheated pays for saying so.
#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::BadShare);
    let world = attack();
    assert!(world.verdicts_of(0).is_empty());
    assert!(world.member(0).slot > 0);
    pays(&world, 1, OffenceKind::FalseComplaint);
}
