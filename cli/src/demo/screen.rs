//! What a person sees of a run: a line a round while it goes on, tables at the end.

use std::time::Duration;

use comfy_table::{presets, CellAlignment, Table};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::report::{Report, RoundReport};
use crate::answer::{line, Format};

/// Prints a run. Lines go to standard output; the moving part, which only a terminal shows, to standard error.
pub struct Screen {
    bar: ProgressBar,
    rounds: u64,
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
        let style = ProgressStyle::with_template("{spinner} [{bar:30}] {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, rounds: u64::from(rounds), format }
    }

    /// Prints a line above the moving part; programs that want JSON are told at the end. A reader that has gone away ends no run: the
    /// checks are what it is for, and the exit code says how they went.
    pub fn say(&self, text: impl AsRef<str>) {
        if self.format == Format::Text {
            let _ = self.bar.suspend(|| line(self.format, text.as_ref(), &Value::Null));
        }
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
            format!("{round}/{}", self.rounds),
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
    table.set_header(["provider", "rows", "bond before", "bond after", "rewards", "what it did"]);
    for line in lines {
        table.add_row([
            line.name.clone(),
            line.rows.to_string(),
            format!("{} {denom}", thousands(line.before)),
            format!("{} {denom}", thousands(line.after)),
            format!("{} {denom}", thousands(line.rewards)),
            line.story.clone(),
        ]);
    }
    for column in 1..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// The checks, a line each.
pub fn checks(report: &Report) -> String {
    let lines: Vec<String> = report
        .checks
        .iter()
        .map(|check| format!("  {}  {}", if check.passed { "ok    " } else { "FAILED" }, check.name))
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
    fn numbers_have_thousands_separators() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000_000), "1,000,000");
    }
}
