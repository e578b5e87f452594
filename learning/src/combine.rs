//! From the groups' sums to one update in the model's fixed point: the mean, or a rule that a hostile minority of groups cannot bend.
//!
//! # What is compared
//! The robust rules compare each group's **mean** `v_g = U_g / w_g` in the model's units of `2^-32`: every coordinate is computed exactly,
//! rounded once (half to even) and saturated ([`group_mean`]). From there on a rule sees integers only.
//!
//! # Weights
//! A group's weight makes its own mean, and counts in [`Combination::Mean`] and [`Combination::ClippedMean`], as in federated
//! averaging. Median, trimmed mean and multi-Krum count every group once, as their papers do: their guarantees are about the *number*
//! of hostile groups, and weights are what their members declare.
//!
//! # Groups that were voided
//! A rule's parameters say how many hostile groups it bears. When so many groups were voided that they no longer fit
//! ([`Combination::fewest_groups`]), there is no combined update: [`CombineError::TooFewGroups`], which aborts the round. Falling back to
//! the largest trim that fits would let whoever voids groups, for the price of silence, choose a rule that bears fewer than the
//! task declared; an aborted round moves nothing. A task leaves room by declaring fewer hostile groups than its partition would allow.
//!
//! # Runs of coordinates
//! Work goes run by run, so that a block's budget bounds it. Mean, median and trimmed mean are coordinate-wise: the result of two
//! neighbouring runs is the concatenation of their results. Multi-Krum and clipping need a first pass over all coordinates, the
//! [`Survey`], whose canonical bytes are kept between blocks; its [`Plan`] then combines any run. What each step counts in a budget is
//! known before it is done ([`Combination::survey_cost`] and its neighbours).

pub(crate) mod coordinates;
mod cost;
mod plan;
pub(crate) mod survey;

use ndarray::ArrayView1;

pub use coordinates::group_mean;
pub use plan::Plan;
pub use survey::{Survey, SurveyError, SURVEY_TAG};

pub use crate::pass::PassError;

use crate::fixed::{Fixed, FRACTION_BITS};
use crate::model::MAX_ELEMENTS;

/// Most groups of a round: keeps every total below `2^(63 + 20 + 32)`.
const MAX_GROUPS: usize = 1 << 20;
/// Most groups that multi-Krum compares, each with each.
pub const MAX_COMPARED_GROUPS: usize = 512;

/// Why sums could not be combined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// Nothing to combine.
    #[error("no group is left to combine; a round needs at least one")]
    NoGroups,
    /// A group whose survivors weigh nothing.
    #[error("group {0} has a weight of 0; every survivor weighs at least 1")]
    NoWeight(usize),
    /// Runs of different lengths.
    #[error("group {group} has {found} coordinates where group 0 has {expected}")]
    Length {
        /// The group, by its place.
        group: usize,
        /// Coordinates of group 0.
        expected: usize,
        /// Coordinates of this one.
        found: usize,
    },
    /// The encoding's unit is finer than the model's.
    #[error("scale_bits is {0}; at most {FRACTION_BITS} are kept by the model's fixed point")]
    ScaleBits(u32),
    /// More groups than any round has.
    #[error("{0} groups are more than the 2^20 that can be combined")]
    TooManyGroups(usize),
    /// More weight than 64 bits hold.
    #[error("the groups' weights add up to more than 2^63")]
    WeightOverflow,
    /// A trim that is none, or of more groups than there can be.
    #[error("trim is {0}; it must be between 1 and 2^19 groups at each end (for a trim of 0, take the mean)")]
    Trim(u32),
    /// More hostile groups than multi-Krum can compare.
    #[error("hostile is {0}; at most {MAX_HOSTILE} of the {MAX_COMPARED_GROUPS} groups that can be compared may be")]
    Hostile(u32),
    /// A selection of none, or of more groups than can be compared.
    #[error("selected is {0}; it must be between 1 and {MAX_COMPARED_GROUPS} groups")]
    Selected(u32),
    /// A norm that leaves nothing, or that a saturated mean can have.
    #[error("the norm to which groups are clipped is {0}; it must be above 0 and below 2147483648")]
    Norm(Fixed),
    /// Too few groups for the rule's parameters, from the start or because groups were voided.
    #[error("{rule} needs at least {needed} groups with these parameters, but there are {found}")]
    TooFewGroups {
        /// The rule.
        rule: &'static str,
        /// [`Combination::fewest_groups`].
        needed: u64,
        /// Groups that are left.
        found: u64,
    },
    /// More groups than can be compared in pairs.
    #[error("{0} groups are more than the {MAX_COMPARED_GROUPS} that multi_krum compares")]
    TooManyCompared(usize),
    /// A vector longer than any model.
    #[error("a vector of {0} coordinates is longer than any model, which has at most {MAX_ELEMENTS}")]
    TooLong(u64),
    /// Another number of groups than surveyed.
    #[error("the survey is of {expected} groups, but the run is of {found}")]
    GroupCount {
        /// Of the survey.
        expected: usize,
        /// Of the run.
        found: usize,
    },
    /// A run that is not the next, or goes beyond the vector.
    #[error("coordinates {first} to {end} were given to a survey that awaits {next} to {elements}")]
    Order {
        /// First coordinate of the run.
        first: u64,
        /// One past its last.
        end: u64,
        /// The first that was not surveyed yet.
        next: u64,
        /// Coordinates of the whole vector.
        elements: u64,
    },
    /// A survey that has not seen all coordinates.
    #[error("the survey has seen {next} of {elements} coordinates; all are needed")]
    Incomplete {
        /// Coordinates seen.
        next: u64,
        /// All of them.
        elements: u64,
    },
}

/// `2 f + 3 <= 512`.
const MAX_HOSTILE: u32 = (MAX_COMPARED_GROUPS as u32 - 3) / 2;

/// A run of coordinates of one group's unmasked sum `U = sum w_i u_i`, centred, range already checked.
#[derive(Clone, Copy, Debug)]
pub struct GroupSum<'a> {
    /// The run.
    pub sum: ArrayView1<'a, i64>,
    /// Sum of the survivors' weights.
    pub weight: u64,
}

impl<'a> GroupSum<'a> {
    /// From a slice.
    #[must_use]
    pub fn new(sum: &'a [i64], weight: u64) -> Self {
        Self { sum: ArrayView1::from(sum), weight }
    }
}

/// How groups become one update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Combination {
    /// `sum_g U_g / sum_g w_g`: each survivor counts by its weight, whatever group it is in. One hostile group moves it anywhere.
    #[default]
    Mean,
    /// The coordinate-wise median of the groups' means; of an even number, the mean of the two in the middle (Yin, Chen, Ramchandran and
    /// Bartlett 2018, Definition 1). While fewer than half of the groups are hostile, every coordinate lies between the least and the
    /// largest of the honest ones.
    Median,
    /// In every coordinate the mean of the groups' means without the `trim` least and the `trim` largest (Yin et al. 2018, Definition 2,
    /// where `trim` is `beta m`). While at most `trim` groups are hostile, every coordinate lies between the least and the largest of the
    /// honest ones.
    TrimmedMean {
        /// Groups left out at each end; the rule bears as many hostile ones.
        trim: u32,
    },
    /// The mean of the `selected` groups whose means lie closest to their neighbours: a group's score is the sum of its squared
    /// distances to the `n - f - 2` nearest others, and the least scores are selected (Blanchard, El Mhamdi, Guerraoui and Stainer 2017,
    /// Section 4; multi-Krum in its experiments; `2f + 2 < n`). `selected` is at most `n - f - 2`, so that all who are selected lie near
    /// honest ones (Damaskinos et al. 2019); 1 is Krum itself.
    ///
    /// Of equal scores the one with the nearer remaining neighbours counts as less, then the first group, the paper's rule.
    MultiKrum {
        /// `f`: hostile groups that the rule bears.
        hostile: u32,
        /// `m`: groups that are averaged, each counting once.
        selected: u32,
    },
    /// The mean by weight, of groups whose means were first shrunk to an L2 norm: `sum_g w_g v_g / max(1, |v_g| / norm) / sum_g w_g`
    /// (Sun, Kairouz, Suresh and McMahan 2019, norm thresholding of updates). One hostile group of weight `w_g` moves the result by at most
    /// `norm * w_g / sum w`. If no group exceeds the norm the result is that of [`Combination::Mean`], to the last bit.
    ClippedMean {
        /// Largest L2 norm of a group's mean. Updates are clipped to [`crate::encode::Encoding::clip`] before, and a mean is never longer
        /// than the longest update.
        norm: Fixed,
    },
}

impl Combination {
    /// As it is called in settings and errors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Median => "median",
            Self::TrimmedMean { .. } => "trimmed_mean",
            Self::MultiKrum { .. } => "multi_krum",
            Self::ClippedMean { .. } => "clipped_mean",
        }
    }

    /// Its number in a survey's canonical bytes.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Mean => 1,
            Self::Median => 2,
            Self::TrimmedMean { .. } => 3,
            Self::MultiKrum { .. } => 4,
            Self::ClippedMean { .. } => 5,
        }
    }

    /// Whether a first pass over all coordinates is needed. If not, a run can be combined without any other.
    #[must_use]
    pub const fn needs_survey(&self) -> bool {
        matches!(self, Self::MultiKrum { .. } | Self::ClippedMean { .. })
    }

    /// The parameters by themselves.
    ///
    /// # Errors
    /// [`CombineError::Trim`], [`CombineError::Hostile`], [`CombineError::Selected`], [`CombineError::Norm`].
    pub fn check(&self) -> Result<(), CombineError> {
        match *self {
            Self::Mean | Self::Median => Ok(()),
            Self::TrimmedMean { trim } if trim == 0 || trim as usize > MAX_GROUPS / 2 => Err(CombineError::Trim(trim)),
            Self::MultiKrum { hostile, .. } if hostile > MAX_HOSTILE => Err(CombineError::Hostile(hostile)),
            Self::MultiKrum { selected, .. } if selected == 0 || selected as usize > MAX_COMPARED_GROUPS => {
                Err(CombineError::Selected(selected))
            }
            // A coordinate that was saturated alone has a norm of `MAX`, and must be shrunk like any other that is too long.
            Self::ClippedMean { norm } if norm <= Fixed::ZERO || norm.to_bits() == crate::fixed::MAX => {
                Err(CombineError::Norm(norm))
            }
            Self::TrimmedMean { .. } | Self::MultiKrum { .. } | Self::ClippedMean { .. } => Ok(()),
        }
    }

    /// The fewest groups that the parameters fit: 1, for a trimmed mean `2 trim + 1`, for multi-Krum the larger of `2f + 3` and
    /// `f + m + 2`.
    #[must_use]
    pub fn fewest_groups(&self) -> u64 {
        match *self {
            Self::Mean | Self::Median | Self::ClippedMean { .. } => 1,
            Self::TrimmedMean { trim } => 2 * u64::from(trim) + 1,
            Self::MultiKrum { hostile, selected } => {
                let (hostile, selected) = (u64::from(hostile), u64::from(selected));
                (2 * hostile + 3).max(hostile + selected + 2)
            }
        }
    }

    /// Whether so many groups can be combined: asked for the groups of a partition when a task is created or an epoch begins, and for those
    /// that were not voided when a round ends.
    ///
    /// # Errors
    /// What [`Combination::check`] finds; [`CombineError::NoGroups`], [`CombineError::TooFewGroups`], [`CombineError::TooManyGroups`],
    /// [`CombineError::TooManyCompared`].
    pub fn check_groups(&self, groups: usize) -> Result<(), CombineError> {
        self.check()?;
        if groups == 0 {
            return Err(CombineError::NoGroups);
        }
        if groups > MAX_GROUPS {
            return Err(CombineError::TooManyGroups(groups));
        }
        if matches!(self, Self::MultiKrum { .. }) && groups > MAX_COMPARED_GROUPS {
            return Err(CombineError::TooManyCompared(groups));
        }
        let (needed, found) = (self.fewest_groups(), groups as u64);
        if found < needed {
            return Err(CombineError::TooFewGroups { rule: self.name(), needed, found });
        }
        Ok(())
    }

    /// The combined update in units of `2^-32`, from the whole vectors of all groups. For a rule without a survey, any run of coordinates
    /// may stand for the whole; one with a survey is given to a [`Survey`] and its [`Plan`] where it does not fit in a block.
    ///
    /// # Errors
    /// A [`CombineError`]; none depends on the values of the sums.
    pub fn combine(self, groups: &[GroupSum<'_>], scale_bits: u32) -> Result<Vec<i64>, CombineError> {
        let elements = groups.first().map_or(0, |group| group.sum.len()) as u64;
        let mut survey = Survey::new(self, groups.len(), elements, scale_bits)?;
        if self.needs_survey() {
            survey.add(0, groups)?;
        }
        survey.plan()?.combine(groups)
    }
}

/// The length of a run, if it is one of so many groups.
pub(crate) fn check_run(groups: &[GroupSum<'_>], expected: usize) -> Result<usize, CombineError> {
    let length = groups.first().ok_or(CombineError::NoGroups)?.sum.len();
    if groups.len() != expected {
        return Err(CombineError::GroupCount { expected, found: groups.len() });
    }
    for (place, group) in groups.iter().enumerate() {
        if group.weight == 0 {
            return Err(CombineError::NoWeight(place));
        }
        if group.sum.len() != length {
            return Err(CombineError::Length { group: place, expected: length, found: group.sum.len() });
        }
    }
    Ok(length)
}
