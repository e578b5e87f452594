//! What a command answers, as text for people and as JSON for programs.

use std::io::{self, Write};
use std::process::ExitCode;

use comfy_table::{presets, ContentArrangement, Table};
use serde_json::Value;

/// How answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs; fields are only ever added.
    Json,
}

/// What a command answers.
#[derive(Debug)]
pub struct Answer {
    text: String,
    json: Value,
    fails: bool,
}

impl Answer {
    /// The same thing twice.
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, fails: false }
    }

    /// The answer is no: it is printed, and the exit code is 1.
    pub fn failing(self) -> Self {
        Self { fails: true, ..self }
    }

    /// Nothing more to say: a command that printed as it went.
    pub fn silent() -> Self {
        Self::new("", Value::Null)
    }

    /// Prints it on standard output.
    pub fn print(&self, format: Format) -> ExitCode {
        let text = match (format, &self.json) {
            (Format::Json, Value::Null) => String::new(),
            (Format::Json, json) => format!("{json:#}\n"),
            (Format::Text, _) if self.text.is_empty() => String::new(),
            (Format::Text, _) => format!("{}\n", self.text.trim_end()),
        };
        let code = code_of(io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()));
        if self.fails {
            ExitCode::FAILURE
        } else {
            code
        }
    }
}

/// Prints a line of a command that goes on: the text, or the JSON object in one line.
pub fn line(format: Format, text: &str, json: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Text => writeln!(out, "{text}")?,
        Format::Json => writeln!(out, "{json}")?,
    }
    out.flush()
}

/// A reader that has gone away (`bauta ... | head`) is no failure.
fn code_of(written: io::Result<()>) -> ExitCode {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

/// A table without lines, as wide as its content.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Names and values, one a line, the values under one another.
pub fn fields<N: AsRef<str>, V: AsRef<str>>(fields: &[(N, V)]) -> String {
    let width = fields.iter().map(|(name, _)| name.as_ref().len()).max().unwrap_or(0);
    fields
        .iter()
        .map(|(name, value)| format!("{:width$}  {}", name.as_ref(), value.as_ref()).trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}
