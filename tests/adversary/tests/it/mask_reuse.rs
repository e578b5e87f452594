//! A victim survives one round, in which its own mask is opened, and is made to drop out of the next, in which those it shares are. If
//! both rounds had the same masks, the first update would be open.

use crate::lab::{edges, less_masks, open, self_mask, weighted};
use crate::town::{everyone, in_rounds};
use crate::world::all_but;
use bauta_schema::training::v1::RoundPhase;
use bauta_secagg::encoding::Slot;
use bauta_secagg::ring::Sign;
use bauta_secagg::switches::{without, Switch};

const N: usize = 5;
const VICTIM: usize = 4;

/// The weighted update of the first round, and what the attacker makes of both rounds.
fn attack() -> (Vec<i64>, Vec<i64>) {
    let mut world = in_rounds(N, 24);
    let slot = Slot::new(world.member(VICTIM).slot).unwrap();
    let update = world.update(VICTIM, 1);
    let mut first = None;
    let mut masks = Vec::new();
    for round in [1, 2] {
        world.check_in(&everyone(N));
        world.until_round(RoundPhase::Submit);
        let group = world.group_of(VICTIM);
        if round == 1 {
            let masked = world.masked(VICTIM, &update);
            world.submit_masked(VICTIM, &masked);
            first = Some((world.ctx(), masked));
        }
        world.submit(&all_but(N, &[VICTIM]));
        world.until_round(RoundPhase::Unmask);
        let answers: Vec<_> = [0, 1, 2].map(|i| world.answer(i)).into();
        let opened = open(&world.requests(), &answers);
        masks.extend(self_mask(&opened, slot).map(|point| (point, Sign::Plus)));
        masks.extend(edges(&opened, &group, slot));
        world.unmask(&[0, 1, 2]);
        world.until_settled(round);
    }
    assert_eq!(masks.len(), N, "its own mask and one with each other");
    let (ctx, masked) = first.unwrap();
    (weighted(&world, VICTIM, &update), less_masks(&world, &ctx, &masked.chunks, &masks))
}

#[test]
fn is_caught() {
    let (update, found) = attack();
    assert!(update.iter().zip(&found).all(|(value, found)| value != found));
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::RoundInContext);
    let (update, found) = attack();
    assert_eq!(update, found);
}
