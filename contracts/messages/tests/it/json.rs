//! The JSON that other languages write and read.

use bauta_messages::{
    page_size, registry, slashing,
    staking::{self, lock_key},
    MAX_PAGE,
};
use cosmwasm_std::{from_json, to_json_string, Addr, Binary, Decimal, Uint128};

#[test]
fn a_bond_is_an_empty_object() {
    let json = to_json_string(&staking::ExecuteMsg::Bond {}).unwrap();
    assert_eq!(json, r#"{"bond":{}}"#);
}

#[test]
fn amounts_are_strings() {
    let msg = staking::ExecuteMsg::Unbond { amount: Uint128::new(5) };
    assert_eq!(to_json_string(&msg).unwrap(), r#"{"unbond":{"amount":"5"}}"#);
}

#[test]
fn a_registration_needs_only_a_name() {
    let msg: registry::ExecuteMsg = from_json(br#"{"register":{"metadata":{"name":"clinic"}}}"#).unwrap();
    let registry::ExecuteMsg::Register { metadata } = msg else { panic!("expected a registration, got {msg:?}") };
    assert_eq!((metadata.name.as_str(), metadata.contact.as_str()), ("clinic", ""));
}

#[test]
fn an_unknown_variant_is_refused_by_name() {
    let error = from_json::<staking::ExecuteMsg>(br#"{"burn":{}}"#).unwrap_err();
    assert!(error.to_string().contains("unknown variant `burn`"));
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    let error = from_json::<staking::ExecuteMsg>(br#"{"unbond":{"amount":"1","to":"x"}}"#).unwrap_err().to_string();
    assert!(error.contains("unknown field `to`"), "{error}");
    let error = from_json::<staking::ExecuteMsg>(br#"{"bond":{"amount":"1"}}"#).unwrap_err().to_string();
    assert!(error.contains("unknown field `amount`"), "{error}");
}

#[test]
fn a_verdict_is_written_as_documented() {
    let verdict = slashing::SudoMsg::Settle(slashing::Verdict {
        offence_id: Binary::new(vec![0; 32]),
        kind: slashing::kind::TWO_HEADERS.to_string(),
        provider: "bauta1p".to_string(),
        task: 1,
        epoch: 2,
        round: 3,
        evidence: Binary::new(vec![255; 32]),
        reporter: None,
        harmed: vec![],
    });
    let json = to_json_string(&verdict).unwrap();
    assert_eq!(
        json,
        concat!(
            r#"{"settle":{"offence_id":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","kind":"two_headers","#,
            r#""provider":"bauta1p","task":1,"epoch":2,"round":3,"#,
            r#""evidence":"//////////////////////////////////////////8=","reporter":null,"harmed":[]}}"#
        )
    );
    assert_eq!(from_json::<slashing::SudoMsg>(json).unwrap(), verdict);
}

#[test]
fn a_penalty_that_names_a_fraction_alone_neither_jails_nor_pays() {
    let penalty: slashing::Penalty = from_json(br#"{"fraction":"0.2"}"#).unwrap();
    assert_eq!(penalty.fraction, Decimal::percent(20));
    assert_eq!((penalty.jail_seconds, penalty.tombstone), (0, false));
    assert!(penalty.bounty_fraction.is_zero() && penalty.compensation_fraction.is_zero());
}

#[test]
fn a_standing_names_its_status() {
    let response = registry::ProviderResponse {
        provider: Addr::unchecked("bauta1p"),
        registration: None,
        standing: registry::Standing::Jailed { until: 7, reason: "silent_seat".to_string() },
    };
    assert_eq!(
        to_json_string(&response).unwrap(),
        r#"{"provider":"bauta1p","registration":null,"standing":{"status":"jailed","until":7,"reason":"silent_seat"}}"#
    );
}

#[test]
fn a_lock_key_is_task_and_epoch() {
    assert_eq!(lock_key(12, 3), "12/3");
    assert!(lock_key(u64::MAX, u64::MAX).len() <= staking::MAX_LOCK_KEY_BYTES);
}

#[test]
fn a_page_is_never_empty_and_never_beyond_the_cap() {
    assert_eq!(page_size(Some(0)), 1);
    assert_eq!(page_size(None), 30);
    assert_eq!(page_size(Some(u32::MAX)), MAX_PAGE as usize);
}
