//! What a command answers, as text for people and as JSON for programs.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use comfy_table::{presets, ContentArrangement, Table};
use serde_json::Value;

use crate::failure::Failure;

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
        let written = io::stdout().write_all(harmless(&text).as_bytes()).and_then(|()| io::stdout().flush());
        match written {
            // A reader that has gone away (`bauta ... | head`) is no failure.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Failure::new(format!("the answer cannot be written to standard output: {error}")).print(format)
            }
            _ if self.fails => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        }
    }
}

/// Text that cannot move the cursor, change what was printed before, or turn the direction of what follows: names and descriptions on
/// a chain are written by strangers. Characters that could are replaced.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match text.contains(is_harmful) {
        true => Cow::Owned(text.replace(is_harmful, "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

/// Prints a line of a command that goes on: the text, or the JSON object in one line.
pub fn line(format: Format, text: &str, json: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Text => writeln!(out, "{}", harmless(text))?,
        Format::Json => writeln!(out, "{}", harmless(&json.to_string()))?,
    }
    out.flush()
}

/// A table without lines, as wide as its content. On a terminal that is too narrow for it, each row becomes a paragraph.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    within(terminal_width(), header, rows.into_iter().collect())
}

/// How many columns the terminal has to which answers go, if they go to one.
fn terminal_width() -> Option<usize> {
    io::stdout().is_terminal().then(|| Table::new().width()).flatten().map(usize::from)
}

fn within<const N: usize>(width: Option<usize>, header: [&str; N], rows: Vec<[String; N]>) -> String {
    let names = header.map(str::to_lowercase);
    let paragraph = |row: &[String; N]| {
        let pairs: Vec<(&String, &String)> = names.iter().zip(row).collect();
        fields_within(width, &pairs)
    };
    let paragraphs = || rows.iter().map(paragraph).collect::<Vec<_>>().join("\n\n");
    let text = side_by_side(header, rows.clone());
    match width {
        Some(width) if text.lines().any(|line| line.chars().count() > width) => paragraphs(),
        _ => text,
    }
}

fn side_by_side<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> String {
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
    fields_within(terminal_width(), fields)
}

fn fields_within<N: AsRef<str>, V: AsRef<str>>(columns: Option<usize>, fields: &[(N, V)]) -> String {
    let width = fields.iter().map(|(name, _)| name.as_ref().len()).max().unwrap_or(0);
    fields
        .iter()
        .map(|(name, value)| {
            let line = format!("{:width$}  {}", name.as_ref(), value.as_ref()).trim_end().to_owned();
            match columns {
                Some(columns) => wrapped(&line, columns, width + 2),
                None => line,
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// A line broken at blanks so that it is no wider than this; what follows is indented. A word that is wider stays whole.
pub fn wrapped(line: &str, width: usize, indent: usize) -> String {
    let mut lines = Vec::new();
    let mut rest = line.to_owned();
    while rest.chars().count() > width {
        let limit = rest.char_indices().nth(width).map_or(rest.len(), |(at, _)| at);
        // A break within the indentation would be none.
        let at =
            rest[..=limit.min(rest.len() - 1)].rfind(' ').filter(|at| !rest[..*at].trim().is_empty() && *at > indent);
        let Some(at) = at.or_else(|| rest[limit..].find(' ').map(|at| limit + at)) else { break };
        let next = format!("{:indent$}{}", "", rest[at..].trim_start());
        lines.push(rest[..at].trim_end().to_owned());
        rest = next;
    }
    lines.push(rest);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks_and_what_follows_is_indented() {
        assert_eq!(wrapped("slashed p1 for one", 12, 4), "slashed p1\n    for one");
        assert_eq!(wrapped("short", 12, 4), "short");
        let long = "0123456789abcdef";
        assert_eq!(wrapped(&format!("hash {long} and"), 10, 5), format!("hash {long}\n     and"));
        assert_eq!(wrapped(long, 10, 2), long);
        assert_eq!(wrapped("a äöü ß é", 5, 1), "a äöü\n ß é");
    }

    #[test]
    fn a_table_that_is_too_wide_becomes_a_paragraph_a_row() {
        let rows = || vec![["1".to_owned(), "a long name".to_owned()], ["2".to_owned(), "b".to_owned()]];
        let wide = within(Some(80), ["TASK", "NAME"], rows());
        assert_eq!(wide, within(None, ["TASK", "NAME"], rows()));
        assert_eq!(wide.lines().count(), 3);
        assert_eq!(within(Some(12), ["TASK", "NAME"], rows()), "task  1\nname  a long\n      name\n\ntask  2\nname  b");
    }

    #[test]
    fn what_strangers_wrote_cannot_move_the_cursor_or_turn_the_text() {
        assert_eq!(harmless("a\u{1b}[2Jb\rc\u{9b}d\u{202e}e"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e");
        assert!(matches!(harmless("Äpfel\n\tund 東京"), Cow::Borrowed(_)));
    }
}
