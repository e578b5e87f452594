//! Providers in an epoch whose seats are drawn.

use std::sync::Arc;

use bauta_client::provider::Behaviour;
use bauta_rounds::derive;
use bauta_schema::type_url;

use crate::world::{settings, Shared, World};

/// Checks in to no round of the first epoch, so that it ends after three.
struct Later;

impl Behaviour for Later {
    fn checks_in(&self, round: u64) -> bool {
        round > 3
    }
}

#[tokio::test]
async fn providers_seed_a_draw_themselves_and_then_as_the_committee_before_and_answer_for_every_seat_they_hold() {
    let n = 97;
    let mut task = settings(n, 1);
    let cohort = task.cohort.as_mut().unwrap();
    (cohort.group_size, cohort.min_group, cohort.min_providers) = (24, 18, 90);
    task.windows.as_mut().unwrap().evidence = 60;
    let behaviours = (0..n).map(|_| Shared(Arc::new(Later)));
    let mut world = World::with_settings(behaviours.collect(), task).await;
    let mut drawn = Vec::new();
    for height in 0.. {
        assert!(height < 600, "the task did not end");
        if world.height().await {
            break;
        }
        let (node, task) = (world.node.lock(), world.task);
        let epoch = node.machine.epoch(task, 0);
        let record = epoch.epoch.unwrap();
        if record.seats > 0 && drawn.len() < record.number as usize {
            assert_eq!((record.seats, record.threshold), (96, 58));
            assert!(epoch.members.iter().any(|member| derive::seats_of(member).count() > 1));
            drawn.push(record.seats_seed.len());
        }
    }
    // A hash of what everyone gave, and then a value of the joint key.
    assert_eq!(drawn, [32, 33]);
    let node = world.node.lock();
    assert!(node.machine.offences().is_empty());
    assert_eq!(node.machine.received[type_url::CONTRIBUTE], 97);
    assert_eq!(node.machine.round(world.task, 4).round.unwrap().survivors.len(), 97);
}
