//! The chain's records in words.

use bauta_client::chain::Chain;
use bauta_learning::encode::metrics::Means;
use bauta_learning::encode::Encoding;
use bauta_schema::training::v1 as pb;

/// A name of the protobuf without its prefix, in lower case: `TASK_STATUS_RUNNING` is `running`.
fn plain(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase()
}

/// How a task stands.
pub fn task_status(status: pb::TaskStatus) -> String {
    plain(status.as_str_name(), "TASK_STATUS_")
}

/// A phase of an epoch.
pub fn epoch_phase(phase: pb::EpochPhase) -> String {
    plain(phase.as_str_name(), "EPOCH_PHASE_")
}

/// A phase of a round.
pub fn round_phase(phase: pb::RoundPhase) -> String {
    plain(phase.as_str_name(), "ROUND_PHASE_")
}

/// Why a round was aborted.
pub fn abort_reason(reason: pb::AbortReason) -> String {
    plain(reason.as_str_name(), "ABORT_REASON_")
}

/// The means of a sum's metrics, as JSON: null where there are none.
pub fn metrics(means: Option<Means>) -> serde_json::Value {
    means.map_or(
        serde_json::Value::Null,
        |means| serde_json::json!({ "loss": f64::from(means.loss), "hits": f64::from(means.hits) }),
    )
}

/// A group of a round, as JSON.
pub fn group(encoding: &Encoding, group: &pb::RoundGroup) -> serde_json::Value {
    let is_void = group.void() != pb::AbortReason::Unspecified;
    serde_json::json!({
        "group": group.number,
        "void": is_void.then(|| abort_reason(group.void())),
        "member_slots": group.members,
        "participant_slots": bauta_rounds::derive::summed(group),
        "removed_slots": group.removed,
        "weight": group.weight,
        "aggregate_hash": hex::encode(&group.aggregate_hash),
        "metrics": metrics(Means::of(encoding, &group.metrics, group.weight)),
        "scores": group.scores.as_ref().map(scores),
    })
}

/// What a group's sum is worth, as JSON: agreement and factor as numbers.
fn scores(scores: &pb::GroupScores) -> serde_json::Value {
    serde_json::json!({
        "agreement": q32(scores.agreement),
        "hits_without": scores.hits_without,
        "factor": q32(i64::try_from(scores.factor).unwrap_or(i64::MAX)),
    })
}

/// A number of 32 fractional bits, for people.
pub fn q32(units: i64) -> f64 {
    units as f64 / 4_294_967_296.0
}

/// An offence, as the slashing contract calls it.
pub fn offence(kind: pb::OffenceKind) -> String {
    plain(kind.as_str_name(), "OFFENCE_KIND_")
}

/// An address as text; bytes that are none as hexadecimal.
pub fn address(chain: &Chain, bytes: &[u8]) -> String {
    chain.text_of(bytes).unwrap_or_else(|_| hex::encode(bytes))
}

/// An address that people recognise, in a line with others.
pub fn short(address: &str) -> String {
    let tail = address.len().saturating_sub(6);
    match (address.get(..12), address.get(tail..)) {
        (Some(head), Some(tail)) if address.len() > 21 => format!("{head}..{tail}"),
        _ => address.to_owned(),
    }
}

/// A number of things: `1 chunk`, `2 chunks`.
pub fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A time that a contract counts in seconds since 1970, as RFC 3339 writes it.
pub fn time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| tendermint::Time::from_unix_timestamp(seconds, 0).ok());
    time.map_or_else(|| format!("{seconds} (seconds since 1970)"), |time| time.to_rfc3339())
}

/// A time without fractions of a second.
pub fn in_seconds(at: tendermint::Time) -> String {
    u64::try_from(at.unix_timestamp()).map_or_else(|_| at.to_rfc3339(), time)
}

/// Bytes with a unit.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_dates_and_one_thing_is_no_plural() {
        assert_eq!(time(1_795_550_135), "2026-11-24T19:55:35Z");
        assert_eq!(time(u64::MAX), "18446744073709551615 (seconds since 1970)");
        assert_eq!((count(1, "chunk"), count(0, "chunk")), ("1 chunk".to_owned(), "0 chunks".to_owned()));
    }
}
