//! Bad input is answered with a sentence, and never makes the VM fail.

use bauta_messages::{
    registry, slashing,
    staking::{self, MAX_LOCK_KEY_BYTES},
};
use cosmwasm_std::{coins, Addr, Coin};
use cosmwasm_vm::{
    call_instantiate,
    testing::{mock_env, mock_info, mock_instance_with_gas_limit},
    VmError,
};
use proptest::prelude::*;

use super::{
    artifacts::{wasm, CONTRACTS},
    machine::{address, Machine, DENOM},
};

fn machine() -> (Machine, [Addr; 3]) {
    let mut machine = Machine::new();
    let anybody = address("anybody").into_string();
    let registry = registry::InstantiateMsg { admin: None, slashing: None, issuers: vec![] };
    let staking = staking::InstantiateMsg {
        admin: None,
        slashing: None,
        treasury: None,
        bond_denom: DENOM.to_string(),
        unbonding_seconds: 1,
        max_unbondings: None,
    };
    let slashing =
        slashing::InstantiateMsg { admin: None, staking: anybody.clone(), registry: anybody, penalties: vec![] };
    let contracts = [
        machine.instantiate("registry", &registry).unwrap(),
        machine.instantiate("staking", &staking).unwrap(),
        machine.instantiate("slashing", &slashing).unwrap(),
    ];
    (machine, contracts)
}

#[test]
fn malformed_json_is_refused() {
    let (mut machine, contracts) = machine();
    let sender = address("anybody");
    for contract in contracts {
        for bad in [&b""[..], b"{", b"null", b"[]", b"\"bond\"", b"{\"bond\":{}}{\"bond\":{}}", b"\xff\xfe"] {
            machine.execute_json(&sender, &contract, bad, &[]).unwrap_err();
            machine.query_json(&contract, bad).unwrap_err();
        }
    }
}

#[test]
fn an_unknown_message_is_refused_by_name() {
    let (mut machine, contracts) = machine();
    for contract in &contracts {
        let error = machine.execute_json(&address("admin"), contract, br#"{"burn":{}}"#, &[]).unwrap_err();
        assert!(error.contains("unknown variant `burn`"), "{error}");
        let error = machine.query_json(contract, br#"{"secrets":{}}"#).unwrap_err();
        assert!(error.contains("unknown variant `secrets`"), "{error}");
    }
    for contract in &contracts[1..] {
        let error = machine.sudo_json(contract, br#"{"mint":{}}"#).unwrap_err();
        assert!(error.contains("unknown variant `mint`"), "{error}");
    }
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    let (mut machine, [_, staking, _]) = machine();
    let error =
        machine.execute_json(&address("admin"), &staking, br#"{"unbond":{"amount":"1","to":"me"}}"#, &[]).unwrap_err();
    assert!(error.contains("unknown field `to`"), "{error}");
}

#[test]
fn amounts_and_fractions_out_of_range_are_refused() {
    let (mut machine, [_, staking, _]) = machine();
    for amount in ["-1", "1.5", "", "340282366920938463463374607431768211456"] {
        let msg = format!(r#"{{"unbond":{{"amount":"{amount}"}}}}"#);
        machine.execute_json(&address("anybody"), &staking, msg.as_bytes(), &[]).unwrap_err();
    }
    let huge = "9".repeat(60);
    let coin = Coin::new(huge.parse::<cosmwasm_std::Uint256>().unwrap(), "uother");
    let error = machine.execute_json(&address("anybody"), &staking, br#"{"bond":{}}"#, &[coin]).unwrap_err();
    assert!(error.contains("bond takes coins of ubauta"), "{error}");
}

#[test]
fn funds_where_none_belong_are_refused() {
    let (mut machine, [registry, staking, slashing]) = machine();
    let sender = address("admin");
    machine.fund(&sender, 100);
    for (contract, msg) in [
        (&registry, &br#"{"unjail":{}}"#[..]),
        (&staking, br#"{"withdraw":{}}"#),
        (&slashing, br#"{"accept_admin":{}}"#),
    ] {
        let error = machine.execute_json(&sender, contract, msg, &coins(1, DENOM)).unwrap_err();
        assert!(error.contains("takes no funds"), "{error}");
    }
    let error = machine.execute_json(&sender, &staking, br#"{"bond":{}}"#, &[]).unwrap_err();
    assert!(error.contains("but nothing came with it"), "{error}");
}

#[test]
fn strangers_are_refused() {
    let (mut machine, [registry, staking, slashing]) = machine();
    let (sender, victim) = (address("stranger"), address("victim"));
    let jail = format!(r#"{{"jail":{{"provider":"{victim}","seconds":1,"reason":"spite"}}}}"#);
    let admit = format!(r#"{{"admit":{{"provider":"{sender}"}}}}"#);
    let slash = format!(
        r#"{{"slash":{{"provider":"{victim}","fraction":"1","bounty_to":"{sender}","bounty_fraction":"1","compensate":[],"compensation_fraction":"0"}}}}"#
    );
    let wire = format!(r#"{{"update_config":{{"slashing":"{sender}"}}}}"#);
    let penalty = r#"{"set_penalty":{"kind":"two_headers","penalty":{"fraction":"0"}}}"#;
    for (contract, msg) in [
        (&registry, jail.as_str()),
        (&registry, &admit),
        (&registry, &wire),
        (&staking, &slash),
        (&staking, &wire),
        (&slashing, penalty),
    ] {
        let error = machine.execute_json(&sender, contract, msg.as_bytes(), &[]).unwrap_err();
        assert!(error.contains("only the") || error.contains("is not an issuer"), "{error}");
    }
}

#[test]
fn what_only_the_chain_may_say_is_no_message_of_anybody() {
    let (mut machine, [_, staking, slashing]) = machine();
    let unlock = format!(r#"{{"unlock":{{"provider":"{}","key":"1/1"}}}}"#, address("stranger"));
    for (contract, msg) in [(&staking, unlock.as_str()), (&slashing, r#"{"settle":{}}"#)] {
        let error = machine.execute_json(&address("stranger"), contract, msg.as_bytes(), &[]).unwrap_err();
        assert!(error.contains("unknown variant"), "{error}");
    }
}

#[test]
fn a_lock_with_a_key_too_long_is_refused() {
    let (mut machine, [_, staking, _]) = machine();
    let msg =
        staking::SudoMsg::Lock { provider: address("provider").into_string(), key: "k".repeat(MAX_LOCK_KEY_BYTES + 1) };
    let error = machine.sudo(&staking, &msg).unwrap_err();
    assert!(error.contains("key must be 1 to 64 bytes"), "{error}");
}

#[test]
fn too_little_gas_ends_the_call_and_nothing_else() {
    for name in CONTRACTS {
        let mut vm = mock_instance_with_gas_limit(&wasm(name), 100_000);
        let info = mock_info(address("admin").as_str(), &[]);
        let result = call_instantiate::<_, _, _, cosmwasm_std::Empty>(&mut vm, &mock_env(), &info, b"{}");
        assert!(matches!(result, Err(VmError::GasDepletion { .. })));
    }
}

/// JSON values of any shape, of the names that messages use and of others.
pub fn json() -> impl Strategy<Value = serde_json::Value> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "register",
            "metadata",
            "name",
            "jail",
            "provider",
            "seconds",
            "reason",
            "unbond",
            "amount",
            "slash",
            "fraction",
            "set_penalty",
            "kind",
            "penalty",
            "settle",
            "lock",
            "key",
            "history",
            "start_after",
            "limit",
            "bond",
            "providers",
            "offence",
            "offence_id",
        ])
        .prop_map(str::to_string),
        "[a-z_]{0,6}",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        ".{0,40}".prop_map(Into::into),
        "[0-9]{1,40}(\\.[0-9]{0,20})?".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(name.clone(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn no_bytes_make_the_vm_fail() {
    let (machine, contracts) = machine();
    let machine = std::cell::RefCell::new(machine);
    let feed = |bytes: &[u8]| {
        let mut machine = machine.borrow_mut();
        for contract in &contracts {
            // An error is a fine answer; what must not happen is a trap, which panics in the machine.
            let _ = machine.execute_json(&address("anybody"), contract, bytes, &[]);
            let _ = machine.query_json(contract, bytes);
        }
        let _ = machine.sudo_json(&contracts[1], bytes);
        let _ = machine.sudo_json(&contracts[2], bytes);
    };
    proptest!(ProptestConfig::with_cases(256), |(bytes in prop::collection::vec(any::<u8>(), 0..300), value in json())| {
        feed(&bytes);
        feed(value.to_string().as_bytes());
    });
}
