//! It enrols where seats are drawn, and keeps back what everyone gives to the seed, so that the draw can be had again without it.

use crate::expect::{convicted, unharmed};
use crate::town::with;
use crate::world::{all_but, settings, World};
use bauta_schema::training::v1::{EpochPhase, OffenceKind};
use bauta_secagg::switches::{without, Switch};

const N: usize = 99;
const HOSTILE: usize = 17;

fn attack() -> World {
    let mut settings = settings(N as u32, 8);
    let cohort = settings.cohort.as_mut().unwrap();
    (cohort.group_size, cohort.min_group, cohort.min_providers) = (16, 12, 90);
    cohort.corrupt_heads_ppm = Some(0);
    settings.windows.as_mut().unwrap().evidence = 40;
    let mut world = with(N, 42, settings);
    world.enrol(&all_but(N, &[]));
    world.until_epoch(EpochPhase::Seats);
    for i in all_but(N, &[HOSTILE]) {
        let signed = world.contribution(i);
        let call = world.contribute_msg(&signed);
        world.send_as(i, call).unwrap();
    }
    world.until_epoch(EpochPhase::Deal);
    world
}

#[test]
fn is_caught() {
    let world = attack();
    assert_eq!(world.member(HOSTILE).seat, 0);
    convicted(&world, HOSTILE, OffenceKind::WithheldSeed);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::WithheldSeed);
    unharmed(&attack());
}
