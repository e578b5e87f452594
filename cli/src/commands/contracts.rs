//! `bauta contracts`: the contracts that register, bond and slash data providers.

use clap::{Args, Subcommand};
use serde_json::{json, Value};

use super::params::only_the_authority;
use super::Answered;
use crate::answer::{fields, Answer};
use crate::context::Context;
use crate::progress;
use bauta_client::deploy::{deploy, Terms};

/// The contracts of data providers.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show their addresses
    #[command(after_help = "Example:
  bauta contracts show --output json | jq -r .staking

JSON: {registry, staking, slashing}")]
    Show,
    /// Store and instantiate them, and make them known to the chain: once, by its authority
    #[command(after_help = "Examples:
  bauta contracts deploy --from authority
  bauta contracts deploy --from devnet --unbonding 600 --yes

The contracts are those of this release (contracts/artifacts); the authority becomes their admin.
JSON: {registry, staking, slashing, admin}")]
    Deploy(Deploy),
}

/// What they begin with.
#[derive(Debug, Args)]
pub struct Deploy {
    /// How long coins take to unbond, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Terms::default().unbonding_seconds)]
    unbonding: u64,
    /// Who may attest providers; may be repeated
    #[arg(long = "issuer", value_name = "ADDRESS")]
    issuers: Vec<String>,
}

/// Runs the command.
pub async fn run(context: &Context, command: Command) -> Answered {
    match command {
        Command::Show => {
            let chain = context.chain().await?;
            let contracts = context.contracts(&chain).await?;
            Ok(shown(&contracts.registry, &contracts.staking, &contracts.slashing, json!({})))
        }
        Command::Deploy(options) => set_up(context, options).await,
    }
}

async fn set_up(context: &Context, options: Deploy) -> Answered {
    let issuers = options.issuers.iter().map(|issuer| context.address(issuer)).collect::<Result<Vec<_>, _>>()?;
    let account = context.account().await?;
    let own = account.signer.address();
    let params = context.ask(account.chain.training_params()).await?;
    only_the_authority(&params, own)?;
    if bauta_rounds::params::is_configured(&params) {
        context.confirm(&format!(
            "The chain has contracts already ({}). Replace them? Bonds in the old ones count no more.",
            params.staking
        ))?;
    }
    let terms = Terms { unbonding_seconds: options.unbonding, issuers, ..Terms::default() };
    let work = deploy(&account.chain, &account.signer, &terms);
    let made = progress::during("storing and instantiating the contracts", work).await?;
    Ok(shown(&made.registry, &made.staking, &made.slashing, json!({ "admin": own })))
}

fn shown(registry: &str, staking: &str, slashing: &str, more: Value) -> Answer {
    let text = fields(&[
        ("registry", registry.to_owned()),
        ("staking", staking.to_owned()),
        ("slashing", slashing.to_owned()),
    ]);
    let json = json!({ "registry": registry, "staking": staking, "slashing": slashing });
    Answer::new(text, crate::context::merged(json, more))
}
