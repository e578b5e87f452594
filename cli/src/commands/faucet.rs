//! `bauta faucet`: coins of a devnet.

use std::path::PathBuf;

use abci_app::operator::Home;
use anyhow::Context as _;
use bauta_client::chain::{messages, Coin, Signer};
use bauta_client::keys::{Mnemonic, SecretKey};
use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use super::bank::coins_json;
use super::Answered;
use crate::answer::Answer;
use crate::context::{amounts, merged, outcome_json, outcome_text, Account, Context};
use crate::failure::Failure;

/// Send coins of a devnet to an account
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bauta faucet alice                                  after `bautad init --devnet`
  bauta faucet bob 5000000ubauta --mnemonic testnet/devnet.mnemonic

The words are those that `bautad init --devnet` or `bautad testnet` wrote. A chain with real coins has no faucet.
The devnet's account pays; --from has no part in it (`bauta bank send` is for other accounts).
JSON: {tx_hash, height, gas_wanted, gas_used, from, to, amount: [{denom, amount}]}")]
pub struct Faucet {
    /// To whom: an address or the name of a key
    to: String,
    /// How much; several with commas between
    #[arg(default_value = "10000000000ubauta")]
    amount: String,
    /// The file with the words of the devnet's account; ~/.bautad/config/devnet.mnemonic if it is not given
    #[arg(long, value_name = "FILE", env = "BAUTA_FAUCET_MNEMONIC")]
    mnemonic: Option<PathBuf>,
}

/// Runs the command.
pub async fn run(context: &Context, faucet: Faucet) -> Answered {
    let to = context.address(&faucet.to)?;
    let coins = amounts("the amount", &faucet.amount)?;
    let signer = Signer::new(read(faucet.mnemonic)?, &context.settings.prefix)?;
    let account = Account { chain: context.chain().await?, signer };
    let from = account.signer.address();
    let outcome = context.transact(&account, &[messages::send(from, &to, &coins)]).await?;
    let written = coins.iter().map(Coin::to_string).collect::<Vec<_>>().join(",");
    let json = json!({ "from": from, "to": to, "amount": coins_json(&coins) });
    let text = outcome_text(&format!("{written} went to {to}."), &outcome);
    Ok(Answer::new(text, merged(outcome_json(&outcome), json)))
}

fn read(file: Option<PathBuf>) -> Result<SecretKey, Failure> {
    let file = match file {
        Some(file) => file,
        None => node_home()?.devnet_mnemonic(),
    };
    let words = std::fs::read_to_string(&file).map(Zeroizing::new).map_err(|error| {
        Failure::new(format!("the devnet's words in {} cannot be read: {error}", file.display()))
            .hint("`bautad init --devnet` writes them; name the file with --mnemonic")
    })?;
    Ok(SecretKey::from_mnemonic(&Mnemonic::parse(&words)?, 0, 0)?)
}

/// The node's folder, as `bautad` finds it.
// Configuration, read once by a program that executes no block.
#[allow(clippy::disallowed_methods)]
fn node_home() -> anyhow::Result<Home> {
    let named = std::env::var_os("BAUTAD_HOME").filter(|home| !home.is_empty()).map(Home::at);
    named.or_else(Home::usual).context("this user has no home folder; name the file with --mnemonic")
}
