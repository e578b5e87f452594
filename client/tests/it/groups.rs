//! Providers in many groups.

use std::path::PathBuf;

use bauta_client::policy::Policy;
use bauta_client::provider::Event;
use bauta_rounds::derive;
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use bauta_secagg::encoding::Slot;

use crate::lies::foreign_point;
use crate::proven_lies::{caught_in, in_epoch};
use crate::world::World;

#[tokio::test]
async fn providers_of_many_groups_serve_a_task_and_everybody_follows_the_headers() {
    let mut world = World::grouped(9, 4, 2).await;
    world.light_up();
    world.run().await;
    assert_eq!(world.survivors(), vec![(0..9).collect::<Vec<_>>(); 2]);
    let node = world.node.lock();
    assert!(node.machine.offences().is_empty());
    let groups = node.machine.round(1, 1).round.unwrap().groups;
    assert_eq!(groups.iter().map(|group| group.survivors.len()).collect::<Vec<_>>(), [5, 4]);
    // Five of nine seats are needed; no more are asked for once they are there.
    assert!((5..=9).contains(&node.machine.received[type_url::EVALUATE]));
}

/// Where provider 0 keeps what its seat answered for the partition.
fn answer_file(world: &World) -> Option<PathBuf> {
    let files = std::fs::read_dir(world.records(0).join("epoch-1")).ok()?;
    files.flatten().map(|file| file.path()).find(|path| path.to_string_lossy().contains("evaluation-partition-"))
}

#[tokio::test]
async fn a_seat_that_starts_again_sends_the_same_answer_for_the_partition() {
    let mut world = World::grouped(8, 4, 1).await;
    let answer = |world: &World| answer_file(world).map(|file| std::fs::read(file).unwrap());
    while answer(&world).is_none() {
        world.height().await;
    }
    let first = answer(&world);
    world.restart(0);
    world.run().await;
    assert_eq!(answer(&world), first);
    assert!(world.node.lock().machine.offences().is_empty());
}

#[tokio::test]
async fn a_seat_evaluates_no_second_input_in_an_epoch() {
    let mut world = World::grouped(8, 4, 1).await;
    let record = |world: &World| world.records(0).join("epoch-1/evaluated-partition");
    while !record(&world).exists() {
        world.height().await;
    }
    // As if it had answered about other dealers, and its answer been lost.
    std::fs::write(record(&world), [7; 32]).unwrap();
    std::fs::remove_file(answer_file(&world).unwrap()).unwrap();
    world.restart(0);
    let height = world.node.lock().height;
    let task = world.task();
    assert_eq!(task.round, 0, "the groups are not cut yet");
    let error = world.providers[0].as_mut().unwrap().step(height).await;
    // Its first answer may be there already; then nothing is due.
    if let Err(error) = error {
        assert!(error.to_string().contains("joint key"), "{error}");
    }
    assert!(answer_file(&world).is_none());
}

#[tokio::test]
async fn a_provider_checks_in_only_in_a_group_of_enough_attested_members() {
    let mut world = World::grouped(9, 4, 1).await;
    // Nine take part, but its group has four or five members.
    let policy = Policy { min_attested: 6, ..Policy::default() };
    world.providers[0] = None;
    let provider = world.open_with(0, policy);
    world.providers[0] = Some(provider);
    world.run().await;
    assert_eq!(world.survivors(), vec![(1..9).collect::<Vec<_>>()]);
    let events = world.events.lock().unwrap();
    let sat_out = |(index, event): &(usize, Event)| {
        *index == 0 && matches!(event, Event::SatOut { what, .. } if what == "check-in")
    };
    assert!(events.iter().any(sat_out));
    assert!(world.node.lock().machine.offences().is_empty());
}

#[tokio::test]
async fn a_provider_that_checked_in_submits_although_an_attested_member_stays_away() {
    let mut world = World::grouped(9, 4, 1).await;
    let members = |world: &World| world.node.lock().machine.epoch(1, 1).members;
    let group_of = |world: &World, index: usize| {
        let address = world.raw(index);
        members(world).iter().find(|member| member.address == address).map_or(0, |member| member.group)
    };
    while world.task().epoch == 0 || group_of(&world, 0) == 0 {
        world.height().await;
    }
    let own = group_of(&world, 0);
    let group: Vec<usize> = (0..9).filter(|index| group_of(&world, *index) == own).collect();
    let absent = *group.last().unwrap();
    // All of the group are attested, and all are asked for. When one does not come, who has checked in still owes its update.
    let policy = Policy { min_attested: u32::try_from(group.len()).unwrap(), ..Policy::default() };
    world.providers[0] = None;
    world.providers[absent] = None;
    world.providers[0] = Some(world.open_with(0, policy));
    world.run().await;
    let others: Vec<usize> = (0..9).filter(|index| *index != absent).collect();
    // A group of four in which one stays away is one of three, which is enough.
    assert_eq!(world.survivors(), vec![others]);
    assert!(world.node.lock().machine.offences().is_empty());
}

#[tokio::test]
async fn false_dealers_with_their_root_are_caught_before_a_seat_evaluates_their_joint_key() {
    let lie = in_epoch(pb::EpochPhase::Partition, |shown| {
        shown.epoch.members[1].slot = 0;
        let root = derive::dealers(&shown.epoch.members).unwrap().root().as_bytes().to_vec();
        shown.epoch.epoch.as_mut().unwrap().dealers_root = root;
    });
    let error = caught_in(World::grouped(8, 4, 1).await, lie, None).await;
    assert!(error.contains("root of its dealers") && error.contains("headers prove"), "{error}");
}

#[tokio::test]
async fn a_false_partition_is_caught_before_a_provider_checks_in() {
    // Another value, with which this provider would be among those whom the liar wants.
    let lie = in_epoch(pb::EpochPhase::Rounds, |shown| {
        let dealers = derive::dealers(&shown.epoch.members).unwrap();
        let slots: Vec<_> = dealers.iter().map(|(slot, _)| slot).collect();
        let epoch = shown.epoch.epoch.as_mut().unwrap();
        epoch.partition_point = foreign_point();
        let groups = derive::partition(epoch, &slots, 4).unwrap();
        for member in &mut shown.epoch.members {
            let is_own = |group: &Vec<Slot>| group.iter().any(|slot| slot.get() == member.slot);
            member.group = 1 + u32::try_from(groups.iter().position(is_own).unwrap()).unwrap();
        }
    });
    let error = caught_in(World::grouped(8, 4, 1).await, lie, None).await;
    assert!(error.contains("value of the joint key") && error.contains("headers prove"), "{error}");
}

#[tokio::test]
async fn members_shown_in_other_groups_than_the_value_cuts_are_caught_without_proofs_as_well() {
    let mut world = World::grouped(8, 4, 1).await;
    world.node.lock().machine.lie = Some(Box::new(|path, answer| {
        if path != "Epoch" {
            return answer;
        }
        let mut epoch = <pb::QueryEpochResponse as prost::Message>::decode(answer.as_slice()).unwrap();
        if epoch.epoch.as_ref().is_none_or(|epoch| epoch.groups == 0) {
            return answer;
        }
        for member in &mut epoch.members {
            member.group = 3 - member.group;
        }
        prost::Message::encode_to_vec(&epoch)
    }));
    for _ in 0..100 {
        let height = world.node.lock().height;
        for provider in world.providers.iter_mut().flatten() {
            if let Err(error) = provider.step(height).await {
                assert!(error.to_string().contains("the partition"), "{error}");
                assert_eq!(world.node.lock().machine.round(1, 1).check_ins.len(), 0);
                return;
            }
        }
        world.node.make_block();
    }
    panic!("the lie was not caught");
}
