//! Who does what when: derived from the options alone, never from timing.

use std::collections::BTreeSet;

use crate::task_file::group_of;

/// What a run was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Data providers.
    pub providers: u32,
    /// Rounds to finish.
    pub rounds: u32,
    /// Providers that check in and then fall silent in both roles in the middle round.
    pub drop: u32,
}

/// Sizes of the task's one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohort {
    /// Target size g: `g <= n < 2g`.
    pub group_size: u32,
    /// Fewest survivors whose sum may be revealed.
    pub min_group: u32,
}

/// What one provider is scripted to do. Providers without a role are honest and always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Checks in for the round, then is never heard of again, as if its machine had died.
    GoesSilent {
        /// The round.
        round: u64,
    },
    /// Its seat does not answer in the round; everything else it does.
    SeatSilent {
        /// The round.
        round: u64,
    },
    /// Signs two different headers for the round: one goes to the chain, the other to a peer, which reports it.
    SignsTwice {
        /// The round.
        round: u64,
    },
    /// Checks in for the round, falls silent in both roles, and comes back with the next round.
    Drops {
        /// The round.
        round: u64,
    },
}

/// The script of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// What was asked for.
    pub size: Size,
    /// The task's group.
    pub cohort: Cohort,
    /// Role of each provider, by index; `None` is honest.
    pub roles: Vec<Option<Role>>,
}

/// Why a run cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Masks need company.
    #[error("--providers is {0}; a round needs between 3 and 96 providers")]
    Providers(u32),
    /// Nothing to do.
    #[error("--rounds is 0; at least one round is needed")]
    Rounds,
    /// Everybody gone.
    #[error(
        "--drop is {drop}; of {providers} providers at most {most} can drop out, since {scripted} misbehave already"
    )]
    Drop {
        /// Asked for.
        drop: u32,
        /// Providers.
        providers: u32,
        /// Most that can.
        most: u32,
        /// Providers with another role.
        scripted: u32,
    },
}

impl Cohort {
    /// That of a task's file for so many providers: `g = 8` and `min_group = 6` at ten.
    pub fn of(providers: u32) -> Self {
        let (group_size, min_group) = group_of(providers);
        Self { group_size, min_group }
    }
}

impl Scenario {
    /// The script for a size: the same for the same options.
    ///
    /// # Errors
    /// When the size makes no run.
    pub fn new(size: Size) -> Result<Self, SizeError> {
        if !(3..=96).contains(&size.providers) {
            return Err(SizeError::Providers(size.providers));
        }
        if size.rounds == 0 {
            return Err(SizeError::Rounds);
        }
        let cohort = Cohort::of(size.providers);
        let mut roles = vec![None; size.providers as usize];

        // Those who leave for good must leave the group large enough for every later round.
        let spare = size.providers - cohort.min_group.max(cohort.group_size.min(size.providers));
        let middle = middle(size.rounds);
        let mut free = (0..size.providers as usize).rev();
        if size.rounds >= 4 {
            let early = u64::from(size.rounds / 4).max(1);
            let late = middle + (u64::from(size.rounds) - middle).div_ceil(2);
            let mut cast = Vec::new();
            if spare >= 1 {
                cast.push(Role::SignsTwice { round: late });
            }
            if spare >= 2 {
                cast.push(Role::GoesSilent { round: early });
            }
            // A silent seat costs nobody anything as long as the others suffice.
            if size.providers > 3 {
                // Not in the round in which --drop takes others away, which it would make fail.
                let next = early + 1;
                cast.push(Role::SeatSilent { round: if next == middle { late + 1 } else { next } });
            }
            for role in cast {
                if let Some(index) = free.next() {
                    roles[index] = Some(role);
                }
            }
        }

        let scripted = roles.iter().flatten().count() as u32;
        let most = size.providers - scripted;
        if size.drop > most {
            return Err(SizeError::Drop { drop: size.drop, providers: size.providers, most, scripted });
        }
        for _ in 0..size.drop {
            if let Some(index) = free.next() {
                roles[index] = Some(Role::Drops { round: middle });
            }
        }
        Ok(Self { size, cohort, roles })
    }

    /// What of the default script a run of this size leaves out, in words.
    pub fn left_out(&self) -> Vec<&'static str> {
        let has = |known: fn(&Role) -> bool| self.roles.iter().flatten().any(known);
        let mut out = Vec::new();
        if !has(|role| matches!(role, Role::GoesSilent { .. })) {
            out.push("nobody goes silent for good");
        }
        if !has(|role| matches!(role, Role::SignsTwice { .. })) {
            out.push("nobody signs two headers");
        }
        if !has(|role| matches!(role, Role::SeatSilent { .. })) {
            out.push("no seat stays silent");
        }
        out
    }

    /// Indices of providers whose bond the script puts at risk.
    pub fn misbehaving(&self) -> BTreeSet<usize> {
        let at_risk = |role: &Option<Role>| !matches!(role, None | Some(Role::SeatSilent { .. }));
        self.roles.iter().enumerate().filter(|(_, role)| at_risk(role)).map(|(index, _)| index).collect()
    }
}

/// The round in which `--drop` strikes.
fn middle(rounds: u32) -> u64 {
    u64::from(rounds.div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(providers: u32, rounds: u32, drop: u32) -> Scenario {
        Scenario::new(Size { providers, rounds, drop }).expect("a size that makes a run")
    }

    #[test]
    fn ten_providers_make_the_group_the_docs_name() {
        assert_eq!(Cohort::of(10), Cohort { group_size: 8, min_group: 6 });
    }

    #[test]
    fn every_size_keeps_the_rules_of_one_group() {
        for n in 3..=96 {
            let Cohort { group_size, min_group } = Cohort::of(n);
            assert!(group_size <= n && n < 2 * group_size, "{n}: g = {group_size}");
            assert!(min_group >= 3 && 4 * min_group >= 3 * group_size && min_group <= group_size, "{n}: {min_group}");
        }
    }

    #[test]
    fn the_default_run_has_one_of_each() {
        let roles: Vec<Role> = scenario(10, 30, 0).roles.into_iter().flatten().collect();
        assert_eq!(
            roles,
            [Role::SeatSilent { round: 8 }, Role::GoesSilent { round: 7 }, Role::SignsTwice { round: 23 }]
        );
    }

    #[test]
    fn a_seat_is_never_silent_in_the_round_in_which_others_drop_out() {
        for providers in 3..=96 {
            for rounds in 1..=60 {
                let roles = scenario(providers, rounds, 0).roles;
                let silent = roles.iter().flatten().find_map(|role| match role {
                    Role::SeatSilent { round } => Some(*round),
                    _ => None,
                });
                assert!(silent.is_none_or(|round| round != middle(rounds) && round <= u64::from(rounds)), "{rounds}");
            }
        }
    }

    #[test]
    fn a_small_run_says_what_it_leaves_out() {
        assert!(scenario(10, 30, 0).left_out().is_empty());
        assert_eq!(scenario(10, 3, 0).left_out().len(), 3);
        assert!(scenario(3, 30, 0).left_out().contains(&"no seat stays silent"));
    }

    #[test]
    fn who_leaves_for_good_leaves_a_group_behind() {
        for n in 3..=96 {
            let script = scenario(n, 30, 0);
            let gone = script.misbehaving().len() as u32;
            assert!(n - gone >= script.cohort.min_group, "{n} providers, {gone} gone");
        }
    }

    #[test]
    fn impossible_sizes_are_refused_with_a_sentence() {
        let refused =
            |providers, rounds, drop| Scenario::new(Size { providers, rounds, drop }).unwrap_err().to_string();
        assert!(refused(2, 30, 0).contains("between 3 and 96"));
        assert!(refused(97, 30, 0).contains("between 3 and 96"));
        assert!(refused(10, 0, 0).contains("at least one round"));
        assert!(refused(10, 30, 8).contains("at most 7"));
    }
}
