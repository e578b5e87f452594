//! Blame: a sum out of range costs its author everything, the others one coordinate, and the group finishes.

mod collusion;
mod found;
mod refused;
mod silence;

use crate::groups::{clients_of, grouped};
use crate::world::blame::PLACE;
use crate::world::{all_but, World};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;

/// Providers `0..n` in groups of `g` to `2g - 1`, in a task that blames, with the first round open.
fn blaming(n: usize, g: u32, seed: u64) -> World {
    let mut settings = grouped(n as u32, g);
    settings.blame = Some(pb::Blame { window: 4 });
    let mut world = World::with(n, seed, settings);
    world.set_up(&all_but(n, &[]));
    world
}

impl World {
    /// Asserts that a group finished with the plain sum of these clients.
    #[track_caller]
    fn assert_group(&self, round: u64, number: u32, who: &[usize]) {
        let record = self.numbered(round);
        assert_eq!(record.phase(), pb::RoundPhase::Finished, "{:?}", record.abort_reason());
        assert_eq!(self.aggregate_of(round, number), self.plain_sum(who, round));
        let group = record.groups.iter().find(|group| group.number == number).unwrap();
        assert_eq!(group.weight, who.iter().map(|&i| self.clients[i].weight).sum::<u64>());
    }

    /// Asserts that these offences were recorded of the round, and no others.
    #[track_caller]
    fn assert_verdicts(&self, expected: &[(usize, OffenceKind)]) {
        let mut found: Vec<_> =
            (0..self.clients.len()).flat_map(|i| self.verdicts_of(i).into_iter().map(move |kind| (i, kind))).collect();
        let mut expected = expected.to_vec();
        found.sort_by_key(|(i, kind)| (*i, *kind as i32));
        expected.sort_by_key(|(i, kind)| (*i, *kind as i32));
        assert_eq!(found, expected, "{:?}", self.verdicts.iter().map(|verdict| &verdict.what).collect::<Vec<_>>());
    }
}

/// The clients of a group but some.
fn rest(group: &[usize], without: &[usize]) -> Vec<usize> {
    group.iter().copied().filter(|i| !without.contains(i)).collect()
}
