//! What commands work with: the keyring, the chain, and transactions with the options of the command line.

use std::str::FromStr as _;

use bauta_client::chain::{Chain, ChainError, ChainSettings, Coin, Fee, GasPrice, Outcome, Signer};
use bauta_client::contracts::Contracts;
use bauta_client::keys::{Entry, KeyError, Keyring, KeyringBackend};
use bauta_client::light::LightConfig;
use cosmrs::{AccountId, Any};
use serde_json::{json, Value};
use tendermint::abci::Event;

use crate::args::Backend;
use crate::ask::{self, PassphraseSource};
use crate::failure::Failure;
use crate::progress;
use crate::settings::{without_password, Gas, Settings};

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    /// The options of every command.
    pub settings: Settings,
}

/// A chain, and who signs on it.
#[derive(Debug)]
pub struct Account {
    /// The chain.
    pub chain: Chain,
    /// Who signs.
    pub signer: Signer,
}

/// Units of gas for which prices are told.
const MILLION: u64 = 1_000_000;

impl Context {
    /// The keyring.
    pub fn keyring(&self) -> Keyring {
        let backend = match self.settings.keyring_backend {
            Backend::File => KeyringBackend::File,
            Backend::Test => KeyringBackend::Test,
        };
        Keyring::new(&self.settings.home, backend, &self.settings.prefix)
    }

    /// Where the keyring's passphrase comes from.
    pub fn passphrase(&self) -> PassphraseSource {
        PassphraseSource {
            file: self.settings.passphrase_file.clone(),
            option: Some("--passphrase-file"),
            variable: ask::PASSPHRASE,
        }
    }

    /// The chain behind `--node`. Its id is compared with `--chain-id`.
    pub async fn chain(&self) -> Result<Chain, Failure> {
        let connect = async {
            let asked = Chain::connect(&self.settings.nodes, ChainSettings::new("")).map_err(|error| match error {
                ChainError::Endpoint { what, .. } => ChainError::Endpoint { url: self.settings.shown_node(), what },
                other => other,
            })?;
            let mut others = asked.nodes().saturating_sub(1);
            let found = loop {
                let found = asked.reported_id().await.map_err(|error| self.unreachable(error))?;
                let at = asked.current_node();
                let Some(expected) = self.settings.chain_id.as_ref().filter(|expected| **expected != found) else {
                    break found;
                };
                let other = ChainError::OtherChain { expected: expected.clone(), found };
                if others == 0 {
                    return Err(other.into());
                }
                others -= 1;
                asked.turn_away(at, &other);
            };
            let mut settings = ChainSettings::new(found);
            settings.prefix.clone_from(&self.settings.prefix);
            settings.gas_price = self.gas_price(&asked).await?;
            let file = self.settings.home.join("light").join(format!("{}.json", settings.chain_id));
            let light = LightConfig { trust: self.settings.trust, ..LightConfig::new(file) };
            Ok(asked.with_settings(settings).with_light(light))
        };
        progress::during("waiting for the node", connect).await
    }

    fn unreachable(&self, error: ChainError) -> Failure {
        match error {
            ChainError::Unreachable(why) => {
                let node = self.settings.shown_node();
                let shown = |why: String, node: &String| why.replace(node, &without_password(node));
                let why = self.settings.nodes.iter().fold(why, shown);
                Failure::node_away(format!("no node answers at {node}: {why}"))
                    .hint("start one, or name the RPC address of another with --node URL")
            }
            other => other.into(),
        }
    }

    async fn gas_price(&self, chain: &Chain) -> Result<GasPrice, Failure> {
        if let Some(text) = &self.settings.gas_prices {
            return text.parse::<GasPrice>().map_err(|_| {
                Failure::usage(format!("--gas-prices is {text:?}; write a number and a denomination, like 0.025ubauta"))
            });
        }
        // A node that names no price, or none that can be read, is paid the default.
        let named = chain.minimum_gas_price().await.ok().flatten().unwrap_or_default();
        if named.is_dear() {
            return Err(Failure::new(format!(
                "the node asks {} for 1,000,000 units of gas, where {} are usual",
                named.cost(MILLION),
                GasPrice::default().cost(MILLION)
            ))
            .hint("ask another node with --node; if that is this chain's price, say so with --gas-prices"));
        }
        Ok(named)
    }

    /// The chain, and the key that `--from` names, unlocked.
    pub async fn account(&self) -> Result<Account, Failure> {
        let entry = self.signing_key()?;
        let chain = self.chain().await?;
        let signer = self.unlock(&entry)?;
        Ok(Account { chain, signer })
    }

    /// A signer for a key of the keyring.
    pub fn unlock(&self, entry: &Entry) -> Result<Signer, Failure> {
        let keyring = self.keyring();
        let passphrase = match keyring.needs_passphrase(&entry.name)? {
            true => Some(self.passphrase().existing(&format!("the key {:?}", entry.name))?),
            false => None,
        };
        let key = keyring.unlock(&entry.name, passphrase.as_ref()).map_err(wrong_passphrase)?;
        Ok(Signer::new(key, &self.settings.prefix)?)
    }

    /// The key that `--from` names.
    pub fn signing_key(&self) -> Result<Entry, Failure> {
        let keyring = self.keyring();
        match &self.settings.from {
            Some(name) if looks_like_address(name) => {
                keyring.list()?.into_iter().find(|entry| entry.address.as_ref() == name).ok_or_else(|| {
                    Failure::new(format!("the keyring has no key for the address {name}"))
                        .hint("`bauta keys list` shows the keys it has")
                })
            }
            Some(name) => Ok(keyring.show(name)?),
            None => match keyring.list()?.as_slice() {
                [only] => Ok(only.clone()),
                [] => Err(Failure::usage("the keyring has no key to sign with").hint("make one: bauta keys add NAME")),
                several => {
                    let names: Vec<&str> = several.iter().map(|entry| entry.name.as_str()).collect();
                    Err(Failure::usage("it is not said who signs")
                        .hint(format!("name a key with --from; the keyring has {}", names.join(", "))))
                }
            },
        }
    }

    /// An address: as it is, or of a key of the keyring.
    pub fn address(&self, text: &str) -> Result<String, Failure> {
        let prefix = &self.settings.prefix;
        if text.parse::<AccountId>().is_ok_and(|account| account.prefix() == prefix) {
            return Ok(text.to_owned());
        }
        match self.keyring().show(text) {
            Ok(entry) => return Ok(entry.address.to_string()),
            Err(KeyError::Missing { .. } | KeyError::Name(_)) => {}
            Err(other) => return Err(other.into()),
        }
        if let Some(wrong) = wrong_address(text, prefix) {
            return Err(wrong);
        }
        Err(Failure::new(format!("{text:?} is neither an address nor the name of a key in the keyring"))
            .hint(format!("addresses begin with {prefix}1; `bauta keys list` shows the keys")))
    }

    /// An address that was given, or that of `--from`.
    pub fn address_or_own(&self, text: Option<&str>) -> Result<String, Failure> {
        if let Some(text) = text {
            return self.address(text);
        }
        let keys = self.keyring().list()?;
        if self.settings.from.is_none() && keys.len() != 1 {
            let names: Vec<&str> = keys.iter().map(|entry| entry.name.as_str()).collect();
            let has = if names.is_empty() { "no keys".to_owned() } else { names.join(", ") };
            return Err(Failure::usage("it is not said whose account is meant")
                .hint(format!("name an address or a key behind the command, or with --from; the keyring has {has}")));
        }
        Ok(self.signing_key()?.address.to_string())
    }

    /// Asks before something that costs money or keys.
    pub fn confirm(&self, question: &str) -> Result<(), Failure> {
        ask::confirm(self.settings.yes, question)
    }

    /// Sends messages in one transaction with the fee that was asked for, and waits until it is in a block.
    pub async fn transact(&self, account: &Account, messages: &[Any]) -> Result<Outcome, Failure> {
        let work = account.chain.execute(&account.signer, messages, self.fee()?, &self.settings.memo);
        Ok(progress::during("waiting for the transaction to be in a block", work).await?)
    }

    fn fee(&self) -> Result<Fee, Failure> {
        Ok(match (&self.settings.fees, self.settings.gas) {
            (Some(fees), gas) => {
                let gas = match gas {
                    Gas::Auto => None,
                    Gas::Limit(limit) => Some(limit),
                };
                Fee::Exact { gas, amount: amounts("--fees", fees)? }
            }
            (None, Gas::Auto) => Fee::Simulated,
            (None, Gas::Limit(limit)) => Fee::Gas(limit),
        })
    }

    /// Waits for what the node answers; after two seconds it is said that it is waited for.
    pub async fn ask<T>(&self, question: impl std::future::Future<Output = T>) -> T {
        progress::during("waiting for the node", question).await
    }

    /// The contracts of data providers.
    pub async fn contracts(&self, chain: &Chain) -> Result<Contracts, Failure> {
        let params = self.ask(chain.training_params()).await?;
        if !bauta_rounds::params::is_configured(&params) {
            return Err(Failure::new("this chain has no contracts for data providers yet")
                .hint("its authority stores and instantiates them, and sets them as parameters of training"));
        }
        Ok(Contracts { registry: params.registry, staking: params.staking, slashing: params.slashing })
    }
}

fn wrong_passphrase(error: KeyError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        KeyError::WrongPassphrase(_) => failure.hint("a key whose passphrase is lost is made again from its mnemonic"),
        _ => failure,
    }
}

/// What is wrong with a text that is meant as an address; `None` if nothing is, or if it is not meant as one.
pub fn wrong_address(text: &str, prefix: &str) -> Option<Failure> {
    let lower = text.to_ascii_lowercase();
    let is_ours = lower.strip_prefix(prefix).is_some_and(|data| data.starts_with('1'));
    if !is_ours && !looks_like_address(text) {
        return None;
    }
    // The data of an address holds no 1; only mistyped ones do.
    let (found, _) = lower.split_once('1').unwrap_or((&lower, ""));
    if !is_ours {
        return Some(
            Failure::new(format!(
                "{text} is an address of another chain: it begins with {found:?}, addresses of this one with \"{prefix}1\""
            ))
            .hint("look up the address again on this chain; --prefix is for chains with another prefix"),
        );
    }
    match AccountId::from_str(text) {
        Ok(_) => None,
        Err(_) => Some(
            Failure::new(format!("{text} is not an address: its checksum or its length is wrong"))
                .hint("a character may be mistyped or missing: copy it again, whole"),
        ),
    }
}

/// Whether somebody meant an address: names of keys hardly look like one.
fn looks_like_address(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let data = lower.split_once('1').map_or(0, |(_, data)| data.len());
    data >= 30 && lower.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// An amount that is in one denomination, whether that was written or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    number: u128,
    denom: Option<String>,
}

impl Amount {
    /// `1000ubauta` or `1000`.
    pub fn read(what: &str, text: &str) -> Result<Self, Failure> {
        let read = match text.parse::<u128>() {
            Ok(number) => Some(Self { number, denom: None }),
            Err(_) => text.parse::<Coin>().ok().map(|coin| Self { number: coin.amount, denom: Some(coin.denom) }),
        };
        let read = read.ok_or_else(|| {
            Failure::usage(format!("{what} is {text:?}, which is not an amount"))
                .hint("write a whole number above 0 and a denomination, like 1000000ubauta")
        })?;
        if read.number == 0 {
            return Err(nothing(what, text));
        }
        Ok(read)
    }

    /// The amount, whatever its denomination.
    pub fn number(&self) -> u128 {
        self.number
    }

    /// The amount, in this denomination.
    pub fn coin(&self, what: &str, denom: &str) -> Result<Coin, Failure> {
        match &self.denom {
            Some(other) if other != denom => {
                Err(Failure::new(format!("{what} is in {other}, and this chain wants it in {denom}")))
            }
            _ => Ok(Coin::new(self.number, denom)),
        }
    }
}

/// Several coins, `5uatom,7ubauta`.
pub fn amounts(what: &str, text: &str) -> Result<Vec<Coin>, Failure> {
    let coins = Coin::parse_many(text).map_err(|_| {
        Failure::usage(format!("{what} is {text:?}, which is not a list of amounts"))
            .hint("write amounts with commas between, each denomination once, like 5uatom,1000000ubauta")
    })?;
    if coins.iter().any(|coin| coin.amount == 0) {
        return Err(nothing(what, text));
    }
    Ok(coins)
}

fn nothing(what: &str, text: &str) -> Failure {
    Failure::usage(format!("{what} is {text}, which is nothing")).hint("write a whole number above 0")
}

/// What everybody wants to know of a transaction.
pub fn outcome_json(outcome: &Outcome) -> Value {
    json!({
        "tx_hash": outcome.hash_text(),
        "height": outcome.height,
        "gas_wanted": outcome.gas_wanted,
        "gas_used": outcome.gas_used,
    })
}

/// Events as JSON.
pub fn events_json<'a>(events: impl Iterator<Item = &'a Event>) -> Value {
    events
        .map(|event| {
            let attributes: Vec<Value> = event
                .attributes
                .iter()
                .map(|attribute| {
                    json!({
                        "key": String::from_utf8_lossy(attribute.key_bytes()),
                        "value": String::from_utf8_lossy(attribute.value_bytes()),
                    })
                })
                .collect();
            json!({ "type": event.kind, "attributes": attributes })
        })
        .collect()
}

/// The same as text, with what the command has to say in front.
pub fn outcome_text(what: &str, outcome: &Outcome) -> String {
    format!("{what}\ntransaction {} in block {}, gas {}", outcome.hash_text(), outcome.height, outcome.gas_used)
}

/// JSON with the fields of another object added.
pub fn merged(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_keys_are_not_taken_for_addresses() {
        assert!(!looks_like_address("alice1"));
        assert!(looks_like_address("bauta1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6"));
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said_of_that_address() {
        let good = "bauta1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6";
        let wrong = |text: &str| wrong_address(text, "bauta").map(|failure| failure.sentence().to_owned());
        let checksum = "its checksum or its length is wrong";
        for text in [
            "bauta1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs5",
            "bauta1pkptre7fdk16gfrz1esjjvhxhlc3r4gmmk8rs6",
            "bauta1pkptre7fdkl6gfrz",
            "BAUTA1pkptre7fdkl6gfrz",
            "bauta1",
        ] {
            assert!(wrong(text).unwrap().contains(checksum), "{text}: {:?}", wrong(text));
        }
        for text in ["cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6", "cosmos1zcjduepqjl9xz5e9rmzwlpjvpjvpjvpjv"] {
            assert!(wrong(text).unwrap().contains("of another chain: it begins with \"cosmos\""), "{text}");
        }
        assert!(wrong(good).is_none() || wrong(good).unwrap().contains(checksum));
        assert!(wrong("alice1").is_none());
    }

    #[test]
    fn amounts_need_no_denomination_and_must_be_positive() {
        let read = |text| Amount::read("x", text);
        assert_eq!(read("12").unwrap().coin("x", "ubauta").unwrap(), Coin::new(12, "ubauta"));
        assert_eq!(read("12uatom").unwrap().coin("x", "uatom").unwrap(), Coin::new(12, "uatom"));
        assert!(read("12uatom").unwrap().coin("x", "ubauta").is_err());
        for text in ["", "0", "0ubauta", "-1", "1.5ubauta", "ubauta"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
