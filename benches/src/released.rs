//! A round of several groups whose survivors are final and whose seats answered.

use std::collections::{BTreeMap, BTreeSet};

use bauta_secagg::check_in::{self, CheckIn, CheckInState, CheckedIn};
use bauta_secagg::context::{Ctx, ModelHash, Rctx};
use bauta_secagg::curve::VerifyKey;
use bauta_secagg::deal::{Deal, ShareKeys};
use bauta_secagg::encoding::Slot;
use bauta_secagg::parties::{Group, GroupMember, Survivors};
use bauta_secagg::ring::{check_range, Layout, Pow2, Ring, Sign};
use bauta_secagg::seat::{AnswerRecord, Seat, Share};
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::{verify_chunk, verify_header, HeaderState, Masked};
use bauta_secagg::unmask::{self, MaskRemoval, OpenedMasks, Partial, Requests, SeatKeys, UnmaskState};
use rand_chacha::rand_core::RngCore;

use crate::committee::{seat, slot, Committee};

/// Largest integer of an update.
const BOUND: i64 = 1_000;

/// One group of the round.
struct Part {
    group: Group,
    survivors: Survivors,
    /// All members' check-ins, and the survivors' submissions, by provider.
    check_ins: Vec<(usize, Signed<CheckIn>)>,
    submitted: Vec<(usize, Masked)>,
    expected: Vec<i64>,
}

/// What the chain has when the last seat that is needed has answered.
pub struct Released {
    rctx: Rctx,
    ctx: Ctx,
    deals: Vec<Deal>,
    parts: Vec<Part>,
    requests: Requests,
    layout: Layout,
    /// The seats that answered, by place.
    answering: Vec<usize>,
    /// Share keys of each dealer, as the state holds them.
    share_keys: Vec<Vec<u8>>,
    /// Bodies and signatures of the answers, as transactions carry them.
    messages: Vec<(Vec<u8>, [u8; 64])>,
    verify_keys: Vec<VerifyKey>,
    committee: Committee,
}

/// Elements of 32 bits in chunks of 64 KiB.
pub fn layout(elements: u64) -> Layout {
    let ring = Ring::Pow2(Pow2::new(32).expect("32 bits are a ring"));
    Layout::new(ring, elements, 16_384).expect("16,384 words are a chunk")
}

/// Places `0..n` in a random order.
fn shuffled(n: usize, committee: &mut Committee) -> Vec<usize> {
    let mut places: Vec<_> = (0..n).collect();
    for i in (1..n).rev() {
        places.swap(i, (committee.rng.next_u64() % (i as u64 + 1)) as usize);
    }
    places
}

impl Released {
    /// A round of all providers in `floor(n / group_size)` groups; `dropped` of them check in and do not submit. The seats that answer
    /// first are any `t`, not those with the smallest indices, whose coefficients are shorter.
    pub fn new(mut committee: Committee, group_size: usize, dropped: usize, elements: u64) -> Self {
        let n = committee.providers();
        let deals: Vec<Deal> = (0..n).map(|i| committee.deal(i).body).collect();
        let m = committee.seats.len();
        let keys =
            |deal: &Deal| ShareKeys::from_commitments(&deal.commitments, m).expect("an honest deal has share keys");
        let share_keys: Vec<_> = deals.iter().map(|deal| keys(deal).encode()).collect();

        let rctx = Rctx::new(&committee.ectx, 1);
        let ctx = Ctx::new(&rctx, &ModelHash::from_bytes([1; 32]), &committee.roster_root());
        let layout = layout(elements);
        let silent: BTreeSet<_> = shuffled(n, &mut committee).into_iter().take(dropped).collect();
        let places = shuffled(n, &mut committee);
        let groups = (n / group_size).max(1);
        let members = |g: usize| places[g * n / groups..(g + 1) * n / groups].to_vec();
        let parts: Vec<_> =
            (0..groups).map(|g| Part::new(&mut committee, &rctx, &ctx, &layout, &members(g), &silent)).collect();
        let lists: Vec<_> = parts.iter().map(|part| (&part.group, &part.survivors)).collect();
        let requests = Requests::new(&rctx, &lists).expect("the groups are disjoint");

        let mut answering: Vec<_> = shuffled(m, &mut committee).into_iter().take(committee.threshold).collect();
        answering.sort_unstable();
        let holder = |&k: &usize| committee.keys[committee.holders[k]].public().v;
        let verify_keys = answering.iter().map(holder).collect();
        let messages = Vec::new();
        let mut released =
            Self { rctx, ctx, deals, parts, requests, layout, answering, share_keys, messages, verify_keys, committee };
        for k in released.answering.clone() {
            let shares = released.open_shares(k);
            let signed = released.answer(k, &shares);
            released.messages.push((signed.body.encode(), signed.signature));
        }
        released
    }

    /// A seat opens and checks the shares of all deals: once an epoch.
    pub fn open_shares(&self, k: usize) -> BTreeMap<Slot, Share> {
        let open = |deal: &Deal| self.role(k).open(deal).expect("an honest share opens");
        self.deals.iter().enumerate().map(|(i, deal)| (slot(i), open(deal))).collect()
    }

    /// A seat answers for all points of the round.
    pub fn answer(&mut self, k: usize, shares: &BTreeMap<Slot, Share>) -> Signed<Partial> {
        let mut rng = self.committee.rng.clone();
        let admitted = AnswerRecord::new(&self.rctx).admit(&self.requests).expect("it is the first list of the round");
        let answer = self.role(k).answer(&self.ctx, &self.requests, &admitted, shares, &mut rng);
        self.committee.rng = rng;
        answer.expect("the seat holds all shares")
    }

    fn role(&self, k: usize) -> Seat<'_> {
        let holder = self.committee.holders[k];
        Seat::new(&self.committee.keys[holder], self.committee.ectx, &self.committee.addresses[holder], seat(k))
    }

    /// What a client does for its update: check in, and mask. Of the first survivor of the first group.
    pub fn update(&mut self) -> (Signed<CheckIn>, Masked) {
        let part = &self.parts[0];
        let i = part.submitted[0].0;
        let (keys, address, rng) = (&self.committee.keys[i], &self.committee.addresses[i], &mut self.committee.rng);
        let (signed, state) = CheckedIn::new(keys, &self.rctx, address, 1, rng);
        let masked = state.mask(&self.ctx, &part.group, &self.layout, &update(i, &self.layout), rng);
        (signed, masked.expect("the update fits the ring"))
    }

    /// What the chain does before the answers: check the proofs of all check-ins, the headers and the chunks.
    pub fn admit(&self) {
        let public = |i: usize| (&self.committee.addresses[i], self.committee.keys[i].public());
        for part in &self.parts {
            for (i, signed) in &part.check_ins {
                let (address, keys) = public(*i);
                let state = CheckInState { address, x: &keys.x, v: &keys.v, max_weight: 1 };
                check_in::verify(&self.rctx, &state, signed).expect("an honest check-in holds");
            }
            let group_root = part.group.root();
            for (i, masked) in &part.submitted {
                let (address, keys) = public(*i);
                let state = HeaderState {
                    ctx: &self.ctx,
                    address,
                    v: &keys.v,
                    slot: slot(*i),
                    group_root,
                    weight: 1,
                    layout: &self.layout,
                };
                verify_header(&state, &masked.header).expect("an honest header fits the state");
                for (index, chunk) in (0..).zip(&masked.chunks) {
                    verify_chunk(&masked.header.body, &self.layout, index, chunk).expect("honest chunks are canonical");
                }
            }
        }
    }

    /// The seats that answer.
    pub fn answering(&self) -> &[usize] {
        &self.answering
    }

    /// Bytes of all answers together.
    pub fn answered_bytes(&self) -> usize {
        self.messages.iter().map(|(body, _)| body.len() + 64).sum()
    }

    /// Points that every seat answers for.
    pub fn points(&self) -> usize {
        self.requests.len()
    }

    /// The groups' sizes.
    pub fn group_sizes(&self) -> Vec<usize> {
        self.parts.iter().map(|part| part.group.len()).collect()
    }

    /// From the answers' bytes to the opened masks: parse messages and share keys, verify all signatures and proofs, interpolate.
    pub fn open(&self) -> OpenedMasks {
        let messages: Vec<Signed<Partial>> = self
            .messages
            .iter()
            .map(|(body, signature)| Signed::from_parts(body, signature).expect("an honest answer parses"))
            .collect();
        let keys: Vec<SeatKeys> = self.answering.iter().map(|&k| self.seat_keys(k)).collect();
        let checked: Vec<_> = (0..messages.len())
            .map(|at| {
                let k = self.answering[at];
                let state = UnmaskState {
                    ctx: &self.ctx,
                    requests: &self.requests,
                    address: &self.committee.addresses[self.committee.holders[k]],
                    seat: seat(k),
                    v: &self.verify_keys[at],
                    keys: &keys[at],
                };
                unmask::check(&state, &messages[at]).expect("an honest answer fits the state")
            })
            .collect();
        unmask::verify_batch(&checked).expect("honest proofs hold");
        let partials: Vec<_> = messages.iter().map(|signed| &signed.body).collect();
        unmask::open(&self.requests, &partials).expect("t distinct seats interpolate")
    }

    /// From the stored chunks and the opened masks to the groups' sums, checked to be in range.
    pub fn sums(&self, opened: &OpenedMasks) -> Vec<Vec<i64>> {
        self.parts.iter().map(|part| part.sum(&self.ctx, &self.layout, &self.requests, opened)).collect()
    }

    /// The plain sums of the survivors' updates.
    pub fn expected(&self) -> Vec<Vec<i64>> {
        self.parts.iter().map(|part| part.expected.clone()).collect()
    }

    fn seat_keys(&self, k: usize) -> SeatKeys {
        let key = |i: &Slot| {
            ShareKeys::decode_one(&self.share_keys[i.get() as usize - 1], seat(k)).expect("the state holds points")
        };
        self.requests.providers().keys().map(|i| (*i, key(i))).collect()
    }
}

/// The update of a provider.
fn update(i: usize, layout: &Layout) -> Vec<i64> {
    (0..layout.elements()).map(|e| (e as i64 + i as i64) % (2 * BOUND + 1) - BOUND).collect()
}

impl Part {
    fn new(
        committee: &mut Committee,
        rctx: &Rctx,
        ctx: &Ctx,
        layout: &Layout,
        members: &[usize],
        silent: &BTreeSet<usize>,
    ) -> Self {
        let (mut checked_in, mut check_ins, mut states) = (Vec::new(), Vec::new(), Vec::new());
        for &i in members {
            let (keys, address) = (&committee.keys[i], &committee.addresses[i]);
            let (signed, state) = CheckedIn::new(keys, rctx, address, 1, &mut committee.rng);
            let (x, p) = (keys.public().x, signed.body.point);
            checked_in.push(GroupMember { slot: slot(i), address: address.clone(), x, p });
            check_ins.push((i, signed));
            states.push((i, state));
        }
        let group = Group::new(checked_in).expect("no provider checks in twice");
        let mut expected = vec![0; layout.elements() as usize];
        let mut submitted = Vec::new();
        for (i, state) in states.into_iter().filter(|(i, _)| !silent.contains(i)) {
            let update = update(i, layout);
            expected.iter_mut().zip(&update).for_each(|(sum, value)| *sum += value);
            let masked =
                state.mask(ctx, &group, layout, &update, &mut committee.rng).expect("the update fits the ring");
            submitted.push((i, masked));
        }
        let slots = members.iter().filter(|i| !silent.contains(i)).map(|&i| slot(i)).collect();
        let survivors = Survivors::new(&group, &slots, 3).expect("three of each group survive");
        Self { group, survivors, check_ins, submitted, expected }
    }

    fn sum(&self, ctx: &Ctx, layout: &Layout, requests: &Requests, opened: &OpenedMasks) -> Vec<i64> {
        let removal =
            MaskRemoval::new(ctx, &self.group, &self.survivors, requests, opened).expect("all masks were asked for");
        let mut decoded = Vec::with_capacity(layout.elements() as usize);
        for chunk in 0..layout.chunks() {
            let mut sum = layout.zero(chunk).expect("it is a chunk of the layout");
            for (_, masked) in &self.submitted {
                sum.add_packed(&masked.chunks[chunk as usize], Sign::Plus).expect("honest chunks are canonical");
            }
            removal.remove(&mut sum);
            decoded.extend(sum.decode());
        }
        check_range(&decoded, BOUND as u128 * self.submitted.len() as u128).expect("honest sums are in range");
        decoded
    }
}
