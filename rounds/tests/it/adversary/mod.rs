//! Offences: each is found and costs its author, and nobody else.

mod reported;
mod seen;

pub use crate::world::deeds::{bad_deal, report, signed_body, tampered, wrong_partial};
use crate::world::{all_but, settings, World};
use bauta_rounds::{state, Call, Error, Rejection};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::check_in::CheckIn;
use bauta_secagg::deal::Deal;
use bauta_secagg::encoding::SeatIndex;
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::signature::Body;
use bauta_secagg::submit::Masked;
use bauta_secagg::unmask::{Asked, PartialEntry};
use k256::Scalar;

fn two_headers(first: &Masked, second: &Masked) -> pb::msg_report::Evidence {
    let evidence = |masked: &Masked| pb::HeaderEvidence {
        signed: Some(signed_body(&masked.header)),
        model_hash: Vec::new(),
        roster_root: Vec::new(),
    };
    pb::msg_report::Evidence::TwoHeaders(pb::TwoHeaders {
        first: Some(evidence(first)),
        second: Some(evidence(second)),
    })
}

fn kind(rejection: &Rejection) -> Option<OffenceKind> {
    rejection.offence.as_ref().map(|offence| offence.kind)
}

/// Only `i` was convicted, of `kinds`.
#[track_caller]
fn assert_only(world: &World, i: usize, kinds: &[OffenceKind]) {
    assert_eq!(world.verdicts_of(i), kinds);
    assert_eq!(world.verdicts.len(), kinds.len(), "{:?}", world.verdicts);
}

fn finish_round(world: &mut World, group: &[usize], seats: &[usize]) {
    let round = world.the_task().round;
    world.check_in(group);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(group);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(seats);
    world.until_settled(round);
    world.assert_exact(round, group);
}
