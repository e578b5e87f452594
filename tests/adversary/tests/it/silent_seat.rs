//! Two seats of four keep silent, so that fewer answer than are needed, and a round that cost everyone's work is void.

use crate::expect::{pays, unharmed, unharmed_but};
use crate::town::{everyone, submitting};
use crate::world::World;
use bauta_schema::training::v1::{AbortReason, OffenceKind, RoundPhase};
use bauta_secagg::switches::{without, Switch};

fn attack() -> World {
    let mut world = submitting(4, 4);
    world.submit(&everyone(4));
    world.until_round(RoundPhase::Unmask);
    world.unmask(&[1, 2]);
    let round = world.until_settled(1);
    assert_eq!(round.abort_reason(), AbortReason::TooFewPartials);
    world
}

#[test]
fn is_caught() {
    let world = attack();
    for silent in [0, 3] {
        assert_eq!(world.verdicts_of(silent), [OffenceKind::SilentSeat]);
        pays(&world, silent, OffenceKind::SilentSeat);
    }
    unharmed_but(&world, &[0, 3]);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::SilentSeat);
    unharmed(&attack());
}
