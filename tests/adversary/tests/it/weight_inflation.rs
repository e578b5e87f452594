//! It checks in with a weight beyond the task's largest, so that the model follows it alone.

use crate::expect::unharmed;
use crate::town::{everyone, in_rounds};
use crate::world::{all_but, World};
use bauta_rounds::{Error, Rejection};
use bauta_schema::training::v1::RoundPhase;
use bauta_secagg::switches::{without, Switch};

const WEIGHT: u64 = 1_000;

fn attack() -> (World, Result<(), Rejection>) {
    let mut world = in_rounds(5, 12);
    assert!(world.terms().encoding.max_weight < WEIGHT);
    world.clients[0].weight = WEIGHT;
    let call = world.check_in_msg(0, 1);
    let answer = world.send_as(0, call);
    world.check_in(&all_but(5, &[0]));
    world.until_round(RoundPhase::Submit);
    (world, answer)
}

#[test]
fn is_caught() {
    let (world, answer) = attack();
    assert!(matches!(answer.unwrap_err(), Rejection { error: Error::Refused(_), offence: None }));
    assert_eq!(world.round().group.len(), 4);
    unharmed(&world);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::WeightRange);
    let (mut world, answer) = attack();
    answer.unwrap();
    world.submit(&everyone(5));
    world.until_round(RoundPhase::Unmask);
    world.unmask(&[1, 2, 3]);
    let result = world.until_settled(1).result.unwrap();
    world.assert_exact(1, &everyone(5));
    assert!(WEIGHT * 10 > result.total_weight * 9, "more than nine tenths of the update are its own");
}
