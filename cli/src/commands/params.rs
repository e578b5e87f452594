//! `bauta params`: the parameters of the training module.

use bauta_client::chain::{messages, Chain, ChainError};
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use clap::{Args, Subcommand};
use cosmrs::proto::cosmwasm::wasm::v1 as wasm;
use serde_json::{json, Value};

use super::Answered;
use crate::answer::{fields, Answer};
use crate::context::{merged, outcome_json, outcome_text, Context};
use crate::failure::Failure;

/// The parameters of the training module.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bauta params
  bauta params --output json | jq -r .registry

JSON: {authority, registry, staking, slashing, min_window, max_window, lane_bytes, max_elements, max_inline_model, \
block_operations, kept_rounds, max_rounds, min_gas_price, contract_gas, report_deposit}")]
pub struct Params {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What else can be done with them.
#[derive(Debug, Subcommand)]
enum Command {
    /// Change parameters; the module's authority may. What is not given stays
    #[command(after_help = "Example:
  bauta params set --registry bauta1... --staking bauta1... --slashing bauta1... --from authority

JSON: {tx_hash, height, gas_wanted, gas_used, params: as `bauta params` prints them}")]
    Set(Set),
}

/// New values.
#[derive(Debug, Args)]
struct Set {
    /// The contract that knows who is a provider
    #[arg(long, value_name = "ADDRESS")]
    registry: Option<String>,
    /// The contract that holds bonds
    #[arg(long, value_name = "ADDRESS")]
    staking: Option<String>,
    /// The contract that knows penalties
    #[arg(long, value_name = "ADDRESS")]
    slashing: Option<String>,
    /// Who may change parameters from now on
    #[arg(long, value_name = "ADDRESS")]
    authority: Option<String>,
    /// Shortest window of a task, in blocks
    #[arg(long, value_name = "BLOCKS")]
    min_window: Option<u32>,
    /// Longest window of a task, in counted blocks
    #[arg(long, value_name = "BLOCKS")]
    max_window: Option<u32>,
    /// Most elements of a model
    #[arg(long, value_name = "N")]
    max_elements: Option<u64>,
    /// Operations that all tasks may spend at the end of a block
    #[arg(long, value_name = "N")]
    block_operations: Option<u64>,
    /// Rounds whose models are kept
    #[arg(long, value_name = "N")]
    kept_rounds: Option<u32>,
    /// Least price of 1,000 units of gas that a task must offer
    #[arg(long, value_name = "AMOUNT")]
    min_gas_price: Option<u64>,
    /// What whoever reports an offence puts at stake
    #[arg(long, value_name = "AMOUNT")]
    report_deposit: Option<u64>,
}

/// Runs the command.
pub async fn run(context: &Context, params: Params) -> Answered {
    match params.command {
        None => {
            let chain = context.chain().await?;
            let params = context.ask(chain.training_params()).await?;
            Ok(Answer::new(text_of(&params), json_of(&params)))
        }
        Some(Command::Set(set)) => change(context, set).await,
    }
}

async fn change(context: &Context, set: Set) -> Answered {
    let address = |text: Option<String>| text.map(|text| context.address(&text)).transpose();
    let (registry, staking) = (address(set.registry)?, address(set.staking)?);
    let (slashing, authority) = (address(set.slashing)?, address(set.authority)?);
    let account = context.account().await?;
    let mut params = context.ask(account.chain.training_params()).await?;
    let own = account.signer.address().to_owned();
    only_the_authority(&params, &own)?;
    for (option, kind, given) in [
        ("--registry", "registry", &registry),
        ("--staking", "staking", &staking),
        ("--slashing", "slashing", &slashing),
    ] {
        if let Some(contract) = given {
            context.ask(check_kind(&account.chain, option, kind, contract)).await?;
        }
    }
    if let Some(other) = authority.as_ref().filter(|other| **other != own) {
        context.confirm(&format!("Make {other} the authority? You will not be it any more."))?;
    }
    replace(&mut params.registry, registry);
    replace(&mut params.staking, staking);
    replace(&mut params.slashing, slashing);
    replace(&mut params.authority, authority);
    replace(&mut params.min_window, set.min_window);
    replace(&mut params.max_window, set.max_window);
    replace(&mut params.max_elements, set.max_elements);
    replace(&mut params.block_operations, set.block_operations);
    replace(&mut params.kept_rounds, set.kept_rounds);
    replace(&mut params.min_gas_price, set.min_gas_price.map(|price| price.to_string()));
    replace(&mut params.report_deposit, set.report_deposit.map(|deposit| deposit.to_string()));
    bauta_rounds::params::check(&params)?;
    let message = pb::MsgUpdateParams { authority: own, params: Some(params.clone()) };
    let outcome = context.transact(&account, &[messages::any(type_url::UPDATE_PARAMS, &message)]).await?;
    let text = outcome_text("The parameters were changed.", &outcome);
    Ok(Answer::new(text, merged(outcome_json(&outcome), json!({ "params": json_of(&params) }))))
}

/// Whether an address is a contract of this kind, by what it wrote of itself when it was instantiated (cw2).
async fn check_kind(chain: &Chain, option: &str, kind: &str, contract: &str) -> Result<(), Failure> {
    let hint = "`bauta wasm query raw ADDRESS contract_info` shows what a contract says it is";
    let request =
        wasm::QueryRawContractStateRequest { address: contract.to_owned(), query_data: b"contract_info".to_vec() };
    let found: Result<wasm::QueryRawContractStateResponse, ChainError> =
        chain.query("/cosmwasm.wasm.v1.Query/RawContractState", &request).await;
    let data = match found {
        Ok(found) => found.data,
        Err(ChainError::Refused(_)) => {
            return Err(Failure::new(format!("{option} is {contract}, which is no contract of this chain"))
                .hint("`bauta wasm instantiate` makes one and shows its address"));
        }
        Err(other) => return Err(other.into()),
    };
    let info: Value = serde_json::from_slice(&data).unwrap_or(Value::Null);
    match info["contract"].as_str() {
        Some(name) if name == format!("bauta:{kind}") => Ok(()),
        Some(name) => Err(Failure::new(format!(
            "{option} is {contract}, which is a contract {name:?}; a contract \"bauta:{kind}\" is wanted"
        ))
        .hint(hint)),
        None => Err(Failure::new(format!(
            "{option} is {contract}, which does not say what contract it is; a contract \"bauta:{kind}\" is wanted"
        ))
        .hint(hint)),
    }
}

/// Refuses whoever may not change the parameters.
pub fn only_the_authority(params: &pb::Params, own: &str) -> Result<(), Failure> {
    if params.authority == own {
        return Ok(());
    }
    let may = if params.authority.is_empty() { "nobody" } else { &params.authority };
    Err(Failure::new(format!("{own} may not change the parameters of this chain; {may} may"))
        .hint("name the authority's key with --from"))
}

fn replace<T>(value: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *value = new;
    }
}

fn text_of(params: &pb::Params) -> String {
    let address = |text: &String| if text.is_empty() { "not set".to_owned() } else { text.clone() };
    fields(&[
        ("authority", address(&params.authority)),
        ("registry", address(&params.registry)),
        ("staking", address(&params.staking)),
        ("slashing", address(&params.slashing)),
        ("shortest window", format!("{} blocks", params.min_window)),
        ("longest window", format!("{} counted blocks", params.max_window)),
        ("protocol lane", format!("{} bytes a block", params.lane_bytes)),
        ("largest model", format!("{} elements, {} bytes inline", params.max_elements, params.max_inline_model)),
        ("work of a block", format!("{} operations", params.block_operations)),
        ("rounds kept", params.kept_rounds.to_string()),
        ("most rounds", params.max_rounds.to_string()),
        ("least gas price", format!("{} for 1000 units", params.min_gas_price)),
        ("gas of a contract's call", params.contract_gas.to_string()),
        ("deposit of a report", params.report_deposit.clone()),
    ])
}

fn json_of(params: &pb::Params) -> Value {
    json!({
        "authority": params.authority,
        "registry": params.registry,
        "staking": params.staking,
        "slashing": params.slashing,
        "min_window": params.min_window,
        "max_window": params.max_window,
        "lane_bytes": params.lane_bytes,
        "max_elements": params.max_elements,
        "max_inline_model": params.max_inline_model,
        "block_operations": params.block_operations,
        "kept_rounds": params.kept_rounds,
        "max_rounds": params.max_rounds,
        "min_gas_price": params.min_gas_price,
        "contract_gas": params.contract_gas,
        "report_deposit": params.report_deposit,
    })
}
