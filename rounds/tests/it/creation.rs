//! Tasks that are refused when they are created, and what becomes of their budgets.

use crate::world::{create, settings, test_params, World, OWNER};
use bauta_rounds::{check, cost, estimate, handle, keys, state, tails, terms::Terms, Call, Error, Message};
use bauta_schema::training::v1 as pb;

#[track_caller]
fn refusal(change: impl FnOnce(&mut pb::MsgCreateTask)) -> Error {
    let mut world = World::empty(0, 0);
    let mut msg = create(settings(8, 40));
    change(&mut msg);
    let before = world.storage.clone();
    let error = world.send(OWNER, Call::CreateTask(Box::new(msg))).unwrap_err().error;
    assert_eq!(world.storage, before);
    assert!(!error.to_string().is_empty());
    error
}

fn change(change: impl FnOnce(&mut pb::TaskSettings)) -> Error {
    refusal(|msg| change(msg.settings.as_mut().unwrap()))
}

#[test]
fn numbers_that_overflow_the_ring_are_refused() {
    let error = change(|s| s.encoding.as_mut().unwrap().bits = 24);
    assert!(matches!(error, Error::RingOverflow(_)), "{error}");
    // The largest bound that fits is accepted: 2^32 = 2^9 * 8 * B * 8.
    let bound = (1u64 << 32) / (512 * 8 * 8);
    let error = change(|s| s.encoding.as_mut().unwrap().bound = bound + 1);
    assert!(matches!(error, Error::RingOverflow(_)), "{error}");
    let mut world = World::empty(0, 0);
    let mut settings = settings(8, 40);
    settings.encoding.as_mut().unwrap().bound = bound;
    world.send(OWNER, Call::CreateTask(Box::new(create(settings)))).unwrap();
}

#[test]
fn data_that_cannot_fit_its_windows_is_refused() {
    let error = change(|s| {
        s.model.as_mut().unwrap().tensors[0].shape = vec![2_000_000];
        s.encoding.as_mut().unwrap().chunk_elems = 16_384;
        s.windows.as_mut().unwrap().submit = 7;
    });
    // 8 providers of 8,000,000 bytes in 123 chunks, each in its envelope and named in a header, over a lane of 8 MiB.
    let bytes = 8 * (8_000_000 + 123 * (512 + 32) + 512 + 256);
    assert_eq!(error, Error::WindowTooShort { bytes, needed: 8, lane: 8 << 20, window: "submit", blocks: 7 });
    // What fits to the byte does not with metrics: 8 providers send two coordinates of 4 bytes more.
    let bytes = 8 * (160 + 3 * (512 + 32) + 512 + 256);
    let try_with = |metrics| {
        let mut world = World::empty(0, 0);
        let params = pb::Params { lane_bytes: bytes / 4, ..test_params() };
        state::save(&mut world.storage, keys::PARAMS.to_vec(), &params);
        let mut settings = settings(8, 40);
        settings.encoding.as_mut().unwrap().metrics = metrics;
        let windows = settings.windows.as_mut().unwrap();
        (windows.deal, windows.check_in, windows.unmask) = (100, 100, 100);
        world.send(OWNER, Call::CreateTask(Box::new(create(settings)))).map(drop).map_err(|rejection| rejection.error)
    };
    try_with(0).unwrap();
    let error = try_with(2).unwrap_err();
    assert!(
        matches!(error, Error::WindowTooShort { window: "submit", bytes: more, .. } if more == bytes + 64),
        "{error}"
    );
}

#[test]
fn a_budget_that_cannot_pay_its_rounds_is_refused() {
    let least = cost::estimate(&Terms::read(&settings(8, 40)).unwrap()).least_budget;
    let error = refusal(|msg| msg.budget = (least - 1).to_string());
    assert!(matches!(error, Error::BudgetTooSmall { rounds: 2, .. }), "{error}");
    let mut world = World::empty(0, 0);
    let mut msg = create(settings(8, 40));
    msg.budget = least.to_string();
    world.send(OWNER, Call::CreateTask(Box::new(msg))).unwrap();
}

#[test]
fn the_least_budget_pays_all_rounds_of_a_full_task() {
    let n = 6;
    let mut world = World::empty(n, 40);
    let settings = settings(n as u32, 40);
    let mut msg = create(settings.clone());
    msg.budget = cost::estimate(&Terms::read(&settings).unwrap()).least_budget.to_string();
    world.send(OWNER, Call::CreateTask(Box::new(msg))).unwrap();
    let everyone: Vec<usize> = (0..n).collect();
    world.set_up(&everyone);
    for round in 1..=2 {
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        let survivors: Vec<usize> = everyone[..4].to_vec();
        let group = if round == 1 { &everyone } else { &survivors };
        world.submit(group);
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(group);
        world.until_settled(round);
    }
    assert_eq!(world.the_task().status(), pb::TaskStatus::Finished);
}

#[test]
fn a_thousand_providers_are_accepted_and_one_more_is_refused() {
    let large = |n: u32| {
        let mut settings = settings(8, 10_000);
        settings.encoding.as_mut().unwrap().chunk_elems = 10_000;
        // Groups of 16 and 17, of whom 14 are enough.
        settings.encoding.as_mut().unwrap().bound = 1_000;
        let cohort = settings.cohort.as_mut().unwrap();
        (cohort.group_size, cohort.min_group) = (16, 14);
        (cohort.min_providers, cohort.max_providers) = (16, n);
        let windows = settings.windows.as_mut().unwrap();
        (windows.submit, windows.evidence) = (8, 10);
        settings
    };
    let mut world = World::empty(0, 0);
    let mut msg = create(large(1_000));
    let terms = Terms::read(&large(1_000)).unwrap();
    msg.budget = cost::estimate(&terms).least_budget.to_string();
    world.balances.insert(OWNER.to_vec(), 2_000_000_000);
    world.send(OWNER, Call::CreateTask(Box::new(msg))).unwrap();
    // A seat's answer about all of them: 54 groups of 16 and 8 of 17, each with 14 survivors.
    let asked = cost::asked(&[vec![17; 8], vec![16; 54]].concat(), 14);
    assert_eq!(asked, cost::Asked { entries: 54 * (14 + 2 * 14) + 8 * (14 + 3 * 14), dropped: 54 * 2 + 8 * 3 });
    assert!(cost::asked_at_most(&terms).entries >= asked.entries);
    let error = change(|s| *s = large(1_001));
    assert!(error.to_string().contains("at most 1000"), "{error}");
    // Their committee must outlive the next enrolment by as long as it is asked.
    let error = change(|s| {
        *s = large(97);
        s.windows.as_mut().unwrap().evidence = 9;
    });
    assert!(error.to_string().contains("windows.evidence is 9 blocks"), "{error}");
}

#[test]
fn a_group_below_the_minimum_is_refused() {
    for (g, least) in [(5, 3), (6, 4), (3, 2), (2, 2)] {
        let error = change(|s| {
            let cohort = s.cohort.as_mut().unwrap();
            (cohort.group_size, cohort.min_group) = (g, least);
        });
        assert!(matches!(error, Error::GroupTooSmall(_)), "{g} {least}: {error}");
    }
    let error = change(|s| s.cohort.as_mut().unwrap().min_providers = 2);
    assert!(matches!(error, Error::GroupTooSmall(_)), "{error}");
}

#[test]
fn a_group_that_leaves_a_provider_alone_among_the_corrupt_is_refused_with_the_numbers() {
    // One group of 5 to 8, of whom 4 survive: three corrupt ones of eight leave one honest update.
    let error = change(|s| s.cohort.as_mut().unwrap().corrupt_heads_ppm = Some(375_000));
    assert!(matches!(error, Error::GroupTooSmall(_)), "{error}");
    let said = error.to_string();
    for number in ["of 8 dealers with 3 corrupt ones", "3 or more", "group of 8", "probability 100 %", "375000"] {
        assert!(said.contains(number), "{said}");
    }
    for accepted in [None, Some(0), Some(374_999)] {
        let mut world = World::empty(0, 0);
        let mut settings = settings(8, 40);
        settings.cohort.as_mut().unwrap().corrupt_heads_ppm = accepted;
        world.send(OWNER, Call::CreateTask(Box::new(create(settings)))).unwrap();
    }
}

#[test]
fn the_odds_are_charged_before_they_are_worked_out() {
    let world = World::empty(0, 0);
    let mut settings = settings(8, 40);
    let message = |settings: &pb::TaskSettings| Message {
        sender: OWNER.to_vec(),
        call: Call::CreateTask(Box::new(create(settings.clone()))),
    };
    let gas = |settings: &pb::TaskSettings| {
        check(&world.env(), &world.storage, &world.registry, &message(settings)).unwrap().gas
    };
    let trusted = gas(&settings);
    // What is refused for its odds passes the checks that cost nothing, and has paid by the time it fails.
    settings.cohort.as_mut().unwrap().corrupt_heads_ppm = Some(375_000);
    let terms = Terms::read(&settings).unwrap();
    assert!(tails::operations(&terms.cohort) > 1);
    assert!(gas(&settings) > trusted);
    let (mut storage, mut blobs) = (world.storage.clone(), world.blobs.clone());
    let refused = handle(&world.env(), &mut storage, &mut blobs, &world.registry, &message(&settings)).unwrap_err();
    assert!(matches!(refused.error, Error::GroupTooSmall(_)));
    let request = pb::QueryEstimateRequest {
        settings: Some(settings),
        initial_model: Some(crate::world::zero_model()),
        ..Default::default()
    };
    let said = estimate(&test_params(), &request).refusals;
    assert!(said.len() == 1 && said[0].contains("3 corrupt ones"), "{said:?}");
}

type Edit = fn(&mut pb::TaskSettings);

#[test]
fn every_setting_out_of_its_range_is_refused() {
    let edits: &[(&str, Edit)] = &[
        ("level", |s| s.level = pb::Level::Sealed.into()),
        ("unknown level", |s| s.level = 77),
        ("no rounds", |s| s.rounds = 0),
        ("too many rounds", |s| s.rounds = 1_000_000),
        ("no idle epochs", |s| s.max_idle_epochs = 0),
        ("more than a task may have", |s| {
            let cohort = s.cohort.as_mut().unwrap();
            (cohort.group_size, cohort.min_group, cohort.min_providers, cohort.max_providers) = (60, 45, 60, 1_001);
        }),
        ("fewer at most than at least", |s| s.cohort.as_mut().unwrap().max_providers = 4),
        ("minimum above the group", |s| s.cohort.as_mut().unwrap().min_group = 6),
        ("corrupt heads reach the threshold", |s| s.cohort.as_mut().unwrap().corrupt_heads = Some(3)),
        ("all bond corrupt", |s| s.cohort.as_mut().unwrap().corrupt_bond_ppm = Some(1_000_000)),
        ("all seats offline", |s| s.cohort.as_mut().unwrap().offline_seats_ppm = Some(1_000_000)),
        ("all heads corrupt", |s| s.cohort.as_mut().unwrap().corrupt_heads_ppm = Some(u32::MAX)),
        ("short window", |s| s.windows.as_mut().unwrap().unmask = 1),
        ("long window", |s| s.windows.as_mut().unwrap().evidence = 1_000_000),
        ("no windows", |s| s.windows = None),
        ("no encoding", |s| s.encoding = None),
        ("ring", |s| s.encoding.as_mut().unwrap().bits = 65),
        ("chunks", |s| s.encoding.as_mut().unwrap().chunk_elems = 0),
        ("large chunks", |s| s.encoding.as_mut().unwrap().chunk_elems = 20_000),
        ("bound", |s| s.encoding.as_mut().unwrap().bound = 0),
        ("weight", |s| s.encoding.as_mut().unwrap().max_weight = 0),
        ("clip", |s| s.encoding.as_mut().unwrap().clip = 0),
        ("clip beyond", |s| s.encoding.as_mut().unwrap().clip = u64::MAX),
        ("scale", |s| s.encoding.as_mut().unwrap().scale_bits = 33),
        ("rows", |s| s.encoding.as_mut().unwrap().rows_per_weight = 0),
        ("one metric", |s| s.encoding.as_mut().unwrap().metrics = 1),
        ("many metrics", |s| s.encoding.as_mut().unwrap().metrics = u32::MAX),
        ("no optimiser", |s| s.optimiser = None),
        ("optimiser kind", |s| s.optimiser.as_mut().unwrap().kind = 0),
        ("learning rate", |s| s.optimiser.as_mut().unwrap().learning_rate = 0),
        ("momentum", |s| s.optimiser.as_mut().unwrap().beta1 = 1 << 32),
        ("no model", |s| s.model = None),
        ("no tensors", |s| s.model.as_mut().unwrap().tensors.clear()),
        ("empty tensor", |s| s.model.as_mut().unwrap().tensors[0].shape = vec![0]),
        ("huge tensor", |s| s.model.as_mut().unwrap().tensors[0].shape = vec![u32::MAX, u32::MAX, u32::MAX]),
        ("large model", |s| s.model.as_mut().unwrap().tensors[0].shape = vec![3_000_000]),
        ("hidden", |s| s.model.as_mut().unwrap().hidden = 4),
        ("kind", |s| s.model.as_mut().unwrap().kind = 0),
        ("trainer", |s| s.model.as_mut().unwrap().kind = pb::ModelKind::Softmax.into()),
        ("features", |s| s.data.as_mut().unwrap().features = 0),
        ("feature names", |s| s.data.as_mut().unwrap().feature_names = vec!["one".into()]),
        ("scaling", |s| s.data.as_mut().unwrap().scaling = vec![pb::Scaling::default()]),
        ("long name", |s| s.metadata.as_mut().unwrap().name = "x".repeat(200)),
        ("negative reward", |s| s.rewards.as_mut().unwrap().per_update = "-1".into()),
        ("reward in words", |s| s.rewards.as_mut().unwrap().per_partial = "ten".into()),
        ("leading zero", |s| s.rewards.as_mut().unwrap().gas_price = "007".into()),
        ("endless bond", |s| s.cohort.as_mut().unwrap().min_bond = "9".repeat(60)),
    ];
    for (name, edit) in edits {
        let error = change(edit);
        assert!(error.code() >= 2, "{name}: {error}");
    }
    let owner_as_issuer =
        refusal(|msg| msg.settings.as_mut().unwrap().cohort.as_mut().unwrap().issuer = msg.owner.clone());
    assert!(matches!(owner_as_issuer, Error::Settings(_)));
    for source in [
        pb::initial_model::Source::Inline(vec![1, 2, 3]),
        pb::initial_model::Source::Inline(vec![0; 600_000]),
        pb::initial_model::Source::Uniform(pb::UniformInit { seed: vec![1; 31], bounds: vec![1] }),
        pb::initial_model::Source::Uniform(pb::UniformInit { seed: vec![1; 32], bounds: vec![1, 2] }),
        pb::initial_model::Source::Uniform(pb::UniformInit { seed: vec![1; 32], bounds: vec![-1] }),
    ] {
        let error = refusal(|msg| msg.initial_model = Some(pb::InitialModel { source: Some(source) }));
        assert!(matches!(error, Error::Model(_)), "{error}");
    }
    assert!(matches!(refusal(|msg| msg.initial_model = None), Error::Model(_)));
    assert!(matches!(refusal(|msg| msg.settings = None), Error::Settings(_)));
}

#[test]
fn no_task_opens_before_the_contracts_are_set() {
    let mut world = World::empty(0, 0);
    let params = pb::Params { slashing: String::new(), ..test_params() };
    state::save(&mut world.storage, keys::PARAMS.to_vec(), &params);
    let error = world.send(OWNER, Call::CreateTask(Box::new(create(settings(8, 40))))).unwrap_err().error;
    assert_eq!(error, Error::NotConfigured);
}

#[test]
fn an_estimate_names_every_refusal_and_the_least_budget() {
    let mut settings = settings(8, 40);
    let ask = |settings: &pb::TaskSettings, budget: &str| {
        estimate(
            &test_params(),
            &pb::QueryEstimateRequest {
                owner: "bauta1owner".into(),
                settings: Some(settings.clone()),
                initial_model: None,
                budget: budget.into(),
                ..Default::default()
            },
        )
    };
    let good = ask(&settings, "");
    assert!(good.refusals.is_empty(), "{:?}", good.refusals);
    assert_eq!(good.elements, 40);
    assert_eq!(good.round_bytes, 8 * (160 + 3 * (512 + 32) + 512 + 256));
    // Metrics are coordinates of the vector: 42 of 4 bytes; the model has 40 all the same.
    settings.encoding.as_mut().unwrap().metrics = 2;
    let measured = ask(&settings, "");
    assert_eq!((measured.elements, measured.round_bytes), (40, good.round_bytes + 8 * 8));
    settings.encoding.as_mut().unwrap().metrics = 0;
    let poor = ask(&settings, "1");
    assert_eq!(poor.refusals.len(), 1);
    assert!(poor.refusals[0].contains(&good.least_budget));
    settings.rounds = 0;
    settings.cohort.as_mut().unwrap().min_group = 1;
    assert!(ask(&settings, "1").refusals.len() >= 3);
}

#[test]
fn cancelling_an_idle_task_refunds_it_and_cancelling_a_running_one_pays_its_round_first() {
    let mut world = World::new(5, 41);
    let stranger = world.clients[0].address.clone();
    let cancel = |world: &World| Call::CancelTask(pb::MsgCancelTask { owner: String::new(), task_id: world.task });
    let call = cancel(&world);
    assert_eq!(world.send(&stranger, call).unwrap_err().error, Error::NotOwner(1));
    let call = cancel(&world);
    world.send(OWNER, call).unwrap();
    world.block();
    assert_eq!(world.the_task().status(), pb::TaskStatus::Cancelled);
    assert_eq!(world.escrow, 0);
    let call = cancel(&world);
    assert_eq!(world.send(OWNER, call).unwrap_err().error, Error::Ended(1));

    let everyone: Vec<usize> = (0..5).collect();
    let mut world = World::new(5, 42);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let call = cancel(&world);
    world.send(OWNER, call).unwrap();
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
    world.assert_exact(1, &everyone);
    assert_eq!(world.the_task().status(), pb::TaskStatus::Cancelled);
    assert_eq!(everyone.iter().map(|&i| world.balance(i)).sum::<i128>(), 5 * 50 + 3 * 20);
}

#[test]
fn a_task_that_can_pay_no_further_round_ends_and_a_top_up_lets_it_go_on() {
    let n = 5;
    let run = |top_up: bool| {
        let mut world = World::empty(n, 43);
        let mut settings = settings(n as u32, 40);
        settings.rounds = 3;
        let mut msg = create(settings.clone());
        msg.budget = cost::estimate(&Terms::read(&settings).unwrap()).least_budget.to_string();
        world.send(OWNER, Call::CreateTask(Box::new(msg))).unwrap();
        let everyone: Vec<usize> = (0..n).collect();
        world.set_up(&everyone);
        // Make it poor: rounds that abort have cost fees. Here the record is changed instead of playing many of them.
        let mut task = world.the_task();
        let mut purse = bauta_rounds::escrow::Purse::of(&task).unwrap();
        let lost = purse.held - purse.reserved;
        purse.held -= lost;
        purse.fees += lost;
        purse.put(&mut task);
        state::put_task(&mut world.storage, &task);
        world.escrow -= lost as i128;
        *world.balances.entry(b"fees".to_vec()).or_default() += lost as i128;
        if top_up {
            let msg = pb::MsgTopUpTask { sender: String::new(), task_id: world.task, amount: "500000000".into() };
            world.send(OWNER, Call::TopUpTask(msg)).unwrap();
        }
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        world.submit(&everyone);
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&everyone);
        world.until_settled(1);
        world.the_task().status()
    };
    assert_eq!(run(false), pb::TaskStatus::Exhausted);
    assert_eq!(run(true), pb::TaskStatus::Running);
}

#[test]
fn a_vector_cut_so_small_that_its_envelopes_do_not_fit_the_window_is_refused() {
    // Two bytes a chunk: what carries them is a hundred times as large, and who checked in could not submit in time.
    let cut = |chunk_elems: u32, elements: u32| {
        change(|s| {
            s.model.as_mut().unwrap().tensors[0].shape = vec![elements];
            s.encoding.as_mut().unwrap().chunk_elems = chunk_elems;
            s.windows.as_mut().unwrap().submit = 2;
        })
    };
    assert!(matches!(cut(1, 65_536), Error::Settings(_)), "a header of two megabytes fits no transaction");
    let error = cut(128, 262_144);
    assert!(matches!(error, Error::WindowTooShort { .. }), "{error}");
}
