//! An honest provider: what is due is decided by the function that clients decide it with, and messages are made as clients make them.

use std::collections::{BTreeMap, BTreeSet};

use bauta_rounds::due::{due, Due};
use bauta_rounds::terms::Terms;
use bauta_rounds::{derive, query, state, Call};
use bauta_schema::training::v1 as pb;
use bauta_secagg::check_in::CheckedIn;
use bauta_secagg::context::{Ectx, Rctx};
use bauta_secagg::deal::{Deal, Dealer};
use bauta_secagg::encoding::{Address, SeatIndex, Slot};
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::parties::Group;
use bauta_secagg::seat::{AnswerRecord, Seat, Share};
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::Masked;
use bauta_secagg::unmask::{Partial, Requests};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use crate::chain::{Chain, TASK};

/// A duty, as long as it is the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// To enrol in an epoch.
    Enrol(u64),
    /// To deal in it.
    Deal(u64),
    /// To open its deals.
    CheckDeals(u64),
    /// To answer with a share of the value that cuts the groups.
    Evaluate(u64),
    /// To check in to a round.
    CheckIn(u64),
    /// To send a header.
    Header(u64),
    /// To send the chunks.
    Chunks(u64),
    /// To answer the request list.
    Unmask(u64),
}

/// What survives a restart.
#[derive(Default)]
struct Disk {
    /// The keys of an epoch.
    keys: Option<(u64, ProviderKeys)>,
    /// The shares that were opened in it.
    shares: BTreeMap<Slot, Share>,
    /// What was signed for a round, before it is sent.
    submission: Option<(u64, Masked)>,
    /// What was answered in rounds, before it is sent.
    answers: BTreeMap<u64, AnswerRecord>,
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

type Made<T> = Result<T, String>;

fn broken(error: impl std::fmt::Display) -> String {
    format!("an honest provider cannot go on: {error}")
}

impl Provider {
    /// The `index`th of a seed.
    ///
    /// # Errors
    /// Never: addresses have a length that is allowed.
    pub fn new(seed: u64, index: u32, joins: u64) -> Made<Self> {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(index) + 1);
        let mut address = vec![0; 20];
        rng.fill(&mut address[..]);
        let name = Address::new(address.clone()).map_err(broken)?;
        let weight = 1 + u64::from(index % 3);
        let seed = seed.wrapping_mul(1_000_003) + u64::from(index);
        Ok(Self { address, weight, joins, name, seed, disk: Disk::default(), begun: BTreeSet::new(), rng })
    }

    /// What it has to do and has not begun yet.
    ///
    /// # Errors
    /// When the chain's records are broken.
    pub fn duties(&self, chain: &Chain) -> Made<Vec<Duty>> {
        let task = query::task(&chain.records, TASK).map_err(broken)?;
        let epoch = query::epoch(&chain.records, TASK, 0).map_err(broken)?;
        let number = epoch.epoch.as_ref().map_or(0, |epoch| epoch.number);
        if number < self.joins {
            return Ok(Vec::new());
        }
        let round = query::round(&chain.records, TASK, 0).ok();
        let duty = |due: Due| match due {
            Due::Enrol { epoch } => Duty::Enrol(epoch),
            Due::Deal { epoch } => Duty::Deal(epoch),
            Due::CheckDeals { epoch } => Duty::CheckDeals(epoch),
            Due::Evaluate { epoch, .. } => Duty::Evaluate(epoch),
            Due::CheckIn { round } => Duty::CheckIn(round),
            Due::Submit { round, header: false, .. } => Duty::Header(round),
            Due::Submit { round, .. } => Duty::Chunks(round),
            Due::Unmask { round, .. } => Duty::Unmask(round),
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
    pub fn still_has_to(&mut self, chain: &Chain, duty: Duty) -> Made<bool> {
        self.begun.remove(&duty);
        let is_due = self.duties(chain)?.contains(&duty);
        self.begun.insert(duty);
        Ok(is_due)
    }

    /// The messages of a duty; none when it is no duty any more.
    ///
    /// # Errors
    /// When an honest provider would be stuck.
    pub fn make(&mut self, chain: &Chain, duty: Duty) -> Made<Vec<Call>> {
        if !self.still_has_to(chain, duty)? {
            return Ok(Vec::new());
        }
        match duty {
            Duty::Enrol(epoch) => self.enrol(chain, epoch).map(|call| vec![call]),
            Duty::Deal(epoch) => self.deal(chain, epoch).map(|deal| vec![deal_call(epoch, &deal)]),
            Duty::CheckDeals(epoch) => self.check_deals(chain, epoch),
            Duty::Evaluate(epoch) => self.evaluate(chain, epoch).map(|call| call.into_iter().collect()),
            Duty::CheckIn(round) => self.check_in(chain, round).map(|call| vec![call]),
            Duty::Header(round) => self.masked(chain, round).map(|masked| vec![header_call(round, &masked)]),
            Duty::Chunks(round) => self.masked(chain, round).map(|masked| chunk_calls(round, &masked)),
            Duty::Unmask(round) => {
                Ok(self.answer(chain)?.into_iter().map(|answer| unmask_call(round, &answer)).collect())
            }
        }
    }

    /// The keys of the current epoch.
    ///
    /// # Errors
    /// When it has none.
    pub fn keys(&self) -> Made<&ProviderKeys> {
        self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))
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
    pub fn member(&self, chain: &Chain) -> Made<pb::Member> {
        state::member(&chain.records, TASK, chain.task()?.epoch, &self.address).map_err(broken)
    }

    fn enrol(&mut self, chain: &Chain, epoch: u64) -> Made<Call> {
        // Fresh every epoch; a second attempt takes those of the first.
        if self.disk.keys.as_ref().is_none_or(|(of, _)| *of != epoch) {
            let keys = ProviderKeys::generate(&mut self.rng);
            self.disk = Disk { keys: Some((epoch, keys)), ..Disk::default() };
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
    pub fn deal(&mut self, chain: &Chain, epoch: u64) -> Made<Signed<Deal>> {
        let seats = derive::seats(&state::seats(&chain.records, TASK, epoch).map_err(broken)?).map_err(broken)?;
        let threshold = chain.epoch()?.threshold as usize;
        let keys = self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))?;
        Dealer::new(keys, ectx(chain)?, &self.name).deal(&seats, threshold, &mut self.rng).map_err(broken)
    }

    /// Opens every deal; a complaint for each that is bad.
    fn check_deals(&mut self, chain: &Chain, epoch: u64) -> Made<Vec<Call>> {
        let bad = self.open_deals(chain)?;
        let mut calls = Vec::new();
        for deal in bad {
            let ectx = ectx(chain)?;
            let seat = seat_of(&self.member(chain)?)?;
            let keys = self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))?;
            let signed = Seat::new(keys, ectx, &self.name, seat).complain(&deal, &mut self.rng);
            let (body, signature) = parts(&signed);
            calls.push(Call::Complain(pb::MsgComplain {
                sender: String::new(),
                task_id: TASK,
                epoch,
                body,
                signature,
            }));
        }
        Ok(calls)
    }

    /// Opens the shares of every dealer that it has not opened yet; the deals that are bad.
    fn open_deals(&mut self, chain: &Chain) -> Made<Vec<Deal>> {
        let member = self.member(chain)?;
        let (seat, ectx, epoch) = (seat_of(&member)?, ectx(chain)?, chain.epoch()?.number);
        let mut bad = Vec::new();
        let mut shares = BTreeMap::new();
        let role = Seat::new(self.keys()?, ectx, &self.name, seat);
        for dealer in state::members(&chain.records, TASK, epoch).map_err(broken)? {
            let Some(record) = state::find_deal(&chain.records, TASK, epoch, &dealer.address).map_err(broken)? else {
                continue;
            };
            let deal = Deal::decode(&record.body).map_err(broken)?;
            match role.open(&deal) {
                Ok(share) if dealer.slot > 0 => {
                    shares.insert(Slot::new(dealer.slot).map_err(broken)?, share);
                }
                Ok(_) => {}
                Err(_) => bad.push(deal),
            }
        }
        self.disk.shares = shares;
        Ok(bad)
    }

    fn evaluate(&mut self, chain: &Chain, epoch: u64) -> Made<Option<Call>> {
        self.open_deals(chain)?;
        let members = state::members(&chain.records, TASK, epoch).map_err(broken)?;
        let dealers: Result<Vec<Slot>, _> =
            members.iter().filter(|member| member.slot > 0).map(|member| Slot::new(member.slot)).collect();
        let dealers = dealers.map_err(broken)?;
        if dealers.iter().any(|slot| !self.disk.shares.contains_key(slot)) {
            // A bad share; its complaint excuses the seat.
            return Ok(None);
        }
        let input = derive::partition_input(&chain.epoch()?).map_err(broken)?;
        let (seat, ectx) = (seat_of(&self.member(chain)?)?, ectx(chain)?);
        let keys = self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))?;
        let role = Seat::new(keys, ectx, &self.name, seat);
        let signed = role.evaluate(&input, &dealers, &self.disk.shares, &mut self.rng).map_err(broken)?;
        let (body, signature) = parts(&signed);
        Ok(Some(Call::Evaluate(pb::MsgEvaluate { sender: String::new(), task_id: TASK, epoch, body, signature })))
    }

    fn check_in(&mut self, chain: &Chain, round: u64) -> Made<Call> {
        let rctx = Rctx::new(&ectx(chain)?, round);
        let keys = self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))?;
        let (signed, _) = CheckedIn::new(keys, &rctx, &self.name, self.weight, &mut self.rng);
        let (body, signature) = parts(&signed);
        Ok(Call::CheckIn(pb::MsgCheckIn { sender: String::new(), task_id: TASK, round, body, signature }))
    }

    /// Its update of a round: anything within the bound.
    ///
    /// # Errors
    /// When the chain's records are broken.
    pub fn update(&self, chain: &Chain, round: u64) -> Made<Vec<i64>> {
        let terms = terms(chain)?;
        let mut rng = ChaCha20Rng::seed_from_u64(self.seed);
        rng.set_stream(round);
        let bound = i64::try_from(terms.encoding.bound).map_err(broken)?;
        Ok((0..terms.elements).map(|_| rng.gen_range(-bound..=bound)).collect())
    }

    /// What it submits to a round: made once, and kept before it is sent.
    ///
    /// # Errors
    /// When the chain shows it a false group, which it never does here.
    pub fn masked(&mut self, chain: &Chain, round: u64) -> Made<Masked> {
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
    pub fn mask(&mut self, chain: &Chain, round: u64, update: &[i64]) -> Made<Masked> {
        let record = state::round(&chain.records, TASK, round).map_err(broken)?;
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
    fn group(&self, chain: &Chain, round: &pb::Round) -> Made<Group> {
        let number = self.member(chain)?.group;
        let of = round.groups.iter().find(|group| group.number == number).ok_or_else(|| broken("it has no group"))?;
        let members = state::members(&chain.records, TASK, round.epoch).map_err(broken)?;
        let check_ins = state::check_ins(&chain.records, TASK, round.number).map_err(broken)?;
        let group = derive::group_of_round(&members, &check_ins, of).map_err(broken)?;
        if group.root().as_bytes()[..] != of.root[..] {
            return Err(broken("its group has another root"));
        }
        Ok(group)
    }

    /// Its seat's answer to the request list; `None` where a bad share excuses it.
    ///
    /// # Errors
    /// When its record does not admit the list, which never happens to who sees one chain.
    pub fn answer(&mut self, chain: &Chain) -> Made<Option<Signed<Partial>>> {
        let round = chain.round()?.ok_or_else(|| broken("there is no round"))?;
        let requests = requests(chain, &round)?;
        if self.disk.shares.is_empty() {
            self.open_deals(chain)?;
        }
        if requests.providers().into_keys().any(|slot| !self.disk.shares.contains_key(&slot)) {
            return Ok(None);
        }
        let rctx = derive::rctx(&round).map_err(broken)?;
        let record = self.disk.answers.entry(round.number).or_insert_with(|| AnswerRecord::new(&rctx));
        let admitted = record.admit(&requests).map_err(broken)?;
        let ctx = derive::ctx(&round).map_err(broken)?;
        let (seat, ectx) = (seat_of(&self.member(chain)?)?, ectx(chain)?);
        let keys = self.disk.keys.as_ref().map(|(_, keys)| keys).ok_or_else(|| broken("it has no keys"))?;
        let role = Seat::new(keys, ectx, &self.name, seat);
        role.answer(&ctx, &requests, &admitted, &self.disk.shares, &mut self.rng).map(Some).map_err(broken)
    }
}

/// The task's terms.
///
/// # Errors
/// When its record is broken.
pub fn terms(chain: &Chain) -> Made<Terms> {
    Terms::read(&state::settings(&chain.records, TASK).map_err(broken)?).map_err(broken)
}

/// The context of the current epoch.
///
/// # Errors
/// When its record is broken.
pub fn ectx(chain: &Chain) -> Made<Ectx> {
    let bytes: [u8; 32] = chain.epoch()?.ectx.try_into().map_err(|_| broken("a context has 32 bytes"))?;
    Ok(Ectx::from_bytes(bytes))
}

/// The request list of a round, compared with its root.
fn requests(chain: &Chain, round: &pb::Round) -> Made<Requests> {
    let members = state::members(&chain.records, TASK, round.epoch).map_err(broken)?;
    let check_ins = state::check_ins(&chain.records, TASK, round.number).map_err(broken)?;
    let least = terms(chain)?.cohort.min_group;
    let groups = derive::released_groups(&members, &check_ins, round, least).map_err(broken)?;
    let requests = derive::requests(round, &groups).map_err(broken)?;
    if requests.root().as_bytes()[..] != round.request_root[..] {
        return Err(broken("the request list has another root"));
    }
    Ok(requests)
}

fn seat_of(member: &pb::Member) -> Made<SeatIndex> {
    SeatIndex::new(member.seat).map_err(broken)
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

/// An answer as a message.
pub fn unmask_call(round: u64, signed: &Signed<Partial>) -> Call {
    let (body, signature) = parts(signed);
    Call::Unmask(pb::MsgUnmask { sender: String::new(), task_id: TASK, round, body, signature })
}
