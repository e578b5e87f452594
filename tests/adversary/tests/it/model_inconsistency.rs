//! The endpoint of one client shows it another model (Pasquini et al. 2021), and all others one that no data moves: the sum of the group
//! would be the update of the one.

use crate::expect::pays;
use crate::lab::weighted;
use crate::town::submitting;
use crate::world::{all_but, World};
use bauta_rounds::{Error, Rejection};
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::check_in::CheckedIn;
use bauta_secagg::context::{Ctx, ModelHash, Root};
use bauta_secagg::switches::{without, Switch};

const N: usize = 5;
const VICTIM: usize = 4;

/// The world with the round settled, and what the chain said to the victim's header.
fn attack() -> (World, Result<(), Rejection>) {
    let mut world = submitting(N, 27);
    let roster = Root::from_bytes(world.round().roster_root.try_into().unwrap());
    let rctx = world.rctx_of(1);
    let shown = Ctx::new(&rctx, &ModelHash::from_bytes([7; 32]), &roster);
    let (update, group, layout) = (world.update(VICTIM, 1), world.group_of(VICTIM), world.terms().layout);
    let client = &world.clients[VICTIM];
    let masked = CheckedIn::resume(&client.keys, &rctx, &client.name(), client.weight)
        .mask(&shown, &group, &layout, &update, &mut world.rng)
        .unwrap();
    let header = world.header_msg(&masked);
    let answer = world.send_as(VICTIM, header);
    for index in 0..masked.chunks.len() as u32 {
        let chunk = world.chunk_msg(&masked, index);
        let _ = world.send_as(VICTIM, chunk);
    }
    for i in all_but(N, &[VICTIM]) {
        let nothing = vec![0; update.len()];
        let masked = world.masked(i, &nothing);
        world.submit_masked(i, &masked);
    }
    world.until_round(RoundPhase::Unmask);
    world.unmask(&[0, 1, 2]);
    world.until_settled(1);
    (world, answer)
}

#[test]
fn is_caught() {
    let (world, answer) = attack();
    assert!(matches!(answer.unwrap_err(), Rejection { error: Error::Refused(_), offence: None }));
    assert!(world.aggregate(1).iter().all(|value| *value == 0));
    pays(&world, VICTIM, OffenceKind::NoSubmission);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::ModelInContext);
    let (world, answer) = attack();
    answer.unwrap();
    assert_eq!(world.aggregate(1), weighted(&world, VICTIM, &world.update(VICTIM, 1)));
}
