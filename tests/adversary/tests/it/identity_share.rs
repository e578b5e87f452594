//! A dealer chooses a polynomial that is zero at a seat: the seat's share key would be the identity, which no message can carry.

use crate::expect::unharmed;
use crate::town::{everyone, town};
use crate::world::deeds::signed_deal;
use crate::world::World;
use bauta_rounds::Rejection;
use bauta_schema::training::v1::EpochPhase;
use bauta_secagg::curve::{scalar_from_bytes, Point};
use bauta_secagg::deal::Deal;
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::switches::{without, Switch};
use k256::{ProjectivePoint, Scalar};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// The world, and what the chain said to the deal of provider 0; `t` is 3.
fn attack() -> (World, Result<(), Rejection>) {
    let mut world = town(5, 29);
    world.enrol(&everyone(5));
    world.until_epoch(EpochPhase::Deal);
    let mut body = world.deal(0).body;
    assert_eq!(body.commitments.len(), 3);
    let secret = scalar_from_bytes(world.clients[0].keys.to_bytes()[..32].try_into().unwrap()).unwrap();
    let point = |scalar: Scalar| Point::from_projective(&(ProjectivePoint::GENERATOR * scalar)).unwrap();
    assert_eq!(body.commitments[0], point(secret));
    // f(z) = x + a z + b z^2 with f(k) = 0 for the seat k of provider 1.
    let k = Scalar::from(world.member(1).seat);
    let b = scalar_from_bytes(&SecretScalar::random(&mut world.rng).to_bytes()).unwrap();
    let a = -(secret + b * k * k) * k.invert().unwrap();
    (body.commitments[1], body.commitments[2]) = (point(a), point(b));
    let ephemeral = SecretScalar::random(&mut world.rng);
    let body = Deal { ephemeral: ephemeral.public(), ..body };
    let deal = signed_deal(&mut world, 0, body, &ephemeral);
    let call = world.deal_msg(&deal);
    let answer = world.send_as(0, call);
    (world, answer)
}

/// It is refused, and loses its turn: it may not deal again in this epoch.
#[test]
fn is_caught() {
    let (mut world, answer) = attack();
    answer.unwrap();
    assert!(!world.member(0).dealt);
    let deal = world.deal(0);
    let again = world.deal_msg(&deal);
    assert!(world.send_as(0, again).unwrap_err().offence.is_none());
    world.deal_all(&[1, 2, 3, 4]);
    world.until_epoch(EpochPhase::Rounds);
    assert_eq!(world.member(0).slot, 0);
    unharmed(&world);
}

/// Every validator stops at the same block.
#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::IdentityShare);
    assert!(catch_unwind(AssertUnwindSafe(attack)).is_err());
}
