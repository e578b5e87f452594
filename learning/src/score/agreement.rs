//! Agreement with the median direction, one pass over all coordinates, run by run.
//!
//! Canonical bytes, kept between blocks, as those of [`crate::combine::Survey`]:
//! ```text
//! lp("bauta/1/agreement") | byte 2 (the median's) | scale_bits byte | be32 groups | be64 coordinates | be64 coordinates seen
//! then 32 bytes big endian each: the median's squared norm; the groups' squared norms; then, group by group, the sum of the products
//! with the median that are positive, and that of those that are negative, without its sign
//! ```
//! Norms and products are below `2^152`, like every sum of products of two means ([`crate::combine`]).

use crypto_bigint::U256;

use crate::combine::coordinates::{group_means, median_trim, trimmed};
use crate::combine::survey::{check_order, check_vectors};
use crate::combine::{check_run, Combination, CombineError, GroupSum, SurveyError};
use crate::fixed::{saturate, Fixed, FRACTION_BITS, ONE};
use crate::pass::{Declared, Pass};
use crate::sums::{add_terms, quotient, root_up, squared_distance};

/// The tag in front of its canonical bytes.
pub const AGREEMENT_TAG: &str = "bauta/1/agreement";

/// What has been found of the groups' agreement so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    pass: Pass,
}

impl Agreement {
    /// Before the first run of `groups` vectors of `elements` coordinates.
    ///
    /// # Errors
    /// [`CombineError::NoGroups`], [`CombineError::TooManyGroups`], [`CombineError::ScaleBits`], [`CombineError::TooLong`].
    pub fn new(groups: usize, elements: u64, scale_bits: u32) -> Result<Self, CombineError> {
        Combination::Median.check_groups(groups)?;
        check_vectors(elements, scale_bits)?;
        let (kind, sums) = (Combination::Median.code(), 1 + 3 * groups);
        let declared = Declared { tag: AGREEMENT_TAG, kind, scale_bits, groups, elements, sums };
        Ok(Self { pass: Pass::new(declared) })
    }

    /// The first coordinate that was not looked at yet.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.pass.seen
    }

    /// Adds the run of all groups that begins at coordinate `first`. However the coordinates are divided into runs, the scores become the
    /// same.
    ///
    /// # Errors
    /// [`CombineError::Order`] unless it is the next; what is wrong with the run. Nothing is added then.
    pub fn add(&mut self, first: u64, run: &[GroupSum<'_>]) -> Result<(), CombineError> {
        let of = self.pass.of;
        let length = check_run(run, of.groups)?;
        let end = check_order(self.pass.seen, of.elements, first, length)?;
        let means = group_means(run, FRACTION_BITS - of.scale_bits);
        let median = trimmed(&means, length, median_trim(of.groups));
        let (own, rest) = self.pass.sums.split_at_mut(1);
        let (norms, along) = rest.split_at_mut(of.groups);
        let squares = |vector: &[i64], sum: &mut U256| {
            add_terms(sum, vector.iter().map(|&value| squared_distance(value, 0)));
        };
        own.iter_mut().for_each(|sum| squares(&median, sum));
        for ((mean, norm), along) in means.iter().zip(norms).zip(along.chunks_exact_mut(2)) {
            squares(mean, norm);
            for (sum, negative) in along.iter_mut().zip([false, true]) {
                let products = mean.iter().zip(&median).filter(|(a, b)| (a.signum() * b.signum() < 0) == negative);
                add_terms(sum, products.map(|(a, b)| u128::from(a.unsigned_abs()) * u128::from(b.unsigned_abs())));
            }
        }
        self.pass.seen = end;
        Ok(())
    }

    /// Every group's cosine with the median, in `-1..=1`, rounded once (half to even) after norms that are rounded up at the 32nd bit behind
    /// the point; 0 where the group or the median is all zero.
    ///
    /// # Errors
    /// [`CombineError::Incomplete`].
    pub fn scores(&self) -> Result<Vec<Fixed>, CombineError> {
        let Declared { elements, groups, .. } = self.pass.of;
        if self.pass.seen != elements {
            return Err(CombineError::Incomplete { next: self.pass.seen, elements });
        }
        let (own, rest) = self.pass.sums.split_at(1);
        let (norms, along) = rest.split_at(groups);
        let median = own.first().map_or(0, length);
        Ok(norms.iter().zip(along.chunks_exact(2)).map(|(norm, along)| cosine(along, length(norm), median)).collect())
    }

    /// Operations of [`Agreement::add`] for a run, in the unit of [`Combination::survey_cost`]: the median, then three products a group.
    #[must_use]
    pub const fn cost(groups: u64, coordinates: u64) -> u64 {
        Combination::Median.combine_cost(groups, coordinates).saturating_add(groups.saturating_mul(coordinates))
    }

    /// Operations of [`Agreement::scores`]: a square root and a division of 256 bits a group.
    #[must_use]
    pub const fn scores_cost(groups: u64) -> u64 {
        groups.saturating_add(1).saturating_mul(500)
    }

    /// The canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.pass.encode()
    }

    /// Reads canonical bytes of what [`Agreement::new`] made with the same arguments.
    ///
    /// # Errors
    /// A [`SurveyError`] that says which rule the bytes break.
    pub fn decode(groups: usize, elements: u64, scale_bits: u32, bytes: &[u8]) -> Result<Self, SurveyError> {
        let empty = Self::new(groups, elements, scale_bits)?;
        Ok(Self { pass: Pass::decode(empty.pass.of, bytes)? })
    }
}

/// The length of a vector in units of `2^-64`, rounded up, from its squared norm in units of `2^-64`: below `2^109`.
fn length(norm: &U256) -> u128 {
    // Below 2^160, as every sum that is read or added up; shifted below 2^224.
    root_up(&norm.shl_vartime(64))
}

/// `(positive - negative) / (a b)`; the lengths being rounded up, it is at most 1 (Cauchy and Schwarz).
fn cosine(along: &[U256], a: u128, b: u128) -> Fixed {
    let (Some(positive), Some(negative)) = (along.first(), along.last()) else {
        return Fixed::ZERO;
    };
    let lengths = U256::from_u128(a).wrapping_mul(&U256::from_u128(b));
    let (difference, sign) =
        if positive >= negative { (positive.wrapping_sub(negative), 1) } else { (negative.wrapping_sub(positive), -1) };
    // In units of 2^-64 over ones of 2^-128, and the result in units of 2^-32: shifted by 96.
    let cosine = quotient(&difference, 96, &lengths).min(u128::from(ONE.unsigned_abs()));
    Fixed::from_bits(sign * saturate(cosine.cast_signed()))
}
