//! A chain of contracts, accounts and coins in memory.

use std::sync::Arc;

use cosmos_sdk_proto::cosmos::bank::v1beta1::{Metadata, MsgSend};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgExecuteContract, MsgInstantiateContract, MsgInstantiateContractResponse, MsgMigrateContract, MsgStoreCode,
    MsgStoreCodeResponse,
};
use cosmos_sdk_proto::Any;
use prost::{Message, Name};
use serde_json::Value;
use tempfile::TempDir;

use crate::coin::{Coin as Amount, Coins};
use crate::context::{BlockInfo, Context, Mode, QueryContext, TxInfo};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::gas::{Gas, GasMeter};
use crate::modules::wasm::neighbours::{Account, Accounts, Bank, Queries, Router};
use crate::modules::wasm::{addresses, neighbours, Keeper, Vm, VmOptions, CAPABILITIES};
use crate::store::{MemoryBase, Store, View};

pub const PREFIX: &str = "bauta";
/// Gas of a transaction that is not meant to run out.
pub const PLENTY: Gas = 50_000_000;

pub struct Host {
    pub keeper: Keeper,
    pub view: View,
    pub block: BlockInfo,
    pub next_tx: u32,
    pub mode: Mode,
    /// Gas that the last transaction used.
    pub used: Gas,
    pub folder: Arc<TempDir>,
}

/// What a transaction did.
#[derive(Debug)]
pub struct Done {
    pub response: Any,
    pub events: Vec<Event>,
}

impl Host {
    pub fn new() -> Self {
        Self::in_folder(Arc::new(TempDir::new().unwrap()))
    }

    pub fn in_folder(folder: Arc<TempDir>) -> Self {
        // What reflect and its like require, beside what the chain has.
        Self::with_capabilities(folder, &["staking", "stargate"])
    }

    pub fn with_capabilities(folder: Arc<TempDir>, more: &[&str]) -> Self {
        let mut options = VmOptions::new(folder.path());
        options.capabilities = CAPABILITIES.iter().chain(more).map(ToString::to_string).collect();
        let keeper = Keeper::new(Vm::open(options).unwrap(), MemoryBank, MemoryAccounts);
        keeper.connect(TestRouter, TestQueries);
        Self {
            keeper,
            view: View::new(Arc::new(MemoryBase::default())),
            block: BlockInfo { chain_id: "bauta-1".into(), height: 12_345, time_ns: 1_571_797_419_879_305_533 },
            next_tx: 0,
            mode: Mode::Finalize,
            used: 0,
            folder,
        }
    }

    /// A context as a transaction has it.
    pub fn context(&mut self, gas: Gas) -> Context {
        let tx = TxInfo { hash: [self.next_tx as u8; 32], index: self.next_tx };
        self.next_tx += 1;
        Context::new(self.view.clone(), GasMeter::limited(gas), self.block.clone(), self.mode, Some(tx), PREFIX)
    }

    pub fn query_context(&self) -> QueryContext {
        QueryContext::new(self.view.clone(), GasMeter::limited(PLENTY), self.block.clone(), PREFIX)
    }

    /// Runs a message as a transaction of its own.
    pub fn run<M: Message + Name>(&mut self, message: &M, gas: Gas) -> Result<Done> {
        let mut ctx = self.context(gas);
        let message = Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() };
        let keeper = self.keeper.clone();
        let result = ctx.nested(|ctx| keeper.handle(ctx, &message));
        self.used = ctx.gas.consumed();
        result.map(|response| Done { response, events: ctx.events })
    }

    pub fn store(&mut self, wasm: &[u8]) -> u64 {
        let message =
            MsgStoreCode { sender: person("creator"), wasm_byte_code: wasm.to_vec(), instantiate_permission: None };
        let done = self.run(&message, PLENTY).unwrap();
        MsgStoreCodeResponse::decode(done.response.value.as_slice()).unwrap().code_id
    }

    pub fn instantiate(&mut self, code_id: u64, msg: &Value) -> Result<String> {
        self.instantiate_with(code_id, msg, &[], "")
    }

    pub fn instantiate_with(&mut self, code_id: u64, msg: &Value, funds: &[Coin], admin: &str) -> Result<String> {
        let message = MsgInstantiateContract {
            sender: person("creator"),
            admin: admin.into(),
            code_id,
            label: "demo".into(),
            msg: msg.to_string().into_bytes(),
            funds: funds.to_vec(),
        };
        let done = self.run(&message, PLENTY)?;
        Ok(MsgInstantiateContractResponse::decode(done.response.value.as_slice()).unwrap().address)
    }

    pub fn execute(&mut self, sender: &str, contract: &str, msg: &Value, funds: &[Coin]) -> Result<Done> {
        self.execute_with_gas(sender, contract, msg, funds, PLENTY)
    }

    pub fn execute_with_gas(
        &mut self,
        sender: &str,
        contract: &str,
        msg: &Value,
        funds: &[Coin],
        gas: Gas,
    ) -> Result<Done> {
        let message = MsgExecuteContract {
            sender: sender.into(),
            contract: contract.into(),
            msg: msg.to_string().into_bytes(),
            funds: funds.to_vec(),
        };
        self.run(&message, gas)
    }

    pub fn migrate(&mut self, sender: &str, contract: &str, code_id: u64, msg: &Value) -> Result<Done> {
        let message = MsgMigrateContract {
            sender: sender.into(),
            contract: contract.into(),
            code_id,
            msg: msg.to_string().into_bytes(),
        };
        self.run(&message, PLENTY)
    }

    pub fn smart(&self, contract: &str, msg: &Value) -> Result<Value> {
        let mut ctx = self.query_context();
        let contract = addresses::parse(PREFIX, contract)?;
        let answer = self.keeper.query_smart(&mut ctx, &contract, msg.to_string().as_bytes())?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    /// A query of a client, in protobuf.
    pub fn query<R: Message + Default>(&self, path: &str, request: &impl Message) -> Result<R> {
        let path = format!("/cosmwasm.wasm.v1.Query/{path}");
        let answer = self.keeper.query(&mut self.query_context(), &path, &request.encode_to_vec())?;
        Ok(R::decode(answer.as_slice()).unwrap())
    }

    pub fn mint(&mut self, address: &str, amount: u128, denom: &str) {
        let address = addresses::parse(PREFIX, address).unwrap();
        let mut ctx = self.context(PLENTY);
        let coins = read_balance(&ctx.view, &address).checked_add(&Coins::one(denom, amount)).unwrap();
        write_balance(&mut ctx, &address, &coins);
    }

    pub fn balance(&self, address: &str, denom: &str) -> u128 {
        read_balance(&self.view, &addresses::parse(PREFIX, address).unwrap()).amount_of(denom)
    }

    /// All of the state, to compare.
    pub fn state(&self) -> crate::store::Changes {
        self.view.changes()
    }
}

/// The bytes of an address.
pub fn address(text: &str) -> Vec<u8> {
    addresses::parse(PREFIX, text).unwrap()
}

/// The address of a person of the tests.
pub fn person(name: &str) -> String {
    let mut bytes = [0; 20];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    addresses::format(PREFIX, &bytes).unwrap()
}

pub fn coin(amount: u128, denom: &str) -> Coin {
    Coin { denom: denom.into(), amount: amount.to_string() }
}

/// The events of a kind.
pub fn of_kind<'a>(events: &'a [Event], kind: &str) -> Vec<&'a Event> {
    events.iter().filter(|event| event.kind == kind).collect()
}

struct MemoryBank;

fn read_balance(view: &View, address: &[u8]) -> Coins {
    let text = view.get(Store::Bank, address).map(|bytes| String::from_utf8(bytes).unwrap()).unwrap_or_default();
    Coins::parse(&text).unwrap()
}

fn write_balance(ctx: &mut Context, address: &[u8], coins: &Coins) {
    let text: Vec<String> = coins.iter().map(|coin| coin.to_string()).collect();
    ctx.view.set(Store::Bank, address.to_vec(), text.join(",").into_bytes());
}

fn proto(coin: &Amount) -> Coin {
    coin.to_proto()
}

impl Bank for MemoryBank {
    fn send(&self, ctx: &mut Context, from: &[u8], to: &[u8], coins: &[Coin]) -> Result<()> {
        let coins = Coins::from_proto(coins)?;
        ctx.gas.consume(1_000, "send")?;
        let short = |_| Error::insufficient_funds("not enough: insufficient funds");
        let left = read_balance(&ctx.view, from).checked_sub(&coins).map_err(short)?;
        write_balance(ctx, from, &left);
        let more = read_balance(&ctx.view, to).checked_add(&coins)?;
        write_balance(ctx, to, &more);
        ctx.emit(Event::new("transfer").with("recipient", addresses::format(PREFIX, to)?).with("amount", "some"));
        ctx.emit(Event::new("message").with("sender", addresses::format(PREFIX, from)?));
        Ok(())
    }

    fn burn(&self, ctx: &mut Context, from: &[u8], coins: &[Coin]) -> Result<()> {
        let short = |_| Error::insufficient_funds("not enough: insufficient funds");
        let left = read_balance(&ctx.view, from).checked_sub(&Coins::from_proto(coins)?).map_err(short)?;
        write_balance(ctx, from, &left);
        Ok(())
    }

    fn balance(&self, ctx: &mut QueryContext, address: &[u8], denom: &str) -> Result<Coin> {
        ctx.gas.consume(1_000, "balance")?;
        Ok(coin(read_balance(&ctx.view, address).amount_of(denom), denom))
    }

    fn all_balances(&self, ctx: &mut QueryContext, address: &[u8]) -> Result<Vec<Coin>> {
        Ok(read_balance(&ctx.view, address).iter().map(|coin| proto(&coin)).collect())
    }

    fn supply(&self, _: &mut QueryContext, denom: &str) -> Result<Coin> {
        Ok(coin(1_000_000, denom))
    }

    fn denom_metadata(&self, _: &mut QueryContext, denom: &str) -> Result<Option<Metadata>> {
        Ok((denom == "ubauta").then(|| Metadata { base: denom.into(), ..Metadata::default() }))
    }

    fn all_denom_metadata(
        &self,
        _: &mut QueryContext,
        _: Option<&[u8]>,
        _: u32,
        _: bool,
    ) -> Result<(Vec<Metadata>, Option<Vec<u8>>)> {
        Ok((vec![Metadata { base: "ubauta".into(), ..Metadata::default() }], None))
    }
}

struct MemoryAccounts;

impl Accounts for MemoryAccounts {
    fn account(&self, ctx: &mut Context, address: &[u8]) -> Result<Option<Account>> {
        let found = ctx.get(Store::Auth, address)?;
        Ok(found.map(|bytes| Account { is_claimed: bytes == b"claimed" }))
    }

    fn create(&self, ctx: &mut Context, address: &[u8]) -> Result<()> {
        ctx.set(Store::Auth, address.to_vec(), b"new".to_vec())
    }
}

/// Accepts `MsgSend` and messages of the module.
struct TestRouter;

impl Router for TestRouter {
    fn signers(&self, prefix: &str, message: &Any) -> Result<Vec<Vec<u8>>> {
        let signer = if message.type_url == "/cosmos.bank.v1beta1.MsgSend" {
            let refused = |_| neighbours::cannot_unpack(message);
            MsgSend::decode(message.value.as_slice()).map_err(refused)?.from_address
        } else {
            let refused = |_| neighbours::cannot_unpack(message);
            crate::modules::wasm::messages::signer(message).map_err(refused)?
        };
        Ok(vec![addresses::parse(prefix, &signer)?])
    }

    fn handle(&self, wasm: &Keeper, ctx: &mut Context, message: &Any) -> Result<Any> {
        if message.type_url != "/cosmos.bank.v1beta1.MsgSend" {
            return wasm.handle(ctx, message);
        }
        let send = MsgSend::decode(message.value.as_slice()).map_err(|error| Error::tx_decode(error.to_string()))?;
        let (from, to) = (addresses::parse(PREFIX, &send.from_address)?, addresses::parse(PREFIX, &send.to_address)?);
        MemoryBank.send(ctx, &from, &to, &send.amount)?;
        Ok(Any { type_url: "/cosmos.bank.v1beta1.MsgSendResponse".into(), value: vec![] })
    }
}

/// Accepts one path.
struct TestQueries;

impl Queries for TestQueries {
    fn grpc(&self, _: &Keeper, ctx: &mut QueryContext, path: &str, request: &[u8]) -> Result<Option<Vec<u8>>> {
        ctx.gas.consume(500, "grpc")?;
        Ok((path == "/test/Echo").then(|| request.to_vec()))
    }

    fn stargate(&self, _: &Keeper, _: &mut QueryContext, path: &str, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok((path == "/test/Echo").then(|| b"{}".to_vec()))
    }
}
