//! Chunks that are not those of the header: another account sends them for a victim, or the signer sends what it did not sign for.

use crate::expect::unharmed;
use crate::town::{everyone, submitting};
use crate::world::{all_but, World};
use bauta_rounds::{Call, Error, Rejection};
use bauta_schema::training::v1::{MsgSubmitChunk, RoundPhase};
use bauta_secagg::submit::Masked;
use bauta_secagg::switches::{without, Switch};

/// The world, the submission of provider 0, and what the chain said to a chunk at another's place.
fn attack() -> (World, Masked, Result<(), Rejection>) {
    let mut world = submitting(5, 30);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    let header = world.header_msg(&masked);
    world.send_as(0, header).unwrap();
    let chunk = world.chunk_msg(&masked, 0);
    assert!(matches!(world.send_as(1, chunk.clone()).unwrap_err().error, Error::NotAwaited(_)));
    let Call::SubmitChunk(msg) = chunk else { unreachable!() };
    let answer = world.send_as(0, Call::SubmitChunk(MsgSubmitChunk { index: 1, ..msg }));
    (world, masked, answer)
}

#[test]
fn is_caught() {
    let (mut world, masked, answer) = attack();
    assert!(matches!(answer.unwrap_err(), Rejection { error: Error::Refused(_), offence: None }));
    for index in 0..masked.chunks.len() as u32 {
        let chunk = world.chunk_msg(&masked, index);
        world.send_as(0, chunk).unwrap();
    }
    world.submit(&all_but(5, &[0]));
    world.until_round(RoundPhase::Unmask);
    world.unmask(&[1, 2, 3]);
    world.until_settled(1);
    world.assert_exact(1, &everyone(5));
    unharmed(&world);
}

/// The chunk that was signed for is never stored: the sum cannot be made, and the task stands still.
#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::ChunkPlace);
    let (mut world, masked, answer) = attack();
    answer.unwrap();
    for index in (0..masked.chunks.len() as u32).filter(|index| *index != 1) {
        let chunk = world.chunk_msg(&masked, index);
        world.send_as(0, chunk).unwrap();
    }
    world.submit(&all_but(5, &[0]));
    world.until_round(RoundPhase::Unmask);
    world.unmask(&[1, 2, 3]);
    (0..20).for_each(|_| world.block());
    assert_eq!(world.numbered(1).settled_height, 0);
    assert!(!world.registry.faults.is_empty());
}
