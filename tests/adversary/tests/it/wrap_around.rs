//! It adds numbers of the size of the ring to its masked vector, so that the sum means whatever it likes.

use crate::expect::unharmed;
use crate::town::{everyone, submitting};
use crate::world::deeds::tampered;
use crate::world::World;
use bauta_schema::training::v1::RoundPhase;
use bauta_secagg::switches::{without, Switch};

fn attack() -> World {
    let mut world = submitting(5, 13);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    let garbage = tampered(&mut world, 0, &masked, 0x55);
    world.submit_masked(0, &garbage);
    world.submit(&[1, 2, 3, 4]);
    world.until_round(RoundPhase::Unmask);
    world.unmask(&[1, 2, 3]);
    world.until_settled(1);
    world
}

#[test]
fn is_caught() {
    let world = attack();
    let round = world.numbered(1);
    assert_eq!(round.phase(), RoundPhase::Aborted);
    assert_eq!(world.the_task().model_hash, round.model_hash, "the model did not move");
    unharmed(&world);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::SumRange);
    let world = attack();
    assert_eq!(world.numbered(1).phase(), RoundPhase::Finished);
    let limit = world.terms().encoding.aggregate_limit(world.clients.iter().map(|client| client.weight).sum());
    let largest = world.aggregate(1).iter().map(|value| value.unsigned_abs()).max().unwrap();
    assert!(u128::from(largest) > limit, "{largest}");
    assert_eq!(everyone(5).len(), world.numbered(1).survivors.len());
}
