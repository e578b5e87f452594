//! Questions to the person at the terminal: passphrases, mnemonics, confirmations.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bauta_client::keys::Passphrase;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::interrupts;

/// The passphrase of the keyring, for scripts. Trainers never see it.
pub const PASSPHRASE: &str = "BAUTA_PASSPHRASE";
/// The passphrase of an exported key, for scripts.
pub const EXPORT_PASSPHRASE: &str = "BAUTA_EXPORT_PASSPHRASE";

/// Most bytes of a secret that is typed or sent, or of its file.
const MAX_LINE: u64 = 64 * 1024;

/// Where a passphrase may come from without asking, in this order.
#[derive(Clone, Debug)]
pub struct PassphraseSource {
    /// A file whose first line it is.
    pub file: Option<PathBuf>,
    /// The option that names such a file, if there is one.
    pub option: Option<&'static str>,
    /// An environment variable.
    pub variable: &'static str,
}

impl PassphraseSource {
    /// A passphrase that exists already.
    pub fn existing(&self, what: &str) -> Result<Passphrase, Failure> {
        match self.given()? {
            Some(passphrase) => Ok(passphrase),
            None => self.typed(&format!("Passphrase of {what}: ")),
        }
    }

    /// A new passphrase; typed twice when it is typed at all.
    pub fn fresh(&self, what: &str) -> Result<Passphrase, Failure> {
        if let Some(passphrase) = self.given()? {
            passphrase.check()?;
            return Ok(passphrase);
        }
        let first = self.typed(&format!("New passphrase for {what}: "))?;
        first.check()?;
        if io::stdin().is_terminal() && self.typed("The same again: ")? != first {
            return Err(Failure::new("the two passphrases differ").hint("nothing was written; try again"));
        }
        Ok(first)
    }

    fn given(&self) -> Result<Option<Passphrase>, Failure> {
        if let Some(file) = &self.file {
            let text = secret_file(file)?;
            return Ok(Some(Passphrase::new(text.lines().next().unwrap_or_default())));
        }
        // Configuration, read once by a program that executes no block.
        #[allow(clippy::disallowed_methods)]
        let variable = std::env::var(self.variable).ok().map(Zeroizing::new);
        Ok(variable.map(|text| Passphrase::new(&text)))
    }

    fn typed(&self, prompt: &str) -> Result<Passphrase, Failure> {
        let line = secret_line(prompt)?.ok_or_else(|| {
            let or_file = self.option.map(|option| format!(", or name a file with {option}")).unwrap_or_default();
            Failure::new(format!("a passphrase is needed and none was given ({})", prompt.trim_end_matches([':', ' '])))
                .hint(format!("run it in a terminal, or set {}{or_file}", self.variable))
        })?;
        Ok(Passphrase::new(&line))
    }
}

/// A file with a secret.
pub fn secret_file(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let opened = std::fs::File::open(file).map_err(Failure::file("read", file))?;
    let mut text = Zeroizing::new(String::new());
    opened.take(MAX_LINE).read_to_string(&mut text).map_err(Failure::file("read", file))?;
    Ok(text)
}

/// A line that is not shown while it is typed; from a pipe, its next line. `None` at its end.
pub fn secret_line(prompt: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    if io::stdin().is_terminal() {
        return match interrupts::at_prompt(|| rpassword::prompt_password(prompt)) {
            Ok(line) => Ok(Some(Zeroizing::new(line))),
            // Ctrl-C, when the terminal shows again what is typed; and Ctrl-D.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Failure::interrupted()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(Failure::new(format!("the terminal cannot be read: {error}"))),
        };
    }
    let mut line = Zeroizing::new(String::new());
    match io::stdin().lock().take(MAX_LINE).read_line(&mut line) {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(line)),
        Err(error) => Err(Failure::new(format!("the standard input cannot be read: {error}"))),
    }
}

/// Asks before something is done that costs money or keys. `yes` answers for the person.
pub fn confirm(yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{question} This needs a yes, and there is no terminal to ask at"))
            .hint("add --yes if you mean it"));
    }
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    match (read, line.trim().to_ascii_lowercase().as_str()) {
        (Ok(_), "y" | "yes") => Ok(()),
        _ => Err(Failure::new("nothing was done, because the answer was not yes")),
    }
}

/// An argument that is JSON, `@FILE`, or `-` for standard input.
pub fn json_argument(argument: &str) -> Result<Vec<u8>, Failure> {
    let (text, place) = match argument {
        "-" => {
            let text = io::read_to_string(io::stdin());
            (
                text.map_err(|error| Failure::new(format!("the standard input cannot be read: {error}")))?,
                "the standard input",
            )
        }
        _ => match argument.strip_prefix('@') {
            Some(file) => (std::fs::read_to_string(file).map_err(Failure::file("read", Path::new(file)))?, file),
            None => (argument.to_owned(), "the argument"),
        },
    };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!("{place} is not JSON: {error}"))
            .hint("put JSON in single quotes, like '{\"config\":{}}', or name a file as @message.json")
    })?;
    serde_json::to_vec(&value).map_err(|error| Failure::new(format!("{place} cannot be written as JSON: {error}")))
}
