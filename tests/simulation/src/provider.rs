//! An honest provider: what is due is decided by the function that clients decide it with, and messages are made as clients make them.

use std::collections::{BTreeMap, BTreeSet};

use bauta_rounds::due::{due, Due};
use bauta_rounds::terms::Terms;
use bauta_rounds::{derive, query, state, Call};
use bauta_schema::training::v1 as pb;
use bauta_secagg::check_in::CheckedIn;
use bauta_secagg::context::{Ectx, Rctx};
use bauta_secagg::deal::{Deal, Dealer};
use bauta_secagg::encoding::Address;
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::parties::Group;
use bauta_secagg::seat::AnswerRecord;
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::Masked;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use crate::blame::numbers_call;
use crate::seat::{unmask_call, Shares};
use crate::world::{World, TASK};

/// A duty, as long as it is the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// To enrol in an epoch.
    Enrol(u64),
    /// To deal in it.
    Deal(u64),
    /// To give a point to the seed of its seats.
    Contribute(u64),
    /// To answer for its seats of the second epoch with shares of the value that draws the seats of the first.
    EvaluateForSeats(u64, u64),
    /// To open its deals.
    CheckDeals(u64),
    /// To answer with shares of the value that cuts the groups.
    Evaluate(u64),
    /// To check in to a round.
    CheckIn(u64),
    /// To send a header.
    Header(u64),
    /// To send the chunks.
    Chunks(u64),
    /// To answer the request list.
    Unmask(u64),
    /// To sign the numbers of its edges, in a pass of a round's blame.
    BlameValues(u64, u32),
    /// To answer one of a round's lists of blame.
    OpenEdges(u64, u32),
}

/// What survives a restart.
#[derive(Default)]
struct Disk {
    /// The keys of an epoch.
    keys: Option<(u64, ProviderKeys)>,
    /// Those of the epoch before, whose seats may still be asked.
    before: Option<(u64, ProviderKeys)>,
    /// The shares that were opened in an epoch.
    shares: Option<(u64, Shares)>,
    /// What was signed for a round, before it is sent.
    submission: Option<(u64, Masked)>,
    /// What was answered in rounds, before it is sent.
    answers: BTreeMap<u64, Option<AnswerRecord>>,
    /// In which round a cheat's weighted update has too much at a coordinate, and how much.
    excess: Option<(u64, i64)>,
}

impl Disk {
    fn keys_of(&self, epoch: u64) -> Made<&ProviderKeys> {
        let mut kept = [&self.keys, &self.before].into_iter().flatten();
        kept.find(|(of, _)| *of == epoch).map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys of that epoch"))
    }
}

/// A provider.
pub struct Provider {
    /// Its address.
    pub address: Vec<u8>,
    /// Its weight in every round.
    pub weight: u64,
    /// The first epoch in which it takes part.
    pub joins: u64,
    name: Address,
    seed: u64,
    disk: Disk,
    /// What it has begun since it was started.
    begun: BTreeSet<Duty>,
    rng: ChaCha20Rng,
}

/// What an honest provider makes, or why it cannot.
pub type Made<T> = Result<T, String>;

/// Why an honest provider cannot go on, which must never happen.
pub fn broken(error: impl std::fmt::Display) -> String {
    format!("an honest provider cannot go on: {error}")
}

impl Provider {
    /// The `index`th of a seed, at an address.
    ///
    /// # Errors
    /// When the address has a length that none has.
    pub fn new(seed: u64, index: u32, joins: u64, address: Vec<u8>) -> Made<Self> {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(index) + 1);
        let name = Address::new(address.clone()).map_err(broken)?;
        let weight = 1 + u64::from(index % 3);
        let seed = seed.wrapping_mul(1_000_003) + u64::from(index);
        Ok(Self { address, weight, joins, name, seed, disk: Disk::default(), begun: BTreeSet::new(), rng })
    }

    /// What it has to do and has not begun yet.
    ///
    /// # Errors
    /// When the chain's records are broken.
    pub fn duties(&self, chain: &dyn World) -> Made<Vec<Duty>> {
        let task = query::task(chain.records(), TASK).map_err(broken)?;
        let epoch = query::epoch(chain.records(), TASK, 0).map_err(broken)?;
        let number = epoch.epoch.as_ref().map_or(0, |epoch| epoch.number);
        if number < self.joins {
            return Ok(Vec::new());
        }
        let round = query::round(chain.records(), TASK, 0).ok();
        let duty = |due: Due| match due {
            Due::Enrol { epoch } => Duty::Enrol(epoch),
            Due::Deal { epoch } => Duty::Deal(epoch),
            Due::Contribute { epoch } => Duty::Contribute(epoch),
            Due::EvaluateForSeats { epoch, of } => Duty::EvaluateForSeats(epoch, of),
            Due::CheckDeals { epoch } => Duty::CheckDeals(epoch),
            Due::Evaluate { epoch, .. } => Duty::Evaluate(epoch),
            Due::CheckIn { round } => Duty::CheckIn(round),
            Due::Submit { round, header: false, .. } => Duty::Header(round),
            Due::Submit { round, .. } => Duty::Chunks(round),
            Due::Unmask { round, .. } => Duty::Unmask(round),
            Due::BlameValues { round, pass } => Duty::BlameValues(round, pass),
            Due::OpenEdges { round, list, .. } => Duty::OpenEdges(round, list),
        };
        let all = due(&task, &epoch, round.as_ref(), &self.address).into_iter().map(duty);
        Ok(all.filter(|duty| !self.begun.contains(duty)).collect())
    }

    /// Notes that it does something, or lets it be.
    pub fn begin(&mut self, duty: Duty) {
        self.begun.insert(duty);
    }

    /// Forgets what is not on its disk.
    pub fn restart(&mut self) {
        self.begun.clear();
    }

    /// Whether a duty that it has begun is one still.
    ///
    /// # Errors
    /// When the chain's records are broken.
    pub fn still_has_to(&mut self, chain: &dyn World, duty: Duty) -> Made<bool> {
        self.begun.remove(&duty);
        let is_due = self.duties(chain)?.contains(&duty);
        self.begun.insert(duty);
        Ok(is_due)
    }

    /// The messages of a duty; none when it is no duty any more.
    ///
    /// # Errors
    /// When an honest provider would be stuck.
    pub fn make(&mut self, chain: &dyn World, duty: Duty) -> Made<Vec<Call>> {
        if !self.still_has_to(chain, duty)? {
            return Ok(Vec::new());
        }
        match duty {
            Duty::Enrol(epoch) => self.enrol(chain, epoch).map(|call| vec![call]),
            Duty::Deal(epoch) => self.deal(chain, epoch).map(|deal| vec![deal_call(epoch, &deal)]),
            Duty::CheckDeals(epoch) => self.check_deals(chain, epoch),
            Duty::Contribute(epoch) => self.contribute(chain, epoch).map(|call| vec![call]),
            Duty::EvaluateForSeats(epoch, of) => self.evaluate_for_seats(chain, epoch, of),
            Duty::Evaluate(epoch) => self.evaluate(chain, epoch),
            Duty::CheckIn(round) => self.check_in(chain, round).map(|call| vec![call]),
            Duty::Header(round) => self.masked(chain, round).map(|masked| vec![header_call(round, &masked)]),
            Duty::Chunks(round) => self.masked(chain, round).map(|masked| chunk_calls(round, &masked)),
            Duty::Unmask(round) => Ok(self.answers(chain)?.iter().map(|answer| unmask_call(round, answer)).collect()),
            Duty::BlameValues(round, _) => self.numbers(chain).map(|signed| vec![numbers_call(round, &signed)]),
            Duty::OpenEdges(round, list) => {
                Ok(self.openings(chain, list)?.iter().map(|answer| unmask_call(round, answer)).collect())
            }
        }
    }

    /// The keys of the epoch in which it enrolled last.
    ///
    /// # Errors
    /// When it has none.
    pub fn keys(&self) -> Made<&ProviderKeys> {
        self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))
    }

    /// The keys of an epoch.
    ///
    /// # Errors
    /// When it has none.
    pub fn keys_of(&self, epoch: u64) -> Made<&ProviderKeys> {
        self.disk.keys_of(epoch)
    }

    /// What its signatures of an epoch are made with.
    ///
    /// # Errors
    /// When it has no keys of that epoch.
    pub fn parts_of(&mut self, epoch: u64) -> Made<(&ProviderKeys, &Address, &mut ChaCha20Rng)> {
        Ok((self.disk.keys_of(epoch)?, &self.name, &mut self.rng))
    }

    /// The shares on its disk, with their epoch.
    pub fn shares(&mut self) -> &mut Option<(u64, Shares)> {
        &mut self.disk.shares
    }

    /// For whom its seats answered in a round.
    pub fn answered(&mut self, round: u64) -> &mut Option<AnswerRecord> {
        self.disk.answers.entry(round).or_default()
    }

    /// What a cheat's update has too much.
    pub fn excess(&mut self) -> &mut Option<(u64, i64)> {
        &mut self.disk.excess
    }

    /// Its name in transcripts.
    pub fn name(&self) -> &Address {
        &self.name
    }

    /// Where its randomness comes from.
    pub fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.rng
    }

    /// Its record of the current epoch.
    ///
    /// # Errors
    /// When it is not enrolled.
    pub fn member(&self, chain: &dyn World) -> Made<pb::Member> {
        state::member(chain.records(), TASK, chain.task()?.epoch, &self.address).map_err(broken)
    }

    fn enrol(&mut self, chain: &dyn World, epoch: u64) -> Made<Call> {
        // Fresh every epoch; a second attempt takes those of the first.
        if self.disk.keys.as_ref().is_none_or(|(of, _)| *of != epoch) {
            let keys = ProviderKeys::generate(&mut self.rng);
            self.disk = Disk { keys: Some((epoch, keys)), before: self.disk.keys.take(), ..Disk::default() };
        }
        let ectx = ectx(chain)?;
        let keys = self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))?;
        let signed = keys.enrol(&ectx, &self.name, &mut self.rng);
        let (body, signature) = parts(&signed);
        Ok(Call::Enrol(pb::MsgEnrol { sender: String::new(), task_id: TASK, epoch, body, signature }))
    }

    /// Its deal.
    ///
    /// # Errors
    /// When the chain's records are broken.
    pub fn deal(&mut self, chain: &dyn World, epoch: u64) -> Made<Signed<Deal>> {
        let seats = derive::seats(&state::seats(chain.records(), TASK, epoch).map_err(broken)?).map_err(broken)?;
        let threshold = chain.epoch()?.threshold as usize;
        let keys = self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))?;
        Dealer::new(keys, ectx(chain)?, &self.name).deal(&seats, threshold, &mut self.rng).map_err(broken)
    }

    fn check_in(&mut self, chain: &dyn World, round: u64) -> Made<Call> {
        let rctx = Rctx::new(&ectx(chain)?, round);
        let keys = self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))?;
        let (signed, _) = CheckedIn::new(keys, &rctx, &self.name, self.weight, &mut self.rng);
        let (body, signature) = parts(&signed);
        Ok(Call::CheckIn(pb::MsgCheckIn { sender: String::new(), task_id: TASK, round, body, signature }))
    }

    /// Its update of a round, and its metrics if there are any: anything within the bound.
    ///
    /// # Errors
    /// When the chain's records are broken.
    pub fn update(&self, chain: &dyn World, round: u64) -> Made<Vec<i64>> {
        let terms = terms(chain)?;
        let mut rng = ChaCha20Rng::seed_from_u64(self.seed);
        rng.set_stream(round);
        let bound = i64::try_from(terms.encoding.bound).map_err(broken)?;
        Ok((0..terms.elements + u64::from(terms.metrics())).map(|_| rng.gen_range(-bound..=bound)).collect())
    }

    /// What it submits to a round: made once, and kept before it is sent.
    ///
    /// # Errors
    /// When the chain shows it a false group, which it never does here.
    pub fn masked(&mut self, chain: &dyn World, round: u64) -> Made<Masked> {
        if let Some((of, masked)) = &self.disk.submission {
            if *of == round {
                return Ok(masked.clone());
            }
        }
        let update = self.update(chain, round)?;
        let masked = self.mask(chain, round, &update)?;
        self.disk.submission = Some((round, masked.clone()));
        Ok(masked)
    }

    /// Masks any update towards its group.
    ///
    /// # Errors
    /// When the chain shows it a false group.
    pub fn mask(&mut self, chain: &dyn World, round: u64, update: &[i64]) -> Made<Masked> {
        let record = state::round(chain.records(), TASK, round).map_err(broken)?;
        let group = self.group(chain, &record)?;
        let rctx = Rctx::new(&ectx(chain)?, round);
        let ctx = derive::ctx(&record).map_err(broken)?;
        let layout = terms(chain)?.layout;
        let keys = self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))?;
        CheckedIn::resume(keys, &rctx, &self.name, self.weight)
            .mask(&ctx, &group, &layout, update, &mut self.rng)
            .map_err(broken)
    }

    /// Its group of a round, compared with the root.
    pub(crate) fn group(&self, chain: &dyn World, round: &pb::Round) -> Made<Group> {
        let number = self.member(chain)?.group;
        let of = round.groups.iter().find(|group| group.number == number).ok_or_else(|| broken("it has no group"))?;
        let members = state::members(chain.records(), TASK, round.epoch).map_err(broken)?;
        let check_ins = state::check_ins(chain.records(), TASK, round.number).map_err(broken)?;
        let group = derive::group_of_round(&members, &check_ins, of).map_err(broken)?;
        if group.root().as_bytes()[..] != of.root[..] {
            return Err(broken("its group has another root"));
        }
        Ok(group)
    }
}

/// The task's terms.
///
/// # Errors
/// When its record is broken.
pub fn terms(chain: &dyn World) -> Made<Terms> {
    Terms::read(&state::settings(chain.records(), TASK).map_err(broken)?).map_err(broken)
}

/// The context of the current epoch.
///
/// # Errors
/// When its record is broken.
pub fn ectx(chain: &dyn World) -> Made<Ectx> {
    let bytes: [u8; 32] = chain.epoch()?.ectx.try_into().map_err(|_| broken("a context has 32 bytes"))?;
    Ok(Ectx::from_bytes(bytes))
}

/// Body and signature, as messages carry them.
pub fn parts<B: Body>(signed: &Signed<B>) -> (Vec<u8>, Vec<u8>) {
    (signed.body_bytes(), signed.signature.to_vec())
}

/// A deal as a message.
pub fn deal_call(epoch: u64, signed: &Signed<Deal>) -> Call {
    let (body, signature) = parts(signed);
    Call::Deal(pb::MsgDeal { sender: String::new(), task_id: TASK, epoch, body, signature })
}

/// A header as a message.
pub fn header_call(round: u64, masked: &Masked) -> Call {
    let (body, signature) = parts(&masked.header);
    Call::SubmitHeader(pb::MsgSubmitHeader { sender: String::new(), task_id: TASK, round, body, signature })
}

/// Chunks as messages.
pub fn chunk_calls(round: u64, masked: &Masked) -> Vec<Call> {
    let chunk = |(index, data): (u32, &Vec<u8>)| {
        Call::SubmitChunk(pb::MsgSubmitChunk { sender: String::new(), task_id: TASK, round, index, data: data.clone() })
    };
    (0..).zip(&masked.chunks).map(chunk).collect()
}
