//! What a provider agrees to, whatever a task asks: a local file, read before anything is sent.

use std::path::Path;

use bauta_learning::fixed::Fixed;
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1::{Level, ModelKind};
use serde::{Deserialize, Serialize};

use crate::disk::{self, DiskError};

/// A provider's policy. In its file (TOML) every line may be left out:
///
/// ```toml
/// levels = ["open"]           # who may see the model
/// min_group = 3               # smallest sum that an update may be part of
/// max_clip = "100"            # largest L2 norm of an update
/// max_elements = 10000000     # largest model
/// trainers = ["softmax", "mlp", "custom"]
/// min_attested = 3            # members of a group that a trusted issuer vouches for
/// trusted_issuers = []        # none: every registered provider counts as attested
/// ```
///
/// With no trusted issuer the rule on attested members only counts heads: whoever may register may then be all the others of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Levels of confidentiality that are accepted: `open`, `cohort`, `sealed`.
    pub levels: Vec<String>,
    /// Smallest `min_group` of a task.
    pub min_group: u32,
    /// Largest clip of a task.
    pub max_clip: Fixed,
    /// Most elements of a model.
    pub max_elements: u64,
    /// Kinds of model: `softmax`, `mlp`, `custom`.
    pub trainers: Vec<String>,
    /// Fewest attested members of a group, this provider included if it is one.
    pub min_attested: u32,
    /// Issuers that count; if there are none, registration counts.
    pub trusted_issuers: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            levels: names(&["open"]),
            min_group: 3,
            max_clip: Fixed::from_integer(100),
            max_elements: 10_000_000,
            trainers: names(&["softmax", "mlp", "custom"]),
            min_attested: 3,
            trusted_issuers: Vec::new(),
        }
    }
}

/// A policy that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The content.
    #[error("{file} is not a policy: {what}")]
    Content {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
}

/// A task that asks for more than the policy gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy refuses the task: {0}")]
pub struct TooMuch(pub String);

const MAX_FILE_BYTES: u64 = 1024 * 1024;

impl Policy {
    /// Reads a policy's file.
    ///
    /// # Errors
    /// [`PolicyError`] with the line at fault.
    pub fn read(file: &Path) -> Result<Self, PolicyError> {
        let bad = |what: String| PolicyError::Content { file: file.display().to_string(), what };
        let content = disk::read_limited(file, MAX_FILE_BYTES)?;
        let text = String::from_utf8(content).map_err(|_| bad("it is not UTF-8".to_owned()))?;
        Self::parse(&text).map_err(bad)
    }

    /// Reads a policy's text.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let policy: Self = toml::from_str(text).map_err(|error| error.to_string().trim().to_owned())?;
        for (field, names, known) in [
            ("levels", &policy.levels, &["open", "cohort", "sealed"][..]),
            ("trainers", &policy.trainers, &["softmax", "mlp", "custom"][..]),
        ] {
            if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
                return Err(format!("{field} has {name:?}; known are {}", known.join(", ")));
            }
        }
        Ok(policy)
    }

    /// Whether a task asks for no more than this policy gives.
    ///
    /// # Errors
    /// [`TooMuch`] with the first thing that is too much.
    pub fn admits(&self, terms: &Terms) -> Result<(), TooMuch> {
        let refuse = |what: String| Err(TooMuch(what));
        let level = level_name(terms.settings.level());
        if !self.levels.iter().any(|accepted| accepted == level) {
            return refuse(format!("its level is {level}, accepted are: {}", self.levels.join(", ")));
        }
        let kind = kind_name(terms.settings.model.as_ref().map_or(ModelKind::Unspecified, |model| model.kind()));
        if !self.trainers.iter().any(|accepted| accepted == kind) {
            return refuse(format!("its model is of the kind {kind}, accepted are: {}", self.trainers.join(", ")));
        }
        if terms.cohort.min_group < self.min_group {
            return refuse(format!(
                "it reveals sums of {} updates, the least accepted is min_group = {}",
                terms.cohort.min_group, self.min_group
            ));
        }
        if terms.encoding.clip > self.max_clip {
            return refuse(format!(
                "it clips updates to the norm {}, the most accepted is max_clip = {}",
                terms.encoding.clip, self.max_clip
            ));
        }
        if terms.elements > self.max_elements {
            return refuse(format!(
                "its model has {} elements, the most accepted is max_elements = {}",
                terms.elements, self.max_elements
            ));
        }
        Ok(())
    }

    /// Whether a group has enough members that a trusted issuer vouches for.
    ///
    /// # Errors
    /// [`TooMuch`].
    pub fn admits_group(&self, attested: usize, members: usize) -> Result<(), TooMuch> {
        if attested < self.min_attested as usize {
            return Err(TooMuch(format!(
                "of the {members} members of the group {attested} are attested by a trusted issuer, at least min_attested = {} \
                 are wanted",
                self.min_attested
            )));
        }
        Ok(())
    }
}

/// A level as policies and people write it.
#[must_use]
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::Unspecified => "unspecified",
        Level::Open => "open",
        Level::Cohort => "cohort",
        Level::Sealed => "sealed",
    }
}

/// A kind of model as policies and people write it.
#[must_use]
pub fn kind_name(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Unspecified => "unspecified",
        ModelKind::Softmax => "softmax",
        ModelKind::Mlp => "mlp",
        ModelKind::Custom => "custom",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use bauta_schema::training::v1 as pb;

    fn terms() -> Terms {
        Terms::read(&pb::TaskSettings {
            level: Level::Open.into(),
            model: Some(pb::ModelSpec {
                kind: ModelKind::Softmax.into(),
                tensors: vec![pb::Tensor { name: "weight".into(), shape: vec![10, 64] }],
                hidden: 0,
            }),
            encoding: Some(pb::Encoding { bits: 32, chunk_elems: 16, clip: 4 << 32, ..Default::default() }),
            optimiser: Some(pb::Optimiser { kind: pb::OptimiserKind::Fedavg.into(), ..Default::default() }),
            cohort: Some(pb::Cohort { min_group: 6, ..Default::default() }),
            windows: Some(pb::Windows::default()),
            ..Default::default()
        })
        .unwrap()
    }

    #[test]
    fn an_empty_file_is_the_default_and_a_line_changes_one_thing() {
        assert_eq!(Policy::parse("").unwrap(), Policy::default());
        let policy = Policy::parse("min_group = 7\nmax_clip = \"2.5\"").unwrap();
        let expected = Policy { min_group: 7, max_clip: Fixed::ratio(5, 2), ..Policy::default() };
        assert_eq!(policy, expected);
    }

    #[test]
    fn a_wrong_line_is_named_with_what_is_wrong() {
        for (text, part) in [
            ("min_group = 3\nmin_gruop = 4", "line 2"),
            ("levels = [\"secret\"]", "secret"),
            ("min_group = -1", "line 1"),
            ("max_clip = \"much\"", "line 1"),
        ] {
            let error = Policy::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn each_limit_refuses_with_both_numbers() {
        assert!(Policy::default().admits(&terms()).is_ok());
        let refusing = [
            (Policy { levels: vec!["sealed".into()], ..Policy::default() }, "open"),
            (Policy { trainers: vec!["mlp".into()], ..Policy::default() }, "softmax"),
            (Policy { min_group: 7, ..Policy::default() }, "min_group = 7"),
            (Policy { max_clip: Fixed::from_integer(3), ..Policy::default() }, "max_clip = 3"),
            (Policy { max_elements: 639, ..Policy::default() }, "640 elements"),
        ];
        for (policy, part) in refusing {
            let error = policy.admits(&terms()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_group_needs_attested_members() {
        let policy = Policy::default();
        assert!(policy.admits_group(3, 8).is_ok());
        assert!(policy.admits_group(2, 8).unwrap_err().to_string().contains("min_attested = 3"));
    }
}
