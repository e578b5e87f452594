//! `bauta bank`: what an account has, and sending it.

use bauta_client::chain::{messages, Coin};
use clap::Subcommand;
use serde_json::{json, Value};

use super::Answered;
use crate::answer::{table, Answer};
use crate::context::{amounts, merged, outcome_json, outcome_text, Context};

/// Coins.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What an account has
    #[command(after_help = "Examples:
  bauta bank balances alice
  bauta bank balances bauta1pkptre7fdkl6gfrzlesjjvhxhlc3r4gm...

JSON: {address, balances: [{denom, amount}]}; amounts are decimal strings.")]
    Balances {
        /// An address or the name of a key; the key of --from if it is not given
        account: Option<String>,
    },
    /// Send coins
    #[command(after_help = "Examples:
  bauta bank send bob 2500000ubauta --from alice
  bauta bank send bauta1... 1000ubauta --from alice --yes --output json

JSON: {tx_hash, height, gas_wanted, gas_used, from, to, amount: [{denom, amount}]}")]
    Send {
        /// To whom: an address or the name of a key
        to: String,
        /// How much, like 2500000ubauta; several with commas between
        amount: String,
    },
}

/// Runs the command.
pub async fn run(context: &Context, command: Command) -> Answered {
    match command {
        Command::Balances { account } => {
            let address = context.address_or_own(account.as_deref())?;
            let chain = context.chain().await?;
            let coins = context.ask(chain.balances(&address)).await?;
            let json = json!({ "address": address, "balances": coins_json(&coins) });
            if coins.is_empty() {
                return Ok(Answer::new(format!("{address} has no coins."), json));
            }
            let rows = coins.iter().map(|coin| [coin.amount.to_string(), coin.denom.clone()]);
            Ok(Answer::new(table(["AMOUNT", "DENOMINATION"], rows), json))
        }
        Command::Send { to, amount } => {
            let to = context.address(&to)?;
            let coins = amounts("the amount", &amount)?;
            let written = coins.iter().map(Coin::to_string).collect::<Vec<_>>().join(",");
            let from = context.signing_key()?;
            context.confirm(&format!("Send {written} from {} to {to}?", from.name))?;
            let account = context.account().await?;
            let from = account.signer.address();
            let outcome = context.transact(&account, &[messages::send(from, &to, &coins)]).await?;
            let json = json!({ "from": from, "to": to, "amount": coins_json(&coins) });
            let text = outcome_text(&format!("{written} went from {from} to {to}."), &outcome);
            Ok(Answer::new(text, merged(outcome_json(&outcome), json)))
        }
    }
}

/// Coins as JSON.
pub fn coins_json(coins: &[Coin]) -> Value {
    coins.iter().map(|coin| json!({ "denom": coin.denom, "amount": coin.amount.to_string() })).collect()
}
