//! Loss and hits behind the coordinates of the update: summed like it, split off before anything is combined.

use crate::groups::{assert_exact_by_group, clients_of, grouped};
use crate::world::{all_but, World};
use bauta_learning::encode::metrics::Means;
use bauta_learning::fixed::{Fixed, ONE};
use bauta_schema::training::v1 as pb;

fn measured(n: usize, g: u32, seed: u64, metrics: u32) -> World {
    let mut settings = grouped(n as u32, g);
    settings.encoding.as_mut().unwrap().metrics = metrics;
    World::with(n, seed, settings)
}

/// A round that everybody takes part in; `change` may alter what somebody masks.
fn run(world: &mut World, change: impl Fn(usize, &mut Vec<i64>)) {
    let everyone = all_but(world.clients.len(), &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    for &i in &everyone {
        let mut update = world.update(i, 1);
        change(i, &mut update);
        let masked = world.masked(i, &update);
        world.submit_masked(i, &masked);
    }
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
}

#[test]
fn groups_and_rounds_have_the_weighted_sums_of_their_metrics_and_the_model_is_that_of_a_task_without() {
    let n = 9;
    let mut world = measured(n, 4, 300, 2);
    run(&mut world, |_, _| {});
    let groups = clients_of(&world);
    assert_eq!(groups.len(), 2);
    assert_exact_by_group(&world, 1, &groups);
    let everyone = all_but(n, &[]);
    world.assert_exact(1, &everyone);
    let result = world.numbered(1).result.unwrap();
    assert_eq!(result.metrics.len(), 2);
    let means = Means::of(&world.terms().encoding, &result.metrics, result.total_weight).unwrap();
    assert!(means.loss > Fixed::ZERO && means.loss < Fixed::from_bits(16 * ONE), "{means:?}");
    assert!(means.hits > Fixed::ZERO && means.hits < Fixed::from_bits(ONE), "{means:?}");

    // The same keys, weights and updates without metrics: not a bit of the model differs.
    let mut plain = measured(n, 4, 300, 0);
    run(&mut plain, |_, _| {});
    let without = plain.numbered(1).result.unwrap();
    assert_eq!((without.metrics, without.aggregate_hash), (vec![], result.aggregate_hash));
    assert_eq!(without.model_hash, result.model_hash);
}

#[test]
fn a_metric_beyond_what_the_weights_allow_voids_its_group_alone() {
    let n = 8;
    let mut world = measured(n, 4, 301, 2);
    let bound = world.terms().encoding.bound as i64;
    let liar = 5;
    // A hundred times the largest loss: four members of weight 3 at most allow a twelfth of it.
    run(&mut world, |i, update| {
        if i == liar {
            let loss = update.len() - 2;
            update[loss] = 100 * bound;
        }
    });
    let number = world.member(liar).group;
    let record = world.numbered(1);
    for group in &record.groups {
        let void = if group.number == number { pb::AbortReason::OutOfRange } else { pb::AbortReason::Unspecified };
        assert_eq!((group.void(), group.metrics.len()), (void, if group.number == number { 0 } else { 2 }));
    }
    let mut groups = clients_of(&world);
    groups.remove(&number);
    assert_exact_by_group(&world, 1, &groups);
}
