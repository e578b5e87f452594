//! `bauta keys`: make, keep and move keys.

use std::path::PathBuf;

use bauta_client::keys::{Entry, KeyError, Keyring, KeyringBackend, Mnemonic, Passphrase, SecretKey};
use clap::{Args, Subcommand};
use rand::rngs::OsRng;
use serde_json::{json, Value};
use zeroize::Zeroizing;

use super::Answered;
use crate::answer::{fields, table, Answer};
use crate::ask::{self, PassphraseSource};
use crate::context::Context;
use crate::failure::Failure;

/// Make, keep and move keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key, or make one again from its mnemonic
    #[command(after_help = "Examples:
  bauta keys add alice                         asks for a passphrase, shows the mnemonic once
  bauta keys add alice --recover               asks for the 24 words
  bauta keys add bot --keyring-backend test    without a passphrase, for scripts

JSON: {name, address, public_key, mnemonic}; mnemonic is absent after --recover.")]
    Add(Add),
    /// List the keys
    #[command(after_help = "Example:
  bauta keys list --output json | jq -r '.keys[].address'

JSON: {keys: [{name, address, public_key}]}")]
    List,
    /// Show a key's address and public key
    #[command(after_help = "Example:
  bauta bank send $(bauta keys show alice --address) 1000000ubauta --from bob

JSON: {name, address, public_key}")]
    Show {
        /// The key
        name: String,
        /// Print nothing but the address
        #[arg(long, short)]
        address: bool,
    },
    /// Write a key to a file, encrypted under a passphrase of its own
    #[command(after_help = "Example:
  bauta keys export alice --out alice.key

The file's passphrase is asked for, or taken from BAUTA_EXPORT_PASSPHRASE.
JSON: {name, address, file}; without --out the file's content itself.")]
    Export {
        /// The key
        name: String,
        /// Where to; standard output if it is not given
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Read a key from a file that `export` wrote
    #[command(after_help = "Example:
  bauta keys import alice alice.key

JSON: {name, address, public_key}")]
    Import {
        /// What to call it
        name: String,
        /// The file
        file: PathBuf,
    },
    /// Erase a key
    #[command(after_help = "Example:
  bauta keys delete alice

Without its mnemonic or an exported file, a key that was erased is lost, and everything that it holds.
JSON: {deleted, address}")]
    Delete {
        /// The key
        name: String,
    },
}

/// Make a key.
#[derive(Debug, Args)]
pub struct Add {
    /// What to call it: letters, digits, - and _
    name: String,
    /// Make a key again from its mnemonic, which is asked for, or read from standard input or a file
    #[arg(long)]
    recover: bool,
    /// A file with the mnemonic
    #[arg(long, value_name = "FILE", requires = "recover")]
    mnemonic_file: Option<PathBuf>,
    /// The account in the path m/44'/118'/ACCOUNT'/0/INDEX
    #[arg(long, value_name = "N", default_value_t = 0)]
    account: u32,
    /// The index in the path m/44'/118'/ACCOUNT'/0/INDEX
    #[arg(long, value_name = "N", default_value_t = 0)]
    index: u32,
}

/// Runs the command.
pub fn run(context: &Context, command: Command) -> Answered {
    let keyring = context.keyring();
    match command {
        Command::Add(args) => add(context, &keyring, &args),
        Command::List => list(&keyring),
        Command::Show { name, address } => {
            let entry = keyring.show(&name)?;
            match address {
                true => Ok(Answer::new(entry.address.to_string(), entry_json(&entry))),
                false => Ok(shown(&entry)),
            }
        }
        Command::Export { name, out } => export(context, &keyring, &name, out),
        Command::Import { name, file } => {
            refuse_taken(&keyring, &name)?;
            let content = ask::secret_file(&file)?;
            let place = file.display().to_string();
            let passphrase = export_passphrase().existing(&place)?;
            let key = Keyring::import(content.as_bytes(), &place, &passphrase)?;
            Ok(shown(&store(context, &keyring, &name, &key)?))
        }
        Command::Delete { name } => delete(context, &keyring, &name),
    }
}

fn add(context: &Context, keyring: &Keyring, args: &Add) -> Answered {
    refuse_taken(keyring, &args.name)?;
    if args.account >= 1 << 31 || args.index >= 1 << 31 {
        return Err(Failure::usage("--account and --index are below 2147483648"));
    }
    let mnemonic = match args.recover {
        true => known_mnemonic(args)?,
        false => Mnemonic::random(&mut OsRng),
    };
    let key = SecretKey::from_mnemonic(&mnemonic, args.account, args.index)?;
    let entry = store(context, keyring, &args.name, &key)?;
    if args.recover {
        return Ok(shown(&entry));
    }
    let mut json = entry_json(&entry);
    json["mnemonic"] = Value::from(mnemonic.words());
    let text = format!(
        "{}\n\nThese words are the key. Write them down and keep them where nobody else reads\n\
         them: they are shown this once, whoever has them has the key, and without them\n\
         a lost key cannot be made again.\n\n{}",
        fields(&entry_fields(&entry)),
        in_rows(mnemonic.words())
    );
    Ok(Answer::new(text, json))
}

fn known_mnemonic(args: &Add) -> Result<Mnemonic, Failure> {
    let words = match &args.mnemonic_file {
        Some(file) => ask::secret_file(file)?,
        None => ask::secret_line("Mnemonic (24 words): ")?.ok_or_else(|| {
            Failure::usage("no mnemonic was given")
                .hint("type it, send it to standard input, or name a file with --mnemonic-file")
        })?,
    };
    // As they were shown: with their numbers, in rows.
    let is_number = |word: &&str| word.trim_end_matches('.').parse::<u32>().is_ok();
    let words: Vec<&str> = words.split_whitespace().filter(|word| !is_number(word)).collect();
    Ok(Mnemonic::parse(&Zeroizing::new(words.join(" ")))?)
}

/// Words with their numbers, six a row: what a person writes down without losing the place.
fn in_rows(words: &str) -> String {
    let words: Vec<String> = words.split(' ').zip(1..).map(|(word, number)| format!("{number:>2} {word:<8}")).collect();
    let rows: Vec<String> = words.chunks(6).map(|row| row.join("  ").trim_end().to_owned()).collect();
    rows.join("\n")
}

/// Before anything is asked for: the name must be free, and one that a file can have.
fn refuse_taken(keyring: &Keyring, name: &str) -> Result<(), Failure> {
    match keyring.show(name) {
        Err(KeyError::Missing { .. }) => Ok(()),
        Ok(_) => Err(KeyError::Exists(name.to_owned()).into()),
        Err(other) => Err(other.into()),
    }
}

fn store(context: &Context, keyring: &Keyring, name: &str, key: &SecretKey) -> Result<Entry, Failure> {
    let passphrase = match keyring.backend() {
        KeyringBackend::File => Some(context.passphrase().fresh(&format!("the key {name:?}"))?),
        KeyringBackend::Test => None,
    };
    Ok(keyring.add(name, key, passphrase.as_ref(), &mut OsRng)?)
}

fn list(keyring: &Keyring) -> Answered {
    let entries = keyring.list()?;
    let json = json!({ "keys": entries.iter().map(entry_json).collect::<Vec<_>>() });
    if entries.is_empty() {
        return Ok(Answer::new("The keyring has no keys; `bauta keys add NAME` makes one.", json));
    }
    let rows = entries.iter().map(|entry| [entry.name.clone(), entry.address.to_string()]);
    Ok(Answer::new(table(["NAME", "ADDRESS"], rows), json))
}

fn export(context: &Context, keyring: &Keyring, name: &str, out: Option<PathBuf>) -> Answered {
    let entry = keyring.show(name)?;
    if let Some(file) = out.as_ref().filter(|file| file.exists()) {
        return Err(Failure::new(format!("{} exists already", file.display())).hint("choose another name"));
    }
    let passphrase: Option<Passphrase> = match keyring.needs_passphrase(name)? {
        true => Some(context.passphrase().existing(&format!("the key {name:?}"))?),
        false => None,
    };
    let new = export_passphrase().fresh("the exported file")?;
    let content = keyring.export(name, passphrase.as_ref(), &new, &mut OsRng)?;
    match out {
        Some(file) => {
            bauta_client::disk::create_private(&file, &content)?;
            let place = file.display().to_string();
            let json = json!({ "name": name, "address": entry.address.to_string(), "file": place });
            Ok(Answer::new(format!("{name} was written to {place}, encrypted under its own passphrase."), json))
        }
        None => {
            let json = serde_json::from_slice(&content).unwrap_or(Value::Null);
            Ok(Answer::new(String::from_utf8_lossy(&content), json))
        }
    }
}

fn delete(context: &Context, keyring: &Keyring, name: &str) -> Answered {
    let entry = keyring.show(name)?;
    context.confirm(&format!(
        "Erase the key {name:?} ({})? Without its mnemonic everything it holds is lost.",
        entry.address
    ))?;
    keyring.delete(name)?;
    let json = json!({ "deleted": name, "address": entry.address.to_string() });
    Ok(Answer::new(format!("{name} was erased."), json))
}

fn export_passphrase() -> PassphraseSource {
    PassphraseSource { file: None, option: None, variable: ask::EXPORT_PASSPHRASE }
}

fn shown(entry: &Entry) -> Answer {
    Answer::new(fields(&entry_fields(entry)), entry_json(entry))
}

fn entry_fields(entry: &Entry) -> [(&'static str, String); 3] {
    [
        ("name", entry.name.clone()),
        ("address", entry.address.to_string()),
        ("public key", hex::encode(entry.public_key)),
    ]
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "name": entry.name,
        "address": entry.address.to_string(),
        "public_key": hex::encode(entry.public_key),
    })
}
