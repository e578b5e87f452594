//! The tails of task creation: how likely a committee or a partition fails the task's providers, for the shares that the task declares.
//!
//! Exact, in integers of any length; a task is refused with the numbers (protocol.md, "An epoch" 2 and 5):
//! - Above 96 providers seats are drawn by bond with replacement. That too few of them answer honestly is a binomial tail, at most 1 %;
//!   that enough are corrupt to unmask alone is another, at most `2^-40`.
//! - At every number of dealers that the partition may divide, the tail of a hypergeometric distribution, below `10^-6`: that
//!   `min_group - 1` others of an honest provider's group are corrupt, so that censorship of the rest would leave it alone among them.
//!
//! Up to 96 providers hold one seat each, and nothing is sampled: see [`Terms::check_seats`](crate::terms::Terms::check_seats).

mod groups;
mod probability;
mod seats;
#[cfg(test)]
mod tests;

pub use groups::{largest_group, Alone, Groups, ALONE_ONE_IN};
pub use probability::Probability;
pub use seats::{draw, Draw, CORRUPT_ONE_IN, DRAWN_SEATS, DRAWN_THRESHOLD, UNABLE_ONE_IN};

use crate::error::Error;
use bauta_schema::training::v1::Cohort;
use bauta_secagg::encoding::{MAX_PROVIDERS, MAX_SEATS};

/// Shares are millionths.
pub const MILLION: u32 = 1_000_000;
/// Corrupt share of bond where a task declares none: a quarter.
pub const CORRUPT_BOND_PPM: u32 = 250_000;
/// Share of honest seats that are offline where a task declares none: 5 %.
pub const OFFLINE_SEATS_PPM: u32 = 50_000;
/// Corrupt share of heads where a task declares none: a fifth.
pub const CORRUPT_HEADS_PPM: u32 = 200_000;

/// What a task declares about those who take part, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// Corrupt share of bond.
    pub corrupt_bond_ppm: u32,
    /// Share of the honest seats that do not answer.
    pub offline_seats_ppm: u32,
    /// Corrupt share of heads; 0 in a task that trusts all of its providers not to collude.
    pub corrupt_heads_ppm: u32,
}

impl Declared {
    /// What a task declares, with the defaults.
    pub fn of(cohort: &Cohort) -> Self {
        Self {
            corrupt_bond_ppm: cohort.corrupt_bond_ppm.unwrap_or(CORRUPT_BOND_PPM),
            offline_seats_ppm: cohort.offline_seats_ppm.unwrap_or(OFFLINE_SEATS_PPM),
            corrupt_heads_ppm: cohort.corrupt_heads_ppm.unwrap_or(CORRUPT_HEADS_PPM),
        }
    }

    /// The declared shares by their names in the settings.
    pub fn named(&self) -> [(&'static str, u32); 3] {
        [
            ("corrupt_bond_ppm", self.corrupt_bond_ppm),
            ("offline_seats_ppm", self.offline_seats_ppm),
            ("corrupt_heads_ppm", self.corrupt_heads_ppm),
        ]
    }
}

/// What the declared shares lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odds {
    /// The shares.
    pub declared: Declared,
    /// Of drawn seats; `None` if the task never has so many providers that seats are drawn.
    pub draw: Option<Draw>,
    /// Of the partition, where they are worst.
    pub alone: Alone,
    min_group: u32,
}

/// The odds of a task. What it costs is bounded whatever the numbers are, and [`operations`] says how much.
pub fn odds(cohort: &Cohort) -> Odds {
    let declared = Declared::of(cohort);
    Odds {
        declared,
        draw: has_draw(cohort).then(|| draw(&declared)),
        alone: groups(cohort).worst(),
        min_group: cohort.min_group,
    }
}

/// Operations of [`odds`] at most.
pub fn operations(cohort: &Cohort) -> u64 {
    let draw = if has_draw(cohort) { seats::OPERATIONS } else { 0 };
    draw.saturating_add(groups(cohort).operations())
}

fn has_draw(cohort: &Cohort) -> bool {
    cohort.max_providers as usize > MAX_SEATS
}

/// An epoch goes on with `group_size` dealers, fewer than those that had to enrol.
fn groups(cohort: &Cohort) -> Groups {
    Groups {
        fewest: cohort.group_size,
        most: cohort.max_providers.min(MAX_PROVIDERS as u32),
        group_size: cohort.group_size,
        min_group: cohort.min_group,
        corrupt_heads_ppm: Declared::of(cohort).corrupt_heads_ppm,
    }
}

impl Odds {
    /// Why a task with these odds is refused; empty if it is not.
    pub fn refusals(&self) -> Vec<Error> {
        let mut refusals = Vec::new();
        let Declared { corrupt_bond_ppm, offline_seats_ppm, corrupt_heads_ppm } = self.declared;
        if let Some(draw) = self.draw.as_ref().filter(|draw| draw.unable.is_above(UNABLE_ONE_IN)) {
            refusals.push(Error::Settings(format!(
                "of {DRAWN_SEATS} drawn seats fewer than {DRAWN_THRESHOLD} would be honest and online with probability {}; at most 1 % is \
                 accepted: declare less than cohort.corrupt_bond_ppm {corrupt_bond_ppm} and cohort.offline_seats_ppm {offline_seats_ppm}",
                draw.unable
            )));
        }
        if let Some(draw) = self.draw.as_ref().filter(|draw| draw.corrupt.is_above(CORRUPT_ONE_IN)) {
            refusals.push(Error::Settings(format!(
                "of {DRAWN_SEATS} drawn seats {DRAWN_THRESHOLD} or more would be corrupt with probability {} (about {}); at most 2^-40 is \
                 accepted: declare less than cohort.corrupt_bond_ppm {corrupt_bond_ppm}",
                draw.corrupt.power_of_two(),
                draw.corrupt
            )));
        }
        let Alone { dealers, largest_group, corrupt, probability } = &self.alone;
        if !probability.is_below(ALONE_ONE_IN) {
            refusals.push(Error::GroupTooSmall(format!(
                "of {dealers} dealers with {corrupt} corrupt ones, {} or more corrupt ones would be in a provider's group of {largest_group} \
                 with probability {probability}; it must be below 1e-6: raise cohort.min_group above {}, or declare less than \
                 cohort.corrupt_heads_ppm {corrupt_heads_ppm}, 0 if all providers are trusted not to collude",
                self.min_group.saturating_sub(1),
                self.min_group
            )));
        }
        refusals
    }
}
