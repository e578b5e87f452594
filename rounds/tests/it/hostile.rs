//! Every handler is fed what nobody honest sends.

use crate::world::{all_but, create, settings, World};
use bauta_rounds::{check, handle, Call, Message};
use bauta_schema::training::v1 as pb;
use proptest::prelude::*;

/// One message of every kind that is awaited in its phase, with the world in that phase.
fn stages() -> Vec<(World, usize, Call)> {
    let n = 4;
    let everyone = all_but(n, &[]);
    let mut stages = Vec::new();
    let mut world = World::new(n, 80);
    let call = world.enrol_msg(0);
    stages.push((world, 0, call));
    let mut world = World::new(n, 80);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    let deal = world.deal(0);
    let call = world.deal_msg(&deal);
    stages.push((world, 0, call));
    let mut world = World::new(n, 80);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    let bad = crate::adversary::bad_deal(&mut world, 1, &[1, 2, 3, 4]);
    let call = world.deal_msg(&bad);
    world.send_as(1, call).unwrap();
    world.deal_all(&[0, 2, 3]);
    world.until_epoch(pb::EpochPhase::Complain);
    let bad = world.open_shares(0);
    let call = world.complain_msg(0, &bad[0]);
    stages.push((world, 0, call));
    let at = |steps: usize| {
        let mut world = World::new(n, 80);
        world.set_up(&everyone);
        if steps > 0 {
            world.check_in(&everyone);
            world.until_round(pb::RoundPhase::Submit);
        }
        if steps > 1 {
            world.submit(&everyone);
            world.until_round(pb::RoundPhase::Unmask);
        }
        world
    };
    let mut world = at(0);
    let call = world.check_in_msg(0, 1);
    stages.push((world, 0, call));
    let mut world = at(1);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    let call = world.header_msg(&masked);
    let chunk = world.chunk_msg(&masked, 1);
    stages.push((world, 0, call.clone()));
    let mut world = at(1);
    // The same world again: randomness is seeded, and so is the header.
    let again = world.masked(0, &update);
    assert_eq!(again, masked);
    world.send_as(0, call).unwrap();
    stages.push((world, 0, chunk));
    let mut world = at(2);
    let answer = world.answer(0);
    let call = world.unmask_msg(&answer);
    stages.push((world, 0, call));
    stages
}

fn fields(call: &mut Call) -> (&mut Vec<u8>, Option<&mut Vec<u8>>) {
    match call {
        Call::Enrol(msg) => (&mut msg.body, Some(&mut msg.signature)),
        Call::Deal(msg) => (&mut msg.body, Some(&mut msg.signature)),
        Call::Complain(msg) => (&mut msg.body, Some(&mut msg.signature)),
        Call::CheckIn(msg) => (&mut msg.body, Some(&mut msg.signature)),
        Call::SubmitHeader(msg) => (&mut msg.body, Some(&mut msg.signature)),
        Call::Unmask(msg) => (&mut msg.body, Some(&mut msg.signature)),
        Call::SubmitChunk(msg) => (&mut msg.data, None),
        _ => unreachable!("only protocol messages have a body"),
    }
}

fn numbers(call: &mut Call) -> Vec<&mut u64> {
    match call {
        Call::Enrol(msg) => vec![&mut msg.task_id, &mut msg.epoch],
        Call::Deal(msg) => vec![&mut msg.task_id, &mut msg.epoch],
        Call::Complain(msg) => vec![&mut msg.task_id, &mut msg.epoch],
        Call::CheckIn(msg) => vec![&mut msg.task_id, &mut msg.round],
        Call::SubmitHeader(msg) => vec![&mut msg.task_id, &mut msg.round],
        Call::SubmitChunk(msg) => vec![&mut msg.task_id, &mut msg.round],
        Call::Unmask(msg) => vec![&mut msg.task_id, &mut msg.round],
        _ => Vec::new(),
    }
}

/// Feeds a message straight to the handler, past the check: nothing stays, nothing panics, and nothing convicts.
fn refused(world: &World, sender: &[u8], call: &Call) {
    let message = Message { sender: sender.to_vec(), call: call.clone() };
    let (mut storage, mut blobs) = (world.storage.clone(), world.blobs.clone());
    let rejection = handle(&world.env(), &mut storage, &mut blobs, &world.registry, &message).unwrap_err();
    assert!(rejection.offence.is_none(), "a message nobody signed convicted somebody: {}", rejection.error);
    assert!(rejection.error.code() > 1 && !rejection.error.to_string().is_empty());
    assert_eq!(storage, world.storage);
    assert_eq!(blobs, world.blobs);
    assert!(check(&world.env(), &world.storage, &world.registry, &message).is_err());
}

#[test]
fn a_good_message_is_accepted_once_and_never_from_another_sender_task_epoch_or_round() {
    for (mut world, i, call) in stages() {
        let good = world.clients[i].address.clone();
        let other = world.clients[(i + 1) % 4].address.clone();
        refused(&world, &other, &call);
        refused(&world, b"a stranger", &call);
        for place in 0..2 {
            for value in [0, 2, u64::MAX] {
                let mut changed = call.clone();
                *numbers(&mut changed).remove(place) = value;
                refused(&world, &good, &changed);
            }
        }
        world.send(&good, call.clone()).unwrap();
        refused(&world, &good, &call);
        world.block();
        refused(&world, &good, &call);
    }
}

#[test]
fn every_flipped_bit_of_a_good_message_is_refused_without_penalty() {
    for (world, i, call) in stages() {
        let sender = world.clients[i].address.clone();
        let mut changed = call.clone();
        let (body, signature) = fields(&mut changed);
        let body = body.len();
        let signature = signature.map_or(0, |signature| signature.len());
        // Bodies of deals and partials are long: every byte of the first 300, then some.
        for place in (0..body + signature).filter(|place| *place < 300 || place % 97 == 0 || *place >= body) {
            let mut changed = call.clone();
            let (body_bytes, signature_bytes) = fields(&mut changed);
            if place < body {
                body_bytes[place] ^= 1 << (place % 8);
            } else if let Some(signature) = signature_bytes {
                signature[place - body] ^= 1 << (place % 8);
            }
            refused(&world, &sender, &changed);
        }
        for cut in [0, 1, body / 2, body.saturating_sub(1)] {
            let mut changed = call.clone();
            fields(&mut changed).0.truncate(cut);
            refused(&world, &sender, &changed);
        }
        let mut changed = call.clone();
        fields(&mut changed).0.push(0);
        refused(&world, &sender, &changed);
        let mut changed = call.clone();
        if let Some(signature) = fields(&mut changed).1 {
            signature.push(0);
            refused(&world, &sender, &changed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_refused_in_every_phase(
        body in prop::collection::vec(any::<u8>(), 0..700),
        signature in prop::collection::vec(any::<u8>(), 0..80),
        index in any::<u32>(),
        round in 0u64..3,
    ) {
        thread_local! {
            static STAGES: Vec<(World, usize, Call)> = stages();
        }
        STAGES.with(|stages| {
            for (world, i, _) in stages {
                let sender = &world.clients[*i].address;
                let (task_id, epoch) = (world.task, 1);
                let own = || String::new();
                let signed = pb::SignedBody { body: body.clone(), signature: signature.clone() };
                let header = || Some(pb::HeaderEvidence { signed: Some(signed.clone()), model_hash: body.clone(), roster_root: vec![] });
                let evidence = [
                    None,
                    Some(pb::msg_report::Evidence::TwoHeaders(pb::TwoHeaders { first: header(), second: header() })),
                    Some(pb::msg_report::Evidence::TwoHeaders(pb::TwoHeaders::default())),
                    Some(pb::msg_report::Evidence::UnrequestedPartial(signed.clone())),
                    Some(pb::msg_report::Evidence::InvalidProof(pb::InvalidProof { message: (index % 7) as i32, signed: Some(signed.clone()) })),
                    Some(pb::msg_report::Evidence::InvalidProof(pb::InvalidProof::default())),
                ];
                let (b, s) = (&body, &signature);
                let mut calls = vec![
                    Call::Enrol(pb::MsgEnrol { sender: own(), task_id, epoch, body: b.clone(), signature: s.clone() }),
                    Call::Deal(pb::MsgDeal { sender: own(), task_id, epoch, body: b.clone(), signature: s.clone() }),
                    Call::Complain(pb::MsgComplain { sender: own(), task_id, epoch, body: b.clone(), signature: s.clone() }),
                    Call::CheckIn(pb::MsgCheckIn { sender: own(), task_id, round, body: b.clone(), signature: s.clone() }),
                    Call::SubmitHeader(pb::MsgSubmitHeader { sender: own(), task_id, round, body: b.clone(), signature: s.clone() }),
                    Call::SubmitChunk(pb::MsgSubmitChunk { sender: own(), task_id, round, index, data: b.clone() }),
                    Call::Unmask(pb::MsgUnmask { sender: own(), task_id, round, body: b.clone(), signature: s.clone() }),
                ];
                calls.extend(evidence.into_iter().map(|evidence| Call::Report {
                    msg: Box::new(pb::MsgReport { sender: own(), accused: own(), task_id, epoch, round, evidence, ..Default::default() }),
                    accused: sender.clone(),
                }));
                for call in calls {
                    let message = Message { sender: sender.clone(), call };
                    let (mut storage, mut blobs) = (world.storage.clone(), world.blobs.clone());
                    let result = handle(&world.env(), &mut storage, &mut blobs, &world.registry, &message);
                    assert!(result.unwrap_err().offence.is_none());
                    assert_eq!(&storage, &world.storage);
                }
            }
        });
    }

    #[test]
    fn extreme_numbers_in_settings_are_refused_or_accepted_and_cost_no_work(
        edits in prop::collection::vec((0usize..43, prop_oneof![Just(0u64), Just(1), Just(u64::from(u32::MAX)), Just(u64::MAX), any::<u64>()]), 1..6),
    ) {
        let mut settings = settings(8, 40);
        for (field, value) in edits {
            edit(&mut settings, field, value);
        }
        let world = World::empty(0, 0);
        let message = Message { sender: b"owner".to_vec(), call: Call::CreateTask(Box::new(create(settings.clone()))) };
        let (mut storage, mut blobs) = (world.storage.clone(), world.blobs.clone());
        let _ = check(&world.env(), &storage, &world.registry, &message);
        let _ = handle(&world.env(), &mut storage, &mut blobs, &world.registry, &message);
        let request = pb::QueryEstimateRequest { settings: Some(settings), ..Default::default() };
        let _ = bauta_rounds::estimate(&crate::world::test_params(), &request);
    }
}

fn edit(settings: &mut pb::TaskSettings, field: usize, value: u64) {
    let small = value as u32;
    let encoding = settings.encoding.get_or_insert_default();
    let cohort = settings.cohort.get_or_insert_default();
    let windows = settings.windows.get_or_insert_default();
    let optimiser = settings.optimiser.get_or_insert_default();
    let rewards = settings.rewards.get_or_insert_default();
    let model = settings.model.get_or_insert_default();
    model.tensors.resize_with(1, pb::Tensor::default);
    let data = settings.data.get_or_insert_default();
    match field {
        0 => encoding.bits = small,
        1 => encoding.chunk_elems = small,
        2 => encoding.clip = value,
        3 => encoding.scale_bits = small,
        4 => encoding.bound = value,
        5 => encoding.max_weight = value,
        6 => encoding.rows_per_weight = value,
        7 => encoding.metrics = small,
        8 => cohort.min_providers = small,
        9 => cohort.max_providers = small,
        10 => cohort.group_size = small,
        11 => cohort.min_group = small,
        12 => cohort.corrupt_heads = Some(small),
        13 => cohort.corrupt_heads = None,
        14 => cohort.min_bond = value.to_string(),
        15 => windows.enrol = small,
        16 => windows.submit = small,
        17 => windows.evidence = small,
        18 => optimiser.learning_rate = value,
        19 => optimiser.beta1 = value,
        20 => optimiser.kind = small as i32,
        21 => optimiser.tau = value,
        22 => rewards.per_update = value.to_string(),
        23 => rewards.per_partial = format!("{value}{value}"),
        24 => rewards.gas_price = (u128::from(value) * u128::from(u32::MAX)).to_string(),
        25 => settings.rounds = small,
        26 => settings.max_idle_epochs = small,
        27 => settings.level = small as i32,
        28 => model.tensors[0].shape = vec![small],
        29 => model.tensors[0].shape = vec![small, small, 3],
        30 => model.hidden = small,
        31 => data.features = small,
        32 => data.classes = small,
        33 => {
            settings.trainer = Some(pb::TrainerHints {
                local_epochs: small,
                batch_size: small,
                learning_rate: value,
                weight_decay: value,
            })
        }
        34 => settings.windows = None,
        35 => settings.cohort = None,
        36 => settings.encoding = None,
        37 => settings.rewards = None,
        38 => settings.data = None,
        39 => cohort.corrupt_heads_ppm = Some(small),
        40 => cohort.corrupt_bond_ppm = Some(small),
        41 => cohort.offline_seats_ppm = Some(small),
        _ => settings.model = None,
    }
}
