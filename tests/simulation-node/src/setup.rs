//! What must be on a chain before a plan can run over it: the contracts, providers with bonds, the task.

use bauta_rounds::state;
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use bauta_simulation::{Plan, World as _, BUDGET};
use cosmos_sdk_proto::Any;
use serde_json::{json, Value};
use tendermint_proto::v0_38::abci::ExecTxResult;

use crate::books::{Contracts, BOND};
use crate::contracts::{any, execute, instantiate, store, ARTIFACTS, DENOM};
use crate::world::{NodeWorld, OTHERS};
use crate::wrong;

impl NodeWorld {
    /// Stores and instantiates the contracts, makes them known to one another and to the chain, and registers and bonds the providers.
    pub(crate) fn install(&mut self, plan: &Plan) -> Result<Contracts, String> {
        let admin = self.text(0);
        let mut codes = Vec::new();
        for (_, code) in ARTIFACTS {
            let stored = self.must(0, vec![store(admin.clone(), code)])?;
            codes.push(attribute(&stored, "code_id")?.parse::<u64>().map_err(wrong)?);
        }
        let registry = self.made(&codes, 0, &json!({"admin": null, "slashing": null, "issuers": []}))?;
        let bonds = json!({
            "admin": null, "slashing": null, "treasury": null, "bond_denom": DENOM, "unbonding_seconds": 1_000_000,
        });
        let staking = self.made(&codes, 1, &bonds)?;
        let prices = json!({"admin": null, "staking": staking, "registry": registry, "penalties": []});
        let slashing = self.made(&codes, 2, &prices)?;
        let known = json!({"update_config": {"slashing": slashing}});
        let told = [&registry, &staking].map(|contract| execute(self.text(0), contract, &known, 0));
        self.must(0, told.to_vec())?;
        let params = pb::Params {
            registry: registry.clone(),
            staking: staking.clone(),
            slashing: slashing.clone(),
            min_window: 2,
            block_operations: plan.operations,
            ..state::params(self.records()).map_err(wrong)?
        };
        let update = pb::MsgUpdateParams { authority: admin, params: Some(params) };
        self.must(0, vec![any(type_url::UPDATE_PARAMS, &update)])?;
        for person in OTHERS..self.people.len() {
            let name = json!({"register": {"metadata": {"name": format!("provider-{person}")}}});
            let join = execute(self.text(person), &registry, &name, 0);
            let bond = execute(self.text(person), &staking, &json!({"bond": {}}), BOND);
            self.waiting.extend([(person, join), (person, bond)]);
        }
        self.all_succeed()?;
        Ok(Contracts { registry, staking, slashing })
    }

    /// Creates the task.
    pub(crate) fn begin_task(&mut self, plan: &Plan) -> Result<(), String> {
        let zero = pb::InitialModel { source: Some(pb::initial_model::Source::Zero(pb::ZeroInit {})) };
        let create = pb::MsgCreateTask {
            owner: self.text(1),
            settings: Some(plan.settings()),
            initial_model: Some(zero),
            budget: BUDGET.into(),
            test_set: plan.test_set().map(|rows| rows.encode()).unwrap_or_default(),
        };
        self.must(1, vec![any(type_url::CREATE_TASK, &create)]).map(|_| ())
    }

    /// The address of a contract that is made of one of these codes.
    fn made(&mut self, codes: &[u64], place: usize, msg: &Value) -> Result<String, String> {
        let message = instantiate(self.text(0), codes[place], ARTIFACTS[place].0, msg);
        attribute(&self.must(0, vec![message])?, "_contract_address")
    }

    /// A block with one transaction, which must succeed.
    fn must(&mut self, person: usize, messages: Vec<Any>) -> Result<ExecTxResult, String> {
        let tx = self.people[person].sign(messages)?;
        let done = self.block(&[(person, tx)])?;
        match done.into_iter().next() {
            Some((_, result)) if result.code == 0 => Ok(result),
            Some((_, result)) => Err(format!("a transaction of the set-up fails: {}", result.log)),
            None => Err("a transaction of the set-up is in no block".into()),
        }
    }

    /// A block with what waits, all of which must succeed.
    fn all_succeed(&mut self) -> Result<(), String> {
        let (waiting, signed) = (self.waiting.len(), self.admitted()?);
        let done = self.block(&signed)?;
        match done.iter().find(|(_, result)| result.code != 0) {
            Some((_, result)) => Err(format!("a transaction of the set-up fails: {}", result.log)),
            None if done.len() < waiting => Err("a transaction of the set-up is in no block".into()),
            None => Ok(()),
        }
    }
}

fn attribute(result: &ExecTxResult, key: &str) -> Result<String, String> {
    let mut attributes = result.events.iter().flat_map(|event| &event.attributes);
    let found = attributes.find(|attribute| attribute.key == key);
    found.map(|attribute| attribute.value.clone()).ok_or_else(|| format!("no event says {key}"))
}
