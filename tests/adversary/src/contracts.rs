//! Registry, staking and slashing on a chain in memory, wired as a genesis would.

use bauta_messages::registry::{self, MayTakePartResponse, Metadata, ProviderResponse, Standing};
use bauta_messages::slashing::{self, HistoryResponse, SettledOffence};
use bauta_messages::staking::{self, BondResponse};
use bauta_rounds::offence::name;
use bauta_rounds::{EnrolQuery, Event, Providers};
use bauta_schema::training::v1::Verdict;
use cosmwasm_std::{coins, Addr, Api, Binary, CanonicalAddr, Uint128};
use cw_multi_test::{App, ContractWrapper, Executor};
use serde::de::DeserializeOwned;
use serde::Serialize;

/// What each provider bonds.
pub const BOND: u128 = 1_000_000;
const DENOM: &str = "ubauta";

/// The three contracts: what the machine asks about providers, and where its verdicts go.
pub struct Contracts {
    app: App,
    registry: Addr,
    staking: Addr,
    slashing: Addr,
    /// Tasks that the machine left as they were, because their records contradicted each other: what must never be.
    pub faults: Vec<Event>,
}

impl Default for Contracts {
    fn default() -> Self {
        let mut app = App::default();
        let admin = app.api().addr_make("admin");
        let (registry, staking, slashing) = instantiate(&mut app, &admin);
        let to_registry = registry::ExecuteMsg::UpdateConfig { slashing: Some(slashing.to_string()) };
        app.execute_contract(admin.clone(), registry.clone(), &to_registry, &[]).unwrap();
        let to_staking = staking::ExecuteMsg::UpdateConfig {
            slashing: Some(slashing.to_string()),
            treasury: None,
            unbonding_seconds: None,
            max_unbondings: None,
        };
        app.execute_contract(admin, staking.clone(), &to_staking, &[]).unwrap();
        Self { app, registry, staking, slashing, faults: Vec::new() }
    }
}

fn instantiate(app: &mut App, admin: &Addr) -> (Addr, Addr, Addr) {
    let code = {
        use bauta_registry::contract::{execute, instantiate, query};
        app.store_code(Box::new(ContractWrapper::new(execute, instantiate, query)))
    };
    let msg = registry::InstantiateMsg { admin: None, slashing: None, issuers: vec![] };
    let registry = app.instantiate_contract(code, admin.clone(), &msg, &[], "registry", None).unwrap();
    let code = {
        use bauta_staking::contract::{execute, instantiate, query, sudo};
        app.store_code(Box::new(ContractWrapper::new(execute, instantiate, query).with_sudo(sudo)))
    };
    let msg = staking::InstantiateMsg {
        admin: None,
        slashing: None,
        treasury: Some(app.api().addr_make("treasury").to_string()),
        bond_denom: DENOM.to_string(),
        unbonding_seconds: 1_000,
        max_unbondings: None,
    };
    let staking = app.instantiate_contract(code, admin.clone(), &msg, &[], "staking", None).unwrap();
    let code = {
        use bauta_slashing::contract::{execute, instantiate, query, reply, sudo};
        app.store_code(Box::new(ContractWrapper::new(execute, instantiate, query).with_sudo(sudo).with_reply(reply)))
    };
    let msg = slashing::InstantiateMsg {
        admin: None,
        staking: staking.to_string(),
        registry: registry.to_string(),
        penalties: vec![],
    };
    let slashing = app.instantiate_contract(code, admin.clone(), &msg, &[], "slashing", None).unwrap();
    (registry, staking, slashing)
}

impl Contracts {
    /// Registers a provider and bonds [`BOND`] for it.
    pub fn admit(&mut self, provider: &[u8]) {
        let account = self.account(provider);
        self.app.init_modules(|router, _, storage| {
            router.bank.init_balance(storage, &account, coins(BOND, DENOM)).unwrap();
        });
        let metadata = Metadata { name: "provider".into(), contact: String::new(), description: String::new() };
        let register = registry::ExecuteMsg::Register { metadata };
        self.app.execute_contract(account.clone(), self.registry.clone(), &register, &[]).unwrap();
        let bond = staking::ExecuteMsg::Bond {};
        self.app.execute_contract(account, self.staking.clone(), &bond, &coins(BOND, DENOM)).unwrap();
    }

    /// Carries a verdict out. The contract that refuses one is a defect.
    pub fn settle(&mut self, verdict: &Verdict) {
        let bech32 = |bytes: &Vec<u8>| self.account(bytes).to_string();
        let msg = slashing::SudoMsg::Settle(slashing::Verdict {
            offence_id: Binary::from(verdict.id.clone()),
            kind: name(verdict.kind()).to_string(),
            provider: bech32(&verdict.provider),
            task: verdict.task_id,
            epoch: verdict.epoch,
            round: verdict.round,
            evidence: Binary::from(verdict.evidence.clone()),
            reporter: Some(&verdict.reporter).filter(|reporter| !reporter.is_empty()).map(bech32),
            harmed: verdict.harmed.iter().map(bech32).collect(),
        });
        self.app.wasm_sudo(self.slashing.clone(), &msg).unwrap();
    }

    /// What the machine says that happened.
    pub fn see(&mut self, event: &Event) {
        if event.kind == "task_fault" {
            self.faults.push(event.clone());
        }
    }

    /// What a provider has bonded.
    pub fn bond(&self, provider: &[u8]) -> u128 {
        let question = staking::QueryMsg::Bond { provider: self.account(provider).to_string() };
        self.ask::<BondResponse>(&self.staking, &question).bonded.u128()
    }

    /// What an account was paid out of slashed bonds.
    pub fn paid(&self, account: &[u8]) -> u128 {
        let coin = self.app.wrap().query_balance(self.account(account), DENOM).unwrap();
        Uint128::try_from(coin.amount).unwrap().u128()
    }

    /// Whether verdicts bar a provider.
    pub fn standing(&self, provider: &[u8]) -> Standing {
        let question = registry::QueryMsg::Provider { provider: self.account(provider).to_string() };
        self.ask::<ProviderResponse>(&self.registry, &question).standing
    }

    /// What was carried out against a provider.
    pub fn offences(&self, provider: &[u8]) -> Vec<SettledOffence> {
        let provider = Some(self.account(provider).to_string());
        let question = slashing::QueryMsg::History { provider, start_after: None, limit: None };
        self.ask::<HistoryResponse>(&self.slashing, &question).offences
    }

    fn account(&self, bytes: &[u8]) -> Addr {
        self.app.api().addr_humanize(&CanonicalAddr::from(bytes)).unwrap()
    }

    fn ask<T: DeserializeOwned>(&self, contract: &Addr, question: &impl Serialize) -> T {
        self.app.wrap().query_wasm_smart(contract, question).unwrap()
    }
}

impl Providers for Contracts {
    fn may_enrol(&self, query: &EnrolQuery<'_>) -> Result<u128, String> {
        let question =
            registry::QueryMsg::MayTakePart { provider: self.account(query.address).to_string(), issuer: None };
        let answer: MayTakePartResponse = self.ask(&self.registry, &question);
        if !answer.allowed {
            return Err(answer.explanation.unwrap_or_default());
        }
        let bond = self.bond(query.address);
        if bond < query.min_bond {
            return Err(format!("its bond is {bond}, this task asks for {}", query.min_bond));
        }
        Ok(bond)
    }

    fn is_jailed(&self, address: &[u8]) -> bool {
        !matches!(self.standing(address), Standing::Good {})
    }
}
