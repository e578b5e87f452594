//! Good messages with something changed are answered with a sentence or carried out, and never make the VM fail.

use std::cell::RefCell;

use bauta_messages::{registry, slashing, staking};
use cosmwasm_std::{coins, Addr, Binary, Coin, Uint128};
use proptest::prelude::*;
use serde_json::{json, Value};

use super::bad_input;
use super::machine::{address, Machine, DENOM};

/// How a contract is called.
enum Call {
    Execute(Addr, Vec<Coin>),
    Sudo,
    Query,
}

struct Good {
    contract: Addr,
    call: Call,
    message: Value,
}

/// Verdicts after which a chain is made anew. A page of history costs about 75 million units of gas for each that was settled, and 25 million
/// for itself: with the one of a chain in use a page without a limit shows three, and a fourth would be above what a call may use here.
const OLDEST: u8 = 3;

/// Three contracts that know one another, and a provider with a bond.
struct Chain {
    machine: Machine,
    contracts: [Addr; 3],
    verdicts: u8,
}

impl Chain {
    fn new() -> Self {
        let mut machine = Machine::new();
        let registry = registry::InstantiateMsg { admin: None, slashing: None, issuers: vec![] };
        let registry = machine.instantiate("registry", &registry).unwrap();
        let staking = staking::InstantiateMsg {
            admin: None,
            slashing: None,
            treasury: None,
            bond_denom: DENOM.to_string(),
            unbonding_seconds: 1,
            max_unbondings: None,
        };
        let staking = machine.instantiate("staking", &staking).unwrap();
        let slashing = slashing::InstantiateMsg {
            admin: None,
            staking: staking.to_string(),
            registry: registry.to_string(),
            penalties: vec![],
        };
        let slashing = machine.instantiate("slashing", &slashing).unwrap();
        let mut chain = Self { machine, contracts: [registry, staking, slashing], verdicts: 0 };
        chain.restore();
        chain
    }

    /// One on which every good message was carried out.
    fn in_use() -> Self {
        let mut chain = Self::new();
        for Good { contract, call, message } in &chain.good() {
            let done = chain.call(contract, call, message.to_string().as_bytes());
            done.unwrap_or_else(|error| panic!("{message}: {error}"));
        }
        chain.restore();
        chain
    }

    /// Whatever a changed message made of the contracts' wiring and of the provider's coins, the next one finds them in order.
    fn restore(&mut self) {
        let (admin, provider) = (address("admin"), address("provider"));
        for contract in &self.contracts[..2] {
            let known = json!({"update_config": {"slashing": self.contracts[2]}});
            self.machine.execute(&admin, contract, &known).unwrap();
        }
        let known = json!({"update_config": {"staking": self.contracts[1], "registry": self.contracts[0]}});
        self.machine.execute(&admin, &self.contracts[2], &known).unwrap();
        self.machine.fund(&provider, 1_000);
        self.machine.execute_json(&provider, &self.contracts[1], br#"{"bond":{}}"#, &coins(1_000, DENOM)).unwrap();
    }

    fn call(&mut self, contract: &Addr, call: &Call, message: &[u8]) -> Result<(), String> {
        match call {
            Call::Execute(sender, funds) => {
                for coin in funds {
                    self.machine.fund(sender, Uint128::try_from(coin.amount).unwrap().u128());
                }
                self.machine.execute_json(sender, contract, message, funds).map(drop)
            }
            Call::Sudo => self.machine.sudo_json(contract, message).map(drop),
            Call::Query => self.machine.query_json(contract, message).map(drop),
        }
    }

    /// The message, a verdict under an id that was not settled yet.
    fn fresh(&mut self, message: &Value) -> Value {
        let mut message = message.clone();
        if let Some(id) = message.pointer_mut("/settle/offence_id") {
            self.verdicts = self.verdicts.wrapping_add(1);
            *id = json!(Binary::new(vec![self.verdicts; 32]));
        }
        message
    }

    /// In an order in which all of them succeed.
    fn good(&self) -> Vec<Good> {
        let [registry, staking, slashing] = &self.contracts;
        let (admin, provider, issuer) = (address("admin"), address("provider"), address("issuer"));
        let verdict = |kind: &str| {
            json!({"settle": {"offence_id": Binary::new(vec![0; 32]), "kind": kind, "provider": provider, "task": 1,
                "epoch": 1, "round": 3, "evidence": Binary::new(vec![9; 32]), "reporter": issuer, "harmed": [admin, issuer]}})
        };
        let good = |contract: &Addr, call, message| Good { contract: contract.clone(), call, message };
        let says = |sender: &Addr| Call::Execute(sender.clone(), vec![]);
        let metadata = json!({"name": "clinic", "contact": "a@b", "description": "rows"});
        let penalty = json!({"fraction": "0.01", "jail_seconds": 600, "tombstone": false, "bounty_fraction": "0.05",
            "compensation_fraction": "0.5"});
        vec![
            good(registry, says(&provider), json!({"register": {"metadata": metadata}})),
            good(registry, says(&provider), json!({"update_metadata": {"metadata": metadata}})),
            good(registry, says(&admin), json!({"add_issuer": {"issuer": issuer}})),
            good(registry, says(&issuer), json!({"admit": {"provider": provider}})),
            good(
                registry,
                says(slashing),
                json!({"jail": {"provider": provider, "seconds": 600, "reason": "silent_seat"}}),
            ),
            good(registry, Call::Query, json!({"may_take_part": {"provider": provider, "issuer": issuer}})),
            good(registry, Call::Query, json!({"providers": {"start_after": provider, "limit": 3}})),
            good(staking, Call::Execute(provider.clone(), coins(5, DENOM)), json!({"bond": {}})),
            good(staking, says(&provider), json!({"unbond": {"amount": "1"}})),
            good(staking, Call::Sudo, json!({"lock": {"provider": provider, "key": "1/1"}})),
            good(staking, Call::Query, json!({"bond": {"provider": provider}})),
            good(staking, Call::Query, json!({"bonds": {"start_after": provider, "limit": 3}})),
            good(
                staking,
                says(slashing),
                json!({"slash": {"provider": provider, "fraction": "0.01", "bounty_to": issuer, "bounty_fraction": "0.05",
                    "compensate": [admin, issuer], "compensation_fraction": "0.5"}}),
            ),
            good(slashing, says(&admin), json!({"set_penalty": {"kind": "silent_seat", "penalty": penalty}})),
            good(slashing, Call::Sudo, verdict("silent_seat")),
            good(slashing, Call::Query, json!({"history": {"provider": provider, "start_after": null, "limit": 3}})),
        ]
    }
}

/// Something to change in a message: a value in it becomes another, or bytes of its text do.
#[derive(Debug, Clone)]
enum Change {
    Value(prop::sample::Index, Value),
    Drop(prop::sample::Index),
    Bytes(Vec<(prop::sample::Index, u8, u8)>),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    let bytes = prop::collection::vec((place(), any::<u8>(), 0..3u8), 1..4);
    prop_oneof![
        3 => (place(), bad_input::json()).prop_map(|(place, value)| Change::Value(place, value)),
        1 => place().prop_map(Change::Drop),
        2 => bytes.prop_map(Change::Bytes),
    ]
}

/// Every value in a message, by its JSON pointer.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_string());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), found)),
        Value::Array(list) => list.iter().zip(0..).for_each(|(value, n)| pointers(value, &format!("{at}/{n}"), found)),
        _ => {}
    }
}

fn changed(message: &Value, change: &Change) -> Vec<u8> {
    let mut message = message.clone();
    let mut found = Vec::new();
    pointers(&message, "", &mut found);
    match change {
        Change::Value(place, value) => {
            *message.pointer_mut(place.get::<String>(found.as_slice())).unwrap() = value.clone();
        }
        Change::Drop(place) => {
            if let Some((parent, key)) = place.get::<String>(found.as_slice()).rsplit_once('/') {
                if let Some(Value::Object(map)) = message.pointer_mut(parent) {
                    map.remove(key);
                }
            }
        }
        Change::Bytes(changes) => {
            let mut text = message.to_string().into_bytes();
            for (place, byte, kind) in changes {
                let at = place.index(text.len());
                match kind {
                    0 => text[at] = *byte,
                    1 => text.insert(at, *byte),
                    _ => drop(text.remove(at)),
                }
            }
            return text;
        }
    }
    message.to_string().into_bytes()
}

#[test]
fn no_changed_message_makes_the_vm_fail() {
    let chain = Chain::in_use();
    let good = chain.good();
    let chain = RefCell::new(chain);
    let config = ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(400) };
    proptest!(config, |(place in any::<prop::sample::Index>(), change in change())| {
        let Good { contract, call, message } = place.get(good.as_slice());
        let mut chain = chain.borrow_mut();
        let message = chain.fresh(message);
        // Carried out or refused with a sentence; a trap panics in the machine.
        if let Err(sentence) = chain.call(contract, call, &changed(&message, &change)) {
            prop_assert!(!sentence.is_empty());
        }
        chain.restore();
        if chain.verdicts >= OLDEST {
            *chain = Chain::in_use();
        }
    });
}

#[test]
fn a_page_of_all_that_the_oldest_chain_has_settled_is_within_the_gas_of_a_call() {
    let mut chain = Chain::in_use();
    let good = chain.good();
    let settle = good.iter().find(|good| good.message.get("settle").is_some()).unwrap();
    while chain.verdicts + 1 < OLDEST {
        let message = chain.fresh(&settle.message);
        chain.call(&settle.contract, &settle.call, message.to_string().as_bytes()).unwrap();
    }
    chain.call(&settle.contract, &Call::Query, br#"{"history":{}}"#).unwrap();
}
