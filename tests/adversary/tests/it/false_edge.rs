//! Its update is far out of the bound, and it signs a false number for an edge with an honest member, so that the excess seems to be the
//! other's.

use crate::expect::{convicted, pays};
use crate::town::{blaming, everyone};
use crate::world::{all_but, World};
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::switches::{without, Switch};

const N: usize = 6;

/// The world, who lies, and about its edge with whom: the liar has the lower slot.
fn attack() -> (World, usize, usize) {
    let mut world = blaming(N, 32);
    let lower = world.slot(0) < world.slot(4);
    let (liar, framed) = if lower { (0, 4) } else { (4, 0) };
    world.until_blame(&[(liar, 1_000_000)]);
    world.sign_numbers(&all_but(N, &[liar]));
    let excess = 1_000_000 * i64::try_from(world.clients[liar].weight).unwrap();
    world.sign_lie(liar, framed, -excess);
    world.until_round(RoundPhase::BlameEdges);
    assert_eq!(world.asked_edges(), [(liar, framed)]);
    world.open_edges();
    world.until_round(RoundPhase::BlameRemove);
    world.open_edges();
    (world, liar, framed)
}

#[test]
fn is_caught() {
    let (mut world, liar, _) = attack();
    world.until_settled(1);
    world.assert_exact(1, &all_but(N, &[liar]));
    convicted(&world, liar, OffenceKind::FalseEdge);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::OpenedEdge);
    let (mut world, liar, framed) = attack();
    // What is left of the liar's is found in the next pass; the framed has lost its bond and its place.
    world.until_round(RoundPhase::Blame);
    assert_eq!(world.blame().pass, 2);
    pays(&world, framed, OffenceKind::FalseEdge);
    assert!(world.verdicts_of(liar).is_empty());
    assert_eq!(everyone(N).len(), world.round().survivors.len());
}
