//! The three contracts on one chain, wired to one another as a genesis would: registry and staking first, then slashing, then each
//! of the former is told of it.

use bauta_messages::{
    registry::{self, ProviderResponse, Standing},
    slashing::{self, HistoryResponse, OffenceResponse, SettledOffence, SudoMsg, Verdict},
    staking::{self, BondResponse, TotalsResponse},
};
use cosmwasm_std::{coins, Addr, Binary, Uint128};
use cw_multi_test::{App, AppResponse, ContractWrapper, Executor};
use serde::{de::DeserializeOwned, Serialize};

pub const DENOM: &str = "ubauta";
pub const UNBONDING_SECONDS: u64 = 1_000;
pub const FUNDS: u128 = 1_000_000;
const NAMES: [&str; 5] = ["p0", "p1", "p2", "p3", "p4"];

pub struct Chain {
    pub app: App,
    pub admin: Addr,
    pub treasury: Addr,
    pub registry: Addr,
    pub staking: Addr,
    pub slashing: Addr,
    pub providers: Vec<Addr>,
}

impl Chain {
    pub fn new() -> Self {
        let mut app = App::default();
        let admin = app.api().addr_make("admin");
        let treasury = app.api().addr_make("treasury");
        let providers: Vec<_> = NAMES.iter().map(|name| app.api().addr_make(name)).collect();
        app.init_modules(|router, _, storage| {
            for provider in &providers {
                router.bank.init_balance(storage, provider, coins(FUNDS, DENOM)).unwrap();
            }
        });
        let (registry, staking, slashing) = instantiate(&mut app, &admin, &treasury);
        let mut chain = Self { app, admin, treasury, registry, staking, slashing, providers };
        chain.wire();
        chain
    }

    fn wire(&mut self) {
        let (admin, slashing) = (self.admin.clone(), self.slashing.to_string());
        let to_registry = registry::ExecuteMsg::UpdateConfig { slashing: Some(slashing.clone()) };
        self.send(&admin, &self.registry.clone(), &to_registry).unwrap();
        let to_staking = staking::ExecuteMsg::UpdateConfig {
            slashing: Some(slashing),
            treasury: None,
            unbonding_seconds: None,
            max_unbondings: None,
        };
        self.send(&admin, &self.staking.clone(), &to_staking).unwrap();
    }

    /// Sends a message without funds; the error is what the sender would read.
    pub fn send(
        &mut self,
        sender: &Addr,
        contract: &Addr,
        msg: &(impl Serialize + std::fmt::Debug),
    ) -> Result<AppResponse, String> {
        self.app.execute_contract(sender.clone(), contract.clone(), msg, &[]).map_err(|error| error.to_string())
    }

    pub fn bond(&mut self, provider: &Addr, amount: u128) -> Result<AppResponse, String> {
        self.app
            .execute_contract(
                provider.clone(),
                self.staking.clone(),
                &staking::ExecuteMsg::Bond {},
                &coins(amount, DENOM),
            )
            .map_err(|error| error.to_string())
    }

    pub fn unbond(&mut self, provider: &Addr, amount: u128) -> Result<AppResponse, String> {
        let msg = staking::ExecuteMsg::Unbond { amount: Uint128::new(amount) };
        self.send(provider, &self.staking.clone(), &msg)
    }

    pub fn withdraw(&mut self, provider: &Addr) -> Result<AppResponse, String> {
        let msg = staking::ExecuteMsg::Withdraw {};
        self.send(provider, &self.staking.clone(), &msg)
    }

    pub fn lock(&mut self, provider: &Addr, key: &str) {
        let msg = staking::SudoMsg::Lock { provider: provider.to_string(), key: key.to_string() };
        self.app.wasm_sudo(self.staking.clone(), &msg).unwrap();
    }

    pub fn unlock(&mut self, provider: &Addr, key: &str) {
        let msg = staking::SudoMsg::Unlock { provider: provider.to_string(), key: key.to_string() };
        self.app.wasm_sudo(self.staking.clone(), &msg).unwrap();
    }

    pub fn settle(&mut self, verdict: &Verdict) -> Result<AppResponse, String> {
        let msg = SudoMsg::Settle(verdict.clone());
        self.app.wasm_sudo(self.slashing.clone(), &msg).map_err(|error| error.to_string())
    }

    pub fn query<T: DeserializeOwned>(&self, contract: &Addr, msg: &impl Serialize) -> T {
        self.app.wrap().query_wasm_smart(contract, msg).unwrap()
    }

    pub fn offence(&self, id: u8) -> Option<SettledOffence> {
        let msg = slashing::QueryMsg::Offence { offence_id: Binary::new(vec![id; 32]) };
        self.query::<OffenceResponse>(&self.slashing, &msg).offence
    }

    pub fn history(&self, provider: Option<&Addr>) -> Vec<SettledOffence> {
        let msg =
            slashing::QueryMsg::History { provider: provider.map(Addr::to_string), start_after: None, limit: None };
        self.query::<HistoryResponse>(&self.slashing, &msg).offences
    }

    /// What is bonded and what is unbonding.
    pub fn held(&self, provider: &Addr) -> (u128, u128) {
        let msg = staking::QueryMsg::Bond { provider: provider.to_string() };
        let bond: BondResponse = self.query(&self.staking, &msg);
        (bond.bonded.u128(), bond.unbonding.u128())
    }

    pub fn standing(&self, provider: &Addr) -> Standing {
        let msg = registry::QueryMsg::Provider { provider: provider.to_string() };
        self.query::<ProviderResponse>(&self.registry, &msg).standing
    }

    pub fn balance(&self, address: &Addr) -> u128 {
        let coin = self.app.wrap().query_balance(address, DENOM).unwrap();
        Uint128::try_from(coin.amount).unwrap().u128()
    }

    pub fn totals(&self) -> (u128, u128) {
        let totals: TotalsResponse = self.query(&self.staking, &staking::QueryMsg::Totals {});
        (totals.bonded.u128(), totals.unbonding.u128())
    }

    pub fn wait(&mut self, seconds: u64) {
        self.app.update_block(|block| {
            block.time = block.time.plus_seconds(seconds);
            block.height += 1;
        });
    }
}

pub fn verdict(id: u8, kind: &str, provider: &Addr) -> Verdict {
    Verdict {
        offence_id: Binary::new(vec![id; 32]),
        kind: kind.to_string(),
        provider: provider.to_string(),
        task: 1,
        epoch: 1,
        round: 3,
        evidence: Binary::new(vec![0xee; 32]),
        reporter: None,
        harmed: vec![],
    }
}

fn instantiate(app: &mut App, admin: &Addr, treasury: &Addr) -> (Addr, Addr, Addr) {
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
        treasury: Some(treasury.to_string()),
        bond_denom: DENOM.to_string(),
        unbonding_seconds: UNBONDING_SECONDS,
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
