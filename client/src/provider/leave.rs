//! Leaving: a provider that is asked to stop begins nothing new, and stays until it has delivered what it owes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bauta_rounds::due::Due;
use bauta_schema::training::v1 as pb;
use tendermint::Time;
use tokio::sync::watch;

use super::attempts::Action;
use super::snapshot::Snapshot;
use super::{Event, Provider, ProviderError};

/// Blocks over which the time of a block is measured.
const MEASURED_BLOCKS: u64 = 8;

/// What a provider owes to a round, and when it must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The round.
    pub round: u64,
    /// It checked in, and its submission is not complete: that costs `no_submission`.
    pub submission: bool,
    /// Its answer is awaited, or will be: that of its seat, its contribution to the seed of the seats, or its numbers in blame.
    pub answer: bool,
    /// What silence would be convicted of, where an answer is awaited.
    pub silence: pb::OffenceKind,
    /// The earliest height that may be the last for what is owed next: the submission, or else the answer. Blocks whose lane is full do
    /// not count, so it may turn out later, and never earlier.
    pub by_height: u64,
    /// About when that height is reached, as the last blocks went; `None` when the node does not say.
    pub by_time: Option<Time>,
}

/// The hand by which a provider that runs is asked to stop.
#[derive(Clone)]
pub struct Leave(Arc<State>);

struct State {
    asked: watch::Sender<bool>,
    known: Mutex<Known>,
}

/// What the last height showed.
#[derive(Clone, Default)]
struct Known {
    owed: Option<Owed>,
    seat: Option<u64>,
}

impl Default for Leave {
    fn default() -> Self {
        Self(Arc::new(State { asked: watch::Sender::new(false), known: Mutex::default() }))
    }
}

impl Leave {
    /// Asks the provider to stop once it owes nothing.
    pub fn ask(&self) {
        self.0.asked.send_replace(true);
    }

    /// Whether it was asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.asked.borrow()
    }

    /// What the provider owed at the last height it saw.
    #[must_use]
    pub fn owed(&self) -> Option<Owed> {
        self.known().owed
    }

    /// The epoch in which it holds a seat that later rounds will ask.
    #[must_use]
    pub fn seat_in_epoch(&self) -> Option<u64> {
        self.known().seat
    }

    /// Resolves when it is asked.
    pub(super) async fn asked(&self) {
        let mut asked = self.0.asked.subscribe();
        // The sender lives as long as this does.
        let _ = asked.wait_for(|asked| *asked).await;
    }

    fn known(&self) -> Known {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what a height showed.
    pub(super) fn learn(&self, owed: Option<Owed>, seat: Option<u64>) {
        *self.0.known.lock().unwrap_or_else(PoisonError::into_inner) = Known { owed, seat };
    }
}

impl fmt::Debug for Leave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leave").field("is_asked", &self.is_asked()).finish_non_exhaustive()
    }
}

/// What a provider that leaves still does: what commits it to nothing more.
pub(super) fn is_owed(due: &Due) -> bool {
    matches!(
        due,
        Due::Contribute { .. }
            | Due::CheckDeals { .. }
            | Due::Evaluate { .. }
            | Due::Submit { .. }
            | Due::Unmask { .. }
            | Due::BlameValues { .. }
            | Due::OpenEdges { .. }
    )
}

impl Provider {
    /// The hand by which this provider is asked to stop, while it runs.
    #[must_use]
    pub fn leave(&self) -> Leave {
        self.leave.clone()
    }

    /// Notes what is owed at this height, for whoever asks; and says it, when somebody did ask.
    pub(super) async fn note_owed(
        &mut self,
        snapshot: &Snapshot,
        height: u64,
        awaited: &[Due],
    ) -> Result<(), ProviderError> {
        let member = snapshot.member(&self.address, None)?;
        let seat = member.filter(|member| member.seat > 0).map(|_| snapshot.epoch().number);
        let mut owed = self.owed(snapshot, height, awaited, member)?;
        let before = self.leave.owed();
        let is_same = |owed: &Owed| {
            let what = |owed: &Owed| (owed.round, owed.submission, owed.answer);
            before.as_ref().is_some_and(|before| what(before) == what(owed))
        };
        let is_news = owed.as_ref().is_some_and(|owed| !is_same(owed) || !self.said_owed);
        if let Some(owed) = owed.as_mut().filter(|_| self.leave.is_asked() && is_news) {
            owed.by_time = self.time_of(height, owed.by_height).await;
            self.said_owed = true;
            self.tell(Event::Leaving(owed.clone()));
        }
        self.leave.learn(owed, seat);
        Ok(())
    }

    fn owed(
        &self,
        snapshot: &Snapshot,
        height: u64,
        awaited: &[Due],
        member: Option<&pb::Member>,
    ) -> Result<Option<Owed>, ProviderError> {
        use pb::RoundPhase::{Blame, BlameEdges, BlameRemove, CheckIn, Finalise, Submit, Unmask};
        if awaited.iter().any(|due| matches!(due, Due::Evaluate { .. } | Due::Contribute { .. })) {
            let epoch = snapshot.epoch();
            let by_height = epoch.window.map_or(height, |window| window.opened_height + u64::from(window.length));
            let round = snapshot.task().round + 1;
            let silence = match awaited.iter().any(|due| matches!(due, Due::Contribute { .. })) {
                true => pb::OffenceKind::WithheldSeed,
                false => pb::OffenceKind::SilentSeat,
            };
            return Ok(Some(Owed { round, submission: false, answer: true, silence, by_height, by_time: None }));
        }
        let (Some(view), Some(member)) = (snapshot.round()?, member) else { return Ok(None) };
        let (record, phase) = (view.record, view.record.phase());
        let windows = snapshot.terms.settings.windows.unwrap_or_default();
        let is_own = |check_in: &&pb::CheckIn| check_in.address == self.address.as_bytes();
        let is_awaited = |wanted: fn(&Due) -> bool| awaited.iter().any(wanted);
        let submission = match phase {
            CheckIn => match view.response.check_ins.iter().find(is_own) {
                Some(check_in) => !check_in.removed,
                None => self.is_check_in_on_its_way(record.epoch, record.number)?,
            },
            Submit => is_awaited(|due| matches!(due, Due::Submit { .. })),
            _ => false,
        };
        let answer = member.seat > 0
            && match phase {
                // A round in which it has no part may as well begin without its seat as the next.
                CheckIn => submission,
                Submit => true,
                Unmask | BlameEdges | BlameRemove => {
                    is_awaited(|due| matches!(due, Due::Unmask { .. } | Due::OpenEdges { .. }))
                }
                _ => false,
            };
        // Whose update is in a sum may be asked for the numbers of its edges, as long as that sum may be out of range.
        let may_be_blamed = snapshot.terms.blame.is_some()
            && matches!(phase, Unmask | Finalise | Blame | BlameEdges | BlameRemove)
            && bauta_rounds::derive::takes_part(record, member.slot);
        let answer = answer || may_be_blamed;
        let closes = |length: u32| match &record.window {
            Some(window) => window.opened_height + u64::from(length),
            None => height + u64::from(length),
        };
        if submission || answer {
            let by_height = match (phase, submission) {
                // The window that counts may open with the next block.
                (CheckIn, _) => height + u64::from(windows.submit),
                (Submit, true) => closes(windows.submit),
                (Submit, false) => height + u64::from(windows.unmask),
                (Blame, _) => closes(snapshot.terms.blame.unwrap_or_default()),
                _ => closes(windows.unmask),
            };
            let silence = match phase {
                Blame => pb::OffenceKind::SilentInBlame,
                _ => pb::OffenceKind::SilentSeat,
            };
            return Ok(Some(Owed { round: record.number, submission, answer, silence, by_height, by_time: None }));
        }
        // It has checked in to the next round while this one is finished.
        let next = view.response.next_check_ins.iter().find(is_own).map(|_| Owed {
            round: record.number + 1,
            submission: true,
            answer: member.seat > 0,
            silence: pb::OffenceKind::SilentSeat,
            by_height: height + u64::from(windows.submit),
            by_time: None,
        });
        Ok(next.filter(|_| snapshot.task().finished_rounds < snapshot.terms.settings.rounds))
    }

    /// Whether a check-in may still come into a block: it was sent, by this process or by one before it.
    fn is_check_in_on_its_way(&self, epoch: u64, round: u64) -> Result<bool, ProviderError> {
        let action = Action::CheckIn(round);
        let recorded = self.records.epoch(epoch).round(round).check_in()?.is_some();
        Ok(self.attempts.was_sent(&action) || (recorded && !self.attempts.was_tried(&action)))
    }

    /// About when a height is reached, as the last blocks went.
    async fn time_of(&self, now: u64, height: u64) -> Option<Time> {
        let before = now.saturating_sub(MEASURED_BLOCKS).max(1);
        let last = self.chain.block(Some(now)).await.ok()?.block.header.time;
        let first = self.chain.block(Some(before)).await.ok()?.block.header.time;
        let blocks = u32::try_from(now.checked_sub(before)?).ok().filter(|blocks| *blocks > 0)?;
        let a_block = last.duration_since(first).ok()?.checked_div(blocks)?;
        let ahead = u32::try_from(height.saturating_sub(now)).ok()?;
        last.checked_add(a_block.checked_mul(ahead)?)
    }
}
