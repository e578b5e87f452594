//! The first pass of a rule that looks at whole vectors: squared norms, or squared distances between groups, added up run by run.
//!
//! Canonical bytes, kept between blocks:
//! ```text
//! lp("bauta/1/survey") | rule byte (1 mean, 2 median, 3 trimmed_mean, 4 multi_krum, 5 clipped_mean) | scale_bits byte
//! be32 groups | be64 coordinates | be64 coordinates seen
//! then 32 bytes big endian each: multi_krum the squared distance of every pair of groups, (0, 1), (0, 2), .., (1, 2), ..;
//! clipped_mean the squared norm of every group; the others nothing
//! ```
//! Squares are of units of `2^-32`, exact.

use super::coordinates::group_means;
use super::plan::Plan;
use super::{check_run, Combination, CombineError, GroupSum};
use crate::fixed::FRACTION_BITS;
use crate::model::MAX_ELEMENTS;
use crate::pass::{Declared, Pass, PassError};
use crate::sums::{add_terms, squared_distance};

/// The tag in front of a survey's canonical bytes.
pub const SURVEY_TAG: &str = "bauta/1/survey";

/// Why a survey's bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurveyError {
    /// The bytes.
    #[error("the survey cannot be read: {0}")]
    Bytes(#[from] PassError),
    /// What cannot be surveyed at all.
    #[error(transparent)]
    Combine(#[from] CombineError),
}

/// What the first pass has found so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    pub(super) rule: Combination,
    pub(super) pass: Pass,
}

impl Survey {
    /// Before the first run of `groups` vectors of `elements` coordinates.
    ///
    /// # Errors
    /// What [`Combination::check_groups`] finds; [`CombineError::ScaleBits`], [`CombineError::TooLong`].
    pub fn new(rule: Combination, groups: usize, elements: u64, scale_bits: u32) -> Result<Self, CombineError> {
        rule.check_groups(groups)?;
        check_vectors(elements, scale_bits)?;
        let (kind, sums) = (rule.code(), count_of_sums(rule, groups));
        Ok(Self { rule, pass: Pass::new(Declared { tag: SURVEY_TAG, kind, scale_bits, groups, elements, sums }) })
    }

    /// The first coordinate that was not surveyed yet. A rule without a survey awaits none.
    #[must_use]
    pub fn next(&self) -> u64 {
        if self.rule.needs_survey() {
            self.pass.seen
        } else {
            self.pass.of.elements
        }
    }

    /// Whether all coordinates were surveyed, or need not be.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.next() == self.pass.of.elements
    }

    /// Adds the run of all groups that begins at coordinate `first`. However the coordinates are divided into runs, the survey becomes the
    /// same.
    ///
    /// # Errors
    /// [`CombineError::Order`] unless it is the next; what is wrong with the run. Nothing is added then.
    pub fn add(&mut self, first: u64, run: &[GroupSum<'_>]) -> Result<(), CombineError> {
        let of = self.pass.of;
        let length = check_run(run, of.groups)?;
        let end = check_order(self.next(), of.elements, first, length)?;
        let means = group_means(run, FRACTION_BITS - of.scale_bits);
        match self.rule {
            Combination::MultiKrum { .. } => {
                let pairs =
                    means.iter().enumerate().flat_map(|(place, a)| means.iter().skip(place + 1).map(move |b| (a, b)));
                for (sum, (a, b)) in self.pass.sums.iter_mut().zip(pairs) {
                    add_terms(sum, a.iter().zip(b).map(|(&a, &b)| squared_distance(a, b)));
                }
            }
            Combination::ClippedMean { .. } => {
                for (sum, mean) in self.pass.sums.iter_mut().zip(&means) {
                    add_terms(sum, mean.iter().map(|&value| squared_distance(value, 0)));
                }
            }
            // They await no coordinate, so that only an empty run comes here.
            Combination::Mean | Combination::Median | Combination::TrimmedMean { .. } => return Ok(()),
        }
        self.pass.seen = end;
        Ok(())
    }

    /// What follows from it.
    ///
    /// # Errors
    /// [`CombineError::Incomplete`].
    pub fn plan(&self) -> Result<Plan, CombineError> {
        if !self.is_complete() {
            return Err(CombineError::Incomplete { next: self.pass.seen, elements: self.pass.of.elements });
        }
        Ok(Plan::of(self))
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.pass.encode()
    }

    /// Reads canonical bytes of a survey that [`Survey::new`] made with the same arguments. Every accepted byte string is what
    /// [`Survey::encode`] gives back.
    ///
    /// # Errors
    /// A [`SurveyError`] that says which rule the bytes break.
    pub fn decode(
        rule: Combination,
        groups: usize,
        elements: u64,
        scale_bits: u32,
        bytes: &[u8],
    ) -> Result<Self, SurveyError> {
        let empty = Self::new(rule, groups, elements, scale_bits)?;
        let pass = Pass::decode(empty.pass.of, bytes)?;
        if !rule.needs_survey() && pass.seen > 0 {
            return Err(PassError::Beyond { seen: pass.seen, elements: 0 }.into());
        }
        Ok(Self { rule, pass })
    }
}

/// Whether vectors can be looked at: their length, and the unit of their coordinates.
pub(crate) fn check_vectors(elements: u64, scale_bits: u32) -> Result<(), CombineError> {
    if scale_bits > FRACTION_BITS {
        return Err(CombineError::ScaleBits(scale_bits));
    }
    if elements > MAX_ELEMENTS {
        return Err(CombineError::TooLong(elements));
    }
    Ok(())
}

/// Where a run ends that begins at `first`, if it is the next and lies within the vector.
pub(crate) fn check_order(next: u64, elements: u64, first: u64, length: usize) -> Result<u64, CombineError> {
    let end = first.saturating_add(length as u64);
    if first == next && end <= elements {
        Ok(end)
    } else {
        Err(CombineError::Order { first, end, next, elements })
    }
}

fn count_of_sums(rule: Combination, groups: usize) -> usize {
    match rule {
        Combination::MultiKrum { .. } => groups * groups.saturating_sub(1) / 2,
        Combination::ClippedMean { .. } => groups,
        Combination::Mean | Combination::Median | Combination::TrimmedMean { .. } => 0,
    }
}
