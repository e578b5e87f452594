//! Blame as an oracle: it keeps an honest member's numbers out of blocks and puts its own excess on the edge between them, so that the
//! silent one seems to be the culprit, whose edges are opened and whose update is published.

use crate::expect::{pays, unharmed_but};
use crate::town::blaming;
use crate::world::{all_but, World};
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::switches::{without, Switch};

const N: usize = 6;
const LIAR: usize = 2;
const VICTIM: usize = 5;

fn attack() -> World {
    let mut world = blaming(N, 34);
    world.until_blame(&[(LIAR, 1_000_000)]);
    world.sign_numbers(&all_but(N, &[LIAR, VICTIM]));
    let excess = 1_000_000 * i64::try_from(world.clients[LIAR].weight).unwrap();
    world.sign_lie(LIAR, VICTIM, -excess);
    world
}

#[test]
fn is_caught() {
    let mut world = attack();
    let round = world.until_settled(1);
    assert_eq!((round.phase(), round.blame_lists), (RoundPhase::Aborted, 0), "nothing is opened");
    // It was silent, by whoever's doing, and pays for no more.
    pays(&world, VICTIM, OffenceKind::SilentInBlame);
    unharmed_but(&world, &[VICTIM]);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::SilenceIsNoProof);
    let mut world = attack();
    world.until_round(RoundPhase::BlameRemove);
    // With the self mask, which is open, all that hides the victim's update.
    let asked = world.asked_edges();
    assert_eq!(asked.len(), N - 1);
    assert!(asked.iter().all(|(of, _)| *of == VICTIM), "{asked:?}");
    world.open_edges();
    world.until_round(RoundPhase::Blame);
    assert_eq!(world.verdicts_of(VICTIM), [OffenceKind::OutOfBound]);
    // The opened edge shows the lie; the victim's update is out.
    assert_eq!(world.verdicts_of(LIAR), [OffenceKind::FalseEdge]);
}
