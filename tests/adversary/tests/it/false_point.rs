//! It checks in with a point of another secret than the one it dealt, and drops out: the seats then open masks that nobody used, and
//! the others' sum is lost for the price of silence.

use crate::expect::{convicted, pays, unharmed_but};
use crate::town::in_rounds;
use crate::world::{all_but, World};
use bauta_rounds::{Call, Rejection};
use bauta_schema::training::v1::{MsgCheckIn, OffenceKind, RoundPhase};
use bauta_secagg::check_in::CheckIn;
use bauta_secagg::curve::{hash_to_curve, HashKind};
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::signature::Body;
use bauta_secagg::switches::{without, Switch};

/// The world in which the others have submitted and the seats have answered, and what the chain said to the check-in.
fn attack() -> (World, Result<(), Rejection>) {
    let mut world = in_rounds(5, 7);
    let Call::CheckIn(honest) = world.check_in_msg(0, 1) else { unreachable!() };
    let rctx = world.rctx_of(1);
    let other = SecretScalar::random(&mut world.rng);
    let point = other.times(&hash_to_curve(HashKind::Pair, rctx.as_bytes()));
    let body = CheckIn { point, ..CheckIn::decode(&honest.body).unwrap() };
    let signed = world.sign(0, &rctx, body);
    let (body, signature) = (signed.body_bytes(), signed.signature.to_vec());
    let answer = world.send_as(0, Call::CheckIn(MsgCheckIn { body, signature, ..honest }));
    let others = all_but(5, &[0]);
    world.check_in(&others);
    world.until_round(RoundPhase::Submit);
    world.submit(&others);
    world.until_round(RoundPhase::Unmask);
    world.unmask(&others[..3]);
    (world, answer)
}

#[test]
fn is_caught() {
    let (mut world, answer) = attack();
    assert!(answer.unwrap_err().offence.is_some());
    world.until_settled(1);
    world.assert_exact(1, &all_but(5, &[0]));
    convicted(&world, 0, OffenceKind::InvalidProof);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::CheckInProof);
    let (mut world, answer) = attack();
    answer.unwrap();
    let round = world.until_settled(1);
    assert_eq!(round.phase(), RoundPhase::Aborted);
    pays(&world, 0, OffenceKind::NoSubmission);
    unharmed_but(&world, &[0]);
}
