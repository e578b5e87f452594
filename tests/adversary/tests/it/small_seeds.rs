//! It tries seeds. A late vector (`late_submission`) is left under one mask; if that grew out of 16 bits, as in Flamingo's prototype, or
//! 28, as in Flower's pairwise masks, trying all of them would open it.

use crate::lab::weighted;
use crate::late_submission::attack;
use crate::world::World;
use bauta_secagg::context::Ctx;
use bauta_secagg::curve::Point;
use bauta_secagg::prg::{MaskKey, Use};
use bauta_secagg::ring::Sign;
use bauta_secagg::switches::{without, Switch};
use k256::ProjectivePoint;

const VICTIM: usize = 4;
/// Points whose inverses are computed together.
const BATCH: usize = 1024;

/// Tries the keys of so many points, until what is left is in the range of an update.
fn search(world: &World, left: &[i64], tries: usize) -> Option<Vec<i64>> {
    let round = world.numbered(1);
    let ctx = Ctx::from_bytes(round.ctx.try_into().unwrap());
    let terms = world.terms();
    let limit = terms.encoding.bound * world.clients[VICTIM].weight;
    let first = &left[..terms.layout.elements_in(0).unwrap()];
    let mut point = ProjectivePoint::GENERATOR;
    for _ in 0..tries / BATCH {
        let mut batch = Vec::with_capacity(BATCH);
        for _ in 0..BATCH {
            batch.push(point);
            point += ProjectivePoint::GENERATOR;
        }
        for point in Point::batch(&batch).unwrap() {
            let mut elements = terms.layout.zero(0).unwrap();
            elements.add_weighted(first, 1);
            MaskKey::new(Use::Vector, &ctx, &point).apply(&mut elements, Sign::Minus);
            let found = elements.decode();
            if found.iter().all(|value| value.unsigned_abs() <= limit) {
                return Some(found);
            }
        }
    }
    None
}

#[test]
fn is_caught() {
    let (world, left) = attack(26);
    assert_eq!(search(&world, &left, 1 << 16), None);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::SeedSpace);
    let (world, left) = attack(26);
    // Points hash to keys at random: that one of 2^16 is not met in 2^20 tries has probability 1e-7.
    let found = search(&world, &left, 1 << 20).unwrap();
    let update = weighted(&world, VICTIM, &world.update(VICTIM, 1));
    assert_eq!(found, update[..found.len()]);
}
