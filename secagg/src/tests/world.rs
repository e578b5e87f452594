//! A whole epoch in memory: every party's keys, deals and shares, and rounds over them.

use std::collections::{BTreeMap, BTreeSet};

use crate::check_in::{self, CheckIn, CheckInState, CheckedIn};
use crate::context::{Ctx, Ectx, ModelHash, Rctx, SettingsHash};
use crate::deal::{self, Deal, DealState, Dealer, ShareKeys};
use crate::encoding::{Address, SeatIndex, Slot};
use crate::enrol::{self, ProviderKeys};
use crate::parties::{Group, GroupMember, Member, Roster, SeatHolder, Seats, Survivors};
use crate::proof::Schnorr;
use crate::ring::{Layout, Pow2, Ring, Sign};
use crate::seat::{AnswerRecord, Seat, Share};
use crate::secret::SecretScalar;
use crate::signature::Signed;
use crate::submit::{verify_chunk, verify_header, HeaderState, Masked};
use crate::unmask::{self, MaskRemoval, Partial, Requests, SeatKeys, UnmaskState};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

pub(crate) type Rng = ChaCha20Rng;

pub(crate) fn rng(seed: u64) -> Rng {
    Rng::seed_from_u64(seed)
}

pub(crate) fn address(number: usize) -> Address {
    Address::new(vec![number as u8 + 1; 20]).unwrap()
}

pub(crate) fn layout(bits: u32, elements: u64, chunk_elems: u32) -> Layout {
    Layout::new(Ring::Pow2(Pow2::new(bits).unwrap()), elements, chunk_elems).unwrap()
}

/// An epoch of `n` providers that all enrolled, all hold a seat and all dealt. Provider `i` has slot and seat `i + 1`.
pub(crate) struct World {
    pub(crate) ectx: Ectx,
    pub(crate) addresses: Vec<Address>,
    pub(crate) keys: Vec<ProviderKeys>,
    pub(crate) seats: Seats,
    pub(crate) roster: Roster,
    pub(crate) deals: Vec<Signed<Deal>>,
    pub(crate) share_keys: Vec<ShareKeys>,
    pub(crate) shares: Vec<BTreeMap<Slot, Share>>,
    pub(crate) rng: Rng,
}

impl World {
    pub(crate) fn new(n: usize, seed: u64) -> Self {
        let mut rng = rng(seed);
        let ectx = Ectx::new("bauta-test", 7, 1, &SettingsHash::from_bytes([5; 32])).unwrap();
        let addresses: Vec<_> = (0..n).map(address).collect();
        let keys: Vec<_> = (0..n).map(|_| ProviderKeys::generate(&mut rng)).collect();
        for (address, keys) in addresses.iter().zip(&keys) {
            enrol::verify(&ectx, address, &keys.enrol(&ectx, address, &mut rng)).unwrap();
        }
        let holder = |i: usize| SeatHolder { address: addresses[i].clone(), e: keys[i].public().e };
        let seats = Seats::of_enrolled((0..n).map(holder)).unwrap();
        let deals: Vec<_> = addresses
            .iter()
            .zip(&keys)
            .map(|(address, keys)| Dealer::new(keys, ectx, address).deal(&seats, seats.threshold(), &mut rng).unwrap())
            .collect();
        let mut world = Self {
            roster: roster(&addresses, &keys),
            ectx,
            addresses,
            keys,
            seats,
            deals,
            share_keys: Vec::new(),
            shares: Vec::new(),
            rng,
        };
        world.share_keys = (0..n).map(|i| world.verify_deal(i, &world.deals[i]).unwrap()).collect();
        world.shares = (0..n).map(|k| world.open_shares(k)).collect();
        world
    }

    pub(crate) fn verify_deal(&self, i: usize, deal: &Signed<Deal>) -> Result<ShareKeys, crate::rejection::Rejection> {
        let keys = self.keys[i].public();
        let state = DealState {
            dealer: &self.addresses[i],
            x: &keys.x,
            v: &keys.v,
            seats: &self.seats,
            threshold: self.seats.threshold(),
        };
        deal::verify(&self.ectx, &state, deal)
    }

    fn open_shares(&self, k: usize) -> BTreeMap<Slot, Share> {
        let seat = self.seat(k);
        let open = |i: usize| seat.open(&self.deals[i].body).unwrap();
        (0..self.deals.len()).map(|i| (slot(i), open(i))).collect()
    }

    pub(crate) fn seat(&self, k: usize) -> Seat<'_> {
        Seat::new(&self.keys[k], self.ectx, &self.addresses[k], index(k))
    }

    /// `X_{i,k}` of seat `k` for every dealer.
    pub(crate) fn seat_keys(&self, k: usize) -> SeatKeys {
        (0..self.deals.len()).map(|i| (slot(i), self.share_keys[i].get(index(k)).unwrap())).collect()
    }

    pub(crate) fn rctx(&self, round: u64) -> Rctx {
        Rctx::new(&self.ectx, round)
    }

    pub(crate) fn ctx(&self, round: u64) -> Ctx {
        Ctx::new(&self.rctx(round), &ModelHash::from_bytes([round as u8; 32]), &self.roster.root())
    }

    pub(crate) fn check_in(&mut self, i: usize, round: u64, weight: u64) -> (Signed<CheckIn>, CheckedIn) {
        let rctx = self.rctx(round);
        let (signed, state) = CheckedIn::new(&self.keys[i], &rctx, &self.addresses[i], weight, &mut self.rng);
        let keys = self.keys[i].public();
        let checked = CheckInState { address: &self.addresses[i], x: &keys.x, v: &keys.v, max_weight: 1 << 16 };
        check_in::verify(&rctx, &checked, &signed).unwrap();
        (signed, state)
    }

    /// Checks in `who` with weights and returns the group with the clients' states.
    pub(crate) fn group(&mut self, round: u64, who: &[(usize, u64)]) -> (Group, BTreeMap<usize, CheckedIn>) {
        let mut states = BTreeMap::new();
        let mut members = Vec::new();
        for (i, weight) in who {
            let (signed, state) = self.check_in(*i, round, *weight);
            states.insert(*i, state);
            members.push(GroupMember {
                slot: slot(*i),
                address: self.addresses[*i].clone(),
                x: self.keys[*i].public().x,
                p: signed.body.point,
            });
        }
        (Group::new(members).unwrap(), states)
    }

    /// Verifies a submission as the chain does.
    pub(crate) fn accept(&self, i: usize, round: u64, group: &Group, layout: &Layout, weight: u64, masked: &Masked) {
        let ctx = self.ctx(round);
        let state = HeaderState {
            ctx: &ctx,
            address: &self.addresses[i],
            v: &self.keys[i].public().v,
            slot: slot(i),
            group_root: group.root(),
            weight,
            layout,
        };
        verify_header(&state, &masked.header).unwrap();
        for (index, chunk) in (0..).zip(&masked.chunks) {
            verify_chunk(&masked.header.body, layout, index, chunk).unwrap();
        }
    }

    pub(crate) fn answer(&mut self, k: usize, round: u64, requests: &Requests) -> Signed<Partial> {
        let admitted = AnswerRecord::new(&self.rctx(round)).admit(requests).unwrap();
        let ctx = self.ctx(round);
        let seat = Seat::new(&self.keys[k], self.ectx, &self.addresses[k], index(k));
        seat.answer(&ctx, requests, &admitted, &self.shares[k], &mut self.rng).unwrap()
    }

    /// Answers of the seats given, verified in one batch.
    pub(crate) fn partials(&mut self, seats: &[usize], round: u64, requests: &Requests) -> Vec<Signed<Partial>> {
        let signed: Vec<_> = seats.iter().map(|k| self.answer(*k, round, requests)).collect();
        let ctx = self.ctx(round);
        let keys: Vec<_> = seats.iter().map(|k| (self.keys[*k].public(), self.seat_keys(*k))).collect();
        let checked: Vec<_> = seats
            .iter()
            .zip(&keys)
            .zip(&signed)
            .map(|((k, (public, seat_keys)), signed)| {
                let state = UnmaskState {
                    ctx: &ctx,
                    requests,
                    address: &self.addresses[*k],
                    seat: index(*k),
                    v: &public.v,
                    keys: seat_keys,
                };
                unmask::check(&state, signed).unwrap()
            })
            .collect();
        assert_eq!(unmask::verify_batch(&checked), Ok(()));
        signed
    }
}

fn roster(addresses: &[Address], keys: &[ProviderKeys]) -> Roster {
    let member = |(address, keys): (&Address, &ProviderKeys)| {
        let keys = keys.public();
        Member { address: address.clone(), x: keys.x, z: keys.z, e: keys.e, v: keys.v }
    };
    Roster::new(addresses.iter().zip(keys).map(member).collect()).unwrap()
}

pub(crate) fn slot(i: usize) -> Slot {
    Slot::new(i as u32 + 1).unwrap()
}

pub(crate) fn index(k: usize) -> SeatIndex {
    SeatIndex::new(k as u32 + 1).unwrap()
}

/// One group's way through a round.
pub(crate) struct Round<'a> {
    pub(crate) number: u64,
    pub(crate) layout: Layout,
    /// Who checks in, with weight and update.
    pub(crate) members: &'a [(usize, u64, Vec<i64>)],
    /// Who of them falls silent.
    pub(crate) drops: &'a BTreeSet<usize>,
    /// The seats that answer; the first `t` of them are used.
    pub(crate) seats: &'a [usize],
    pub(crate) min_group: usize,
}

/// Runs a round from check-in to the decoded sum of one group.
pub(crate) fn run(world: &mut World, round: &Round<'_>) -> Vec<i64> {
    let who: Vec<_> = round.members.iter().map(|(i, weight, _)| (*i, *weight)).collect();
    let (group, mut states) = world.group(round.number, &who);
    let ctx = world.ctx(round.number);
    let mut chunks = BTreeMap::new();
    for (i, weight, update) in round.members.iter().filter(|(i, _, _)| !round.drops.contains(i)) {
        let state = states.remove(i).unwrap();
        let masked = state.mask(&ctx, &group, &round.layout, update, &mut world.rng).unwrap();
        world.accept(*i, round.number, &group, &round.layout, *weight, &masked);
        chunks.insert(slot(*i), masked.chunks);
    }
    let submitted = chunks.keys().copied().collect();
    let survivors = Survivors::new(&group, &submitted, round.min_group).unwrap();
    let requests = Requests::new(&world.rctx(round.number), &[(&group, &survivors)]).unwrap();
    let threshold = world.seats.threshold();
    let signed = world.partials(&round.seats[..threshold], round.number, &requests);
    let partials: Vec<_> = signed.iter().map(|signed| &signed.body).collect();
    let opened = unmask::open(&requests, &partials).unwrap();
    let removal = MaskRemoval::new(&ctx, &group, &survivors, &requests, &opened).unwrap();
    let mut decoded = Vec::new();
    for chunk in 0..round.layout.chunks() {
        let mut sum = round.layout.zero(chunk).unwrap();
        for slot in survivors.survivors() {
            sum.add_packed(&chunks[slot][chunk as usize], Sign::Plus).unwrap();
        }
        removal.remove(&mut sum);
        decoded.extend(sum.decode());
    }
    decoded
}

/// The plain integer sum of the survivors' weighted updates.
pub(crate) fn plain_sum(round: &Round<'_>) -> Vec<i64> {
    let mut sum = vec![0; round.layout.elements() as usize];
    for (_, weight, update) in round.members.iter().filter(|(i, _, _)| !round.drops.contains(i)) {
        sum.iter_mut().zip(update).for_each(|(sum, value)| *sum += *weight as i64 * value);
    }
    sum
}

/// Dealer `i`'s deal, changed and proven and signed again: what a dishonest dealer posts. It replaces the honest one.
pub(crate) fn deal_with(world: &mut World, i: usize, change: impl FnOnce(&mut Deal)) -> Signed<Deal> {
    let mut body = world.deals[i].body.clone();
    change(&mut body);
    let ephemeral = SecretScalar::random(&mut world.rng);
    body.ephemeral = ephemeral.public();
    let transcript = deal::transcript(
        &world.ectx,
        &body.dealer,
        &body.seats_root,
        &body.commitments,
        &body.ciphertexts,
        &body.ephemeral,
    );
    body.proof = Schnorr::prove(&ephemeral, &transcript, &mut world.rng);
    let signed = world.keys[i].v.sign(&world.ectx, body, &mut world.rng);
    world.deals[i] = signed.clone();
    signed
}
