//! Blame through the whole node: numbers and openings are transactions, the verdict is carried out by the contracts in the real VM in the
//! block that finds it, and the round finishes.

use bauta_secagg::blame::Question;
use bauta_secagg::unmask::Requests;

use super::reports_have_a_deposit::balance_of;
use super::*;

/// Who submits far too much at this coordinate.
const CULPRIT: usize = 2;
const COORDINATE: usize = 17;

fn create_blaming(owner: &Account) -> Any {
    let mut message = pb::MsgCreateTask::decode(create(owner).value.as_slice()).unwrap();
    message.settings.as_mut().unwrap().blame = Some(pb::Blame { window: 20 });
    any(type_url::CREATE_TASK, &message)
}

async fn sign_numbers(chain: &mut Chain, provider: &mut Provider) {
    let (epoch, answer) = (chain.epoch().await, chain.round().await);
    let (round, blame) = (answer.round.unwrap(), answer.blame.unwrap());
    let group = derive::group(&epoch.members, &answer.check_ins).unwrap();
    let members: Vec<Slot> = blame.groups[0].members.iter().map(|&slot| Slot::new(slot).unwrap()).collect();
    let question = Question { pass: blame.pass, coordinate: blame.groups[0].coordinate, members: &members };
    let ctx = derive::ctx(&round).unwrap();
    let signed = provider.keys.blame(&ctx, &provider.name(), &group, &layout(), &question, &mut chain.rng).unwrap();
    let message = pb::MsgBlameValues {
        sender: provider.account.address(),
        task_id: 1,
        round: 1,
        body: signed.body_bytes(),
        signature: signed.signature.to_vec(),
    };
    chain.ok(&mut provider.account, vec![any(type_url::BLAME_VALUES, &message)]).await;
}

async fn open_edges(chain: &mut Chain, provider: &mut Provider) {
    let (epoch, answer) = (chain.epoch().await, chain.round().await);
    let round = answer.round.unwrap();
    let rctx = derive::rctx(&round).unwrap();
    let groups = derive::released_groups(&epoch.members, &answer.check_ins, &round, 3).unwrap();
    let list = Requests::decode(&rctx, &answer.blame.unwrap().lists.last().unwrap().entries).unwrap();
    let mut record = AnswerRecord::new(&rctx);
    record.admit(&derive::requests(&round, &groups).unwrap()).unwrap();
    let admitted = record.admit_blame(&list, &groups, 3).unwrap();
    let ectx = Ectx::from_bytes(epoch.epoch.clone().unwrap().ectx.try_into().unwrap());
    let name = provider.name();
    let seat = Seat::new(&provider.keys, ectx, &name, SeatIndex::new(own(&epoch, provider).seat).unwrap());
    let ctx = derive::ctx(&round).unwrap();
    let signed = seat.answer(&ctx, &list, &admitted, &provider.shares, &mut chain.rng).unwrap();
    let message = pb::MsgUnmask {
        sender: provider.account.address(),
        task_id: 1,
        round: 1,
        body: signed.body_bytes(),
        signature: signed.signature.to_vec(),
    };
    chain.ok(&mut provider.account, vec![any(type_url::UNMASK, &message)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_out_of_the_bound_takes_its_authors_bond_and_the_round_finishes_without_it() {
    let (mut chain, mut admin, mut owner, mut providers) = start();
    let contracts = install(&chain, &mut admin).await;
    let message = create_blaming(&owner);
    chain.ok(&mut owner, vec![message]).await;
    for provider in &mut providers {
        stand(&chain, &contracts, provider).await;
        enrol(&mut chain, provider).await;
    }
    until_submit(&mut chain, &mut providers).await;
    for (n, provider) in providers.iter_mut().enumerate() {
        let mut values = update(n);
        if n == CULPRIT {
            values[COORDINATE] = 100_000;
        }
        let masked_update = masked(&mut chain, n, provider, &values).await;
        submit(&chain, provider, &masked_update).await;
    }
    chain.until_round(pb::RoundPhase::Unmask).await;
    for provider in providers.iter_mut().take(3) {
        answer(&mut chain, provider).await;
    }
    let asked = chain.until_round(pb::RoundPhase::Blame).await.blame.unwrap();
    assert_eq!(asked.groups[0].coordinate, COORDINATE as u64);
    let harmed = providers[0].account.address();
    let before = balance_of(&chain.client, &harmed).await;
    for provider in &mut providers {
        sign_numbers(&mut chain, provider).await;
    }
    let convicted = chain.until_round(pb::RoundPhase::BlameRemove).await.round.unwrap();

    // The contracts have carried it out in the block that found it.
    let question = slashing::QueryMsg::History { provider: None, start_after: None, limit: None };
    let history: slashing::HistoryResponse = chain.smart(&contracts.slashing, &question).await;
    let [settled] = &history.offences[..] else { panic!("{history:?}") };
    assert_eq!(settled.kind, slashing::kind::OUT_OF_BOUND);
    assert_eq!(settled.provider.as_str(), providers[CULPRIT].account.address());
    assert_eq!(settled.height, convicted.phase_height);
    assert_eq!((settled.slashed.u128(), settled.bounty.u128(), settled.harmed), (BOND, 0, 3));
    assert_eq!(bond(&chain, &contracts, &providers[CULPRIT]).await.bonded.u128(), 0);
    let question = registry::QueryMsg::Provider { provider: providers[CULPRIT].account.address() };
    let standing: registry::ProviderResponse = chain.smart(&contracts.registry, &question).await;
    assert!(matches!(standing.standing, registry::Standing::Tombstoned { .. }), "{standing:?}");
    // Half of the bond is the others' of its group, in equal parts.
    assert_eq!(balance_of(&chain.client, &harmed).await, before + BOND / 2 / 3);

    for provider in providers.iter_mut().take(3) {
        open_edges(&mut chain, provider).await;
    }
    let round = chain.until_round(pb::RoundPhase::Finished).await.round.unwrap();
    assert_eq!(round.groups[0].removed.len(), 1);
    let request = pb::QueryAggregateRequest { task_id: 1, round: 1, ..Default::default() };
    let aggregate: pb::QueryAggregateResponse = chain.query("Aggregate", &request).await;
    let sum: Vec<i64> =
        aggregate.aggregate.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect();
    let rest = || (0..providers.len()).filter(|n| *n != CULPRIT);
    let plain: Vec<i64> =
        (0..ELEMENTS as usize).map(|c| rest().map(|n| weight(n) as i64 * update(n)[c]).sum()).collect();
    assert_eq!(sum, plain);
    for n in rest() {
        assert_eq!(bond(&chain, &contracts, &providers[n]).await.bonded.u128(), BOND);
    }
    // Who was removed is paid for no update, and its seat's answer is.
    let request = pb::QueryRewardsRequest { address: providers[CULPRIT].account.address() };
    let rewards: pb::QueryRewardsResponse = chain.query("Rewards", &request).await;
    assert_eq!(rewards.total, "100");
    assert_eq!(chain.task().await.status(), pb::TaskStatus::Finished);
}
