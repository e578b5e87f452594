//! Tasks whose model travels encrypted: the chain sums what it cannot read, waits for its model provider, and makes it pay when it leaves or
//! cheats.

use crate::groups::{clients_of, grouped};
use crate::store::BlobStore;
use crate::world::{all_but, create, World, OWNER};
use bauta_rounds::escrow::Purse;
use bauta_rounds::{cost, derive, model_provider, state, Call, Error, Rejection};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::cohort::keys::{EpochKey, SealedModel};
use bauta_secagg::cohort::masks::RoundSecret;
use bauta_secagg::cohort::wraps::Wraps;
use bauta_secagg::encoding::{sha256, Address};
use bauta_secagg::ring::Elements;
use bauta_secagg::signature::Signed;
use bauta_secagg::submit::Masked;

const BOND: u128 = 7_000;
const WINDOW: u32 = 6;

fn encrypted(n: usize, g: u32) -> pb::TaskSettings {
    let mut settings = grouped(n as u32, g);
    settings.level = pb::Level::Cohort.into();
    settings.model_provider = Some(pb::ModelProvider { bond: BOND.to_string(), window: WINDOW });
    settings
}

/// A world whose owner keeps its secrets.
struct Cohort {
    world: World,
    key: EpochKey,
    secret: RoundSecret,
}

fn owner() -> Address {
    Address::new(OWNER.to_vec()).unwrap()
}

impl Cohort {
    /// Providers that have dealt, in a task with an encrypted model; the first round waits for its model.
    fn new(n: usize, g: u32, seed: u64) -> Self {
        let mut world = World::empty(n, seed);
        let message = pb::MsgCreateTask { initial_model: None, ..create(encrypted(n, g)) };
        world.send(OWNER, Call::CreateTask(Box::new(message))).unwrap();
        world.set_up(&all_but(n, &[]));
        let (key, secret) = (EpochKey::generate(&mut world.rng), RoundSecret::generate(&mut world.rng));
        Self { world, key, secret }
    }

    fn wraps(&mut self) -> Wraps {
        let recipients = model_provider::recipients(&self.world.members()).unwrap();
        Wraps::new(&self.world.ectx(), &owner(), &self.key, &recipients, &mut self.world.rng)
    }

    fn wrap_with(&mut self, wraps: &Wraps) -> Result<(), Rejection> {
        let message = pb::MsgWrapKeys {
            sender: String::new(),
            task_id: self.world.task,
            epoch: self.world.the_task().epoch,
            body: wraps.encode(),
        };
        self.world.send(OWNER, Call::WrapKeys(message))
    }

    fn seal(&mut self, model: &[u8]) -> SealedModel {
        let rctx = self.world.rctx_of(self.world.the_task().round);
        self.key.seal(&rctx, model, &mut self.world.rng)
    }

    fn announcement(&mut self, sealed: &SealedModel) -> pb::MsgPublishModel {
        let round = self.world.the_task().round;
        let rctx = self.world.rctx_of(round);
        self.secret = RoundSecret::generate(&mut self.world.rng);
        pb::MsgPublishModel {
            sender: String::new(),
            task_id: self.world.task,
            round,
            plain_hash: sealed.plain_hash.as_bytes().to_vec(),
            blob_hash: sha256(&[&sealed.blob]).to_vec(),
            bytes: sealed.blob.len() as u64,
            point: self.secret.point(&rctx, &owner(), &mut self.world.rng).encode(),
            chunk_hashes: sealed.blob.chunks(65_536).map(|chunk| sha256(&[chunk]).to_vec()).collect(),
        }
    }

    fn send_chunk(&mut self, index: u32, data: Vec<u8>) -> Result<(), Rejection> {
        let round = self.world.the_task().round;
        let message = pb::MsgPublishModelChunk { sender: String::new(), task_id: self.world.task, round, index, data };
        self.world.send(OWNER, Call::PublishModelChunk(message))
    }

    /// Publishes a model and lets the round begin.
    fn publish(&mut self, model: &[u8]) -> SealedModel {
        let sealed = self.seal(model);
        self.publish_sealed(&sealed);
        sealed
    }

    fn publish_sealed(&mut self, sealed: &SealedModel) {
        let message = self.announcement(sealed);
        self.world.send(OWNER, Call::PublishModel(Box::new(message))).unwrap();
        for (index, chunk) in (0..).zip(sealed.blob.chunks(65_536)) {
            self.send_chunk(index, chunk.to_vec()).unwrap();
        }
        self.world.block();
        assert_eq!(self.world.round().phase(), pb::RoundPhase::CheckIn);
    }

    fn masked(&mut self, i: usize, update: &[i64]) -> Masked {
        let world = &mut self.world;
        let (round, group) = (world.round(), world.group_of(i));
        let (rctx, ctx, layout) = (world.rctx_of(round.number), world.ctx(), world.terms().layout);
        let q = self.secret.point(&rctx, &owner(), &mut world.rng).q;
        let client = &world.clients[i];
        bauta_secagg::check_in::CheckedIn::resume(&client.keys, &rctx, &client.name(), client.weight)
            .with_cohort(&client.keys, &q)
            .mask(&ctx, &group, &layout, update, &mut world.rng)
            .unwrap()
    }

    /// A round to which some check in and some of them submit; the seats answer, and it finishes.
    fn run_round(&mut self, check_ins: &[usize], who: &[usize]) -> pb::Round {
        let round = self.world.the_task().round;
        self.world.check_in(check_ins);
        self.world.until_round(pb::RoundPhase::Submit);
        for &i in who {
            let update = self.world.update(i, round);
            let masked = self.masked(i, &update);
            self.world.submit_masked(i, &masked);
        }
        self.world.until_round(pb::RoundPhase::Unmask);
        let seats = self.world.epoch().threshold as usize;
        self.world.unmask(&all_but(self.world.clients.len(), &[])[..seats]);
        self.world.until_settled(round)
    }

    /// What the model provider reads of a group's sum, for these survivors.
    fn opened(&self, round: &pb::Round, number: u32, survivors: &[usize]) -> Vec<i64> {
        let group = round.groups.iter().find(|group| group.number == number).unwrap();
        let hash: [u8; 32] = group.aggregate_hash[..].try_into().unwrap();
        let blob = self.world.blobs.0[&hash].1.clone();
        let layout = self.world.terms().layout;
        let ctx = derive::ctx(round).unwrap();
        let keys: Vec<_> = survivors.iter().map(|&i| self.world.clients[i].keys.public().z).collect();
        let mut from = 0;
        let open = |chunk: u32| -> Elements {
            let bytes = layout.bytes_in(chunk).unwrap();
            let mut sum = layout.zero(chunk).unwrap();
            sum.add_packed(&blob[from..from + bytes], bauta_secagg::ring::Sign::Plus).unwrap();
            from += bytes;
            self.secret.remove(&ctx, &keys, &mut sum);
            sum
        };
        (0..layout.chunks()).map(open).flat_map(|sum| sum.decode()).collect()
    }

    fn complain(&mut self, i: usize, wraps: &Wraps, blob_hash: [u8; 32]) -> pb::MsgComplainAboutWrap {
        let ectx = self.world.ectx();
        let name = self.world.clients[i].name();
        let keys = &self.world.clients[i].keys;
        let signed: Signed<_> = keys.complain_about_wrap(&ectx, &name, wraps, blob_hash, &mut self.world.rng);
        pb::MsgComplainAboutWrap {
            sender: String::new(),
            task_id: self.world.task,
            epoch: self.world.the_task().epoch,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        }
    }

    fn owners_coins(&self) -> i128 {
        self.world.balances[OWNER]
    }
}

#[test]
fn the_chain_sums_what_it_cannot_read_and_the_model_provider_reads_the_sums_of_groups() {
    let n = 8;
    let mut cohort = Cohort::new(n, 4, 900);
    let wraps = cohort.wraps();
    cohort.wrap_with(&wraps).unwrap();
    let groups = clients_of(&cohort.world);
    // One of the first group drops out of the first round, and is barred from the second.
    let away = groups[&1][0];
    let others = all_but(n, &[away]);
    for (round, check_ins) in [(1, all_but(n, &[])), (2, others.clone())] {
        assert_eq!(cohort.world.round().phase(), pb::RoundPhase::Model);
        assert!(cohort.world.round().ctx.is_empty());
        cohort.publish(b"the model of a round");
        let settled = cohort.run_round(&check_ins, &others);
        assert_eq!((settled.number, settled.phase()), (round, pb::RoundPhase::Finished));
        let result = settled.result.clone().unwrap();
        assert!(result.aggregate_hash.is_empty() && result.model_hash.is_empty());
        for (number, members) in &groups {
            let survivors: Vec<usize> = members.iter().copied().filter(|&i| i != away).collect();
            let plain = cohort.world.plain_sum(&survivors, round);
            assert_eq!(cohort.opened(&settled, *number, &survivors), plain);
            // With one mask left on nothing is seen.
            assert_ne!(cohort.opened(&settled, *number, &survivors[1..]), plain);
        }
        assert!(settled.blob_hash.is_empty(), "the model is kept no longer than its round");
    }
    assert_eq!(cohort.world.verdicts_of(away), [OffenceKind::NoSubmission]);
    assert_eq!(cohort.world.verdicts.len(), 1);
}

#[test]
fn a_late_model_provider_costs_nobody_anything_and_one_that_never_comes_loses_its_bond_to_the_providers() {
    let n = 5;
    let mut cohort = Cohort::new(n, 5, 901);
    let wraps = cohort.wraps();
    cohort.wrap_with(&wraps).unwrap();
    for _ in 0..WINDOW - 2 {
        cohort.world.block();
    }
    cohort.publish(b"late");
    let settled = cohort.run_round(&all_but(n, &[]), &all_but(n, &[]));
    assert_eq!(settled.phase(), pb::RoundPhase::Finished);
    assert!(cohort.world.verdicts.is_empty());
    let before: Vec<i128> = (0..n).map(|i| cohort.world.balance(i)).collect();
    let coins = cohort.owners_coins();
    let held = bauta_rounds::escrow::Purse::of(&cohort.world.the_task()).unwrap().held;
    for _ in 0..=WINDOW {
        cohort.world.block();
    }
    let task = cohort.world.the_task();
    assert_eq!((task.status(), &task.bond[..]), (pb::TaskStatus::Defaulted, "0"));
    assert_eq!(cohort.world.numbered(2).abort_reason(), pb::AbortReason::NoModel);
    let ended = state::epoch(&cohort.world.storage, cohort.world.task, 1).unwrap();
    assert_eq!(ended.end(), pb::EpochEnd::Defaulted);
    // In equal parts; what is left of the budget goes back.
    let shares: Vec<i128> = (0..n).map(|i| cohort.world.balance(i) - before[i]).collect();
    assert_eq!(shares, [(BOND / n as u128) as i128; 5]);
    assert_eq!(cohort.owners_coins(), coins + held as i128);
    assert!(cohort.world.verdicts.is_empty());
}

#[test]
fn the_bond_of_one_that_kept_its_word_goes_back_with_the_rest_of_the_budget() {
    let n = 4;
    let mut settings = encrypted(n, 4);
    settings.rounds = 1;
    let mut world = World::empty(n, 902);
    let message = pb::MsgCreateTask { initial_model: None, ..create(settings) };
    world.send(OWNER, Call::CreateTask(Box::new(message))).unwrap();
    assert_eq!(world.balances[OWNER], 2_000_000_000 - 1_000_000_000 - BOND as i128);
    world.set_up(&all_but(n, &[]));
    let (key, secret) = (EpochKey::generate(&mut world.rng), RoundSecret::generate(&mut world.rng));
    let mut cohort = Cohort { world, key, secret };
    let wraps = cohort.wraps();
    cohort.wrap_with(&wraps).unwrap();
    cohort.publish(b"once");
    cohort.run_round(&all_but(n, &[]), &all_but(n, &[]));
    let task = cohort.world.the_task();
    assert_eq!((task.status(), &task.bond[..]), (pb::TaskStatus::Finished, "0"));
    assert_eq!(cohort.world.escrow, 0);
    let providers: i128 = (0..n).map(|i| cohort.world.balance(i)).sum();
    let fees = cohort.world.balances.get(&b"fees"[..]).copied().unwrap_or_default();
    assert_eq!(cohort.owners_coins() + providers + fees, 2_000_000_000);
}

#[test]
fn only_the_owner_publishes_once_in_order_and_only_what_it_announced() {
    let n = 4;
    let mut cohort = Cohort::new(n, 4, 903);
    let sealed = cohort.seal(&vec![7; 70_000]);
    assert_eq!(sealed.blob.len().div_ceil(65_536), 2);
    let announce = |cohort: &mut Cohort, change: fn(&mut pb::MsgPublishModel)| {
        let mut message = cohort.announcement(&sealed);
        change(&mut message);
        cohort.world.send(OWNER, Call::PublishModel(Box::new(message))).map_err(|rejection| rejection.error)
    };
    // Its model of 40 elements is smaller than that.
    assert!(matches!(announce(&mut cohort, |_| ()), Err(Error::NotAwaited(_))), "the key comes first");
    let wraps = cohort.wraps();
    cohort.wrap_with(&wraps).unwrap();
    assert!(matches!(cohort.wrap_with(&wraps).unwrap_err().error, Error::Duplicate(_)));
    assert!(matches!(announce(&mut cohort, |_| ()), Err(Error::Invalid(_))), "too large for this task");
    let sealed = cohort.seal(&vec![7; 900]);
    let announce = |cohort: &mut Cohort, change: fn(&mut pb::MsgPublishModel)| {
        let mut message = cohort.announcement(&sealed);
        change(&mut message);
        cohort.world.send(OWNER, Call::PublishModel(Box::new(message))).map_err(|rejection| rejection.error)
    };
    for change in [
        (|m| m.plain_hash.truncate(31)) as fn(&mut pb::MsgPublishModel),
        |m| m.blob_hash.clear(),
        |m| m.chunk_hashes.clear(),
        |m| m.chunk_hashes[0].push(1),
        |m| m.bytes = 20,
        |m| m.bytes = u64::MAX,
    ] {
        assert!(matches!(announce(&mut cohort, change), Err(Error::Invalid(_))));
    }
    assert!(matches!(announce(&mut cohort, |m| m.round += 1), Err(Error::WrongRound { .. })));
    assert!(matches!(announce(&mut cohort, |m| m.point.truncate(5)), Err(Error::Malformed(_))));
    assert!(matches!(announce(&mut cohort, |m| m.point[70] ^= 1), Err(Error::Refused(_) | Error::Malformed(_))));
    let message = cohort.announcement(&sealed);
    let refused = cohort.world.send_as(0, Call::PublishModel(Box::new(message.clone()))).unwrap_err();
    assert!(matches!(refused.error, Error::NotOwner(_)));
    let early = cohort.send_chunk(0, sealed.blob.clone()).unwrap_err().error;
    assert!(matches!(early, Error::NotAwaited(_)));
    cohort.world.send(OWNER, Call::PublishModel(Box::new(message.clone()))).unwrap();
    let again = cohort.world.send(OWNER, Call::PublishModel(Box::new(message))).unwrap_err();
    assert!(matches!(again.error, Error::Duplicate(_)));
    let mut other = sealed.blob.clone();
    other[3] ^= 1;
    for (index, data) in [(0, other), (0, sealed.blob[1..].to_vec()), (1, sealed.blob.clone())] {
        assert!(matches!(cohort.send_chunk(index, data).unwrap_err().error, Error::Refused(_)));
    }
    cohort.send_chunk(0, sealed.blob.clone()).unwrap();
    assert!(matches!(cohort.send_chunk(0, sealed.blob.clone()).unwrap_err().error, Error::Duplicate(_)));
    cohort.world.block();
    assert_eq!(cohort.world.round().phase(), pb::RoundPhase::CheckIn);
    // Check-ins come early only where the model is the chain's.
    cohort.world.check_in(&all_but(n, &[]));
    cohort.world.until_round(pb::RoundPhase::Submit);
    let early = cohort.world.check_in_msg(0, 2);
    assert!(matches!(cohort.world.send_as(0, early).unwrap_err().error, Error::NotAwaited(_)));
}

#[test]
fn chunks_that_are_not_the_announced_blob_publish_nothing_and_it_may_be_announced_again() {
    let mut cohort = Cohort::new(4, 4, 904);
    let wraps = cohort.wraps();
    cohort.wrap_with(&wraps).unwrap();
    let blobs = cohort.world.blobs.clone();
    let sealed = cohort.seal(b"a model");
    let mut message = cohort.announcement(&sealed);
    message.blob_hash[0] ^= 1;
    cohort.world.send(OWNER, Call::PublishModel(Box::new(message))).unwrap();
    cohort.send_chunk(0, sealed.blob.clone()).unwrap();
    cohort.world.block();
    assert_eq!(cohort.world.round().phase(), pb::RoundPhase::Model);
    assert!(cohort.world.events.iter().any(|event| event.kind == "model_refused"));
    assert_eq!(cohort.world.blobs, blobs, "nothing is left of it");
    cohort.publish_sealed(&sealed);
}

#[test]
fn a_wrap_that_does_not_open_ends_the_task_at_the_model_providers_cost_and_nobody_else_pays() {
    let n = 5;
    let mut cohort = Cohort::new(n, 5, 905);
    // Wraps of another key for everybody than the one whose hash they name.
    let other = EpochKey::generate(&mut cohort.world.rng);
    let key = std::mem::replace(&mut cohort.key, other);
    let mut wraps = cohort.wraps();
    wraps.key_hash = key.hash(&cohort.world.ectx());
    assert!(matches!(cohort.wrap_with(&wraps).unwrap_err().error, Error::Refused(_)), "the proof covers the hash");
    let honest = cohort.wraps();
    cohort.wrap_with(&honest).unwrap();
    // A model under another key than the wrapped one.
    cohort.key = key;
    let sealed = cohort.publish(b"unreadable");
    cohort.world.check_in(&all_but(n, &[]));
    cohort.world.until_round(pb::RoundPhase::Submit);
    let blob_hash = sha256(&[&sealed.blob]);
    let stale = cohort.complain(1, &honest, [0; 32]);
    assert!(matches!(cohort.world.send_as(1, Call::ComplainAboutWrap(stale)).unwrap_err().error, Error::Refused(_)));
    let complaint = cohort.complain(1, &honest, blob_hash);
    cohort.world.send_as(1, Call::ComplainAboutWrap(complaint)).unwrap();
    cohort.world.block();
    let task = cohort.world.the_task();
    assert_eq!(task.status(), pb::TaskStatus::Defaulted);
    assert_eq!(cohort.world.numbered(1).abort_reason(), pb::AbortReason::NoModel);
    // Nobody pays for a submission to a round that could not be.
    assert!(cohort.world.verdicts.is_empty());
    for i in 0..n {
        assert_eq!(cohort.world.balance(i), (BOND / n as u128) as i128);
    }
    assert_eq!(cohort.world.blobs, BlobStore::default());
}

#[test]
fn a_complaint_about_a_released_round_ends_the_task_when_the_round_is_paid_for() {
    let n = 5;
    let mut cohort = Cohort::new(n, 5, 911);
    let other = EpochKey::generate(&mut cohort.world.rng);
    let wraps = cohort.wraps();
    cohort.wrap_with(&wraps).unwrap();
    cohort.key = other;
    let sealed = cohort.publish(b"unreadable to one who kept it for later");
    cohort.world.check_in(&all_but(n, &[]));
    cohort.world.until_round(pb::RoundPhase::Submit);
    for i in 0..n {
        let update = cohort.world.update(i, 1);
        let masked = cohort.masked(i, &update);
        cohort.world.submit_masked(i, &masked);
    }
    cohort.world.until_round(pb::RoundPhase::Unmask);
    // Every partial is posted, so that the model provider has the sum; in the same block somebody of its own complains.
    cohort.world.unmask(&all_but(n, &[]));
    let complaint = cohort.complain(1, &wraps, sha256(&[&sealed.blob]));
    cohort.world.send_as(1, Call::ComplainAboutWrap(complaint)).unwrap();
    let settled = cohort.world.until_settled(1);
    assert_eq!(settled.phase(), pb::RoundPhase::Finished);
    cohort.world.block();
    let task = cohort.world.the_task();
    assert_eq!(task.status(), pb::TaskStatus::Defaulted);
    // For an update each, as for every finished round, beside the share of the bond.
    assert!(Purse::of(&task).unwrap().rewards > 0);
    for i in 0..n {
        assert!(cohort.world.balance(i) > (BOND / n as u128) as i128, "provider {i}");
    }
    assert!(cohort.world.verdicts.is_empty());
    // Its sum stays where the model provider may read it.
    let sum = state::hash(&settled.groups[0].aggregate_hash).unwrap();
    assert!(cohort.world.blobs.0.contains_key(&sum));
}

#[test]
fn a_complaint_about_what_is_right_convicts_the_complainer_and_the_round_goes_on() {
    let n = 5;
    let mut cohort = Cohort::new(n, 5, 906);
    let wraps = cohort.wraps();
    cohort.wrap_with(&wraps).unwrap();
    let early = cohort.complain(4, &wraps, [0; 32]);
    let sealed = cohort.publish(b"a model");
    // Made before there was a model, it names none.
    let rejection = cohort.world.send_as(4, Call::ComplainAboutWrap(early)).unwrap_err();
    assert!(matches!(rejection.error, Error::Refused(_)) && rejection.offence.is_none());
    let complaint = cohort.complain(4, &wraps, sha256(&[&sealed.blob]));
    let rejection = cohort.world.send_as(4, Call::ComplainAboutWrap(complaint.clone())).unwrap_err();
    assert_eq!(rejection.offence.unwrap().kind, OffenceKind::FalseComplaint);
    // And is heard no more, at nobody's cost.
    let fees = crate::budget::fees(&cohort.world);
    assert!(matches!(
        cohort.world.send_as(4, Call::ComplainAboutWrap(complaint)).unwrap_err().error,
        Error::NotAwaited(_)
    ));
    assert_eq!(crate::budget::fees(&cohort.world), fees);
    assert_eq!(cohort.world.verdicts_of(4), [OffenceKind::FalseComplaint]);
    cohort.world.check_in(&[0, 1, 2, 3]);
    cohort.world.until_round(pb::RoundPhase::Submit);
    for i in 0..4 {
        let update = cohort.world.update(i, 1);
        let masked = cohort.masked(i, &update);
        cohort.world.submit_masked(i, &masked);
    }
    cohort.world.until_round(pb::RoundPhase::Unmask);
    cohort.world.unmask(&[0, 1, 2, 3]);
    let settled = cohort.world.until_settled(1);
    assert_eq!(cohort.opened(&settled, 1, &[0, 1, 2, 3]), cohort.world.plain_sum(&[0, 1, 2, 3], 1));
}

#[test]
fn an_owner_that_cancels_while_its_model_is_awaited_ends_the_task_and_keeps_its_bond() {
    let mut cohort = Cohort::new(4, 4, 907);
    let coins = cohort.owners_coins();
    let held = bauta_rounds::escrow::Purse::of(&cohort.world.the_task()).unwrap().held;
    let cancel = pb::MsgCancelTask { owner: String::new(), task_id: cohort.world.task };
    cohort.world.send(OWNER, Call::CancelTask(cancel)).unwrap();
    cohort.world.block();
    assert_eq!(cohort.world.the_task().status(), pb::TaskStatus::Cancelled);
    assert_eq!(cohort.owners_coins(), coins + (held + BOND) as i128);
}

#[test]
fn the_chain_stops_in_the_middle_and_everything_is_given_back() {
    let mut cohort = Cohort::new(4, 4, 908);
    let wraps = cohort.wraps();
    cohort.wrap_with(&wraps).unwrap();
    let sealed = cohort.seal(&vec![1; 500]);
    let message = cohort.announcement(&sealed);
    cohort.world.send(OWNER, Call::PublishModel(Box::new(message))).unwrap();
    cohort.send_chunk(0, sealed.blob).unwrap();
    cohort.world.halt();
    assert_eq!(cohort.world.escrow, 0);
    assert_eq!(cohort.world.blobs, BlobStore::default());
}

#[test]
fn what_a_cohort_task_cannot_be_is_refused_with_the_reason() {
    let refused = |change: fn(&mut pb::TaskSettings)| {
        let mut settings = encrypted(5, 5);
        change(&mut settings);
        let mut world = World::empty(5, 909);
        let message = pb::MsgCreateTask { initial_model: None, ..create(settings) };
        world.send(OWNER, Call::CreateTask(Box::new(message))).unwrap_err().error.to_string()
    };
    for (change, words) in [
        ((|s| s.model_provider = None) as fn(&mut pb::TaskSettings), "model_provider is missing"),
        (|s| s.model_provider.as_mut().unwrap().bond = "0".into(), "bond must be above 0"),
        (|s| s.model_provider.as_mut().unwrap().window = 1, "window must be"),
        (|s| s.blame = Some(pb::Blame { window: 4 }), "cannot score or blame"),
        (|s| s.level = pb::Level::Open.into(), "model_provider is for tasks"),
        (|s| s.level = pb::Level::Sealed.into(), "sealed tasks are not offered"),
    ] {
        let said = refused(change);
        assert!(said.contains(words), "{words}: {said}");
    }
    let mut world = World::empty(5, 910);
    let given = create(encrypted(5, 5));
    let said = world.send(OWNER, Call::CreateTask(Box::new(given))).unwrap_err().error.to_string();
    assert!(said.contains("stay encrypted"), "{said}");
    assert!(cost::estimate(&bauta_rounds::terms::Terms::read(&encrypted(5, 5)).unwrap()).least_budget > 0);
}
