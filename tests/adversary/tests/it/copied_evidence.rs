//! It reports what an honest provider signed with the same keys on another chain, where it holds, as an offence on this one, where it
//! does not.

use crate::expect::{pays, unharmed};
use crate::town::{everyone, town};
use crate::world::deeds::{report, signed_body};
use crate::world::World;
use bauta_rounds::{derive, state, Error, Rejection};
use bauta_schema::training::v1::{
    msg_report::Evidence, settings_hash, EpochPhase, InvalidProof, OffenceKind, ProtocolMessage,
};
use bauta_secagg::context::{Ectx, SettingsHash};
use bauta_secagg::deal::Dealer;
use bauta_secagg::switches::{without, Switch};

/// The world, and what the chain said to the report about provider 1.
fn attack() -> (World, Result<(), Rejection>) {
    let mut world = town(4, 19);
    world.enrol(&everyone(4));
    world.until_epoch(EpochPhase::Deal);
    let settings = state::settings(&world.storage, world.task).unwrap();
    let other = Ectx::new("bauta-2", 1, 1, &SettingsHash::from_bytes(settings_hash(&settings))).unwrap();
    let seats = derive::seats(&state::seats(&world.storage, world.task, 1).unwrap()).unwrap();
    let threshold = world.epoch().threshold as usize;
    let honest = &world.clients[1];
    let there = Dealer::new(&honest.keys, other, &honest.name()).deal(&seats, threshold, &mut world.rng).unwrap();
    let evidence = InvalidProof { message: ProtocolMessage::Deal.into(), signed: Some(signed_body(&there)) };
    let call = report(&world, 1, 0, Evidence::InvalidProof(evidence));
    let answer = world.send_as(0, call);
    (world, answer)
}

#[test]
fn is_caught() {
    let (world, answer) = attack();
    assert!(matches!(answer.unwrap_err().error, Error::EvidenceDoesNotHold(_)));
    unharmed(&world);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::SignatureContext);
    let (world, answer) = attack();
    answer.unwrap();
    pays(&world, 1, OffenceKind::InvalidProof);
}
