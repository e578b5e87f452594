//! What a provider agrees to, whatever a task asks: a local file, read before anything is sent.

use std::path::Path;

use bauta_learning::fixed::Fixed;
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1::{Level, ModelKind};
use cosmrs::AccountId;
use serde::{Deserialize, Deserializer, Serialize};

use crate::toml_file::{self, Decimal, Mistake, TomlError};

/// The fewest updates whose sum a chain may reveal (protocol.md): a policy that asks for fewer asks for nothing.
const MIN_GROUP: u32 = 3;

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
    #[serde(deserialize_with = "decimal")]
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

fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fixed, D::Error> {
    Ok(Decimal::deserialize(deserializer)?.0)
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

/// A task that asks for more than the policy gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy refuses the task: {0}")]
pub struct TooMuch(pub String);

/// What a line may say, by key; with an example that could stand in the file.
const RIGHT: [(&str, &str); 7] = [
    ("levels", r#"write a list of "open", "cohort" and "sealed", like levels = ["open"]"#),
    ("min_group", "write a whole number from 3 on, like min_group = 3"),
    ("max_clip", "write a decimal number above 0, like max_clip = 2.5"),
    ("max_elements", "write a whole number above 0, like max_elements = 10000000"),
    ("trainers", r#"write a list of "softmax", "mlp" and "custom", like trainers = ["softmax"]"#),
    ("min_attested", "write a whole number, like min_attested = 3"),
    ("trusted_issuers", r#"write a list of addresses, like trusted_issuers = ["bauta1..."]"#),
];

impl Policy {
    /// Reads a policy's file.
    ///
    /// # Errors
    /// [`TomlError`] with the line and the key at fault, and what would be right.
    pub fn read(file: &Path) -> Result<Self, TomlError> {
        Ok(Self::parse(&file.display().to_string(), &toml_file::text_of(file)?)?)
    }

    /// Reads a policy's text. `file` is what it is called in a mistake.
    ///
    /// # Errors
    /// The first [`Mistake`].
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistake> {
        let with_right = |mistake: Mistake| {
            let right = RIGHT.iter().find(|(key, _)| mistake.key.as_deref() == Some(key));
            Mistake { right: right.map(|(_, right)| (*right).to_owned()), ..mistake }
        };
        let policy: Self = toml_file::parse(file, text).map_err(with_right)?;
        let wrong = |key: &str, what: String| with_right(toml_file::mistake_of(file, text, key, what));
        for (key, names, known) in [
            ("levels", &policy.levels, &["open", "cohort", "sealed"][..]),
            ("trainers", &policy.trainers, &["softmax", "mlp", "custom"][..]),
        ] {
            if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
                return Err(wrong(key, format!("{name:?} is not known here")));
            }
            if names.is_empty() {
                return Err(wrong(key, "the list is empty, so that every task would be refused".to_owned()));
            }
        }
        if policy.min_group < MIN_GROUP {
            return Err(wrong("min_group", format!("{} is too few to hide an update in", policy.min_group)));
        }
        if policy.max_clip <= Fixed::from_integer(0) {
            return Err(wrong("max_clip", format!("{} would refuse every task", policy.max_clip)));
        }
        if policy.max_elements == 0 {
            return Err(wrong("max_elements", "0 would refuse every task".to_owned()));
        }
        if let Some(issuer) = policy.trusted_issuers.iter().find(|issuer| issuer.parse::<AccountId>().is_err()) {
            return Err(wrong("trusted_issuers", format!("{issuer:?} is not an address")));
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

    fn parse(text: &str) -> Result<Policy, String> {
        Policy::parse("policy.toml", text).map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn an_empty_file_is_the_default_and_a_line_changes_one_thing() {
        assert_eq!(parse("").unwrap(), Policy::default());
        for clip in ["\"2.5\"", "2.5"] {
            let policy = parse(&format!("min_group = 7\nmax_clip = {clip}")).unwrap();
            let expected = Policy { min_group: 7, max_clip: Fixed::ratio(5, 2), ..Policy::default() };
            assert_eq!(policy, expected);
        }
    }

    #[test]
    fn a_mistake_is_named_by_file_line_and_key_with_what_is_wrong_and_what_would_be_right() {
        for (text, place, what, right) in [
            ("min_group = 3\nmin_gruop = 4", "line 2, column 1: ", "unknown field `min_gruop`", "`min_group`"),
            (
                "\nlevels = [\"secret\"]",
                "line 2, column 10: levels: ",
                "\"secret\" is not known",
                "levels = [\"open\"]",
            ),
            ("levels = \"open\"", "line 1, column 10: levels: ", "expected a sequence", "levels = [\"open\"]"),
            ("levels = [\n  \"open\",\n  3]", "line 3, column 3: levels: ", "expected a string", "levels = [\"open\"]"),
            ("trainers = []", "line 1, column 12: trainers: ", "empty", "trainers = [\"softmax\"]"),
            ("min_group = -1", "line 1, column 13: min_group: ", "-1", "min_group = 3"),
            ("min_group = 2", "line 1, column 13: min_group: ", "too few", "from 3 on"),
            ("max_clip = \"much\"", "line 1, column 12: max_clip: ", "\"much\"", "max_clip = 2.5"),
            ("max_clip = -1", "line 1, column 12: max_clip: ", "refuse every task", "above 0"),
            ("max_elements = 0", "line 1, column 16: max_elements: ", "refuse every task", "above 0"),
            ("trusted_issuers = [\"bauta1x\"]", "line 1, column 19: trusted_issuers: ", "no", "list of addresses"),
            ("min_group", "line 1, column ", "", ""),
            ("min_group = 3\nmin_group = 4", "line 2, column 1", "duplicate key", ""),
        ] {
            let error = parse(text).unwrap_err();
            for part in ["policy.toml, ", place, what, right] {
                assert!(error.contains(part), "{text}: {part:?} in {error}");
            }
            assert_eq!(error.lines().count(), 1, "{error}");
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
