//! Anyone may report, with a deposit: back with a bounty when the evidence holds, lost when it does not, untouched when it is old.

use cosmos_sdk_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};

use super::*;

/// What the chain asks for, by default.
pub const DEPOSIT: u128 = 1_000_000;

async fn balance(chain: &Chain, who: &str) -> u128 {
    balance_of(&chain.client, who).await
}

/// What an account has.
pub async fn balance_of(client: &EmbeddedClient, who: &str) -> u128 {
    let request = QueryBalanceRequest { address: who.into(), denom: "ubauta".into() };
    let path = Some("/cosmos.bank.v1beta1.Query/Balance".to_string());
    let answer = client.abci_query(path, request.encode_to_vec(), None, false).await.unwrap();
    let response = QueryBalanceResponse::decode(answer.value.as_slice()).unwrap();
    response.balance.unwrap().amount.parse().unwrap()
}

/// A settled round in which the second provider signed two headers, of which the chain saw one.
pub async fn with_two_headers() -> (Chain, Contracts, Account, Vec<Provider>, [Masked; 2]) {
    let (mut chain, mut admin, mut owner, mut providers) = start();
    let contracts = install(&chain, &mut admin).await;
    let message = create(&owner);
    chain.ok(&mut owner, vec![message]).await;
    for provider in &mut providers {
        stand(&chain, &contracts, provider).await;
        enrol(&mut chain, provider).await;
    }
    until_submit(&mut chain, &mut providers).await;
    let second = masked(&mut chain, 1, &providers[1], &update(7)).await;
    let mut first = None;
    for (n, provider) in providers.iter_mut().enumerate() {
        let masked_update = masked(&mut chain, n, provider, &update(n)).await;
        submit(&chain, provider, &masked_update).await;
        if n == 1 {
            first = Some(masked_update);
        }
    }
    chain.until_round(pb::RoundPhase::Unmask).await;
    for provider in providers.iter_mut().take(3) {
        answer(&mut chain, provider).await;
    }
    chain.until_round(pb::RoundPhase::Finished).await;
    (chain, contracts, owner, providers, [first.unwrap(), second])
}

pub fn report(reporter: &Account, accused: &Provider, deposit: u128, headers: [&Masked; 2]) -> Any {
    let two = pb::TwoHeaders { first: evidence(&headers[0].header), second: evidence(&headers[1].header) };
    let message = pb::MsgReport {
        sender: reporter.address(),
        accused: accused.account.address(),
        task_id: 1,
        epoch: 1,
        round: 1,
        deposit: deposit.to_string(),
        evidence: Some(pb::msg_report::Evidence::TwoHeaders(two)),
    };
    any(type_url::REPORT, &message)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposit_comes_back_with_the_bounty_is_lost_on_what_does_not_hold_and_untouched_by_what_is_settled() {
    let (chain, contracts, mut reporter, mut providers, [first, second]) = with_two_headers().await;
    let (own, operator) = (reporter.address(), Account::new(999, 0).address());
    let mut before = balance(&chain, &own).await;

    // The same header twice, sent again with a higher fee say, is no equivocation, and saying so costs the deposit: it goes to those who
    // had to judge it, and nobody is convicted.
    let paid_before = balance(&chain, &operator).await;
    let resent = report(&reporter, &providers[1], DEPOSIT, [&first, &first]);
    let done = chain.run(&mut reporter, vec![resent]).await;
    assert_eq!(done.code, 43, "{}", done.log);
    assert!(done.log.contains("costs the deposit"), "{}", done.log);
    assert_eq!(balance(&chain, &own).await, before - DEPOSIT);
    assert_eq!(balance(&chain, &operator).await, paid_before + DEPOSIT);
    assert_eq!(bond(&chain, &contracts, &providers[1]).await.bonded.u128(), BOND);
    before -= DEPOSIT;

    // What is refused without judging costs nothing here (these transactions carry no fee).
    let low = report(&reporter, &providers[1], DEPOSIT - 1, [&first, &second]);
    let done = chain.run(&mut reporter, vec![low]).await;
    assert_eq!(done.code, 46, "{}", done.log);
    assert!(done.log.contains(&format!("asks for {DEPOSIT}")), "{}", done.log);
    let good = report(&reporter, &providers[1], DEPOSIT, [&first, &second]);
    let done = chain.run(&mut reporter, vec![send(&own, &own, 1), good.clone()]).await;
    assert_eq!(done.code, 2, "{}", done.log);
    assert_eq!(balance(&chain, &own).await, before);

    // Evidence that holds: the whole bond, of which the reporter gets its part.
    let done = chain.ok(&mut reporter, vec![good]).await;
    assert_eq!(bond(&chain, &contracts, &providers[1]).await.bonded.u128(), 0);
    let question = slashing::QueryMsg::History { provider: None, start_after: None, limit: None };
    let history: slashing::HistoryResponse = chain.smart(&contracts.slashing, &question).await;
    let [settled] = &history.offences[..] else { panic!("{history:?}") };
    assert_eq!(settled.kind, slashing::kind::TWO_HEADERS);
    // The contracts have it by the end of the block that holds the report.
    assert_eq!(settled.height, done.height);
    assert_eq!(settled.reporter.as_ref().map(|reporter| reporter.as_str()), Some(own.as_str()));
    assert_eq!((settled.slashed.u128(), settled.bounty.u128()), (BOND, BOND / 20));
    assert_eq!(balance(&chain, &own).await, before + BOND / 20);
    before += BOND / 20;

    // It is settled: reporting it again is refused by the mempool, and where it is too late for that costs the fee alone.
    let again = report(&reporter, &providers[1], DEPOSIT, [&second, &first]);
    let done = chain.run(&mut reporter, vec![again]).await;
    assert_eq!(done.code, 44, "{}", done.log);
    assert_eq!(balance(&chain, &own).await, before);

    // Who has not the deposit cannot report.
    let poor = &mut providers[0].account;
    let all = balance(&chain, &poor.address()).await;
    let away = send(&poor.address(), &own, all - DEPOSIT + 1);
    chain.ok(poor, vec![away]).await;
    let unheld = report(&providers[0].account, &providers[2], DEPOSIT, [&first, &second]);
    let done = chain.run(&mut providers[0].account, vec![unheld]).await;
    assert_eq!(done.code, 5, "{}", done.log);
    assert!(done.log.contains("comes back if its evidence holds"), "{}", done.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_reports_of_one_offence_in_one_block_the_second_costs_its_fee_and_not_its_deposit() {
    const FEE: u128 = 700;
    let (chain, contracts, reporter, providers, [first, second]) = with_two_headers().await;
    let late = &providers[2].account;
    let tx = |account: &Account| {
        let message = report(account, &providers[1], DEPOSIT, [&first, &second]);
        Draft::new(vec![message]).fee(FEE, 50_000_000).sign(&[account])
    };
    let service = chain._node.service();
    let height = service.info(Default::default()).last_block_height + 1;
    let block = crate::chain::block(height, &[tx(&reporter), tx(late)]);
    let answer = service.finalize_block(block).unwrap();
    assert_eq!(answer.tx_results[0].code, 0, "{}", answer.tx_results[0].log);
    assert_eq!(answer.tx_results[1].code, 44, "{}", answer.tx_results[1].log);
    // The only coins that the second one moved are its fee.
    let moved: Vec<String> = answer.tx_results[1]
        .events
        .iter()
        .filter(|event| event.r#type == "coin_spent")
        .flat_map(|event| &event.attributes)
        .filter(|attribute| attribute.key == "amount")
        .map(|attribute| attribute.value.clone())
        .collect();
    assert_eq!(moved, [format!("{FEE}ubauta")]);
    drop(contracts);
}
