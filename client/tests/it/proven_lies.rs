//! A node that lies consistently: roots and contexts fit what it shows, and only the chain's headers say otherwise. Nothing is sent on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use bauta_client::provider::ProviderError;
use bauta_rounds::derive;
use bauta_schema::training::v1 as pb;
use bauta_secagg::context::{Ctx, ModelHash, Rctx, Root};
use prost::Message;
use serde_json::{json, Value};

use crate::lies::foreign_point;
use crate::mock::RpcLie;
use crate::world::World;

pub type Lie = Box<dyn FnMut(&mut Shown) -> bool + Send>;

/// What the node shows of a task; a lie changes it, and says whether it did.
#[derive(Default)]
pub struct Shown {
    /// Which of the two was asked for.
    asked: String,
    pub epoch: pb::QueryEpochResponse,
    pub round: pb::QueryRoundResponse,
}

impl Shown {
    fn epoch_phase(&self) -> pb::EpochPhase {
        self.epoch.epoch.as_ref().map_or(pb::EpochPhase::Unspecified, |epoch| epoch.phase())
    }

    fn round_phase(&self) -> pb::RoundPhase {
        self.round.round.as_ref().map_or(pb::RoundPhase::Unspecified, |round| round.phase())
    }

    pub fn record(&mut self) -> &mut pb::Round {
        self.round.round.as_mut().unwrap()
    }

    /// Makes the contexts and roots of the round fit.
    fn fit(&mut self) {
        let number = self.record().number;
        let roster: Root = derive::roster(&self.epoch.members, number).unwrap().root();
        let record = self.record();
        let rctx = Rctx::from_bytes(record.rctx.clone().try_into().unwrap());
        let model = ModelHash::from_bytes(record.model_hash.clone().try_into().unwrap());
        record.roster_root = roster.as_bytes().to_vec();
        record.ctx = Ctx::new(&rctx, &model, &roster).as_bytes().to_vec();
        if record.groups.is_empty() {
            return;
        }
        let group = derive::group(&self.epoch.members, &self.round.check_ins).unwrap();
        self.record().groups[0].root = group.root().as_bytes().to_vec();
        if self.record().request_root.is_empty() {
            return;
        }
        let check_ins = self.round.check_ins.clone();
        let members = self.epoch.members.clone();
        let groups = derive::released_groups(&members, &check_ins, self.record(), 3).unwrap();
        let requests = derive::requests(self.record(), &groups).unwrap();
        self.record().request_root = requests.root().as_bytes().to_vec();
    }
}

/// Runs a task in which the node lies to provider 0 from the first time that the lie applies; why provider 0 did nothing.
async fn caught(rounds: u32, lie: Lie, rpc: Option<RpcLie>) -> String {
    caught_in(World::new(4, rounds).await, lie, rpc).await
}

/// The same in a world.
pub async fn caught_in(mut world: World, mut lie: Lie, rpc: Option<RpcLie>) -> String {
    world.light_up();
    let n = world.providers.len();
    let (active, applied) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (is_active, note) = (Arc::clone(&active), Arc::clone(&applied));
    let mut shown = Shown::default();
    world.node.lock().machine.lie = Some(Box::new(move |path, answer| {
        if !is_active.load(Ordering::SeqCst) {
            return answer;
        }
        shown.asked = path.to_owned();
        match path {
            "Epoch" => shown.epoch = pb::QueryEpochResponse::decode(answer.as_slice()).unwrap(),
            "Round" => shown.round = pb::QueryRoundResponse::decode(answer.as_slice()).unwrap(),
            _ => return answer,
        }
        if lie(&mut shown) {
            note.store(true, Ordering::SeqCst);
        }
        match path {
            "Epoch" => shown.epoch.encode_to_vec(),
            _ => shown.round.encode_to_vec(),
        }
    }));
    if let Some(mut rpc) = rpc {
        let (is_active, is_applied) = (Arc::clone(&active), Arc::clone(&applied));
        world.node.lock().rpc_lie = Some(Box::new(move |method, params, answer| {
            match is_active.load(Ordering::SeqCst) && is_applied.load(Ordering::SeqCst) {
                true => rpc(method, params, answer),
                false => answer,
            }
        }));
    }
    for _ in 0..100 {
        let height = world.node.lock().height;
        for index in 1..n {
            world.providers[index].as_mut().unwrap().step(height).await.unwrap();
        }
        let sent = world.node.lock().broadcasts;
        active.store(true, Ordering::SeqCst);
        let result = world.providers[0].as_mut().unwrap().step(height).await;
        active.store(false, Ordering::SeqCst);
        if applied.load(Ordering::SeqCst) {
            assert_eq!(world.node.lock().broadcasts, sent, "something was sent on a lie");
            if let Err(error) = result {
                assert!(matches!(error, ProviderError::Inconsistent { .. } | ProviderError::Chain(_)), "{error}");
                return error.to_string();
            }
        } else {
            result.unwrap();
        }
        world.node.make_block();
    }
    panic!("the lie was not caught, or never applied");
}

pub fn in_epoch(phase: pb::EpochPhase, mut lie: impl FnMut(&mut Shown) + Send + 'static) -> Lie {
    Box::new(move |shown| {
        let applies = shown.epoch_phase() == phase;
        if applies {
            lie(shown);
        }
        applies
    })
}

pub fn in_round(number: u64, phase: pb::RoundPhase, mut lie: impl FnMut(&mut Shown) + Send + 'static) -> Lie {
    Box::new(move |shown| {
        let applies = shown.asked == "Round" && shown.round_phase() == phase && shown.record().number == number;
        if applies {
            lie(shown);
            shown.fit();
        }
        applies
    })
}

#[tokio::test]
async fn a_task_ends_as_it_should_when_everybody_follows_the_headers() {
    let mut world = World::new(4, 2).await;
    world.light_up();
    world.run().await;
    assert_eq!(world.survivors(), vec![vec![0, 1, 2, 3]; 2]);
    assert!(world.node.lock().machine.offences().is_empty());
}

#[tokio::test]
async fn false_seats_with_their_root_are_caught_before_anything_is_dealt() {
    let lie = in_epoch(pb::EpochPhase::Deal, |shown| {
        shown.epoch.seats[1].key = foreign_point();
        let root = derive::seats(&shown.epoch.seats).unwrap().root().as_bytes().to_vec();
        shown.epoch.epoch.as_mut().unwrap().seats_root = root;
    });
    let error = caught(1, lie, None).await;
    assert!(error.contains("root of its seats") && error.contains("headers prove"), "{error}");
}

#[tokio::test]
async fn false_members_with_their_root_and_context_are_caught_before_a_check_in() {
    // The epoch is read before the round, so the lie begins with the first epoch that is shown in the round.
    let mut has_begun = false;
    let lie: Lie = Box::new(move |shown| {
        has_begun |= shown.asked == "Epoch" && shown.round_phase() == pb::RoundPhase::CheckIn;
        if has_begun {
            shown.epoch.members[1].masking_key = foreign_point();
            shown.fit();
        }
        has_begun
    });
    let error = caught(1, lie, None).await;
    assert!(error.contains("headers prove"), "{error}");
}

#[tokio::test]
async fn a_false_group_with_its_root_is_caught_before_anything_is_masked() {
    let lie = in_round(1, pb::RoundPhase::Submit, |shown| shown.round.check_ins[1].point = foreign_point());
    let error = caught(1, lie, None).await;
    assert!(error.contains("a group") && error.contains("headers prove"), "{error}");
}

#[tokio::test]
async fn another_model_with_its_context_is_caught_before_a_check_in() {
    let mut first = Vec::new();
    let lie: Lie = Box::new(move |shown| {
        if shown.asked != "Round" || shown.round_phase() != pb::RoundPhase::CheckIn {
            return false;
        }
        if shown.record().number == 1 {
            first.clone_from(&shown.record().model_hash);
            return false;
        }
        // A model of this task, so that its bytes can be had: that of the round before.
        shown.record().model_hash.clone_from(&first);
        shown.fit();
        true
    });
    let error = caught(2, lie, None).await;
    assert!(error.contains("another model") && error.contains("headers prove"), "{error}");
}

#[tokio::test]
async fn false_survivors_with_their_request_list_are_caught_before_a_seat_answers() {
    let lie = in_round(1, pb::RoundPhase::Unmask, |shown| {
        shown.record().survivors.pop();
        shown.record().groups[0].survivors.pop();
    });
    let error = caught(1, lie, None).await;
    assert!(error.contains("survivors") && error.contains("headers prove"), "{error}");
}

#[tokio::test]
async fn a_false_world_whose_proofs_are_forged_as_well_is_caught() {
    let lie = in_round(1, pb::RoundPhase::Submit, |shown| shown.round.check_ins[1].point = foreign_point());
    let forge: RpcLie = Box::new(|method, params, mut answer: Value| {
        if method == "abci_query" && params["prove"] == true {
            answer["response"]["value"] = json!("AA==");
        }
        answer
    });
    let error = caught(1, lie, Some(forge)).await;
    assert!(error.contains("proof"), "{error}");
}

#[tokio::test]
async fn a_node_that_shows_an_old_chain_in_a_round_is_caught() {
    let lie = in_round(1, pb::RoundPhase::Submit, |_| {});
    let old: RpcLie = Box::new(|method, _, mut answer: Value| {
        if method == "status" {
            answer["sync_info"]["latest_block_height"] = json!("3");
        }
        answer
    });
    let error = caught(1, lie, Some(old)).await;
    assert!(error.contains("ends at block 3"), "{error}");
}
