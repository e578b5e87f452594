//! Providers through whole tasks: honest ones, and those that a scenario makes misbehave.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bauta_client::evidence::HandedHeader;
use bauta_client::policy::Policy;
use bauta_client::provider::{Behaviour, CheckInTiming, Event, Honest, ProviderError, Scene};
use bauta_learning::trainers::{Trainer, TrainerError};
use bauta_schema::training::v1::{OffenceKind, RoundPhase, TaskStatus};
use bauta_secagg::check_in::CheckedIn;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::world::{Noise, Shared, World};

fn honest(n: usize) -> Vec<Shared> {
    (0..n).map(|_| Shared(Arc::new(Honest))).collect()
}

#[tokio::test]
async fn honest_providers_finish_a_task_and_every_aggregate_is_the_plain_sum() {
    let mut world = World::new(4, 3).await;
    world.run().await;
    assert_eq!(world.task().status(), TaskStatus::Finished);
    assert_eq!(world.survivors(), [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]]);
    assert!(world.node.lock().machine.verdicts.is_empty());
}

#[tokio::test]
async fn early_check_ins_give_the_same_and_take_no_more_blocks() {
    let mut late = World::new(4, 4).await;
    late.run().await;
    let mut early = World::new(4, 4).await;
    early.timing = CheckInTiming::Early;
    (0..4).for_each(|index| early.restart(index));
    early.run().await;
    assert_eq!(early.task().status(), TaskStatus::Finished);
    assert_eq!(early.survivors(), [[0, 1, 2, 3]; 4]);
    assert!(early.node.lock().machine.verdicts.is_empty());
    assert!(early.task().ended_height <= late.task().ended_height);
}

#[tokio::test]
async fn the_secrets_of_an_epoch_are_erased_when_its_evidence_window_is_over() {
    let mut world = World::new(3, 1).await;
    world.run().await;
    for index in 0..3 {
        let epoch = world.records(index).join("epoch-1");
        assert!(epoch.join("closed").exists() && epoch.join("deal").exists());
        assert!(!world.records(index).join("secret").exists());
        assert!(!epoch.join("keys").exists() && !epoch.join("shares").exists());
        assert!(!epoch.join("round-1/update").exists() && epoch.join("round-1/submission").exists());
        assert!(!world.records(index).join("training/update.safetensors").exists());
        assert!(!world.records(index).join("training").exists());
    }
}

/// Trains as [`Noise`] does, and leaves something else than a file in place of its update.
#[cfg(unix)]
enum Trick {
    /// A link to the update, which lies elsewhere.
    Link(PathBuf),
    /// A pipe, from which nothing ever comes.
    Pipe,
}

#[cfg(unix)]
impl Trainer for Trick {
    fn run(&self, folder: &Path) -> Result<String, TrainerError> {
        let log = Noise.run(folder)?;
        let update = folder.join("update.safetensors");
        match self {
            Self::Link(elsewhere) => {
                std::fs::rename(&update, elsewhere).unwrap();
                std::os::unix::fs::symlink(elsewhere, &update).unwrap();
            }
            Self::Pipe => {
                std::fs::remove_file(&update).unwrap();
                assert!(std::process::Command::new("mkfifo").arg(&update).status().unwrap().success());
            }
        }
        Ok(log)
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_trainer_that_leaves_a_link_or_a_pipe_sits_out_and_nothing_behind_it_is_touched() {
    let mut world = World::new(5, 2).await;
    let elsewhere = world.homes[0].path().join("elsewhere");
    world.trainers[0] = Some(Arc::new(Trick::Link(elsewhere.clone())));
    world.trainers[1] = Some(Arc::new(Trick::Pipe));
    (0..2).for_each(|index| world.restart(index));
    world.run().await;
    assert_eq!(world.survivors(), [[2, 3, 4], [2, 3, 4]]);
    assert!(std::fs::read(&elsewhere).unwrap().iter().any(|byte| *byte != 0), "the file behind the link is whole");
    let events = world.events.lock().unwrap();
    for index in 0..2 {
        let said = events.iter().filter(|(who, event)| *who == index && matches!(event, Event::SatOut { .. }));
        let said: Vec<String> = said.map(|(_, event)| format!("{event:?}")).collect();
        assert!(said.iter().all(|event| event.contains("it is not a plain file")), "{said:?}");
        assert_eq!(said.len(), 2, "once a round: {said:?}");
    }
}

#[tokio::test]
async fn what_a_killed_process_left_in_its_training_folder_is_erased_and_never_used() {
    let mut world = World::new(3, 1).await;
    world.providers[0] = None;
    let orphan = world.records(0).join("training/0123456789abcdef");
    std::fs::create_dir_all(&orphan).unwrap();
    std::fs::write(orphan.join("update.safetensors"), b"of another round").unwrap();
    world.restart(0);
    assert!(!orphan.exists());
    world.run().await;
    assert_eq!(world.survivors(), [[0, 1, 2]]);
}

/// Falls silent in one round after it checked in, in both roles or as a seat only.
struct Silent {
    round: u64,
    as_provider: bool,
}

impl Behaviour for Silent {
    fn submits(&self, round: u64) -> bool {
        !(self.as_provider && round == self.round)
    }

    fn answers(&self, round: u64) -> bool {
        round != self.round
    }
}

#[tokio::test]
async fn one_that_falls_silent_after_check_in_pays_for_it_and_the_round_finishes_without_it() {
    let mut behaviours = honest(5);
    behaviours[2] = Shared(Arc::new(Silent { round: 2, as_provider: true }));
    let mut world = World::with(behaviours, 3).await;
    world.run().await;
    assert_eq!(world.survivors(), [vec![0, 1, 2, 3, 4], vec![0, 1, 3, 4], vec![0, 1, 3, 4]]);
    assert_eq!(world.node.lock().machine.offences(), [(world.raw(2), OffenceKind::NoSubmission)]);
}

#[tokio::test]
async fn a_silent_seat_costs_nothing_where_the_others_are_enough() {
    let mut behaviours = honest(5);
    behaviours[2] = Shared(Arc::new(Silent { round: 1, as_provider: false }));
    let mut world = World::with(behaviours, 2).await;
    world.run().await;
    assert_eq!(world.survivors(), [[0, 1, 2, 3, 4]; 2]);
    assert!(world.node.lock().machine.verdicts.is_empty());
}

#[tokio::test]
async fn the_round_after_one_that_aborted_is_trained_anew_so_that_no_update_is_in_two_sums() {
    let mut behaviours = honest(5);
    for behaviour in &mut behaviours[2..] {
        *behaviour = Shared(Arc::new(Silent { round: 1, as_provider: false }));
    }
    let mut world = World::with(behaviours, 1).await;
    world.run().await;
    // The requests of the first were committed, two seats of the three that it takes answered, and its sum may have been pieced together.
    let rounds = [1, 2].map(|number| world.node.lock().machine.round(1, number).round.unwrap());
    assert!(rounds[0].released && rounds[0].phase() == RoundPhase::Aborted, "{:?}", rounds[0]);
    assert_eq!(rounds[1].phase(), RoundPhase::Finished);
    assert_eq!(rounds[0].model_hash, rounds[1].model_hash, "the same model is trained");
    let trained = world.trained.lock().unwrap();
    for index in 0..5 {
        assert_ne!(trained[&(1, index)].1, trained[&(2, index)].1, "provider {index}");
    }
}

/// Signs a second header in one round and hands it to a peer.
struct TwoHeaders {
    round: u64,
    peer: Mutex<PathBuf>,
}

impl Behaviour for TwoHeaders {
    fn submitted(&self, scene: &Scene<'_>) {
        if scene.round != self.round {
            return;
        }
        let other: Vec<i64> = scene.update.iter().map(|value| value / 2).collect();
        let mut rng = ChaCha20Rng::seed_from_u64(99);
        let second = CheckedIn::resume(scene.keys, scene.rctx, scene.address, scene.weight)
            .mask(scene.ctx, scene.group, scene.layout, &other, &mut rng)
            .unwrap();
        HandedHeader::new(scene.chain_id, scene.account, scene.task, scene.epoch, scene.round, &second.header)
            .write(&self.peer.lock().unwrap())
            .unwrap();
    }
}

#[tokio::test]
async fn a_second_header_that_reaches_a_peer_is_reported_and_convicts() {
    let cheat = Arc::new(TwoHeaders { round: 2, peer: Mutex::new(PathBuf::new()) });
    let mut behaviours = honest(5);
    behaviours[1] = Shared(Arc::clone(&cheat) as Arc<dyn Behaviour>);
    let mut world = World::with(behaviours, 3).await;
    *cheat.peer.lock().unwrap() = world.inbox(3);
    world.run().await;
    assert_eq!(world.task().status(), TaskStatus::Finished);
    assert!(!world.survivors()[2].contains(&1));
    assert_eq!(world.node.lock().machine.offences(), [(world.raw(1), OffenceKind::TwoHeaders)]);
    let reported = Event::Reported { accused: world.address(1), round: 2 };
    assert!(world.events.lock().unwrap().contains(&(3, reported)));
    let filed: Vec<_> = std::fs::read_dir(world.inbox(3)).unwrap().flatten().map(|file| file.file_name()).collect();
    assert!(filed.len() == 1 && filed[0].to_str().unwrap().ends_with(".done"), "{filed:?}");
}

#[tokio::test]
async fn evidence_that_does_not_hold_is_refused_before_it_costs_its_reporter_anything() {
    let mut world = World::new(3, 2).await;
    while world.task().round < 2 {
        world.height().await;
    }
    let stored = world.node.lock().machine.round(1, 1).headers[0].clone();
    let accused = world.chain().text_of(&stored.address).unwrap();
    // The same header as on the chain: a resend is no offence.
    let header = bauta_secagg::signature::Signed::from_parts(&stored.body, &stored.signature).unwrap();
    let handed = HandedHeader::new("bauta-1", &accused, 1, 1, 1, &header);
    handed.write(&world.inbox(0)).unwrap();
    std::fs::write(world.inbox(0).join("nonsense.json"), b"{}").unwrap();
    world.run().await;
    assert!(world.node.lock().machine.verdicts.is_empty());
    assert!(!world.node.lock().machine.received.contains_key(bauta_schema::type_url::REPORT));
    let refused = std::fs::read_dir(world.inbox(0)).unwrap().flatten();
    assert_eq!(refused.filter(|file| file.file_name().to_str().unwrap().ends_with(".refused")).count(), 2);
}

#[tokio::test]
async fn a_task_that_asks_too_much_is_refused_before_anything_is_sent() {
    let mut world = World::new(3, 1).await;
    let policy = Policy { min_group: 4, ..Policy::default() };
    world.providers[0] = None;
    let mut provider = world.open_with(0, policy);
    let height = world.node.lock().height;
    let error = provider.step(height).await.unwrap_err();
    assert!(matches!(error, ProviderError::Policy(_)) && error.is_final());
    assert_eq!(
        error.to_string(),
        "the policy refuses the task: it reveals sums of 3 updates, the least accepted is min_group = 4"
    );
    assert!(!world.node.lock().machine.received.contains_key(bauta_schema::type_url::ENROL));
}

#[tokio::test]
async fn a_task_is_served_by_one_process() {
    let mut world = World::new(3, 1).await;
    let error = world.open(0).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
}

/// Several providers share a runtime with more than one thread.
#[test]
fn a_provider_at_work_may_move_between_threads() {
    fn movable<T: Send>(_: &T) {}
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut world = runtime.block_on(World::new(3, 1));
    let provider = world.providers[0].as_mut().unwrap();
    movable(&provider.run());
}

/// A trainer that fails.
struct Broken;

impl bauta_learning::trainers::Trainer for Broken {
    fn run(&self, _: &std::path::Path) -> Result<String, bauta_learning::trainers::TrainerError> {
        Err(bauta_learning::trainers::TrainerError::Skipped { status: "exit status: 7".into(), log: "no data".into() })
    }
}

#[tokio::test]
async fn a_trainer_that_fails_costs_the_round_and_no_bond() {
    let mut world = World::new(4, 2).await;
    world.trainers[2] = Some(Arc::new(Broken));
    world.restart(2);
    world.run().await;
    assert_eq!(world.survivors(), [[0, 1, 3], [0, 1, 3]]);
    assert!(world.node.lock().machine.verdicts.is_empty());
    let events = world.events.lock().unwrap();
    let sat_out =
        |event: &Event| matches!(event, Event::SatOut { what, why } if what == "training" && why.contains("no data"));
    assert_eq!(events.iter().filter(|(index, event)| *index == 2 && sat_out(event)).count(), 1);
}

#[tokio::test]
async fn training_in_the_background_keeps_the_seat_served() {
    let mut world = World::new(4, 2).await;
    world.mode = bauta_client::provider::TrainingMode::Background;
    (0..4).for_each(|index| world.restart(index));
    for _ in 0..400 {
        if world.height().await {
            break;
        }
        // A block takes a moment.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    assert_eq!(world.task().status(), TaskStatus::Finished);
    assert_eq!(world.survivors(), [[0, 1, 2, 3]; 2]);
}

/// Stays away from the first rounds.
struct Late(u64);

impl Behaviour for Late {
    fn checks_in(&self, round: u64) -> bool {
        round > self.0
    }
}

#[tokio::test]
async fn an_epoch_that_finds_no_group_is_followed_by_one_with_fresh_keys_and_its_secrets_are_erased() {
    let mut behaviours = honest(4);
    for behaviour in &mut behaviours[..2] {
        *behaviour = Shared(Arc::new(Late(3)));
    }
    let mut world = World::with(behaviours, 3).await;
    while world.task().epoch < 2 || world.task().finished_rounds < 2 {
        world.height().await;
    }
    let first_is_erased = |world: &World| (0..4).all(|index| world.records(index).join("epoch-1/closed").exists());
    // Long before the task is over.
    assert!(first_is_erased(&world) && world.records(0).join("epoch-2/keys").exists());
    world.run().await;
    assert_eq!(world.task().status(), TaskStatus::Finished);
    assert_eq!(world.survivors()[3..], [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]]);
    assert!(world.node.lock().machine.verdicts.is_empty());
}
