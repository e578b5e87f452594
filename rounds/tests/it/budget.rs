//! Attacks on a task's budget: what others spend must not silence the honest, and nobody spends it without end.

use crate::adversary::bad_deal;
use crate::world::{all_but, create, settings, World, OWNER};
use bauta_rounds::escrow::Purse;
use bauta_rounds::keys::{self, prefix};
use bauta_rounds::{state, Call, Error, Storage};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::deal::Deal;
use bauta_secagg::proof::{Schnorr, Transcript};
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::signature::{Body, Signed};
use k256::elliptic_curve::PrimeField;
use k256::Scalar;

pub fn fees(world: &World) -> u128 {
    Purse::of(&world.the_task()).unwrap().fees
}

/// A deal that was changed, with a proof and a signature that hold.
fn changed_deal(world: &mut World, i: usize, change: impl FnOnce(&mut World, &mut Deal)) -> Signed<Deal> {
    let mut body = world.deal(i).body;
    change(world, &mut body);
    let r = SecretScalar::random(&mut world.rng);
    body.ephemeral = r.public();
    let ectx = world.ectx();
    let mut transcript = Transcript::new("deal", ectx.as_bytes());
    let writer = transcript.writer();
    writer.address(&body.dealer).bytes(body.seats_root.as_bytes());
    writer.count(body.commitments.len());
    body.commitments.iter().for_each(|point| {
        writer.point(point);
    });
    writer.count(body.ciphertexts.len());
    body.ciphertexts.iter().for_each(|sealed| {
        writer.bytes(sealed);
    });
    writer.point(&body.ephemeral);
    body.proof = Schnorr::prove(&r, &transcript, &mut world.rng);
    world.sign(i, &ectx, body)
}

/// Leaves of a task's budget only what its round has reserved.
fn spend_what_is_not_reserved(world: &mut World) {
    let mut task = world.the_task();
    let mut purse = Purse::of(&task).unwrap();
    let spent = purse.held - purse.reserved;
    purse.held -= spent;
    purse.fees += spent;
    purse.put(&mut task);
    state::put_task(&mut world.storage, &task);
    world.escrow -= spent as i128;
    *world.balances.entry(b"fees".to_vec()).or_default() += spent as i128;
}

#[test]
fn deals_of_a_wrong_shape_are_refused_before_the_budget_is_charged() {
    let n = 4;
    let mut world = World::new(n, 60);
    world.enrol(&all_but(n, &[]));
    world.until_epoch(pb::EpochPhase::Deal);
    let before = fees(&world);
    type Change = fn(&mut World, &mut Deal);
    let changes: [Change; 4] = [
        |_, deal| deal.commitments.truncate(1),
        |_, deal| deal.commitments.push(deal.ephemeral),
        |_, deal| deal.ciphertexts.truncate(1),
        |world, deal| deal.commitments[0] = SecretScalar::random(&mut world.rng).public(),
    ];
    for change in changes {
        let deal = changed_deal(&mut world, 0, change);
        for _ in 0..3 {
            let call = world.deal_msg(&deal);
            let rejection = world.send_as(0, call).unwrap_err();
            assert!(matches!(rejection.error, Error::Refused(_)) && rejection.offence.is_none(), "{}", rejection.error);
        }
    }
    assert_eq!(fees(&world), before);
    world.deal_all(&all_but(n, &[]));
    assert!(world.verdicts.is_empty());
}

#[test]
fn a_deal_with_an_identity_share_is_out_and_is_charged_once() {
    let n = 5;
    let mut world = World::new(n, 61);
    world.enrol(&all_but(n, &[]));
    world.until_epoch(pb::EpochPhase::Deal);
    // f(1) = 0: the seat 1 would hold the share zero.
    let deal = changed_deal(&mut world, 0, |world, deal| {
        let secret: [u8; 32] = world.clients[0].keys.to_bytes()[..32].try_into().unwrap();
        let x = Scalar::from_repr(secret.into()).unwrap();
        let rest: Vec<_> = (2..deal.commitments.len()).map(|_| SecretScalar::random(&mut world.rng)).collect();
        let sum = rest.iter().fold(x, |sum, a| sum + Scalar::from_repr((*a.to_bytes()).into()).unwrap());
        let first = SecretScalar::from_bytes(&(-sum).to_bytes().into()).unwrap();
        deal.commitments[1] = first.public();
        for (commitment, a) in deal.commitments[2..].iter_mut().zip(&rest) {
            *commitment = a.public();
        }
    });
    let call = world.deal_msg(&deal);
    world.send_as(0, call.clone()).unwrap();
    let charged = fees(&world);
    assert!(!world.member(0).dealt);
    assert!(matches!(world.send_as(0, call).unwrap_err().error, Error::Barred(_)));
    let good = world.deal(0);
    let call = world.deal_msg(&good);
    assert!(matches!(world.send_as(0, call).unwrap_err().error, Error::Barred(_)));
    assert_eq!(fees(&world), charged);
    world.deal_all(&[1, 2, 3, 4]);
    world.until_epoch(pb::EpochPhase::Rounds);
    assert_eq!(world.member(0).slot, 0);
    assert!(world.verdicts.is_empty());
}

#[test]
fn a_convicted_seat_cannot_empty_the_budget_with_false_complaints() {
    let n = 5;
    let mut world = World::new(n, 62);
    let everyone = all_but(n, &[]);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    let victim = world.member(1).seat;
    let deal = bad_deal(&mut world, 0, &[victim]);
    let call = world.deal_msg(&deal);
    world.send_as(0, call).unwrap();
    world.deal_all(&[1, 2, 3, 4]);
    world.until_epoch(pb::EpochPhase::Complain);
    let bad = world.open_shares(1);
    let complaint = world.complain_msg(1, &bad[0]);
    world.send_as(1, complaint).unwrap();
    assert_eq!(world.verdicts_of(0), [OffenceKind::BadShare]);
    // One round, one penalty: what follows in it costs the dealer nothing more, so it must not cost the owner anything either.
    let number = world.the_task().epoch;
    let record = state::find_deal(&world.storage, world.task, number, &world.clients[2].address).unwrap().unwrap();
    let target = Deal::decode(&record.body).unwrap();
    let before = fees(&world);
    for _ in 0..3 {
        let complaint = world.complain_msg(0, &target);
        assert!(matches!(world.send_as(0, complaint).unwrap_err().error, Error::NotAwaited(_)));
    }
    assert_eq!(fees(&world), before);
    assert_eq!(world.verdicts.len(), 1);
}

#[test]
fn a_complaint_is_heard_although_all_of_the_budget_is_reserved() {
    let n = 5;
    let mut world = World::new(n, 63);
    let everyone = all_but(n, &[]);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    let victim = world.member(1).seat;
    let deal = bad_deal(&mut world, 0, &[victim]);
    let call = world.deal_msg(&deal);
    world.send_as(0, call).unwrap();
    world.deal_all(&[1, 2, 3, 4]);
    world.until_epoch(pb::EpochPhase::Rounds);
    spend_what_is_not_reserved(&mut world);
    let bad = world.open_shares(1);
    let complaint = world.complain_msg(1, &bad[0]);
    world.send_as(1, complaint).unwrap();
    assert_eq!(world.verdicts_of(0), [OffenceKind::BadShare]);
}

#[test]
fn what_a_round_reserves_pays_every_seat_although_fewer_dealt_than_sit() {
    let n = 5;
    let mut settings = settings(n as u32, 40);
    settings.rewards.as_mut().unwrap().per_partial = "1000000".into();
    let mut world = World::with(n, 64, settings);
    world.enrol(&all_but(n, &[]));
    world.until_epoch(pb::EpochPhase::Deal);
    let dealers = [0, 1, 2];
    world.deal_all(&dealers);
    world.until_epoch(pb::EpochPhase::Rounds);
    for i in 0..n {
        world.open_shares(i);
    }
    spend_what_is_not_reserved(&mut world);
    world.check_in(&dealers);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&dealers);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&all_but(n, &[]));
    world.until_settled(1);
    world.assert_exact(1, &dealers);
    let threshold = 3;
    let paid: i128 = (0..n).map(|i| world.balance(i)).sum();
    assert_eq!(paid, 3 * 50 + threshold * 1_000_000);
}

#[test]
fn a_task_with_much_work_does_not_starve_another() {
    let n = 5;
    let everyone = all_but(n, &[]);
    let mut world = World::new(n, 78);
    let first = world.task;
    world.set_up(&everyone);
    let (keys, shares): (Vec<_>, Vec<_>) =
        world.clients.iter().map(|client| (client.keys.clone(), client.shares.clone())).unzip();
    world.check_in(&everyone);
    // The first task stands in a long window while the second is set up.
    let mut task = state::round(&world.storage, first, 1).unwrap();
    task.window.as_mut().unwrap().length = 1000;
    task.expected = 100;
    state::put_round(&mut world.storage, &task);
    world.send(OWNER, Call::CreateTask(Box::new(create(settings(n as u32, 40))))).unwrap();
    let second = world.task;
    assert_ne!(first, second);
    world.set_up(&everyone);
    world.check_in(&everyone);
    let mut task = state::round(&world.storage, first, 1).unwrap();
    task.window.as_mut().unwrap().length = 1;
    state::put_round(&mut world.storage, &task);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    let second_keys: Vec<_> = world.clients.iter().map(|client| (client.keys.clone(), client.shares.clone())).collect();
    let restore = |world: &mut World| {
        for (client, (keys, shares)) in world.clients.iter_mut().zip(keys.iter().zip(&shares)) {
            client.keys = keys.clone();
            client.shares = shares.clone();
        }
    };
    world.task = first;
    restore(&mut world);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    // A budget of one step a block, and both tasks have steps to do.
    world.operations = 1;
    world.unmask(&everyone[..3]);
    world.task = second;
    for (client, (keys, shares)) in world.clients.iter_mut().zip(second_keys) {
        client.keys = keys;
        client.shares = shares;
    }
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..3]);
    for _ in 0..4 {
        world.block();
    }
    let done = |world: &World, task| state::round(&world.storage, task, 1).unwrap().partials;
    assert!(done(&world, first) > 0);
    assert!(done(&world, second) > 0, "the second task waits until the first has nothing left to do");
}

#[test]
fn a_task_that_nobody_enrols_in_is_not_read_in_every_block() {
    let mut world = World::new(4, 79);
    let key = keys::numbers(prefix::SETTINGS, &[world.task]);
    let settings = world.storage.get(&key).unwrap();
    // Without its settings, reading them would be a fault.
    world.storage.remove(&key);
    for _ in 0..4 {
        world.block();
    }
    world.storage.set(key, settings);
    world.block();
    assert_eq!(world.the_task().epoch, 2, "the window closes at its end all the same");
}
