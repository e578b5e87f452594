//! `bauta wasm query`: what contracts answer, and what the chain knows of them.

use std::path::PathBuf;

use base64::Engine as _;
use bauta_client::chain::query::{endless, page, MAX_PAGES};
use bauta_client::chain::{Chain, ChainError};
use clap::Subcommand;
use cosmrs::proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use cosmrs::proto::cosmwasm::wasm::v1 as wasm;
use serde_json::{json, Value};

use crate::answer::{fields, table, Answer};
use crate::ask;
use crate::commands::Answered;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress;

/// Ask about contracts and codes.
#[derive(Debug, Subcommand)]
pub enum Query {
    /// Ask a contract
    #[command(after_help = "Example:
  bauta wasm query smart bauta1... '{\"bond\":{\"provider\":\"bauta1...\"}}'

JSON: what the contract answers.")]
    Smart {
        /// The contract
        contract: String,
        /// The question: JSON, @FILE, or - for standard input
        question: String,
    },
    /// Read one key of a contract's storage
    #[command(after_help = "Examples:
  bauta wasm query raw bauta1... contract_info
  bauta wasm query raw bauta1... 0003616263 --hex

JSON: {key (hex), value (base64, null if there is none)}")]
    Raw {
        /// The contract
        contract: String,
        /// The key, as text
        key: String,
        /// The key is hexadecimal
        #[arg(long)]
        hex: bool,
    },
    /// What the chain knows of a contract
    #[command(after_help = "Example:
  bauta wasm query contract bauta1...

JSON: {contract, code_id, creator, admin, label, created_height}")]
    Contract {
        /// The contract
        contract: String,
    },
    /// The contracts of a code
    #[command(after_help = "Example:
  bauta wasm query contracts 1

JSON: {code_id, contracts: [address]}")]
    Contracts {
        /// The code
        code_id: u64,
    },
    /// The codes
    #[command(after_help = "Example:
  bauta wasm query codes --output json | jq -r '.codes[].checksum'

JSON: {codes: [{code_id, creator, checksum}]}")]
    Codes,
    /// A code
    #[command(after_help = "Example:
  bauta wasm query code 1 --out registry.wasm

JSON: {code_id, creator, checksum, bytes}")]
    Code {
        /// The code
        code_id: u64,
        /// Writes the code there
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Which codes a contract has run
    #[command(after_help = "Example:
  bauta wasm query history bauta1...

JSON: {contract, history: [{operation, code_id, height, message}]}")]
    History {
        /// The contract
        contract: String,
    },
    /// All of a contract's storage
    #[command(after_help = "Example:
  bauta wasm query state bauta1...

JSON: {contract, state: [{key (hex), value (base64)}]}")]
    State {
        /// The contract
        contract: String,
    },
}

/// Runs the command.
pub async fn run(context: &Context, query: Query) -> Answered {
    match query {
        Query::Smart { contract, question } => {
            let contract = context.address(&contract)?;
            let question = ask::json_argument(&question)?;
            let answer = {
                let chain = context.chain().await?;
                context.ask(chain.smart_raw(&contract, question)).await?
            };
            let json: Value = serde_json::from_slice(&answer)
                .map_err(|error| Failure::new(format!("the contract's answer is not JSON: {error}")))?;
            Ok(Answer::new(format!("{json:#}"), json))
        }
        Query::Raw { contract, key, hex } => raw(context, &contract, &key, hex).await,
        Query::Contract { contract } => contract_info(context, &contract).await,
        Query::Contracts { code_id } => contracts(context, code_id).await,
        Query::Codes => codes(context).await,
        Query::Code { code_id, out } => code(context, code_id, out).await,
        Query::History { contract } => history(context, &contract).await,
        Query::State { contract } => state(context, &contract).await,
    }
}

async fn ask<Q, R>(chain: &Chain, method: &str, request: &Q) -> Result<R, ChainError>
where
    Q: prost::Message,
    R: prost::Message + Default,
{
    let path = format!("/cosmwasm.wasm.v1.Query/{method}");
    progress::during("waiting for the node", chain.query(&path, request)).await
}

/// All pages of a list: `request` makes the request for a page, `split` takes an answer apart.
async fn pages<Q, R, T>(
    chain: &Chain,
    method: &str,
    request: impl Fn(PageRequest) -> Q,
    split: impl Fn(R) -> (Vec<T>, Option<PageResponse>),
) -> Result<Vec<T>, ChainError>
where
    Q: prost::Message,
    R: prost::Message + Default,
{
    let (mut found, mut key) = (Vec::new(), Vec::new());
    for _ in 0..MAX_PAGES {
        let (entries, pagination) = split(ask(chain, method, &request(page(key))).await?);
        found.extend(entries);
        key = pagination.map(|page| page.next_key).unwrap_or_default();
        if key.is_empty() {
            return Ok(found);
        }
    }
    Err(endless(method))
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn raw(context: &Context, contract: &str, key: &str, is_hex: bool) -> Answered {
    let address = context.address(contract)?;
    let key = match is_hex {
        true => hex::decode(key).map_err(|_| Failure::usage(format!("{key:?} is not hexadecimal")))?,
        false => key.as_bytes().to_vec(),
    };
    let request = wasm::QueryRawContractStateRequest { address, query_data: key.clone() };
    let found: wasm::QueryRawContractStateResponse = ask(&context.chain().await?, "RawContractState", &request).await?;
    let value = (!found.data.is_empty()).then_some(found.data);
    let json = json!({ "key": hex::encode(&key), "value": value.as_deref().map(base64) });
    let text = match &value {
        None => "The contract has nothing under this key.".to_owned(),
        Some(value) => match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => base64(value),
        },
    };
    Ok(Answer::new(text, json))
}

async fn contract_info(context: &Context, contract: &str) -> Answered {
    let address = context.address(contract)?;
    let request = wasm::QueryContractInfoRequest { address };
    let found: wasm::QueryContractInfoResponse = ask(&context.chain().await?, "ContractInfo", &request).await?;
    let info = found.contract_info.unwrap_or_default();
    let created = info.created.map(|created| created.block_height);
    let admin = (!info.admin.is_empty()).then_some(info.admin);
    let json = json!({
        "contract": found.address,
        "code_id": info.code_id,
        "creator": info.creator,
        "admin": admin,
        "label": info.label,
        "created_height": created,
    });
    let text = fields(&[
        ("contract", found.address),
        ("label", info.label),
        ("code", info.code_id.to_string()),
        ("creator", info.creator),
        ("admin", admin.unwrap_or_else(|| "nobody".to_owned())),
        ("created", created.map_or_else(|| "unknown".to_owned(), |height| format!("in block {height}"))),
    ]);
    Ok(Answer::new(text, json))
}

async fn contracts(context: &Context, code_id: u64) -> Answered {
    let chain = context.chain().await?;
    let request = |page| wasm::QueryContractsByCodeRequest { code_id, pagination: Some(page) };
    let split = |page: wasm::QueryContractsByCodeResponse| (page.contracts, page.pagination);
    let found = pages(&chain, "ContractsByCode", request, split).await?;
    let text = match found.is_empty() {
        true => format!("Code {code_id} has no contracts."),
        false => found.join("\n"),
    };
    Ok(Answer::new(text, json!({ "code_id": code_id, "contracts": found })))
}

async fn codes(context: &Context) -> Answered {
    let chain = context.chain().await?;
    let request = |page| wasm::QueryCodesRequest { pagination: Some(page) };
    let split = |page: wasm::QueryCodesResponse| (page.code_infos, page.pagination);
    let found = pages(&chain, "Codes", request, split).await?;
    let json: Vec<Value> = found
        .iter()
        .map(|code| json!({ "code_id": code.code_id, "creator": code.creator, "checksum": hex::encode(&code.data_hash) }))
        .collect();
    let text = match found.is_empty() {
        true => "No code was stored yet.".to_owned(),
        false => table(
            ["CODE", "CREATOR", "CHECKSUM"],
            found.iter().map(|code| [code.code_id.to_string(), code.creator.clone(), hex::encode(&code.data_hash)]),
        ),
    };
    Ok(Answer::new(text, json!({ "codes": json })))
}

async fn code(context: &Context, code_id: u64, out: Option<PathBuf>) -> Answered {
    let request = wasm::QueryCodeRequest { code_id };
    let found: wasm::QueryCodeResponse = ask(&context.chain().await?, "Code", &request).await?;
    let info = found.code_info.unwrap_or_default();
    if let Some(file) = &out {
        std::fs::write(file, &found.data).map_err(Failure::file("write", file))?;
    }
    let checksum = hex::encode(&info.data_hash);
    let json = json!({
        "code_id": info.code_id,
        "creator": info.creator,
        "checksum": checksum,
        "bytes": found.data.len(),
    });
    let mut rows = vec![
        ("code", info.code_id.to_string()),
        ("creator", info.creator),
        ("checksum", checksum),
        ("bytes", found.data.len().to_string()),
    ];
    rows.extend(out.map(|file| ("written to", file.display().to_string())));
    Ok(Answer::new(fields(&rows), json))
}

async fn history(context: &Context, contract: &str) -> Answered {
    let address = context.address(contract)?;
    let chain = context.chain().await?;
    let request = |page| wasm::QueryContractHistoryRequest { address: address.clone(), pagination: Some(page) };
    let split = |page: wasm::QueryContractHistoryResponse| (page.entries, page.pagination);
    let found = pages(&chain, "ContractHistory", request, split).await?;
    let operation = |entry: &wasm::ContractCodeHistoryEntry| match entry.operation() {
        wasm::ContractCodeHistoryOperationType::Init => "instantiate",
        wasm::ContractCodeHistoryOperationType::Migrate => "migrate",
        wasm::ContractCodeHistoryOperationType::Genesis => "genesis",
        wasm::ContractCodeHistoryOperationType::Unspecified => "unknown",
    };
    let height = |entry: &wasm::ContractCodeHistoryEntry| entry.updated.as_ref().map(|at| at.block_height);
    let json: Vec<Value> = found
        .iter()
        .map(|entry| {
            json!({
                "operation": operation(entry),
                "code_id": entry.code_id,
                "height": height(entry),
                "message": serde_json::from_slice::<Value>(&entry.msg).unwrap_or(Value::Null),
            })
        })
        .collect();
    let rows = found.iter().map(|entry| {
        [
            height(entry).unwrap_or_default().to_string(),
            operation(entry).to_owned(),
            entry.code_id.to_string(),
            String::from_utf8_lossy(&entry.msg).into_owned(),
        ]
    });
    let text = table(["BLOCK", "OPERATION", "CODE", "MESSAGE"], rows);
    Ok(Answer::new(text, json!({ "contract": address, "history": json })))
}

async fn state(context: &Context, contract: &str) -> Answered {
    let address = context.address(contract)?;
    let chain = context.chain().await?;
    let request = |page| wasm::QueryAllContractStateRequest { address: address.clone(), pagination: Some(page) };
    let split = |page: wasm::QueryAllContractStateResponse| (page.models, page.pagination);
    let found = pages(&chain, "AllContractState", request, split).await?;
    let json: Vec<Value> =
        found.iter().map(|model| json!({ "key": hex::encode(&model.key), "value": base64(&model.value) })).collect();
    let rows = found.iter().map(|model| [hex::encode(&model.key), String::from_utf8_lossy(&model.value).into_owned()]);
    let text = match found.is_empty() {
        true => "The contract has stored nothing.".to_owned(),
        false => table(["KEY", "VALUE"], rows),
    };
    Ok(Answer::new(text, json!({ "contract": address, "state": json })))
}
