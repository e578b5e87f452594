//! The chain's own contracts, by the artifacts that are deployed.

use serde_json::json;

use super::host::{address, coin, person, Host, PLENTY};

fn artifact(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../contracts/artifacts/{name}.wasm", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A verdict that a contract cannot carry out within its gas stays queued, and the bond behind it locked, for ever.
#[test]
fn a_verdict_that_compensates_as_many_as_can_be_fits_in_the_gas_that_contracts_have_by_default() {
    const BOND: u128 = 1_000_000;
    let mut host = Host::new();
    let codes = ["registry", "staking", "slashing"].map(|name| host.store(&artifact(name)));
    let registry = host.instantiate(codes[0], &json!({"admin": null, "slashing": null, "issuers": []})).unwrap();
    let bonds =
        json!({"admin": null, "slashing": null, "treasury": null, "bond_denom": "ubauta", "unbonding_seconds": 100});
    let staking = host.instantiate(codes[1], &bonds).unwrap();
    let prices = json!({"admin": null, "staking": staking, "registry": registry, "penalties": []});
    let slashing = host.instantiate(codes[2], &prices).unwrap();
    for contract in [&registry, &staking] {
        host.execute(&person("creator"), contract, &json!({"update_config": {"slashing": slashing}}), &[]).unwrap();
    }
    let (accused, reporter) = (person("accused"), person("reporter"));
    host.mint(&accused, BOND, "ubauta");
    host.execute(&accused, &registry, &json!({"register": {"metadata": {"name": "p"}}}), &[]).unwrap();
    host.execute(&accused, &staking, &json!({"bond": {}}), &[coin(BOND, "ubauta")]).unwrap();

    let harmed: Vec<String> = (0..200).map(|n| person(&format!("harmed {n}"))).collect();
    let settle = json!({"settle": {
        "offence_id": cosmwasm_std::Binary::new(vec![1; 32]), "kind": "two_headers", "provider": accused, "task": 1, "epoch": 1,
        "round": 2, "evidence": cosmwasm_std::Binary::new(vec![2; 32]), "reporter": reporter, "harmed": harmed,
    }});
    let mut ctx = host.context(PLENTY);
    let limit = bauta_rounds::params::default_params().contract_gas;
    host.keeper.clone().sudo(&mut ctx, &address(&slashing), settle.to_string().as_bytes(), limit).unwrap();
    println!("{} of {limit} gas", ctx.gas.consumed());
    assert_eq!(host.balance(&reporter, "ubauta"), BOND / 20);
    let paid = harmed.iter().filter(|one| host.balance(one, "ubauta") == BOND / 2 / 128).count();
    assert_eq!(paid, bauta_messages::staking::MAX_COMPENSATED);
}
