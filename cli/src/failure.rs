//! What a command says when it fails: one sentence, and a hint where there is one.

use std::fmt::Display;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use bauta_client::chain::{ChainError, Refused};
use bauta_client::deploy::DeployError;
use bauta_client::model_provider::ModelProviderError;
use bauta_client::provider::ProviderError;
use bauta_client::watch::WatchError;
use serde_json::json;

use crate::answer::{harmless, Format};
use crate::interrupts;
use crate::show;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    sentence: String,
    hint: Option<String>,
    refused: Option<Refused>,
    exit: u8,
    is_node_away: bool,
}

impl Failure {
    /// What was wrong, in one sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), hint: None, refused: None, exit: 1, is_node_away: false }
    }

    /// The command line itself was wrong.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self { exit: 2, ..Self::new(sentence) }
    }

    /// Ctrl-C at a prompt.
    pub fn interrupted() -> Self {
        Self { exit: interrupts::EXIT_CODE, ..Self::new("interrupted; nothing was done") }
    }

    /// What would be right.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Because no node answers: later one may.
    pub fn node_away(sentence: impl Into<String>) -> Self {
        Self { is_node_away: true, ..Self::new(sentence) }
    }

    /// Whether no node answered.
    pub fn is_node_away(&self) -> bool {
        self.is_node_away
    }

    /// What was wrong.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// What would be right, if there is something.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// A file that could not be read or written.
    pub fn file<'a>(verb: &'a str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |error| {
            let failure = Self::new(format!("cannot {verb} {}: {error}", path.display()));
            match error.kind() {
                std::io::ErrorKind::NotFound => failure.hint("check the path; it is relative to the current folder"),
                std::io::ErrorKind::PermissionDenied => failure.hint("check who owns the file and its mode"),
                _ => failure,
            }
        }
    }

    /// Puts something in front of the sentence: where it went wrong.
    pub fn within(self, place: impl Display) -> Self {
        Self { sentence: format!("{place}: {}", self.sentence), ..self }
    }

    /// Says it on standard error: two lines, or one JSON object.
    pub fn print(&self, format: Format) -> ExitCode {
        let sentence = one_line(&self.sentence);
        let text = match format {
            Format::Text => match &self.hint {
                Some(hint) => format!("error: {sentence}\nhint: {}\n", one_line(hint)),
                None => format!("error: {sentence}\n"),
            },
            Format::Json => {
                let refused = self.refused.as_ref();
                let error = json!({
                    "message": sentence,
                    "hint": self.hint.as_deref().map(one_line),
                    "codespace": refused.map(|refused| &refused.codespace),
                    "code": refused.map(|refused| refused.code),
                });
                format!("{}\n", json!({ "error": error }))
            }
        };
        // Nobody is left to be told when standard error is closed.
        let _ = std::io::stderr().write_all(harmless(&text).as_bytes());
        ExitCode::from(self.exit)
    }
}

/// The decoder of base64 that `tendermint` uses panics over some text that is none. The client catches that and says that the node's
/// answer cannot be understood: no more is to be said of it. Every other panic is a defect, and is shown.
pub fn expect_panics_of_the_decoder() {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|place| place.file().contains("subtle-encoding")) {
            shown(panic);
        }
    }));
}

/// Line breaks and runs of blanks become one blank: what contracts and nodes say may have several lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a chain said, without what its servers put in front for programs: `rpc error: code = Unknown desc = `.
pub fn in_plain_words(said: &str) -> String {
    let mut plain = said.to_owned();
    while let Some(start) = plain.find("rpc error: code = ") {
        let Some(length) = plain[start..].find(" desc = ") else { break };
        plain.replace_range(start..start + length + " desc = ".len(), "");
    }
    with_dates(&without(&without(&plain, "failed to execute message; message index: ", ": "), " with gas used: '", "'"))
}

/// Without what begins and ends so and has a number between, which the SDK puts around a sentence.
fn without(said: &str, begins: &str, ends: &str) -> String {
    let found = said.split_once(begins).and_then(|(before, rest)| {
        let (number, after) = rest.split_once(ends)?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{before}{after}"))
    });
    found.unwrap_or_else(|| said.to_owned())
}

/// Times that a contract counts become dates.
fn with_dates(said: &str) -> String {
    const UNIT: &str = " (seconds since 1970)";
    let mut dated = String::new();
    let mut rest = said;
    while let Some((before, after)) = rest.split_once(UNIT) {
        let text = before.trim_end_matches(|c: char| c.is_ascii_digit());
        match before[text.len()..].parse() {
            Ok(seconds) => dated.push_str(&format!("{text}{}", show::time(seconds))),
            Err(_) => dated.push_str(&format!("{before}{UNIT}")),
        }
        rest = after;
    }
    dated + rest
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let hint = match (refused.codespace.as_str(), refused.code) {
            ("sdk", 5) => Some("`bauta bank balances` shows what the account has; fees are paid from it as well"),
            ("sdk", 11) => Some("leave --gas away, or give more: with --gas auto the node says how much is needed"),
            ("sdk", 13) => Some("leave --gas-prices and --fees away, so that the node's own price is paid"),
            _ => None,
        };
        Self {
            sentence: format!("the chain refused it: {}", in_plain_words(&refused.to_string())),
            hint: hint.map(str::to_owned),
            refused: Some(refused),
            exit: 1,
            is_node_away: false,
        }
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Refused(refused) => refused.into(),
            ChainError::Unreachable(why) => Self::node_away(format!("the node does not answer: {why}"))
                .hint("check that a node runs there, and that --node names its RPC address"),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(format!("{error:#}"))
    }
}

impl From<DeployError> for Failure {
    fn from(error: DeployError) -> Self {
        let step = error.to_string();
        Self::from(error.source).within(step)
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Chain(error) => error.into(),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Chain(error) => error.into(),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<ModelProviderError> for Failure {
    fn from(error: ModelProviderError) -> Self {
        match error {
            ModelProviderError::Chain(error) => error.into(),
            other => Self::new(other.to_string()),
        }
    }
}

/// Errors that are a sentence already.
macro_rules! sentences {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error.to_string())
            }
        })*
    };
}

sentences! {
    bauta_client::disk::DiskError,
    bauta_client::evidence::EvidenceError,
    bauta_client::keys::KeyError,
    bauta_client::toml_file::Mistake,
    bauta_client::toml_file::TomlError,
    bauta_client::policy::TooMuch,
    bauta_client::training::Unusable,
    bauta_learning::data::DataError,
    bauta_learning::model::ModelError,
    bauta_learning::trainers::TensorError,
    bauta_learning::trainers::TrainerError,
    bauta_rounds::Error,
    crate::task_file::Invalid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_chain_says_is_freed_of_what_its_servers_put_in_front() {
        let said = "rpc error: code = Unknown desc = rpc error: code = NotFound desc = no such contract: key not found";
        assert_eq!(in_plain_words(said), "no such contract: key not found");
        assert_eq!(in_plain_words("rpc error: code = 5"), "rpc error: code = 5");
        let said = "rpc error: code = Unknown desc = failed to execute message; message index: 0: too poor with gas used: '28302' (codespace sdk, code 5)";
        assert_eq!(in_plain_words(said), "too poor (codespace sdk, code 5)");
        assert_eq!(in_plain_words("with gas used: 'much'"), "with gas used: 'much'");
        let said = "it returns from 1795550135 (seconds since 1970) on";
        assert_eq!(in_plain_words(said), "it returns from 2026-11-24T19:55:35Z on");
    }
}
