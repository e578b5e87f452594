//! It signs for a chunk whose padding is not zero, which no vector packs to.

use crate::expect::convicted;
use crate::town::{everyone, with};
use crate::world::deeds::tampered;
use crate::world::{all_but, settings, World};
use bauta_rounds::Rejection;
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::switches::{without, Switch};

/// The world in which everyone has submitted, and what the chain said to the chunk.
fn attack() -> (World, Result<(), Rejection>) {
    let mut settings = settings(5, 40);
    let encoding = settings.encoding.as_mut().unwrap();
    // 15 * 33 bits leave one bit of padding.
    (encoding.bits, encoding.chunk_elems) = (33, 15);
    let mut world = with(5, 10, settings);
    world.set_up(&everyone(5));
    world.check_in(&everyone(5));
    world.until_round(RoundPhase::Submit);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    let bad = tampered(&mut world, 0, &masked, 0x80);
    let header = world.header_msg(&bad);
    world.send_as(0, header).unwrap();
    let chunk = world.chunk_msg(&bad, 0);
    let answer = world.send_as(0, chunk);
    for index in 1..bad.chunks.len() as u32 {
        let chunk = world.chunk_msg(&bad, index);
        let _ = world.send_as(0, chunk);
    }
    world.submit(&all_but(5, &[0]));
    world.until_round(RoundPhase::Unmask);
    world.unmask(&[1, 2, 3]);
    (world, answer)
}

#[test]
fn is_caught() {
    let (mut world, answer) = attack();
    assert_eq!(answer.unwrap_err().offence.unwrap().kind, OffenceKind::NonCanonical);
    world.until_settled(1);
    world.assert_exact(1, &all_but(5, &[0]));
    convicted(&world, 0, OffenceKind::NonCanonical);
}

/// The sum cannot be made, and the task stands still.
#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::NonCanonical);
    let (mut world, answer) = attack();
    answer.unwrap();
    (0..20).for_each(|_| world.block());
    assert_eq!(world.numbered(1).settled_height, 0);
    assert!(!world.registry.faults.is_empty());
}
