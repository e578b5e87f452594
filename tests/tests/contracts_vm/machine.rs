//! A small chain around VM instances: it moves coins, carries sub-messages from contract to contract, depth first, and brings replies
//! back as wasmd does. It has no transactions: after an error the state is not to be used.

use std::collections::BTreeMap;

use cosmos_sdk_proto::{cosmwasm::wasm::v1::MsgExecuteContractResponse, traits::Message};
use cosmwasm_std::{
    from_json, to_json_vec, Addr, BankMsg, Binary, Coin, ContractResult, CosmosMsg, Empty, Env, Event, MessageInfo,
    MsgResponse, Reply, ReplyOn, Response, SubMsg, SubMsgResponse, SubMsgResult, Uint128, WasmMsg,
};
use cosmwasm_vm::{
    call_execute, call_instantiate, call_migrate, call_query, call_reply, call_sudo,
    testing::{mock_env, mock_instance_with_options, MockApi, MockInstanceOptions, MockQuerier, MockStorage},
    Instance, Storage, VmError, VmResult,
};
use serde::{de::DeserializeOwned, Serialize};

use super::artifacts::wasm;

pub const DENOM: &str = "ubauta";
/// CosmWasm gas of one call. A chain gives 140,000 for one unit of its own gas, so this is about 2,000 units.
const CALL_GAS: u64 = 300_000_000;

type Vm = Instance<MockApi, MockStorage, MockQuerier>;

/// What a call and all that it set off left behind.
#[derive(Debug, Default)]
pub struct Done {
    pub data: Option<Binary>,
    pub events: Vec<Event>,
}

impl Done {
    /// The values of an attribute, in the order in which they were emitted.
    pub fn attributes(&self, key: &str) -> Vec<&str> {
        self.events
            .iter()
            .flat_map(|event| &event.attributes)
            .filter(|attribute| attribute.key == key)
            .map(|attribute| attribute.value.as_str())
            .collect()
    }
}

pub struct Machine {
    pub env: Env,
    contracts: BTreeMap<String, Vm>,
    balances: BTreeMap<String, u128>,
}

pub fn address(name: &str) -> Addr {
    Addr::unchecked(MockApi::default().addr_make(name))
}

impl Machine {
    pub fn new() -> Self {
        Self { env: mock_env(), contracts: BTreeMap::new(), balances: BTreeMap::new() }
    }

    pub fn wait(&mut self, seconds: u64) {
        self.env.block.time = self.env.block.time.plus_seconds(seconds);
        self.env.block.height += 1;
    }

    pub fn fund(&mut self, to: &Addr, amount: u128) {
        *self.balances.entry(to.to_string()).or_default() += amount;
    }

    pub fn balance(&self, of: &Addr) -> u128 {
        self.balances.get(of.as_str()).copied().unwrap_or_default()
    }

    /// Instantiates a contract's artifact, by `admin`.
    pub fn instantiate(&mut self, name: &str, msg: &impl Serialize) -> Result<Addr, String> {
        let contract = address(name);
        let options = MockInstanceOptions { gas_limit: u64::MAX / 2, ..Default::default() };
        let vm = mock_instance_with_options(&wasm(name), options);
        self.contracts.insert(contract.to_string(), vm);
        let info = MessageInfo { sender: address("admin"), funds: vec![] };
        let msg = to_json_vec(msg).unwrap();
        let response = self.call(&contract, |vm, env| call_instantiate(vm, env, &info, &msg))?;
        self.dispatch(&contract, response)?;
        Ok(contract)
    }

    pub fn execute(&mut self, sender: &Addr, contract: &Addr, msg: &impl Serialize) -> Result<Done, String> {
        self.execute_json(sender, contract, &to_json_vec(msg).unwrap(), &[])
    }

    pub fn execute_json(&mut self, sender: &Addr, contract: &Addr, msg: &[u8], funds: &[Coin]) -> Result<Done, String> {
        for coin in funds.iter().filter(|coin| coin.denom == DENOM) {
            self.pay(sender.as_str(), contract.as_str(), coin);
        }
        let info = MessageInfo { sender: sender.clone(), funds: funds.to_vec() };
        let response = self.call(contract, |vm, env| call_execute(vm, env, &info, msg))?;
        self.dispatch(contract, response)
    }

    pub fn sudo(&mut self, contract: &Addr, msg: &impl Serialize) -> Result<Done, String> {
        self.sudo_json(contract, &to_json_vec(msg).unwrap())
    }

    pub fn sudo_json(&mut self, contract: &Addr, msg: &[u8]) -> Result<Done, String> {
        let response = self.call(contract, |vm, env| call_sudo(vm, env, msg))?;
        self.dispatch(contract, response)
    }

    pub fn migrate(&mut self, contract: &Addr) -> Result<Done, String> {
        let response = self.call(contract, |vm, env| call_migrate(vm, env, b"{}"))?;
        self.dispatch(contract, response)
    }

    pub fn query<T: DeserializeOwned>(&mut self, contract: &Addr, msg: &impl Serialize) -> T {
        let answer = self.query_json(contract, &to_json_vec(msg).unwrap()).unwrap();
        from_json(answer).unwrap()
    }

    pub fn query_json(&mut self, contract: &Addr, msg: &[u8]) -> Result<Binary, String> {
        self.call_vm(contract, |vm, env| call_query(vm, env, msg))
    }

    /// Writes over a key of a contract's storage, as another code would have left it.
    pub fn overwrite(&mut self, contract: &Addr, key: &[u8], value: &impl Serialize) {
        let value = to_json_vec(value).unwrap();
        let vm = self.contracts.get_mut(contract.as_str()).unwrap();
        vm.with_storage(|storage| {
            storage.set(key, &value).0?;
            Ok(())
        })
        .unwrap();
    }

    fn call(
        &mut self,
        contract: &Addr,
        call: impl FnOnce(&mut Vm, &Env) -> VmResult<ContractResult<Response>>,
    ) -> Result<Response, String> {
        self.call_vm(contract, call)
    }

    /// Calls a contract, within [`CALL_GAS`]. A trap or another failure of the VM fails the test: no input may cause one.
    fn call_vm<T>(
        &mut self,
        contract: &Addr,
        call: impl FnOnce(&mut Vm, &Env) -> VmResult<ContractResult<T>>,
    ) -> Result<T, String> {
        let mut env = self.env.clone();
        env.contract.address = contract.clone();
        let vm = self.contracts.get_mut(contract.as_str()).ok_or_else(|| format!("no such contract: {contract}"))?;
        let before = vm.get_gas_left();
        let result: Result<_, VmError> = call(vm, &env);
        let used = before - vm.get_gas_left();
        assert!(used <= CALL_GAS, "a call of {contract} used {used} gas");
        result.unwrap_or_else(|error| panic!("the VM failed: {error}")).into_result()
    }

    fn dispatch(&mut self, contract: &Addr, response: Response) -> Result<Done, String> {
        let mut done = Done { data: response.data, events: response.events };
        done.events.push(Event::new("wasm").add_attributes(response.attributes));
        for sub_message in response.messages {
            let reply = self.dispatch_one(contract, sub_message)?;
            done.events.extend(reply.events);
            done.data = reply.data.or(done.data);
        }
        Ok(done)
    }

    /// Carries out one sub-message and, where one is asked for, the reply. Failures are not caught: no contract of ours asks for it.
    fn dispatch_one(&mut self, contract: &Addr, sub: SubMsg<Empty>) -> Result<Done, String> {
        let (mut done, type_url) = match sub.msg {
            CosmosMsg::Bank(BankMsg::Send { to_address, amount }) => {
                for coin in &amount {
                    self.pay(contract.as_str(), &to_address, coin);
                }
                (Done::default(), "/cosmos.bank.v1beta1.MsgSendResponse")
            }
            CosmosMsg::Wasm(WasmMsg::Execute { contract_addr, msg, funds }) => {
                let to = Addr::unchecked(contract_addr);
                let mut done = self.execute_json(contract, &to, &msg, &funds)?;
                let wrapped = MsgExecuteContractResponse { data: done.data.unwrap_or_default().to_vec() };
                done.data = Some(wrapped.encode_to_vec().into());
                (done, "/cosmwasm.wasm.v1.MsgExecuteContractResponse")
            }
            other => panic!("{contract} sent an unexpected message: {other:?}"),
        };
        let value = done.data.take().unwrap_or_default();
        if !matches!(sub.reply_on, ReplyOn::Success | ReplyOn::Always) {
            return Ok(done);
        }
        #[allow(deprecated)] // a chain of today fills both
        let answer = SubMsgResponse {
            events: done.events.clone(),
            data: Some(value.clone()),
            msg_responses: vec![MsgResponse { type_url: type_url.to_string(), value }],
        };
        let reply = Reply { id: sub.id, payload: sub.payload, gas_used: 0, result: SubMsgResult::Ok(answer) };
        let response = self.call(contract, |vm, env| call_reply(vm, env, &reply))?;
        let replied = self.dispatch(contract, response)?;
        done.events.extend(replied.events);
        done.data = replied.data;
        Ok(done)
    }

    fn pay(&mut self, from: &str, to: &str, coin: &Coin) {
        assert_eq!(coin.denom, DENOM);
        let amount = Uint128::try_from(coin.amount).unwrap().u128();
        let balance = self.balances.entry(from.to_string()).or_default();
        *balance =
            balance.checked_sub(amount).unwrap_or_else(|| panic!("{from} has {balance}{DENOM} and cannot pay {coin}"));
        *self.balances.entry(to.to_string()).or_default() += amount;
    }
}
