//! What cheats do with their duties.

use std::collections::BTreeSet;

use bauta_rounds::{derive, state, Call};
use bauta_schema::training::v1 as pb;
use bauta_secagg::check_in::CheckIn;
use bauta_secagg::committee::Contribution;
use bauta_secagg::context::{Ctx, Rctx};
use bauta_secagg::deal::{Deal, Dealer};
use bauta_secagg::encoding::SeatIndex;
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::joint::Evaluation;
use bauta_secagg::parties::{SeatHolder, Seats};
use bauta_secagg::proof::{Schnorr, Transcript};
use bauta_secagg::seat::Seat;
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::signature::{digest, Body, Signed};
use bauta_secagg::submit::Masked;
use bauta_secagg::unmask::Partial;
use k256::Scalar;
use rand::seq::SliceRandom as _;
use rand::Rng as _;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest as _, Sha256};

use crate::blame::numbers_call;
use crate::overheard::Overheard;
use crate::plan::RING_BITS;
use crate::provider::{chunk_calls, deal_call, ectx, header_call, parts, Duty, Provider};
use crate::seat::unmask_call;
use crate::world::{World, TASK};

/// What a cheat sends instead of what is due.
#[derive(Default)]
pub struct Deed {
    /// The messages.
    pub calls: Vec<Call>,
    /// The round whose content it made up: the sum of its group is then no sum of updates.
    pub made_up: Option<u64>,
    /// Whether the messages are told to others alone, and no block has them.
    pub is_whispered: bool,
    /// Reports beside them.
    pub reports: Vec<Call>,
}

type Made<T> = Result<T, String>;

impl From<Vec<Call>> for Deed {
    fn from(calls: Vec<Call>) -> Self {
        Self { calls, ..Self::default() }
    }
}

/// One of the deeds that a duty gives an opportunity for, now and then told to others alone, and beside it a report of what was overheard.
///
/// # Errors
/// When the chain's records are broken.
pub fn instead(
    cheat: &mut Provider,
    chain: &dyn World,
    duty: Duty,
    overheard: &Overheard,
    rng: &mut ChaCha20Rng,
) -> Made<Deed> {
    if !cheat.still_has_to(chain, duty)? {
        return Ok(Deed::default());
    }
    let reports = if rng.gen_ratio(1, 3) { overheard.report(chain, rng)? } else { None };
    let is_whispered = rng.gen_ratio(1, 5);
    let deed = other_than_due(cheat, chain, duty, overheard, rng)?;
    Ok(Deed { is_whispered, reports: reports.into_iter().collect(), ..deed })
}

fn other_than_due(
    cheat: &mut Provider,
    chain: &dyn World,
    duty: Duty,
    overheard: &Overheard,
    rng: &mut ChaCha20Rng,
) -> Made<Deed> {
    match (duty, rng.gen_range(0..4)) {
        // To be silent, or to send what somebody else has sent.
        (_, 0) => Ok(Deed::default()),
        (_, 1) => Ok(overheard.any(rng).into_iter().collect::<Vec<_>>().into()),
        (Duty::Deal(epoch), 2) => Ok(vec![deal_call(epoch, &bad_deal(cheat, chain, epoch, rng)?)].into()),
        (Duty::Deal(epoch), _) => {
            let mut body = cheat.deal(chain, epoch)?.body;
            body.proof.response += Scalar::ONE;
            Ok(vec![deal_call(epoch, &sign(cheat.keys()?, &ectx(chain)?, body)?)].into())
        }
        (Duty::CheckDeals(epoch), _) => complain(cheat, chain, epoch, rng).map(Deed::from),
        (Duty::Contribute(_), _) => {
            let mut calls = cheat.make(chain, duty)?;
            for call in &mut calls {
                if let Call::Contribute(msg) = call {
                    let mut body = Contribution::decode(&msg.body).map_err(|error| error.to_string())?;
                    body.proof.response += Scalar::ONE;
                    (msg.body, msg.signature) = parts(&sign(cheat.keys()?, &ectx(chain)?, body)?);
                }
            }
            Ok(calls.into())
        }
        (Duty::Evaluate(committee) | Duty::EvaluateForSeats(_, committee), _) => {
            let mut calls = cheat.make(chain, duty)?;
            for call in &mut calls {
                if let Call::Evaluate(msg) = call {
                    let mut body = Evaluation::decode(&msg.body).map_err(|error| error.to_string())?;
                    body.proof.response += Scalar::ONE;
                    (msg.body, msg.signature) = parts(&sign(cheat.keys_of(committee)?, &ectx(chain)?, body)?);
                }
            }
            Ok(calls.into())
        }
        (Duty::CheckIn(round), _) => {
            let mut calls = cheat.make(chain, duty)?;
            for call in &mut calls {
                if let Call::CheckIn(msg) = call {
                    let mut body = CheckIn::decode(&msg.body).map_err(|error| error.to_string())?;
                    body.proof.response += Scalar::ONE;
                    let rctx = Rctx::new(&ectx(chain)?, round);
                    (msg.body, msg.signature) = parts(&sign(cheat.keys()?, &rctx, body)?);
                }
            }
            Ok(calls.into())
        }
        (Duty::Header(round), 2) => {
            let masked = cheat.masked(chain, round)?;
            let other = made_up(cheat, chain, &masked, 1)?;
            Ok(vec![header_call(round, &masked), header_call(round, &other)].into())
        }
        (Duty::Header(round), _) if rng.gen() => too_much(cheat, chain, round, rng),
        // Bits that only padding has, or high bits of a first element.
        (Duty::Header(round), _) => {
            let masked = cheat.masked(chain, round)?;
            let other = made_up(cheat, chain, &masked, *[0x80, 0x40].choose(rng).unwrap_or(&0x80))?;
            let calls = [vec![header_call(round, &other)], chunk_calls(round, &other)].concat();
            Ok(Deed { made_up: Some(round), ..calls.into() })
        }
        (Duty::Chunks(round), _) => {
            let masked = cheat.masked(chain, round)?;
            let mut calls = chunk_calls(round, &masked);
            if let Some(Call::SubmitChunk(msg)) = calls.first_mut() {
                msg.data.reverse();
            }
            Ok(calls.into())
        }
        (Duty::Unmask(round), _) => {
            let answers = cheat.answers(chain)?;
            wrong_answers(cheat, chain, round, answers).map(Deed::from)
        }
        (Duty::BlameValues(round, _), _) => lie(cheat, chain, round, rng).map(Deed::from),
        (Duty::OpenEdges(round, list), _) => {
            let answers = cheat.openings(chain, list)?;
            wrong_answers(cheat, chain, round, answers).map(Deed::from)
        }
        (Duty::Enrol(_), _) => cheat.make(chain, duty).map(Deed::from),
    }
}

/// Answers of seats, each with a value that is wrong.
fn wrong_answers(
    cheat: &mut Provider,
    chain: &dyn World,
    round: u64,
    answers: Vec<Signed<Partial>>,
) -> Made<Vec<Call>> {
    let mut calls = Vec::new();
    for signed in answers {
        let mut body = signed.body;
        if let Some(entry) = body.entries.first_mut() {
            entry.value = SecretScalar::random(cheat.rng()).public();
        }
        calls.push(unmask_call(round, &sign(cheat.keys()?, &ctx(chain)?, body)?));
    }
    Ok(calls)
}

/// An update that is far out of the bound at some coordinate.
fn too_much(cheat: &mut Provider, chain: &dyn World, round: u64, rng: &mut ChaCha20Rng) -> Made<Deed> {
    let mut update = cheat.update(chain, round)?;
    let excess = rng.gen_range(1_000_000..100_000_000) * if rng.gen() { 1 } else { -1 };
    if let Some(value) = update.choose_mut(rng) {
        *value += excess;
    }
    let masked = cheat.mask(chain, round, &update)?;
    let weight = i64::try_from(cheat.weight).map_err(|error| error.to_string())?;
    *cheat.excess() = Some((round, excess * weight));
    let calls = [vec![header_call(round, &masked)], chunk_calls(round, &masked)].concat();
    Ok(Deed { made_up: Some(round), ..calls.into() })
}

/// Numbers of edges of which one is false: it takes away what the cheat's own update has too much, or anything.
fn lie(cheat: &mut Provider, chain: &dyn World, round: u64, rng: &mut ChaCha20Rng) -> Made<Vec<Call>> {
    let mut body = cheat.numbers(chain)?.body;
    let own = body.slot;
    let excess = cheat.excess().filter(|(of, _)| *of == round).map_or_else(|| rng.gen_range(-9..9), |(_, much)| much);
    if let Some(edge) = body.edges.choose_mut(rng) {
        let change = if own < edge.other { excess } else { -excess };
        edge.number = edge.number.wrapping_add_signed(change) & ((1 << RING_BITS) - 1);
    }
    Ok(vec![numbers_call(round, &sign(cheat.keys()?, &ctx(chain)?, body)?)])
}

fn ctx(chain: &dyn World) -> Made<Ctx> {
    let round = chain.round()?.ok_or("there is no round")?;
    derive::ctx(&round).map_err(|error| error.to_string())
}

/// Signs any body with a V.
fn sign<B: Body>(keys: &ProviderKeys, context: &B::Context, body: B) -> Made<Signed<B>> {
    let secret = keys.to_bytes();
    let key = k256::schnorr::SigningKey::from_bytes(&secret[96..128]).map_err(|error| error.to_string())?;
    let hash = digest(B::KIND, context.as_ref(), &body.encode());
    let signature = key.sign_raw(&hash, &[7; 32]).map_err(|error| error.to_string())?.to_bytes();
    Ok(Signed { signature, body })
}

/// A masked update with other bits in its first chunk, under a header that is right for it.
fn made_up(cheat: &Provider, chain: &dyn World, masked: &Masked, bits: u8) -> Made<Masked> {
    let mut chunks = masked.chunks.clone();
    if let Some(last) = chunks.first_mut().and_then(|chunk| chunk.last_mut()) {
        *last ^= bits;
    }
    let mut body = masked.header.body.clone();
    body.chunks = chunks.iter().map(|chunk| Sha256::digest(chunk).into()).collect();
    let round = chain.round()?.ok_or("there is no round")?;
    let ctx = derive::ctx(&round).map_err(|error| error.to_string())?;
    Ok(Masked { header: sign(cheat.keys()?, &ctx, body)?, chunks })
}

/// A complaint about a dealer, whose share opens.
fn complain(cheat: &mut Provider, chain: &dyn World, epoch: u64, rng: &mut ChaCha20Rng) -> Made<Vec<Call>> {
    let members = state::members(chain.records(), TASK, epoch).map_err(|error| error.to_string())?;
    let dealers: Vec<_> = members.iter().filter(|member| member.dealt).collect();
    let Some(dealer) = dealers.choose(rng) else { return Ok(Vec::new()) };
    let record = state::find_deal(chain.records(), TASK, epoch, &dealer.address).map_err(|error| error.to_string())?;
    let Some(record) = record else { return Ok(Vec::new()) };
    let deal = Deal::decode(&record.body).map_err(|error| error.to_string())?;
    let seat = SeatIndex::new(cheat.member(chain)?.seat).map_err(|error| error.to_string())?;
    let ectx = ectx(chain)?;
    let name = cheat.name().clone();
    let signed = Seat::new(cheat.keys()?, ectx, &name, seat).complain(&deal, rng);
    let (body, signature) = parts(&signed);
    Ok(vec![Call::Complain(pb::MsgComplain { sender: String::new(), task_id: TASK, epoch, body, signature })])
}

/// A deal whose shares for some seats cannot be opened, properly proven and signed.
fn bad_deal(cheat: &Provider, chain: &dyn World, epoch: u64, rng: &mut ChaCha20Rng) -> Made<Signed<Deal>> {
    let broken = |error: &dyn std::fmt::Display| error.to_string();
    let records = state::seats(chain.records(), TASK, epoch).map_err(|error| broken(&error))?;
    let threshold = chain.epoch()?.threshold as usize;
    let seats = derive::seats(&records).map_err(|error| broken(&error))?;
    let victims: BTreeSet<u32> = seats.iter().map(|(seat, _)| seat.get()).filter(|_| rng.gen_bool(0.4)).collect();
    let other = SecretScalar::random(rng).public();
    let holders = seats
        .iter()
        .map(|(seat, holder)| SeatHolder {
            address: holder.address.clone(),
            e: if victims.contains(&seat.get()) { other } else { holder.e },
        })
        .collect();
    let wrong = Seats::new(holders).map_err(|error| broken(&error))?;
    let ectx = ectx(chain)?;
    // The dealer draws its polynomial, then its ephemeral secret; drawing again from the same state gives the latter.
    let mut again = rng.clone();
    let signed =
        Dealer::new(cheat.keys()?, ectx, cheat.name()).deal(&wrong, threshold, rng).map_err(|error| broken(&error))?;
    for _ in 1..threshold {
        SecretScalar::random(&mut again);
    }
    let ephemeral = SecretScalar::random(&mut again);
    let mut body = signed.body;
    body.seats_root = seats.root();
    let mut transcript = Transcript::new("deal", ectx.as_bytes());
    let writer = transcript.writer();
    writer.address(cheat.name()).bytes(body.seats_root.as_bytes());
    writer.count(body.commitments.len());
    body.commitments.iter().for_each(|point| {
        writer.point(point);
    });
    writer.count(body.ciphertexts.len());
    body.ciphertexts.iter().for_each(|sealed| {
        writer.bytes(sealed);
    });
    writer.point(&body.ephemeral);
    body.proof = Schnorr::prove(&ephemeral, &transcript, rng);
    sign(cheat.keys()?, &ectx, body)
}
