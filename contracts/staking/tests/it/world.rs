//! A staking contract whose slashing contract is a plain address, and providers with 1,000,000 coins each.

use bauta_messages::staking::{
    BondResponse, ExecuteMsg, InstantiateMsg, QueryMsg, SlashResponse, SudoMsg, TotalsResponse,
};
use bauta_staking::contract;
use cosmwasm_std::{coins, from_json, Addr, Coin, Decimal, Uint128};
use cw_multi_test::{App, AppResponse, ContractWrapper, Executor};
use serde::de::DeserializeOwned;

pub const DENOM: &str = "ubauta";
pub const UNBONDING_SECONDS: u64 = 1_000;
pub const MAX_UNBONDINGS: u32 = 3;
const NAMES: [&str; 4] = ["p0", "p1", "p2", "p3"];

pub struct World {
    pub app: App,
    pub staking: Addr,
    pub admin: Addr,
    pub slashing: Addr,
    pub treasury: Addr,
    pub providers: Vec<Addr>,
}

impl World {
    pub fn new() -> Self {
        let mut app = App::default();
        let providers: Vec<_> = NAMES.iter().map(|name| app.api().addr_make(name)).collect();
        app.init_modules(|router, _, storage| {
            for provider in &providers {
                let funds = vec![Coin::new(1_000u128, "uother"), Coin::new(1_000_000u128, DENOM)];
                router.bank.init_balance(storage, provider, funds).unwrap();
            }
        });
        let code = ContractWrapper::new(contract::execute, contract::instantiate, contract::query)
            .with_sudo(contract::sudo)
            .with_migrate(contract::migrate);
        let code = app.store_code(Box::new(code));
        let admin = app.api().addr_make("admin");
        let slashing = app.api().addr_make("slashing");
        let treasury = app.api().addr_make("treasury");
        let msg = InstantiateMsg {
            admin: None,
            slashing: Some(slashing.to_string()),
            treasury: Some(treasury.to_string()),
            bond_denom: DENOM.to_string(),
            unbonding_seconds: UNBONDING_SECONDS,
            max_unbondings: Some(MAX_UNBONDINGS),
        };
        let staking = app.instantiate_contract(code, admin.clone(), &msg, &[], "staking", None).unwrap();
        Self { app, staking, admin, slashing, treasury, providers }
    }

    /// Sends a message; the error is what the sender would read.
    pub fn send(&mut self, sender: &Addr, msg: &ExecuteMsg, funds: &[Coin]) -> Result<AppResponse, String> {
        self.app.execute_contract(sender.clone(), self.staking.clone(), msg, funds).map_err(|error| error.to_string())
    }

    pub fn bond(&mut self, provider: &Addr, amount: u128) {
        self.send(provider, &ExecuteMsg::Bond {}, &coins(amount, DENOM)).unwrap();
    }

    pub fn unbond(&mut self, provider: &Addr, amount: u128) -> Result<(), String> {
        let msg = ExecuteMsg::Unbond { amount: Uint128::new(amount) };
        self.send(provider, &msg, &[]).map(|_| ())
    }

    pub fn withdraw(&mut self, provider: &Addr) -> Result<(), String> {
        self.send(provider, &ExecuteMsg::Withdraw {}, &[]).map(|_| ())
    }

    /// Slashes without bounty and compensation.
    pub fn slash(&mut self, provider: &Addr, percent: u64) -> SlashResponse {
        self.slash_for(provider, percent, (None, 0), (&[], 0))
    }

    /// Slashes, and pays percentages of what is slashed to the reporter and the harmed.
    pub fn slash_for(
        &mut self,
        provider: &Addr,
        percent: u64,
        (reporter, bounty): (Option<&Addr>, u64),
        (harmed, compensation): (&[&Addr], u64),
    ) -> SlashResponse {
        let msg = ExecuteMsg::Slash {
            provider: provider.to_string(),
            fraction: Decimal::percent(percent),
            bounty_to: reporter.map(Addr::to_string),
            bounty_fraction: Decimal::percent(bounty),
            compensate: harmed.iter().map(|one| one.to_string()).collect(),
            compensation_fraction: Decimal::percent(compensation),
        };
        let response = self.send(&self.slashing.clone(), &msg, &[]).unwrap();
        self.check_conservation();
        from_json(response.data.unwrap()).unwrap()
    }

    pub fn lock(&mut self, provider: &Addr, key: &str) {
        let msg = SudoMsg::Lock { provider: provider.to_string(), key: key.to_string() };
        self.app.wasm_sudo(self.staking.clone(), &msg).unwrap();
    }

    pub fn unlock(&mut self, provider: &Addr, key: &str) {
        let msg = SudoMsg::Unlock { provider: provider.to_string(), key: key.to_string() };
        self.app.wasm_sudo(self.staking.clone(), &msg).unwrap();
    }

    pub fn query<T: DeserializeOwned>(&self, msg: &QueryMsg) -> T {
        self.app.wrap().query_wasm_smart(&self.staking, msg).unwrap()
    }

    /// What is bonded and what is unbonding.
    pub fn held(&self, provider: &Addr) -> (u128, u128) {
        let bond: BondResponse = self.query(&QueryMsg::Bond { provider: provider.to_string() });
        (bond.bonded.u128(), bond.unbonding.u128())
    }

    pub fn balance(&self, address: &Addr) -> u128 {
        let coin = self.app.wrap().query_balance(address, DENOM).unwrap();
        Uint128::try_from(coin.amount).unwrap().u128()
    }

    pub fn check_conservation(&self) {
        let totals: TotalsResponse = self.query(&QueryMsg::Totals {});
        assert_eq!(self.balance(&self.staking), totals.bonded.u128() + totals.unbonding.u128());
    }

    pub fn wait(&mut self, seconds: u64) {
        self.app.update_block(|block| {
            block.time = block.time.plus_seconds(seconds);
            block.height += 1;
        });
    }
}
