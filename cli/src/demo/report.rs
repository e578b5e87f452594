//! The report of a run: what `--json` writes. Its schema is `schema/report.schema.json`; fields are only ever added.

use std::path::Path;

use abci_app::operator::processes::memory_kib;
use anyhow::Context as _;
use serde::Serialize;

/// Everything a run did and checked.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `digits` or `breast-cancer`.
    pub dataset: String,
    /// `softmax` or `mlp`.
    pub model: String,
    /// What ordered the transactions.
    pub engine: String,
    /// The seed of data split, keys and scenario.
    pub seed: u64,
    /// SHA-256 of the canonical bytes of the final model, hex.
    pub model_hash: String,
    /// Share of held-out rows that the final model gets right, 0..1.
    pub accuracy: f64,
    /// The same for central training on the data of the providers still active at the end.
    pub central_accuracy: f64,
    /// Wall-clock seconds of the run.
    pub seconds: f64,
    /// Largest resident memory of the process, MiB.
    pub peak_rss_mb: f64,
    /// Finished rounds, in order.
    pub rounds: Vec<RoundReport>,
    /// What was slashed, in the order of the verdicts.
    pub slashed: Vec<Slashed>,
    /// What bonds of providers lost that the scenario did not script to misbehave.
    pub honest_losses: u64,
    /// What the run checked of itself.
    pub checks: Vec<Check>,
}

/// A finished round.
#[derive(Debug, Clone, Serialize)]
pub struct RoundReport {
    /// Its number.
    pub round: u64,
    /// Addresses whose update is in the aggregate.
    pub participants: Vec<String>,
    /// Addresses that checked in and whose update is not in it.
    pub dropped: Vec<String>,
    /// Share of held-out rows right after the round, 0..1.
    pub accuracy: f64,
    /// Bytes of the round's protocol messages in blocks.
    pub bytes: u64,
    /// Wall-clock milliseconds.
    pub ms: f64,
    /// Whether the unmasked aggregate equals the integer sum of the survivors' encoded updates.
    pub sum_exact: bool,
}

/// A slash.
#[derive(Debug, Clone, Serialize)]
pub struct Slashed {
    /// Whose bond.
    pub provider: String,
    /// For what.
    pub offence: String,
    /// Bond before, smallest denomination.
    pub before: String,
    /// Bond after, smallest denomination.
    pub after: String,
}

/// One thing that was checked.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was to hold.
    pub name: String,
    /// Whether it did.
    pub passed: bool,
}

impl Report {
    /// Whether every check passed.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self).context("the report is no JSON")?;
        std::fs::write(file, text + "\n").with_context(|| format!("could not write the report to {}", file.display()))
    }
}

/// The largest resident memory of this process so far, in MiB; 0 where the system does not tell.
pub fn peak_rss_mb() -> f64 {
    memory_kib("/proc/self/status", "VmHWM:") / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            dataset: "digits".into(),
            model: "softmax".into(),
            engine: "embedded".into(),
            seed: 1,
            model_hash: "0".repeat(64),
            accuracy: 0.95,
            central_accuracy: 0.96,
            seconds: 1.5,
            peak_rss_mb: 100.0,
            rounds: vec![RoundReport {
                round: 1,
                participants: vec!["bauta1a".into()],
                dropped: vec!["bauta1b".into()],
                accuracy: 0.5,
                bytes: 1,
                ms: 2.0,
                sum_exact: true,
            }],
            slashed: vec![Slashed {
                provider: "bauta1b".into(),
                offence: "no_submission".into(),
                before: "100".into(),
                after: "99".into(),
            }],
            honest_losses: 0,
            checks: vec![Check { name: "sums are exact".into(), passed: true }],
        }
    }

    #[test]
    fn a_report_is_what_its_schema_says() {
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../../schema/report.schema.json")).expect("the schema is JSON");
        let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
        let good = serde_json::to_value(report()).expect("a report is JSON");
        assert!(
            validator.is_valid(&good),
            "{:?}",
            validator.iter_errors(&good).map(|e| e.to_string()).collect::<Vec<_>>()
        );

        let mut bad = good;
        bad["slashed"][0]["before"] = serde_json::json!(100);
        assert!(!validator.is_valid(&bad), "amounts are strings");
    }

    #[test]
    fn a_failed_check_fails_the_run() {
        let mut failed = report();
        assert!(failed.passed());
        failed.checks.push(Check { name: "no honest provider lost anything".into(), passed: false });
        assert!(!failed.passed());
    }
}
