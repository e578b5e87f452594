//! Its update is far out of the bound, and it and a mate say nothing when the group is asked for numbers: the group is void, and again the
//! next round.

use crate::expect::{pays, unharmed, unharmed_but};
use crate::town::blaming;
use crate::world::{all_but, World};
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::switches::{without, Switch};

const SILENT: [usize; 2] = [1, 4];

fn attack() -> World {
    let mut world = blaming(6, 33);
    world.until_blame(&[(SILENT[0], 1_000_000)]);
    world.sign_numbers(&all_but(6, &SILENT));
    world.until_settled(1);
    world
}

#[test]
fn is_caught() {
    let world = attack();
    assert_eq!(world.numbered(1).phase(), RoundPhase::Aborted);
    assert_eq!(world.numbered(1).blame_lists, 0, "nothing is opened");
    for who in SILENT {
        assert_eq!(world.verdicts_of(who), [OffenceKind::SilentInBlame]);
        pays(&world, who, OffenceKind::SilentInBlame);
    }
    unharmed_but(&world, &SILENT);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::SilentInBlame);
    let world = attack();
    assert_eq!(world.numbered(1).phase(), RoundPhase::Aborted);
    unharmed(&world);
}
