//! A dealer knows what it dealt to each seat, and so can make the partial of a seat for its own mask, proof and all. It makes one that
//! nobody asked for, and reports the seat.

use crate::expect::{pays, unharmed};
use crate::town::{everyone, submitting};
use crate::world::deeds::report;
use crate::world::World;
use bauta_rounds::{Error, Rejection};
use bauta_schema::training::v1::{msg_report::Evidence, OffenceKind, RoundPhase, SignedBody};
use bauta_secagg::encoding::Slot;
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::signature::Body;
use bauta_secagg::switches::{without, Switch};
use bauta_secagg::unmask::{Asked, Partial, PartialEntry};

/// The world, and what the chain said to dealer 0's report about the seat of provider 1.
fn attack() -> (World, Result<(), Rejection>) {
    let mut world = submitting(5, 20);
    world.submit(&everyone(5));
    world.until_round(RoundPhase::Unmask);
    let honest = world.answer(1);
    let dealer = Slot::new(world.member(0).slot).unwrap();
    // What the dealer shared with the seat, which is the dealer's own to know.
    let share = SecretScalar::from_bytes(&world.clients[1].shares[&dealer].to_bytes()).unwrap();
    let base = SecretScalar::random(&mut world.rng).public();
    let entry = PartialEntry { asked: Asked::Edge { provider: dealer, base }, value: share.times(&base) };
    let forged = Partial { entries: vec![entry], ..honest.body };
    world.unmask(&[0, 2, 3]);
    world.until_settled(1);
    // Of the seat's signature it has only those of other bodies.
    let signed = SignedBody { body: forged.encode(), signature: honest.signature.to_vec() };
    let call = report(&world, 1, 1, Evidence::UnrequestedPartial(signed));
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
    let _off = without(Switch::PartialSignature);
    let (world, answer) = attack();
    answer.unwrap();
    pays(&world, 1, OffenceKind::UnrequestedPartial);
}
