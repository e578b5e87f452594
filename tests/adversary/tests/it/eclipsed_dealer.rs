//! The endpoint of a dealer shows it seats with keys of the attacker's. The deal would convict its honest author: no seat can open it.

use crate::expect::{pays, unharmed};
use crate::town::{everyone, town};
use crate::world::{all_but, World};
use bauta_rounds::{derive, state, Error, Rejection};
use bauta_schema::training::v1::{EpochPhase, OffenceKind};
use bauta_secagg::deal::Dealer;
use bauta_secagg::parties::{SeatHolder, Seats};
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::switches::{without, Switch};

const N: usize = 5;

/// The world, and what the chain said to the deal of provider 1.
fn attack() -> (World, Result<(), Rejection>) {
    let mut world = town(N, 22);
    world.enrol(&everyone(N));
    world.until_epoch(EpochPhase::Deal);
    let seats = derive::seats(&state::seats(&world.storage, world.task, 1).unwrap()).unwrap();
    let mut falsify =
        |holder: &SeatHolder| SeatHolder { e: SecretScalar::random(&mut world.rng).public(), ..holder.clone() };
    let false_seats = Seats::new(seats.iter().map(|(_, holder)| falsify(holder)).collect()).unwrap();
    let (ectx, threshold) = (world.ectx(), world.epoch().threshold as usize);
    let honest = &world.clients[1];
    let deal = Dealer::new(&honest.keys, ectx, &honest.name()).deal(&false_seats, threshold, &mut world.rng).unwrap();
    let call = world.deal_msg(&deal);
    let answer = world.send_as(1, call);
    (world, answer)
}

/// It is refused, and the dealer deals again when it hears the truth.
#[test]
fn is_caught() {
    let (mut world, answer) = attack();
    assert!(matches!(answer.unwrap_err(), Rejection { error: Error::Refused(_), offence: None }));
    world.deal_all(&everyone(N));
    world.until_epoch(EpochPhase::Rounds);
    assert!(everyone(N).into_iter().all(|i| world.member(i).slot > 0));
    unharmed(&world);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::SeatsRoot);
    let (mut world, answer) = attack();
    answer.unwrap();
    world.deal_all(&all_but(N, &[1]));
    world.until_epoch(EpochPhase::Complain);
    let bad = world.open_shares(2);
    let complaint = world.complain_msg(2, &bad[0]);
    world.send_as(2, complaint).unwrap();
    pays(&world, 1, OffenceKind::BadShare);
}
