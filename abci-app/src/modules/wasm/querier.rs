//! Queries of contracts (wasmd x/wasm/keeper/query_plugins.go): bank, other contracts, and by accept-list whatever the
//! chain answers in protobuf. A query has a meter of its own, writes nothing, and costs even when it fails.

use cosmos_sdk_proto::cosmos::bank::v1beta1::Metadata;
use cosmwasm_std::{Binary, ContractResult, SystemError, SystemResult};
use cosmwasm_vm::{BackendError, BackendResult, GasInfo, Querier};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::raw_range::{RawRange, RawRangeAnswer};
use super::response::{variant, Coin};
use super::state::{Frame, Reading};
use super::storage::Meter;
use super::{addresses, errors, gas, keys, Keeper};
use crate::context::QueryContext;
use crate::error::Error;

/// Entries of a page of denominations when the contract asks for no number.
const DEFAULT_PAGE: u32 = 100;

/// What a contract may ask during one call.
pub struct ContractQuerier {
    keeper: Keeper,
    frame: Frame,
    meter: Meter,
}

/// Why a query has no answer.
enum Failure {
    /// Something the VM itself tells the contract; never redacted.
    System(SystemError),
    /// An error, which the contract sees redacted unless it is another contract's own.
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

type Answer = Result<Vec<u8>, Failure>;

impl ContractQuerier {
    pub(super) fn new(keeper: Keeper, frame: Frame, meter: Meter) -> Self {
        Self { keeper, frame, meter }
    }

    fn answer(&self, ctx: &mut QueryContext, request: &Map<String, Value>) -> Answer {
        let Some((kind, content)) = request.iter().find(|(_, content)| !content.is_null()) else {
            return Err(Failure::System(SystemError::Unknown {}));
        };
        match kind.as_str() {
            "bank" => self.bank(ctx, content),
            "wasm" => self.wasm(ctx, content),
            "grpc" => {
                let Path { path, data } = parse(content)?;
                let answer = self.keeper.queries().grpc(&self.keeper, ctx, &path, &data)?;
                answer.ok_or_else(|| unsupported(format!("'{path}' path is not allowed from the contract")))
            }
            "stargate" => {
                let Path { path, data } = parse(content)?;
                let answer = self.keeper.queries().stargate(&self.keeper, ctx, &path, &data)?;
                answer.ok_or_else(|| unsupported(format!("'{path}' path is not allowed from the contract")))
            }
            "custom" | "staking" | "distribution" | "ibc" => Err(unsupported(kind.clone())),
            _ => Err(Failure::System(SystemError::Unknown {})),
        }
    }

    fn bank(&self, ctx: &mut QueryContext, content: &Value) -> Answer {
        let bank = self.keeper.bank();
        match variant(content) {
            Some("balance" | "all_balances" | "supply" | "denom_metadata" | "all_denom_metadata") => {}
            _ => return Err(unsupported("unknown BankQuery variant")),
        }
        match parse(content)? {
            BankQuery::Balance { address, denom } => {
                let address = addresses::parse(&ctx.prefix, &address)?;
                let amount = coin(bank.balance(ctx, &address, &denom)?);
                json(&Amount { amount })
            }
            BankQuery::AllBalances { address } => {
                let address = addresses::parse(&ctx.prefix, &address)?;
                let amount: Vec<Coin> = bank.all_balances(ctx, &address)?.into_iter().map(coin).collect();
                json(&Amount { amount })
            }
            BankQuery::Supply { denom } => {
                let amount = coin(bank.supply(ctx, &denom)?);
                json(&Amount { amount })
            }
            BankQuery::DenomMetadata { denom } => {
                let found = bank.denom_metadata(ctx, &denom)?;
                let metadata = found.ok_or_else(|| Error::new(crate::error::SDK, 38, format!("{denom}: not found")))?;
                json(&OneMetadata { metadata: metadata.into() })
            }
            BankQuery::AllDenomMetadata { pagination } => {
                let Page { key, limit, reverse } = pagination.unwrap_or_default();
                let limit = if limit == 0 { DEFAULT_PAGE } else { limit };
                let (found, next) = bank.all_denom_metadata(ctx, key.as_deref(), limit, reverse)?;
                json(&AllMetadata {
                    metadata: found.into_iter().map(DenomMetadata::from).collect(),
                    next_key: next.map(Binary::from),
                })
            }
        }
    }

    fn wasm(&self, ctx: &mut QueryContext, content: &Value) -> Answer {
        match variant(content) {
            Some("smart" | "raw" | "contract_info" | "code_info" | "raw_range") => {}
            _ => return Err(unsupported("unknown WasmQuery variant")),
        }
        match parse(content)? {
            WasmQuery::Smart { contract_addr, msg } => {
                let contract = addresses::parse(&ctx.prefix, &contract_addr)?;
                super::messages::check_json(&msg).map_err(|error| errors::wrapped(error, "json msg"))?;
                self.keeper.smart(ctx, &contract, &msg).map_err(|error| no_such(error, &contract_addr))
            }
            WasmQuery::Raw { contract_addr, key } => {
                let contract = addresses::parse(&ctx.prefix, &contract_addr)?;
                let full = [keys::state(&contract), key.to_vec()].concat();
                Ok(ctx.read(&full)?.unwrap_or_default())
            }
            WasmQuery::ContractInfo { contract_addr } => {
                let contract = addresses::parse(&ctx.prefix, &contract_addr)?;
                let info = ctx.contract(&contract)?.ok_or_else(|| errors::no_such_contract(&contract_addr));
                let info = info.map_err(|error| no_such(error, &contract_addr))?;
                let pinned = ctx.is_pinned(info.code_id)?;
                json(&ContractInfo {
                    code_id: info.code_id,
                    creator: info.creator,
                    admin: info.admin,
                    pinned,
                    ibc_port: info.ibc_port_id,
                })
            }
            WasmQuery::CodeInfo { code_id } => {
                if code_id == 0 {
                    return Err(errors::EMPTY.wrap("code id").into());
                }
                let code = ctx.code(code_id)?.ok_or(Failure::System(SystemError::NoSuchCode { code_id }))?;
                json(&CodeInfo { code_id, creator: code.creator, checksum: hex::encode(code.code_hash) })
            }
            WasmQuery::RawRange(range) => {
                let contract = addresses::parse(&ctx.prefix, &range.contract_addr)?;
                let answer: RawRangeAnswer = range.answer(ctx, &contract)?;
                json(&answer)
            }
        }
    }
}

impl Querier for ContractQuerier {
    fn query_raw(&self, request: &[u8], gas_limit: u64) -> BackendResult<SystemResult<ContractResult<Binary>>> {
        let parsed: Map<String, Value> = match serde_json::from_slice(request) {
            Ok(parsed) => parsed,
            Err(error) => {
                let error = SystemError::InvalidRequest { error: error.to_string(), request: request.into() };
                return (Ok(SystemResult::Err(error)), GasInfo::free());
            }
        };
        let mut ctx = self.frame.query(gas::from_vm(gas_limit));
        let answer = self.answer(&mut ctx, &parsed);
        let spent = ctx.gas.consumed();
        let (charged, info) = self.meter.report(|meter| meter.consume(spent, "contract sub-query"));
        if charged.is_err() {
            return (Err(BackendError::out_of_gas()), info);
        }
        match answer {
            Ok(bytes) => (Ok(SystemResult::Ok(ContractResult::Ok(bytes.into()))), info),
            Err(Failure::System(SystemError::InvalidRequest { error, .. })) => {
                let error = SystemError::InvalidRequest { error, request: request.into() };
                (Ok(SystemResult::Err(error)), info)
            }
            Err(Failure::System(error)) => (Ok(SystemResult::Err(error)), info),
            // The query used up what the contract had for it: the contract ends, it does not get to handle that.
            Err(Failure::Error(error)) if gas::exhausted(&ctx.gas, &error) => {
                (Err(BackendError::out_of_gas()), GasInfo::free())
            }
            Err(Failure::Error(error)) => (Ok(SystemResult::Ok(ContractResult::Err(error.redacted()))), info),
        }
    }
}

fn unsupported(kind: impl Into<String>) -> Failure {
    Failure::System(SystemError::UnsupportedRequest { kind: kind.into() })
}

/// A missing contract is something the VM itself tells, wherever the error was found.
fn no_such(error: Error, address: &str) -> Failure {
    if errors::NO_SUCH_CONTRACT.is(&error) {
        return Failure::System(SystemError::NoSuchContract { addr: address.into() });
    }
    Failure::Error(error)
}

fn parse<T: for<'de> Deserialize<'de>>(content: &Value) -> Result<T, Failure> {
    T::deserialize(content).map_err(|error| {
        Failure::System(SystemError::InvalidRequest { error: error.to_string(), request: Binary::default() })
    })
}

fn json(answer: &impl Serialize) -> Answer {
    serde_json::to_vec(answer).map_err(|error| Error::logic(format!("an answer has no JSON: {error}")).into())
}

fn coin(coin: cosmos_sdk_proto::cosmos::base::v1beta1::Coin) -> Coin {
    Coin { denom: coin.denom, amount: coin.amount }
}

#[derive(Deserialize)]
struct Path {
    path: String,
    #[serde(default)]
    data: Binary,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum BankQuery {
    Balance { address: String, denom: String },
    AllBalances { address: String },
    Supply { denom: String },
    DenomMetadata { denom: String },
    AllDenomMetadata { pagination: Option<Page> },
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Page {
    key: Option<Binary>,
    limit: u32,
    reverse: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WasmQuery {
    Smart { contract_addr: String, msg: Binary },
    Raw { contract_addr: String, key: Binary },
    ContractInfo { contract_addr: String },
    CodeInfo { code_id: u64 },
    RawRange(RawRange),
}

#[derive(Serialize)]
struct Amount<T> {
    amount: T,
}

#[derive(Serialize)]
struct OneMetadata {
    metadata: DenomMetadata,
}

#[derive(Serialize)]
struct AllMetadata {
    metadata: Vec<DenomMetadata>,
    next_key: Option<Binary>,
}

#[derive(Serialize)]
struct DenomMetadata {
    description: String,
    denom_units: Vec<DenomUnit>,
    base: String,
    display: String,
    name: String,
    symbol: String,
    uri: String,
    uri_hash: String,
}

#[derive(Serialize)]
struct DenomUnit {
    denom: String,
    exponent: u32,
    aliases: Vec<String>,
}

impl From<Metadata> for DenomMetadata {
    fn from(metadata: Metadata) -> Self {
        let units = metadata.denom_units.into_iter();
        Self {
            description: metadata.description,
            denom_units: units
                .map(|unit| DenomUnit { denom: unit.denom, exponent: unit.exponent, aliases: unit.aliases })
                .collect(),
            base: metadata.base,
            display: metadata.display,
            name: metadata.name,
            symbol: metadata.symbol,
            uri: metadata.uri,
            uri_hash: metadata.uri_hash,
        }
    }
}

#[derive(Serialize)]
struct ContractInfo {
    code_id: u64,
    creator: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    admin: String,
    pinned: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    ibc_port: String,
}

#[derive(Serialize)]
struct CodeInfo {
    code_id: u64,
    creator: String,
    checksum: String,
}
