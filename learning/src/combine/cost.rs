//! What each step counts in a block's budget, to be charged before it is done. The unit is that of [`crate::optimiser::Optimiser::cost`],
//! about one division of 128 bits; two comparisons of a sort, or four products that are added up, count as one.

use super::Combination;

impl Combination {
    /// Operations of [`super::Survey::add`] for a run; 0 without a survey.
    #[must_use]
    pub const fn survey_cost(&self, groups: u64, coordinates: u64) -> u64 {
        let each = match self {
            Self::Mean | Self::Median | Self::TrimmedMean { .. } => return 0,
            // A division a group, a product a pair.
            Self::MultiKrum { .. } => groups.saturating_add(pairs(groups).div_ceil(4)),
            Self::ClippedMean { .. } => groups.saturating_add(groups.div_ceil(4)),
        };
        each.saturating_mul(coordinates)
    }

    /// Operations of [`super::Survey::plan`]; 0 without a survey.
    #[must_use]
    pub const fn plan_cost(&self, groups: u64) -> u64 {
        match self {
            Self::Mean | Self::Median | Self::TrimmedMean { .. } => 0,
            // Every group sorts its distances, of 256 bits each; then the groups are sorted, which may compare many of these.
            Self::MultiKrum { .. } => pairs(groups).saturating_mul(4 * sorting(groups)).saturating_add(groups),
            // A square root of 256 bits.
            Self::ClippedMean { .. } => groups.saturating_mul(500),
        }
    }

    /// Operations of [`super::Plan::combine`] for a run.
    #[must_use]
    pub const fn combine_cost(&self, groups: u64, coordinates: u64) -> u64 {
        let each = match self {
            Self::Mean => groups.div_ceil(4).saturating_add(1),
            Self::Median | Self::TrimmedMean { .. } => {
                groups.saturating_mul(2 + sorting(groups)).div_ceil(2).saturating_add(1)
            }
            Self::MultiKrum { selected, .. } => *selected as u64 + 1,
            // Every group may be too long: a division for its mean, and a longer one to shrink it.
            Self::ClippedMean { .. } => groups.saturating_mul(3).saturating_add(1),
        };
        each.saturating_mul(coordinates)
    }
}

const fn pairs(groups: u64) -> u64 {
    groups.saturating_mul(groups.saturating_sub(1)) / 2
}

/// Comparisons a value when so many are sorted: the logarithm, rounded up.
const fn sorting(values: u64) -> u64 {
    (u64::BITS - values.leading_zeros()) as u64
}
