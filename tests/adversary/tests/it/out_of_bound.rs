//! It submits an update far out of the bound, to spoil the round for everybody, and signs true numbers when it is asked.

use crate::expect::{convicted, unharmed};
use crate::town::{blaming, everyone};
use crate::world::{all_but, World};
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::switches::{without, Switch};

const HOSTILE: usize = 3;

fn attack() -> World {
    let mut world = blaming(6, 31);
    world.until_blame(&[(HOSTILE, 1_000_000)]);
    world.sign_numbers(&everyone(6));
    world
}

#[test]
fn is_caught() {
    let mut world = attack();
    world.until_round(RoundPhase::BlameRemove);
    world.open_edges();
    world.until_settled(1);
    world.assert_exact(1, &all_but(6, &[HOSTILE]));
    convicted(&world, HOSTILE, OffenceKind::OutOfBound);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::OutOfBound);
    let mut world = attack();
    let round = world.until_settled(1);
    assert_eq!(round.phase(), RoundPhase::Aborted, "nothing comes of the round, and it pays nothing");
    unharmed(&world);
}
