//! It waits for what the others submit, and then replaces its own submission.

use crate::expect::{convicted, unharmed};
use crate::town::submitting;
use crate::world::deeds::tampered;
use crate::world::{all_but, World};
use bauta_rounds::Rejection;
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::submit::Masked;
use bauta_secagg::switches::{without, Switch};

/// The world, the second submission, and what the chain said to its header.
fn attack() -> (World, Masked, Result<(), Rejection>) {
    let mut world = submitting(5, 2);
    let update = world.update(0, 1);
    let first = world.masked(0, &update);
    world.submit_masked(0, &first);
    let second = tampered(&mut world, 0, &first, 1);
    let header = world.header_msg(&second);
    let answer = world.send_as(0, header);
    (world, second, answer)
}

#[test]
fn is_caught() {
    let (mut world, _, answer) = attack();
    assert_eq!(answer.unwrap_err().offence.unwrap().kind, OffenceKind::TwoHeaders);
    let others = all_but(5, &[0]);
    world.submit(&others);
    world.until_round(RoundPhase::Unmask);
    world.unmask(&others);
    world.until_settled(1);
    world.assert_exact(1, &others);
    convicted(&world, 0, OffenceKind::TwoHeaders);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::TwoHeaders);
    let (mut world, second, answer) = attack();
    answer.unwrap();
    for index in 0..second.chunks.len() as u32 {
        let chunk = world.chunk_msg(&second, index);
        world.send_as(0, chunk).unwrap();
    }
    let header = bauta_rounds::state::find_header(&world.storage, world.task, 1, &world.clients[0].address);
    assert_eq!(header.unwrap().unwrap().signature, second.header.signature);
    unharmed(&world);
}
