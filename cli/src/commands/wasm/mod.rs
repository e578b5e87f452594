//! `bauta wasm`: contracts.

mod query;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bauta_client::chain::{messages, Coin, Outcome};
use clap::{Args, Subcommand};
use cosmrs::proto::cosmwasm::wasm::v1 as wasm;
use serde_json::{json, Value};

use super::Answered;
use crate::answer::Answer;
use crate::ask;
use crate::context::{amounts, events_json, merged, outcome_json, outcome_text, Context};
use crate::failure::Failure;

/// Contracts. Messages are JSON: as an argument, as @FILE, or as - for standard input.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Store the code of a contract
    #[command(after_help = "Example:
  bauta wasm store contracts/artifacts/registry.wasm --from alice

JSON: {tx_hash, height, gas_wanted, gas_used, code_id, checksum}")]
    Store {
        /// The compiled code, gzipped or not
        file: PathBuf,
    },
    /// Make a contract of a code
    #[command(after_help = "Examples:
  bauta wasm instantiate 1 '{}' --label registry --admin alice --from alice
  bauta wasm instantiate 1 @init.json --label registry --no-admin --salt 0102 --from alice

JSON: {tx_hash, height, gas_wanted, gas_used, contract, data}; data is base64 or null.")]
    Instantiate(Instantiate),
    /// Call a contract
    #[command(after_help = "Examples:
  bauta wasm execute bauta1... '{\"register\":{\"metadata\":{\"name\":\"clinic\"}}}' --from bob
  bauta wasm execute bauta1... '{\"bond\":{}}' --amount 1000000ubauta --from bob

JSON: {tx_hash, height, gas_wanted, gas_used, data, events: [{type, attributes}]}; data is base64 or null, events are the \
contract's own.")]
    Execute {
        /// The contract
        contract: String,
        /// The message
        message: String,
        /// Coins that go with it, like 1000000ubauta
        #[arg(long, value_name = "AMOUNT")]
        amount: Option<String>,
    },
    /// Move a contract to another code; its admin may
    #[command(after_help = "Example:
  bauta wasm migrate bauta1... 2 '{}' --from alice

JSON: {tx_hash, height, gas_wanted, gas_used, data}; data is base64 or null.")]
    Migrate {
        /// The contract
        contract: String,
        /// The other code
        code_id: u64,
        /// What its migrate function is told
        message: String,
    },
    /// Give a contract another admin, or none for ever; its admin may
    #[command(after_help = "Examples:
  bauta wasm set-admin bauta1... bob --from alice
  bauta wasm set-admin bauta1... --none --from alice

JSON: {tx_hash, height, gas_wanted, gas_used, contract, admin}")]
    SetAdmin {
        /// The contract
        contract: String,
        /// The new admin: an address or the name of a key
        #[arg(required_unless_present = "none", conflicts_with = "none")]
        admin: Option<String>,
        /// No admin: the contract can never be migrated again
        #[arg(long)]
        none: bool,
    },
    /// Ask about contracts and codes
    #[command(subcommand)]
    Query(query::Query),
}

/// Make a contract of a code.
#[derive(Debug, Args)]
pub struct Instantiate {
    /// The code
    code_id: u64,
    /// What its instantiate function is told
    message: String,
    /// What people call it
    #[arg(long)]
    label: String,
    /// Who may migrate it: an address or the name of a key
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_admin", required_unless_present = "no_admin")]
    admin: Option<String>,
    /// Nobody may migrate it
    #[arg(long)]
    no_admin: bool,
    /// Coins that go with it
    #[arg(long, value_name = "AMOUNT")]
    amount: Option<String>,
    /// Makes the address follow from code, sender and this salt (hexadecimal, 1 to 64 bytes)
    #[arg(long, value_name = "HEX")]
    salt: Option<String>,
}

/// Runs the command.
pub async fn run(context: &Context, command: Command) -> Answered {
    match command {
        Command::Store { file } => store(context, &file).await,
        Command::Instantiate(args) => instantiate(context, args).await,
        Command::Execute { contract, message, amount } => execute(context, &contract, &message, amount).await,
        Command::Migrate { contract, code_id, message } => migrate(context, &contract, code_id, &message).await,
        Command::SetAdmin { contract, admin, .. } => set_admin(context, &contract, admin).await,
        Command::Query(query) => query::run(context, query).await,
    }
}

async fn store(context: &Context, file: &Path) -> Answered {
    let code = compressed(file, std::fs::read(file).map_err(Failure::file("read", file))?)?;
    let account = context.account().await?;
    let message = messages::store_code(account.signer.address(), code);
    let outcome = context.transact(&account, &[message]).await?;
    let stored: wasm::MsgStoreCodeResponse = outcome.response(0)?;
    let checksum = hex::encode(&stored.checksum);
    let text = format!("{} is code {}, checksum {checksum}.", file.display(), stored.code_id);
    let json = json!({ "code_id": stored.code_id, "checksum": checksum });
    Ok(Answer::new(outcome_text(&text, &outcome), merged(outcome_json(&outcome), json)))
}

/// The code as it is sent: gzipped, since a byte of a transaction costs gas.
fn compressed(file: &Path, code: Vec<u8>) -> Result<Vec<u8>, Failure> {
    match code.get(..4) {
        Some([0x1f, 0x8b, ..]) => Ok(code),
        Some(b"\0asm") => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder
                .write_all(&code)
                .and_then(|()| encoder.finish())
                .map_err(|error| Failure::new(format!("{} cannot be compressed: {error}", file.display())))
        }
        _ => Err(Failure::new(format!("{} is not WebAssembly: it does not begin with \\0asm", file.display()))
            .hint("name the .wasm file that the compiler or the optimiser wrote")),
    }
}

async fn instantiate(context: &Context, args: Instantiate) -> Answered {
    let message = ask::json_argument(&args.message)?;
    let funds = funds(args.amount.as_deref())?;
    let admin = args.admin.as_deref().map(|admin| context.address(admin)).transpose()?;
    let salt = args
        .salt
        .map(|salt| match hex::decode(&salt) {
            Ok(bytes) if (1..=64).contains(&bytes.len()) => Ok(bytes),
            _ => Err(Failure::usage(format!("--salt is {salt:?}; it has 1 to 64 bytes in hexadecimal"))),
        })
        .transpose()?;
    confirm_funds(context, &funds, "the new contract")?;
    let account = context.account().await?;
    let (sender, admin) = (account.signer.address(), admin.as_deref());
    let any = messages::instantiate(sender, admin, args.code_id, &args.label, message, &funds, salt);
    let outcome = context.transact(&account, &[any]).await?;
    // Both answers have the same two fields.
    let made: wasm::MsgInstantiateContractResponse = outcome.response(0)?;
    let text = format!("{} is a contract at {}.", args.label, made.address);
    let json = json!({ "contract": made.address, "data": data_json(&made.data) });
    Ok(Answer::new(outcome_text(&text, &outcome), merged(outcome_json(&outcome), json)))
}

async fn execute(context: &Context, contract: &str, message: &str, amount: Option<String>) -> Answered {
    let contract = context.address(contract)?;
    let message = ask::json_argument(message)?;
    let funds = funds(amount.as_deref())?;
    confirm_funds(context, &funds, &contract)?;
    let account = context.account().await?;
    let any = messages::execute_json(account.signer.address(), &contract, message, &funds);
    let outcome = context.transact(&account, &[any]).await?;
    let answer: wasm::MsgExecuteContractResponse = outcome.response(0)?;
    let json = json!({ "data": data_json(&answer.data), "events": contract_events(&outcome) });
    let text = outcome_text("The contract did what it was asked.", &outcome);
    Ok(Answer::new(text, merged(outcome_json(&outcome), json)))
}

async fn migrate(context: &Context, contract: &str, code_id: u64, message: &str) -> Answered {
    let contract = context.address(contract)?;
    let message = ask::json_argument(message)?;
    let account = context.account().await?;
    let any = messages::migrate(account.signer.address(), &contract, code_id, message);
    let outcome = context.transact(&account, &[any]).await?;
    let answer: wasm::MsgMigrateContractResponse = outcome.response(0)?;
    let text = outcome_text(&format!("{contract} runs code {code_id}."), &outcome);
    Ok(Answer::new(text, merged(outcome_json(&outcome), json!({ "data": data_json(&answer.data) }))))
}

async fn set_admin(context: &Context, contract: &str, admin: Option<String>) -> Answered {
    let contract = context.address(contract)?;
    let admin = admin.map(|admin| context.address(&admin)).transpose()?;
    let what = match &admin {
        Some(admin) => format!("Make {admin} the admin of {contract}? You will not be its admin any more."),
        None => format!("Take the admin from {contract}? Nobody can ever migrate it again."),
    };
    context.confirm(&what)?;
    let account = context.account().await?;
    let any = messages::set_admin(account.signer.address(), &contract, admin.as_deref());
    let outcome = context.transact(&account, &[any]).await?;
    let text = match &admin {
        Some(admin) => format!("The admin of {contract} is {admin}."),
        None => format!("{contract} has no admin."),
    };
    let json = json!({ "contract": contract, "admin": admin });
    Ok(Answer::new(outcome_text(&text, &outcome), merged(outcome_json(&outcome), json)))
}

fn funds(amount: Option<&str>) -> Result<Vec<Coin>, Failure> {
    amount.map_or(Ok(Vec::new()), |amount| amounts("--amount", amount))
}

fn confirm_funds(context: &Context, funds: &[Coin], to: &str) -> Result<(), Failure> {
    if funds.is_empty() {
        return Ok(());
    }
    let coins = funds.iter().map(Coin::to_string).collect::<Vec<_>>().join(",");
    context.confirm(&format!("Send {coins} to {to} with the message?"))
}

/// What a contract answered, as it stands in JSON.
fn data_json(data: &[u8]) -> Value {
    use base64::Engine as _;
    match data.is_empty() {
        true => Value::Null,
        false => base64::engine::general_purpose::STANDARD.encode(data).into(),
    }
}

/// Events that contracts emitted: `wasm` and `wasm-*`.
fn contract_events(outcome: &Outcome) -> Value {
    let own = outcome.events.iter().filter(|event| event.kind == "wasm" || event.kind.starts_with("wasm-"));
    events_json(own)
}
