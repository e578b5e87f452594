//! What the protocol awaits from an address, for clients that ask what to do now.

use crate::derive::{self, asked_list};
use crate::offence::{is_barred, is_barred_for_good};
use crate::round::blame::numbers::is_asked;
use crate::round::submit::has;
use bauta_schema::training::v1::{
    Bar, CheckIn, EpochPhase, QueryEpochResponse, QueryRoundResponse, QueryTaskResponse, Round, RoundPhase,
};

/// Something that an address may, or must, send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Enrolment is open and it has not enrolled.
    Enrol {
        /// The epoch.
        epoch: u64,
    },
    /// It has not dealt.
    Deal {
        /// The epoch.
        epoch: u64,
    },
    /// It holds a seat: it should open every deal's share, keep it, and complain about those that are wrong.
    CheckDeals {
        /// The epoch.
        epoch: u64,
    },
    /// It has given nothing to the seed of the seats.
    Contribute {
        /// The epoch.
        epoch: u64,
    },
    /// If it holds a seat of an earlier epoch, that is asked for its share of the value that seeds the draw of seats.
    EvaluateForSeats {
        /// The epoch whose seats are drawn.
        epoch: u64,
        /// The epoch whose committee is asked.
        of: u64,
    },
    /// It holds a seat that has not answered with its share of the joint key's value, and fewer shares than the threshold are there.
    Evaluate {
        /// The epoch.
        epoch: u64,
        /// Its seat.
        seat: u32,
    },
    /// It may check in.
    CheckIn {
        /// The round.
        round: u64,
    },
    /// It checked in and its submission is not complete.
    Submit {
        /// The round.
        round: u64,
        /// Whether its header is stored.
        header: bool,
        /// The chunks that are stored, once the header is.
        stored: Vec<u32>,
    },
    /// Its seat has not answered, and fewer answers than the threshold are valid.
    Unmask {
        /// The round.
        round: u64,
        /// Its seat.
        seat: u32,
    },
    /// The sum of its group is out of range, and it has not signed the numbers of its edges.
    BlameValues {
        /// The round.
        round: u64,
        /// The how-manieth time of the round.
        pass: u32,
    },
    /// Blame asks for edges, its seat has not answered, and fewer answers than the threshold are valid.
    OpenEdges {
        /// The round.
        round: u64,
        /// Its seat.
        seat: u32,
        /// Which of the round's lists of blame, from 1.
        list: u32,
    },
}

/// What is awaited from an address, by the records of the current epoch and round. Whether it may enrol or is jailed is for the registry
/// to say.
pub fn due(
    task: &QueryTaskResponse,
    epoch: &QueryEpochResponse,
    round: Option<&QueryRoundResponse>,
    address: &[u8],
) -> Vec<Due> {
    let (Some(task), Some(current)) = (&task.task, &epoch.epoch) else {
        return Vec::new();
    };
    if !crate::cancel::is_running(task) {
        return Vec::new();
    }
    let number = current.number;
    let member = epoch.members.iter().find(|member| member.address == address);
    let mut due = Vec::new();
    match (current.phase(), member) {
        (EpochPhase::Enrol, None) if task.owner != address => due.push(Due::Enrol { epoch: number }),
        (EpochPhase::Deal, Some(member)) if !member.dealt => due.push(Due::Deal { epoch: number }),
        (EpochPhase::Complain, Some(member)) if member.seat > 0 => due.push(Due::CheckDeals { epoch: number }),
        (EpochPhase::Seats, _) if current.seed_epoch > 0 && current.window.is_some() => {
            due.push(Due::EvaluateForSeats { epoch: number, of: current.seed_epoch });
        }
        (EpochPhase::Seats, Some(member)) if current.seed_epoch == 0 && member.bar() == Bar::Unspecified => {
            let is_given = epoch.contributions.iter().any(|contribution| contribution.address == address);
            due.extend((!is_given).then_some(Due::Contribute { epoch: number }));
        }
        (EpochPhase::Partition, Some(member)) if current.window.is_some() => {
            let is_silent = |seat: &u32| !epoch.evaluations.iter().any(|answer| answer.seat == *seat);
            if current.evaluations < current.threshold {
                let silent = derive::seats_of(member).filter(is_silent);
                due.extend(silent.map(|seat| Due::Evaluate { epoch: number, seat }));
            }
        }
        (EpochPhase::Rounds, Some(member)) => {
            if let Some(round) = round {
                in_round(&mut due, current.threshold, round, member);
            }
        }
        _ => {}
    }
    due
}

/// Whether one that checked in owes a submission: it was not removed, and its group goes on.
fn owes(round: &Round, check_in: &CheckIn) -> bool {
    !check_in.removed && round.group.contains(&check_in.slot)
}

fn in_round(
    due: &mut Vec<Due>,
    threshold: u32,
    response: &QueryRoundResponse,
    member: &bauta_schema::training::v1::Member,
) {
    let Some(round) = &response.round else { return };
    let number = round.number;
    let check_in = response.check_ins.iter().find(|check_in| check_in.address == member.address);
    match round.phase() {
        RoundPhase::CheckIn => {
            let may = member.slot > 0 && !is_barred(member, number) && !is_barred_for_good(member);
            if may && check_in.is_none() {
                due.push(Due::CheckIn { round: number });
            }
        }
        RoundPhase::Submit if check_in.is_some_and(|check_in| owes(round, check_in)) => {
            let place = response.headers.iter().position(|header| header.address == member.address);
            let chunks = place.and_then(|place| response.chunks.get(place));
            if chunks.is_none_or(|chunks| chunks.stored < chunks.total) {
                let stored = chunks.map(|chunks| (0..chunks.total).filter(|&index| has(chunks, index)).collect());
                due.push(Due::Submit { round: number, header: place.is_some(), stored: stored.unwrap_or_default() });
            }
        }
        RoundPhase::Unmask | RoundPhase::BlameEdges | RoundPhase::BlameRemove => {
            let list = asked_list(round).unwrap_or(0);
            let is_silent =
                |seat: &u32| !response.partials.iter().any(|partial| partial.seat == *seat && partial.list == list);
            if round.partials < threshold {
                let silent = derive::seats_of(member).filter(is_silent);
                due.extend(silent.map(|seat| match list {
                    0 => Due::Unmask { round: number, seat },
                    list => Due::OpenEdges { round: number, seat, list },
                }));
            }
        }
        RoundPhase::Blame => {
            let blame = response.blame.clone().unwrap_or_default();
            let pass = blame.pass;
            let signed =
                response.blame_values.iter().any(|values| values.pass == pass && values.address == member.address);
            if !signed && check_in.is_some_and(|check_in| is_asked(&blame, check_in.slot)) {
                due.push(Due::BlameValues { round: number, pass });
            }
        }
        _ => {}
    }
}
