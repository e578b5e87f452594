//! A registry with an admin, a slashing contract's address, and one issuer.

use bauta_messages::registry::{
    Bar, ExecuteMsg, InstantiateMsg, MayTakePartResponse, Metadata, ProviderResponse, QueryMsg, Standing,
};
use bauta_registry::contract;
use cosmwasm_std::{Addr, Coin};
use cw_multi_test::{App, ContractWrapper, Executor};
use serde::de::DeserializeOwned;

pub struct World {
    pub app: App,
    pub registry: Addr,
    pub admin: Addr,
    pub slashing: Addr,
    pub issuer: Addr,
    pub provider: Addr,
}

pub fn metadata(name: &str) -> Metadata {
    Metadata { name: name.to_string(), contact: String::new(), description: String::new() }
}

impl World {
    pub fn new() -> Self {
        let mut app = App::default();
        let code = ContractWrapper::new(contract::execute, contract::instantiate, contract::query)
            .with_migrate(contract::migrate);
        let code = app.store_code(Box::new(code));
        let admin = app.api().addr_make("admin");
        let slashing = app.api().addr_make("slashing");
        let issuer = app.api().addr_make("issuer");
        let provider = app.api().addr_make("provider");
        let msg =
            InstantiateMsg { admin: None, slashing: Some(slashing.to_string()), issuers: vec![issuer.to_string()] };
        let registry =
            app.instantiate_contract(code, admin.clone(), &msg, &[], "registry", Some(admin.to_string())).unwrap();
        Self { app, registry, admin, slashing, issuer, provider }
    }

    pub fn address(&self, name: &str) -> Addr {
        self.app.api().addr_make(name)
    }

    /// Sends a message; the error is what the sender would read.
    pub fn send(&mut self, sender: &Addr, msg: &ExecuteMsg) -> Result<(), String> {
        self.send_with(sender, msg, &[])
    }

    pub fn send_with(&mut self, sender: &Addr, msg: &ExecuteMsg, funds: &[Coin]) -> Result<(), String> {
        self.app
            .execute_contract(sender.clone(), self.registry.clone(), msg, funds)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    pub fn register(&mut self, provider: &Addr) {
        let metadata = metadata("clinic");
        self.send(provider, &ExecuteMsg::Register { metadata }).unwrap();
    }

    pub fn jail(&mut self, provider: &Addr, seconds: u64) {
        let msg = ExecuteMsg::Jail { provider: provider.to_string(), seconds, reason: "silent_seat".to_string() };
        self.send(&self.slashing.clone(), &msg).unwrap();
    }

    pub fn tombstone(&mut self, provider: &Addr) {
        let msg = ExecuteMsg::Tombstone { provider: provider.to_string(), reason: "two_headers".to_string() };
        self.send(&self.slashing.clone(), &msg).unwrap();
    }

    pub fn query<T: DeserializeOwned>(&self, msg: &QueryMsg) -> T {
        self.app.wrap().query_wasm_smart(&self.registry, msg).unwrap()
    }

    pub fn standing(&self, provider: &Addr) -> Standing {
        let msg = QueryMsg::Provider { provider: provider.to_string() };
        self.query::<ProviderResponse>(&msg).standing
    }

    /// What bars a provider that nobody or `issuer` must have admitted.
    pub fn bar(&self, provider: &Addr, issuer: Option<&Addr>) -> Option<Bar> {
        let msg = QueryMsg::MayTakePart { provider: provider.to_string(), issuer: issuer.map(Addr::to_string) };
        let answer: MayTakePartResponse = self.query(&msg);
        assert_eq!(answer.allowed, answer.reason.is_none());
        assert_eq!(answer.allowed, answer.explanation.is_none());
        answer.reason
    }

    pub fn now(&self) -> u64 {
        self.app.block_info().time.seconds()
    }

    pub fn wait(&mut self, seconds: u64) {
        self.app.update_block(|block| {
            block.time = block.time.plus_seconds(seconds);
            block.height += 1;
        });
    }
}
