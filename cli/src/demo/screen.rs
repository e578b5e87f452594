//! What a person sees of a run: a line a round while it goes on, tables at the end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use comfy_table::{presets, CellAlignment, Table};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::report::{Report, RoundReport};
use crate::answer::{line, wrapped, Format};

/// Columns of the usual terminal.
const WIDTH: usize = 80;

/// Prints a run. Lines go to standard output; the moving part, which only a terminal shows, to standard error.
pub struct Screen {
    bar: ProgressBar,
    /// The number of the last round: one more for each that was aborted.
    last: AtomicU64,
    format: Format,
}

/// How one provider came out of the run.
pub struct ProviderLine {
    /// Its short name.
    pub name: String,
    /// Rows of data it has.
    pub rows: usize,
    /// What the scenario made it do.
    pub story: String,
    /// Bond before, smallest denomination.
    pub before: u128,
    /// Bond after, read back from the contract.
    pub after: u128,
    /// Rewards paid from escrow.
    pub rewards: u128,
}

/// A provider's share of a round's line.
pub struct RoundLine<'a> {
    /// The finished round.
    pub report: &'a RoundReport,
    /// Names of those who took part.
    pub participants: &'a [String],
    /// Names of those who dropped out.
    pub dropped: &'a [String],
}

impl Screen {
    /// A screen for so many rounds.
    pub fn new(rounds: u32, format: Format) -> Self {
        let bar = ProgressBar::new(u64::from(rounds));
        let style = ProgressStyle::with_template("{spinner} [{bar:30}] {pos}/{len} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, last: AtomicU64::new(u64::from(rounds)), format }
    }

    /// Prints a line above the moving part; programs that want JSON are told at the end. A reader that has gone away ends no run: the
    /// checks are what it is for, and the exit code says how they went.
    pub fn say(&self, text: impl AsRef<str>) {
        if self.format == Format::Text {
            let _ = self.bar.suspend(|| line(self.format, text.as_ref(), &Value::Null));
        }
    }

    /// A round was aborted: one more is needed.
    pub fn aborted(&self, why: &str) {
        self.last.fetch_add(1, Ordering::Relaxed);
        self.say(wrapped(&format!("{:>7}  {why}", ""), WIDTH, 9));
    }

    /// What is being done right now.
    pub fn doing(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }

    /// The heading over the lines of the rounds.
    pub fn heading(&self) {
        self.say(format!("{:>7}  {:<34} {:>8}  {:>9}  {:>7}", "round", "took part", "accuracy", "bytes", "ms"));
    }

    /// A finished round.
    pub fn round(&self, line: &RoundLine<'_>) {
        let RoundReport { round, accuracy, bytes, ms, sum_exact, .. } = line.report;
        let mut took_part = shorten(line.participants);
        if !line.dropped.is_empty() {
            took_part.push_str(&format!("  dropped {}", shorten(line.dropped)));
        }
        let exact = if *sum_exact { "" } else { "  THE SUM IS WRONG" };
        self.say(format!(
            "{:>7}  {took_part:<34} {:>6.2} %  {:>9}  {:>7.0}{exact}",
            format!("{round}/{}", self.last.load(Ordering::Relaxed)),
            accuracy * 100.0,
            thousands(u128::from(*bytes)),
            ms
        ));
        self.bar.inc(1);
    }

    /// Takes the moving part away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// `p1-p7 p9` for names that end in consecutive numbers.
pub fn shorten(names: &[String]) -> String {
    let numbers: Option<Vec<u32>> = names.iter().map(|name| name.strip_prefix('p')?.parse().ok()).collect();
    let Some(mut numbers) = numbers else { return names.join(" ") };
    numbers.sort_unstable();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let parts: Vec<String> = runs
        .iter()
        .map(|(first, last)| if first == last { format!("p{first}") } else { format!("p{first}-p{last}") })
        .collect();
    parts.join(" ")
}

/// `1,234,567`.
pub fn thousands(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The providers, as a table.
pub fn providers_table(lines: &[ProviderLine], denom: &str) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["", "rows", "bond before", "bond after", "rewards", "what it did"]);
    for line in lines {
        table.add_row([
            line.name.clone(),
            line.rows.to_string(),
            thousands(line.before),
            thousands(line.after),
            thousands(line.rewards),
            line.story.clone(),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if (1..5).contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let rows: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("providers, in {denom}\n{}", rows.join("\n"))
}

/// A label in the first column, and text beside it that goes on under itself.
pub fn labelled(label: &str, text: &str) -> String {
    wrapped(&format!("{label:<12}{text}"), WIDTH, 12)
}

/// The checks, a line each.
pub fn checks(report: &Report) -> String {
    let lines: Vec<String> = report
        .checks
        .iter()
        .map(|check| {
            let line = format!("  {}  {}", if check.passed { "ok    " } else { "FAILED" }, check.name);
            wrapped(&line, WIDTH, 10)
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(numbers: &[u32]) -> Vec<String> {
        numbers.iter().map(|number| format!("p{number}")).collect()
    }

    #[test]
    fn runs_of_names_are_shortened() {
        assert_eq!(shorten(&names(&[1, 2, 3, 5, 9, 10])), "p1-p3 p5 p9-p10");
        assert_eq!(shorten(&["alice".to_owned(), "p1".to_owned()]), "alice p1");
        assert_eq!(shorten(&[]), "");
    }

    #[test]
    fn the_end_of_a_run_fits_a_terminal_of_eighty_columns() {
        let line = |name: &str, story: &str| ProviderLine {
            name: name.to_owned(),
            rows: 1_234,
            story: story.to_owned(),
            before: 1_000_000_000,
            after: 990_000_000,
            rewards: 133_400_000,
        };
        let table = providers_table(&[line("p1", ""), line("p96", "two headers in round 999")], "ubauta");
        let text =
            "p10 for two_headers in round 23: 1,000,000,000 ubauta of 1,000,000,000, reported by p1, which earned 5";
        for text in [table, labelled("slashed", text)] {
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH && line == line.trim_end(), "{line:?}");
            }
        }
    }

    #[test]
    fn numbers_have_thousands_separators() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000_000), "1,000,000");
    }
}
