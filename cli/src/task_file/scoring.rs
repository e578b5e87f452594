//! How a task scores its groups, as its owner writes it.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use bauta_learning::evaluate::TestSet;
use bauta_schema::training::v1 as pb;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Invalid, TaskFile};

/// A sensitivity for files that give none: a group that costs a tenth of all rows has no usefulness.
const SENSITIVITY: u32 = 10;

/// How groups are scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    /// Whether rewards follow the scores.
    #[serde(default = "yes")]
    pub rewards: bool,
    /// A file of public rows, named from where the task's file lies; absent in a file that was made of a chain's settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_set: Option<PathBuf>,
    /// SHA-256 of the canonical bytes that the file makes, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_set_hash: Option<String>,
    /// Rows of the test set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// How much usefulness moves with accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<u32>,
}

fn yes() -> bool {
    true
}

impl fmt::Display for Scoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rewards = if self.rewards { "rewards follow" } else { "rewards do not follow" };
        match self.rows {
            Some(rows) if self.test_set.is_some() || self.test_set_hash.is_some() => {
                write!(f, "by agreement and on a test set of {}; {rewards}", crate::show::count(rows.into(), "row"))
            }
            _ if self.test_set.is_some() => write!(f, "by agreement and on a test set; {rewards}"),
            _ => write!(f, "by agreement; {rewards}"),
        }
    }
}

impl TaskFile {
    /// The rows on which groups are tried, standardised as a provider's are; `None` without a file of them.
    ///
    /// # Errors
    /// [`Invalid`] when they cannot be read, or are not those that the file names beside them.
    pub fn test_set(&self) -> Result<Option<TestSet>, Invalid> {
        let Some((scoring, file)) =
            self.scoring.as_ref().and_then(|scoring| scoring.test_set.as_ref().map(|file| (scoring, file)))
        else {
            return Ok(None);
        };
        let path = self.folder.join(file);
        let wrong = |error: &dyn fmt::Display| Invalid(format!("scoring.test_set {}: {error}", path.display()));
        let rows = self.data_spec()?.load(&path).map_err(|error| wrong(&error))?;
        let set = TestSet::try_from(&rows).map_err(|error| wrong(&error))?;
        let hash = hex::encode(Sha256::digest(set.encode()));
        if scoring.rows.is_some_and(|rows| u64::from(rows) != set.rows() as u64) {
            return Err(wrong(&format!("it has {} rows, not those of scoring.rows; leave that out", set.rows())));
        }
        if scoring.test_set_hash.as_ref().is_some_and(|named| !named.eq_ignore_ascii_case(&hash)) {
            return Err(wrong(&format!("its canonical bytes hash to {hash}, which is not scoring.test_set_hash")));
        }
        Ok(Some(set))
    }

    /// What creation carries of the test set: its canonical bytes, none where there is none.
    ///
    /// # Errors
    /// [`Invalid`] when they are needed and no file gives them.
    pub fn test_set_bytes(&self) -> Result<Vec<u8>, Invalid> {
        let set = self.test_set()?;
        let is_missing = set.is_none() && self.scoring.as_ref().is_some_and(|scoring| scoring.test_set_hash.is_some());
        if is_missing {
            return Err(Invalid(
                "scoring.test_set is missing: name the file of public rows whose hash is scoring.test_set_hash"
                    .to_owned(),
            ));
        }
        Ok(set.map(|set| set.encode()).unwrap_or_default())
    }

    pub(super) fn scoring_settings(&self) -> Result<Option<pb::Scoring>, Invalid> {
        let Some(scoring) = &self.scoring else { return Ok(None) };
        let (test_set, rows) = match (self.test_set()?, &scoring.test_set_hash) {
            (Some(set), _) => (Sha256::digest(set.encode()).to_vec(), u32::try_from(set.rows()).unwrap_or(u32::MAX)),
            (None, Some(hash)) => {
                let hash = hex::decode(hash).map_err(|error| Invalid(format!("scoring.test_set_hash: {error}")))?;
                (hash, scoring.rows.unwrap_or_default())
            }
            (None, None) => (Vec::new(), scoring.rows.unwrap_or_default()),
        };
        let usual = if test_set.is_empty() { 0 } else { SENSITIVITY };
        let sensitivity = scoring.sensitivity.unwrap_or(usual);
        Ok(Some(pb::Scoring { rewards: scoring.rewards, test_set, rows, sensitivity }))
    }

    pub(super) fn write_scoring(&self, out: &mut String) -> fmt::Result {
        out.push_str(
            "\n# Whether groups are scored, by how much they agree with the median of all; without this section, they are not. rewards: whether\n\
             # what a round pays for updates is divided by the scores (bonds never depend on them). test_set: a csv, npz or safetensors file\n\
             # of public rows, scaled as providers' are; then what each group adds to the accuracy on it counts as well, by sensitivity\n\
             # (10: a group that costs a tenth of the accuracy is of no use). There must be several groups.\n",
        );
        let Some(scoring) = &self.scoring else {
            return out.write_str("# [scoring]\n# rewards = true\n# test_set = \"public.csv\"\n# sensitivity = 10\n");
        };
        writeln!(out, "[scoring]\nrewards = {}", scoring.rewards)?;
        let text = |text: &str| toml::Value::from(text).to_string();
        if let Some(file) = &scoring.test_set {
            writeln!(out, "test_set = {}", text(&file.display().to_string()))?;
        }
        if let Some(hash) = &scoring.test_set_hash {
            writeln!(out, "# Of the canonical bytes that the file makes.\ntest_set_hash = {}", text(hash))?;
        }
        for (name, number) in [("rows", scoring.rows), ("sensitivity", scoring.sensitivity)] {
            if let Some(number) = number {
                writeln!(out, "{name} = {number}")?;
            }
        }
        Ok(())
    }
}

/// What settings say; their test set is named by its hash.
pub(super) fn of_settings(settings: &pb::Scoring) -> Scoring {
    let given = |number: u32| (number > 0).then_some(number);
    Scoring {
        rewards: settings.rewards,
        test_set: None,
        test_set_hash: (!settings.test_set.is_empty()).then(|| hex::encode(&settings.test_set)),
        rows: given(settings.rows),
        sensitivity: given(settings.sensitivity),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::RecipeName;
    use super::*;
    use bauta_rounds::scoring::check_test_set;
    use bauta_rounds::terms::Terms;

    /// A file with public rows beside it, of 64 features whose values are 0 to 16.
    fn with_rows(folder: &std::path::Path, scoring: Scoring) -> TaskFile {
        let row = |label: u32| {
            let values: Vec<String> = (0..64).map(|place| (place * (label + 3) % 17).to_string()).collect();
            format!("{},{label}\n", values.join(","))
        };
        let mut file = TaskFile::of_recipe(&RecipeName::DigitsSoftmax.recipe(20), 20, 7);
        let mut names = file.data.feature_names.clone();
        if names.is_empty() {
            names = (0..64).map(|place| format!("f{place}")).collect();
        }
        let head = format!("{},label\n", names.join(","));
        std::fs::write(folder.join("rows.csv"), head + &(0..5).map(row).collect::<String>()).unwrap();
        (file.scoring, file.folder) = (Some(scoring), folder.to_owned());
        file
    }

    fn scoring() -> Scoring {
        Scoring { rewards: true, test_set: Some("rows.csv".into()), test_set_hash: None, rows: None, sensitivity: None }
    }

    #[test]
    fn rows_of_a_file_are_scaled_as_providers_are_and_become_the_test_set_that_the_settings_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = with_rows(folder.path(), scoring());
        let settings = file.settings().unwrap();
        let named = settings.scoring.clone().unwrap();
        assert_eq!((named.rewards, named.rows, named.sensitivity), (true, 5, SENSITIVITY));
        let rows = file.data_spec().unwrap().load(&folder.path().join("rows.csv")).unwrap();
        assert_eq!(file.test_set().unwrap().unwrap(), TestSet::try_from(&rows).unwrap());
        check_test_set(&Terms::read(&settings).unwrap(), &file.test_set_bytes().unwrap()).unwrap();
    }

    #[test]
    fn a_file_with_scores_reads_back_and_settings_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        for scoring in [
            scoring(),
            Scoring { rewards: false, sensitivity: Some(3), ..scoring() },
            Scoring { rewards: true, test_set: None, ..scoring() },
        ] {
            let mut file = with_rows(folder.path(), scoring);
            let text = file.render();
            assert!(text.lines().all(|line| line.chars().count() <= 130), "{text}");
            let settings = file.settings().unwrap();
            let again = TaskFile::of_settings(&settings);
            assert_eq!(again.settings().unwrap(), settings);
            assert_eq!(TaskFile::parse(&again.render()).unwrap().scoring, again.scoring);
            file.folder = Default::default();
            assert_eq!(TaskFile::parse(&text).unwrap(), file);
        }
    }

    #[test]
    fn rows_that_are_not_those_that_are_named_are_refused_and_missing_ones_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = with_rows(folder.path(), Scoring { test_set_hash: Some("00".repeat(32)), ..scoring() });
        assert!(file.settings().unwrap_err().0.contains("which is not scoring.test_set_hash"));
        let file = with_rows(folder.path(), Scoring { rows: Some(4), ..scoring() });
        assert!(file.settings().unwrap_err().0.contains("it has 5 rows"));
        let again = TaskFile::of_settings(&with_rows(folder.path(), scoring()).settings().unwrap());
        assert!(again.test_set_bytes().unwrap_err().0.contains("scoring.test_set is missing"));
        let file = with_rows(folder.path(), Scoring { test_set: Some("none.csv".into()), ..scoring() });
        assert!(file.settings().unwrap_err().0.contains("none.csv"));
    }
}
