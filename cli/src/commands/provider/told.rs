//! What the daemon says: each event as a line, and as an object.

use bauta_client::provider::{Event, Owed};
use bauta_messages::slashing::{kind, Penalty};
use cosmwasm_std::{Decimal, Uint128};
use serde_json::{json, Value};

use super::ready::Prices;
use crate::failure::in_plain_words;
use crate::show;

/// An event as a line, and as an object.
pub fn told(event: &Event) -> (String, Value) {
    match event {
        Event::Enrolled { epoch } => {
            (format!("epoch {epoch}: enrolled"), json!({ "event": "enrolled", "epoch": epoch }))
        }
        Event::Dealt { epoch } => (format!("epoch {epoch}: dealt"), json!({ "event": "dealt", "epoch": epoch })),
        Event::Complained { dealer } => (
            format!("complained about the share that {dealer} dealt"),
            json!({ "event": "complained", "dealer": dealer }),
        ),
        Event::Trained { round, loss, accuracy, norm } => (
            format!(
                "round {round}: trained; the model came with loss {loss:.4} and accuracy {:.2} %, the update has norm {norm:.3}",
                accuracy * 100.0
            ),
            json!({ "event": "trained", "round": round, "loss": loss, "accuracy": accuracy, "norm": norm }),
        ),
        Event::CheckedIn { round } => {
            (format!("round {round}: checked in"), json!({ "event": "checked_in", "round": round }))
        }
        Event::Submitted { round, bytes } => (
            match bytes {
                0 => format!("round {round}: sent the header"),
                bytes => format!("round {round}: sent {}", show::bytes(*bytes)),
            },
            json!({ "event": "submitted", "round": round, "bytes": bytes }),
        ),
        Event::Contributed { epoch } => (
            format!("epoch {epoch}: gave its point to the seed of the seats"),
            json!({ "event": "contributed", "epoch": epoch }),
        ),
        Event::Evaluated { epoch } => (
            format!("epoch {epoch}: the seat answered for the draw of groups or seats"),
            json!({ "event": "evaluated", "epoch": epoch }),
        ),
        Event::Answered { round, entries } => (
            format!("round {round}: the seat answered for {}", show::count(*entries as u64, "point")),
            json!({ "event": "answered", "round": round, "entries": entries }),
        ),
        Event::Reported { accused, round } => (
            format!("round {round}: reported {accused}"),
            json!({ "event": "reported", "accused": accused, "round": round }),
        ),
        Event::RoundSettled { round, finished, took_part } => (
            match (finished, took_part) {
                (true, true) => format!("round {round}: finished with this update"),
                (true, false) => format!("round {round}: finished without this update"),
                (false, _) => format!("round {round}: aborted"),
            },
            json!({ "event": "round_settled", "round": round, "finished": finished, "took_part": took_part }),
        ),
        Event::SatOut { what, why } => {
            let plain = in_plain_words(why);
            let hint = if why.contains("is jailed") { "; `bauta provider unjail` does that" } else { "" };
            (format!("sat out: {what}: {plain}{hint}"), json!({ "event": "sat_out", "what": what, "why": why }))
        }
        Event::TaskEnded { status } => {
            let status = show::task_status(*status);
            (format!("the task is {status}"), json!({ "event": "task_ended", "status": status }))
        }
        Event::Leaving(owed) => {
            let text = format!("stopping once {}; the same signal again stops at once", what_is_owed(owed));
            (text, owed_json("stopping", owed))
        }
        Event::NodeAway { why } => (
            format!("the node does not answer ({why}); waiting for it"),
            json!({ "event": "node_away", "why": why }),
        ),
        Event::NodeBack => ("the node answers again".to_owned(), json!({ "event": "node_back" })),
        Event::SignedNumbers { round, coordinate } => (
            format!("round {round}: the group's sum is out of range at coordinate {coordinate}; signed the numbers of its edges there"),
            json!({ "event": "signed_numbers", "round": round, "coordinate": coordinate }),
        ),
        Event::OpenedEdges { round, edges } => (
            format!("round {round}: opened {} for blame", show::count(*edges as u64, "edge")),
            json!({ "event": "opened_edges", "round": round, "edges": edges }),
        ),
        // Events are only ever added; one that is not known here is named as the library names it.
        other => (format!("{other:?}"), json!({ "event": "other", "what": format!("{other:?}") })),
    }
}

fn what_is_owed(owed: &Owed) -> String {
    let time = owed.by_time.map(|time| format!(", about {}", show::in_seconds(time))).unwrap_or_default();
    let by = format!("by block {}{time}", owed.by_height);
    let round = owed.round;
    match (owed.submission, owed.answer) {
        (true, true) => {
            format!("round {round} has this provider's submission, which must be there {by}, and its seat's answer")
        }
        (false, _) if owed.silence == bauta_schema::training::v1::OffenceKind::WithheldSeed => {
            format!("the draw of seats before round {round} has its contribution to the seed, which must be there {by}")
        }
        (false, _) if owed.silence == bauta_schema::training::v1::OffenceKind::SilentInBlame => {
            format!("round {round} has its numbers in blame, which must be there {by}")
        }
        (true, false) => format!("round {round} has this provider's submission, which must be there {by}"),
        _ => format!("round {round} has its seat's answer, which must be there {by}"),
    }
}

fn owed_json(event: &str, owed: &Owed) -> Value {
    json!({
        "event": event,
        "round": owed.round,
        "submission": owed.submission,
        "answer": owed.answer,
        "by_height": owed.by_height,
        "by_time": owed.by_time.map(show::in_seconds),
    })
}

/// What the end of a daemon that owes nothing means.
pub fn stopped(seat: Option<u64>, prices: &Prices) -> (String, Value) {
    let mut text = "stopped; the same command goes on where this one left off".to_owned();
    let mut json = json!({ "event": "stopped" });
    if let Some(epoch) = seat {
        let price = price(prices, kind::SILENT_SEAT);
        text.push_str(&format!(
            ". Start it again soon: its seat in epoch {epoch} is silent until then, and that costs {price} in a round that fails \
             for want of answers"
        ));
        json["seat_in_epoch"] = epoch.into();
    }
    (text, json)
}

/// What the end of a daemon costs that was not let finish.
pub fn stopped_at_once(owed: Option<&Owed>, seat: Option<u64>, prices: &Prices) -> (String, Value) {
    let Some(owed) = owed else { return stopped(seat, prices) };
    let mut costs = Vec::new();
    if owed.submission {
        costs.push(format!("the missing submission {}", price(prices, kind::NO_SUBMISSION)));
    }
    if owed.answer {
        let silence = bauta_rounds::offence::name(owed.silence);
        let price = price(prices, silence);
        costs.push(match silence {
            kind::WITHHELD_SEED => format!("what is withheld from the seed of the seats {price}"),
            kind::SILENT_IN_BLAME => format!("silence in blame {price}"),
            _ => format!("the silent seat {price} if too few others answer"),
        });
    }
    let text = format!(
        "stopped at once; round {} is owed something by block {}. Start the same command again before that, or it costs: {}",
        owed.round,
        owed.by_height,
        costs.join(", ")
    );
    let mut json = owed_json("stopped", owed);
    json["costs"] = costs.into();
    (text, json)
}

/// What an offence costs.
fn price(prices: &Prices, kind: &str) -> String {
    let Some(Penalty { fraction, jail_seconds, tombstone, .. }) = prices.get(kind) else {
        return format!("what the chain asks for {kind}");
    };
    let percent = fraction.checked_mul(Decimal::from_ratio(Uint128::new(100), Uint128::one())).unwrap_or_default();
    let mut text = format!("{percent} % of the bond");
    match (tombstone, jail_seconds) {
        (true, _) => text.push_str(" and the right to take part, for ever"),
        (false, 0) => {}
        (false, seconds) => text.push_str(&format!(" and {} of jail", show::count(*seconds, "second"))),
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn prices() -> Prices {
        let penalty = |percent, jail_seconds| Penalty {
            fraction: Decimal::percent(percent),
            jail_seconds,
            tombstone: false,
            bounty_fraction: Decimal::zero(),
            compensation_fraction: Decimal::zero(),
        };
        [
            (kind::NO_SUBMISSION.to_owned(), penalty(1, 25)),
            (kind::SILENT_SEAT.to_owned(), penalty(2, 0)),
            (kind::WITHHELD_SEED.to_owned(), penalty(20, 0)),
        ]
        .into()
    }

    fn owed() -> Owed {
        let by_time = Some("2026-11-24T20:00:00Z".parse().unwrap());
        let silence = bauta_schema::training::v1::OffenceKind::SilentSeat;
        Owed { round: 3, submission: true, answer: true, silence, by_height: 120, by_time }
    }

    #[test]
    fn a_stop_names_the_round_what_is_owed_and_by_when() {
        let (text, json) = told(&Event::Leaving(owed()));
        for words in ["round 3", "submission", "seat's answer", "by block 120", "2026-11-24T20:00:00Z", "at once"] {
            assert!(text.contains(words), "{text}");
        }
        assert_eq!((&json["event"], &json["by_height"]), (&json!("stopping"), &json!(120)));
    }

    #[test]
    fn a_stop_at_once_names_its_price() {
        let (text, _) = stopped_at_once(Some(&owed()), Some(1), &prices());
        for words in ["round 3", "block 120", "1 % of the bond and 25 seconds of jail", "2 % of the bond if too few"] {
            assert!(text.contains(words), "{text}");
        }
        let silence = bauta_schema::training::v1::OffenceKind::WithheldSeed;
        let (text, _) = stopped_at_once(Some(&Owed { submission: false, silence, ..owed() }), None, &prices());
        assert!(text.ends_with("it costs: what is withheld from the seed of the seats 20 % of the bond"), "{text}");
        let (text, json) = stopped_at_once(None, None, &prices());
        assert!(text.ends_with("goes on where this one left off"), "{text}");
        assert_eq!(json, json!({ "event": "stopped" }));
    }

    #[test]
    fn one_that_is_jailed_is_told_the_command_that_ends_it() {
        let why = "it is jailed; send `unjail` to the registry once its time is over (codespace training, code 8)";
        let (text, _) = told(&Event::SatOut { what: "check-in".into(), why: why.into() });
        assert!(text.contains("`bauta provider unjail`"), "{text}");
    }
}
