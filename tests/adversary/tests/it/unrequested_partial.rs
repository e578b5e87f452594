//! A seat signs, for whoever pays, the share of a mask that nobody asked for: with the survivor's own mask it would open its update.

use crate::expect::{convicted, unharmed};
use crate::town::{everyone, submitting};
use crate::world::deeds::{report, signed_body};
use crate::world::World;
use bauta_rounds::{Error, Rejection};
use bauta_schema::training::v1::{msg_report::Evidence, OffenceKind, RoundPhase};
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::switches::{without, Switch};
use bauta_secagg::unmask::{Asked, PartialEntry};

/// The world, and what the chain says to the report of one who was sent the partial.
fn attack() -> (World, Result<(), Rejection>) {
    let mut world = submitting(5, 5);
    world.submit(&everyone(5));
    world.until_round(RoundPhase::Unmask);
    let mut body = world.answer(0).body;
    let provider = body.entries[1].asked.provider();
    let base = SecretScalar::random(&mut world.rng).public();
    body.entries.push(PartialEntry { asked: Asked::Edge { provider, base }, value: base });
    let ctx = world.ctx();
    let sold = world.sign(0, &ctx, body);
    // On the chain it is refused, without penalty: a seat that an endpoint lied to signs one, too, but only for another list.
    let posted = world.unmask_msg(&sold);
    assert!(matches!(world.send_as(0, posted).unwrap_err(), Rejection { error: Error::Refused(_), offence: None }));
    world.unmask(&[1, 2, 3]);
    world.until_settled(1);
    let report = report(&world, 0, 1, Evidence::UnrequestedPartial(signed_body(&sold)));
    let answer = world.send_as(4, report);
    (world, answer)
}

#[test]
fn is_caught() {
    let (world, answer) = attack();
    answer.unwrap();
    convicted(&world, 0, OffenceKind::UnrequestedPartial);
    assert!(world.registry.paid(&world.clients[4].address) > 0);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::UnrequestedPartial);
    let (world, answer) = attack();
    assert!(matches!(answer.unwrap_err().error, Error::EvidenceDoesNotHold(_)));
    unharmed(&world);
}
