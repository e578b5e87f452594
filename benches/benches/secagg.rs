//! The masked round's figures: masks, a client's update, share keys, and from partials to the unmasked sum.
//!
//! `cargo bench -p bauta-benches --bench secagg`
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use bauta_secagg::check_in::CheckedIn;
use bauta_secagg::context::{Ctx, Ectx, ModelHash, Rctx, Root, SettingsHash};
use bauta_secagg::curve::Point;
use bauta_secagg::deal::{Deal, Dealer, ShareKeys};
use bauta_secagg::encoding::{Address, SeatIndex, Slot};
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::parties::{Group, GroupMember, SeatHolder, Seats, Survivors};
use bauta_secagg::prg::{MaskKey, Use};
use bauta_secagg::ring::{check_range, Elements, Layout, Pow2, Ring, Sign};
use bauta_secagg::seat::{AnswerRecord, Seat};
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::Masked;
use bauta_secagg::unmask::{self, MaskRemoval, Partial, Requests, SeatKeys, UnmaskState};
use criterion::{criterion_group, criterion_main, Criterion};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

const PROVIDERS: usize = 96;
const THRESHOLD: usize = 49;

fn layout(elements: u64) -> Layout {
    Layout::new(Ring::Pow2(Pow2::new(32).unwrap()), elements, 16_384).unwrap()
}

fn slot(i: usize) -> Slot {
    Slot::new(i as u32 + 1).unwrap()
}

fn seat(k: usize) -> SeatIndex {
    SeatIndex::new(k as u32 + 1).unwrap()
}

fn epoch() -> Ectx {
    Ectx::new("bauta-bench", 1, 1, &SettingsHash::from_bytes([1; 32])).unwrap()
}

/// Providers that enrolled.
struct Providers {
    addresses: Vec<Address>,
    keys: Vec<ProviderKeys>,
    rng: ChaCha20Rng,
}

impl Providers {
    fn new(n: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let addresses = (0..n).map(|i| Address::new(vec![i as u8 + 1; 20]).unwrap()).collect();
        let keys = (0..n).map(|_| ProviderKeys::generate(&mut rng)).collect();
        Self { addresses, keys, rng }
    }

    fn seats(&self) -> Seats {
        let holders = self.addresses.iter().zip(&self.keys);
        Seats::new(holders.map(|(a, k)| SeatHolder { address: a.clone(), e: k.public().e }).collect()).unwrap()
    }

    fn deals(&mut self) -> Vec<Deal> {
        let (seats, ectx) = (self.seats(), epoch());
        let parties = self.addresses.iter().zip(&self.keys);
        let deal = |(address, keys)| Dealer::new(keys, ectx, address).deal(&seats, THRESHOLD, &mut self.rng);
        parties.map(deal).map(|deal| deal.unwrap().body).collect()
    }

    fn group(&mut self, rctx: &Rctx) -> (Group, Vec<CheckedIn>) {
        let (mut members, mut states) = (Vec::new(), Vec::new());
        for (i, (address, keys)) in self.addresses.iter().zip(&self.keys).enumerate() {
            let (signed, state) = CheckedIn::new(keys, rctx, address, 1, &mut self.rng);
            let (x, p) = (keys.public().x, signed.body.point);
            members.push(GroupMember { slot: slot(i), address: address.clone(), x, p });
            states.push(state);
        }
        (Group::new(members).unwrap(), states)
    }
}

fn mask(c: &mut Criterion) {
    let layout = layout(1_000_000);
    let key = MaskKey::new(Use::Vector, &Ctx::from_bytes([3; 32]), &Point::GENERATOR);
    let mut chunks: Vec<_> = (0..layout.chunks()).map(|chunk| layout.zero(chunk).unwrap()).collect();
    c.bench_function("one mask, 1,000,000 elements of 32 bits", |b| {
        b.iter(|| chunks.iter_mut().for_each(|elements| key.apply(elements, Sign::Plus)));
    });
}

fn masked_update(c: &mut Criterion) {
    let mut providers = Providers::new(32);
    let rctx = Rctx::new(&epoch(), 1);
    let ctx = Ctx::new(&rctx, &ModelHash::from_bytes([1; 32]), &Root::from_bytes([2; 32]));
    let (group, _) = providers.group(&rctx);
    let layout = layout(1_000_000);
    let update: Vec<i64> = (0..1_000_000).map(|e| e % 2_001 - 1_000).collect();
    c.bench_function("masked update, n = 32, 1,000,000 elements of 32 bits", |b| {
        b.iter(|| {
            let state = CheckedIn::resume(&providers.keys[5], &rctx, &providers.addresses[5], 1);
            state.mask(&ctx, &group, &layout, &update, &mut providers.rng).unwrap()
        });
    });
}

fn share_keys(c: &mut Criterion) {
    let deals = Providers::new(PROVIDERS).deals();
    c.bench_function("share keys of an epoch, n = m = 96, t = 49", |b| {
        b.iter(|| {
            let keys = deals.iter().map(|deal| ShareKeys::from_commitments(&deal.commitments, PROVIDERS).unwrap());
            keys.collect::<Vec<_>>()
        });
    });
}

/// A round whose survivors are final and whose seats answered.
struct Released {
    ctx: Ctx,
    group: Group,
    survivors: Survivors,
    requests: Requests,
    layout: Layout,
    sums: Vec<Elements>,
    expected: Vec<i64>,
    /// Share keys as the state holds them.
    share_keys: Vec<Vec<u8>>,
    /// Body and signature as transactions carry them.
    messages: Vec<(Vec<u8>, [u8; 64])>,
    providers: Providers,
}

impl Released {
    fn new(dropped: usize, elements: u64) -> Self {
        let mut providers = Providers::new(PROVIDERS);
        let deals = providers.deals();
        let share_keys: Vec<_> =
            deals.iter().map(|deal| ShareKeys::from_commitments(&deal.commitments, PROVIDERS).unwrap()).collect();
        let rctx = Rctx::new(&epoch(), 1);
        let ctx = Ctx::new(&rctx, &ModelHash::from_bytes([1; 32]), &Root::from_bytes([2; 32]));
        let (group, states) = providers.group(&rctx);
        let layout = layout(elements);
        let mut sums: Vec<_> = (0..layout.chunks()).map(|chunk| layout.zero(chunk).unwrap()).collect();
        let mut expected = vec![0; elements as usize];
        // Every ninth falls silent until as many have as should.
        let silent: BTreeSet<_> = (0..PROVIDERS).step_by(9).take(dropped).collect();
        for (i, state) in states.into_iter().enumerate().filter(|(i, _)| !silent.contains(i)) {
            let update: Vec<i64> = (0..elements).map(|e| (e as i64 + i as i64) % 2_001 - 1_000).collect();
            expected.iter_mut().zip(&update).for_each(|(sum, value)| *sum += value);
            let Masked { chunks, .. } = state.mask(&ctx, &group, &layout, &update, &mut providers.rng).unwrap();
            sums.iter_mut().zip(&chunks).for_each(|(sum, chunk)| sum.add_packed(chunk, Sign::Plus).unwrap());
        }
        let submitted = (0..PROVIDERS).filter(|i| !silent.contains(i)).map(slot).collect();
        let survivors = Survivors::new(&group, &submitted, 72).unwrap();
        let requests = Requests::new(&rctx, &[(&group, &survivors)]).unwrap();
        let mut messages = Vec::new();
        for k in 0..THRESHOLD {
            let holder = Seat::new(&providers.keys[k], epoch(), &providers.addresses[k], seat(k));
            let open = |i: usize| holder.open(&deals[i]).unwrap();
            let shares: BTreeMap<_, _> = (0..PROVIDERS).map(|i| (slot(i), open(i))).collect();
            let admitted = AnswerRecord::new(&rctx).admit(&requests).unwrap();
            let signed = holder.answer(&ctx, &requests, &admitted, &shares, &mut providers.rng).unwrap();
            messages.push((signed.body.encode(), signed.signature));
        }
        let share_keys = share_keys.iter().map(ShareKeys::encode).collect();
        Self { ctx, group, survivors, requests, layout, sums, expected, share_keys, messages, providers }
    }

    /// What the chain does: parse the messages and the share keys, verify signatures and proofs, interpolate, remove the
    /// masks, decode and check the range.
    fn finalise(&self) -> Vec<i64> {
        let messages: Vec<Signed<Partial>> =
            self.messages.iter().map(|(body, signature)| Signed::from_parts(body, signature).unwrap()).collect();
        let keys: Vec<SeatKeys> = (0..THRESHOLD).map(|k| self.seat_keys(k)).collect();
        let publics: Vec<_> = self.providers.keys[..THRESHOLD].iter().map(ProviderKeys::public).collect();
        let check = |k: usize| {
            let state = UnmaskState {
                ctx: &self.ctx,
                requests: &self.requests,
                address: &self.providers.addresses[k],
                seat: seat(k),
                v: &publics[k].v,
                keys: &keys[k],
            };
            unmask::check(&state, &messages[k]).unwrap()
        };
        let checked: Vec<_> = (0..THRESHOLD).map(check).collect();
        unmask::verify_batch(&checked).unwrap();
        let partials: Vec<_> = messages.iter().map(|signed| &signed.body).collect();
        let opened = unmask::open(&self.requests, &partials).unwrap();
        let removal = MaskRemoval::new(&self.ctx, &self.group, &self.survivors, &self.requests, &opened).unwrap();
        let mut decoded = Vec::new();
        for sum in &self.sums {
            let mut sum = sum.clone();
            removal.remove(&mut sum);
            decoded.extend(sum.decode());
        }
        assert_eq!(decoded.len() as u64, self.layout.elements());
        check_range(&decoded, 1_000 * PROVIDERS as u128).unwrap();
        decoded
    }

    fn seat_keys(&self, k: usize) -> SeatKeys {
        let providers = self.requests.providers();
        let key = |i: &Slot| ShareKeys::decode_one(&self.share_keys[i.get() as usize - 1], seat(k)).unwrap();
        providers.keys().map(|i| (*i, key(i))).collect()
    }
}

fn unmask_all(c: &mut Criterion) {
    for (dropped, name) in [
        (0, "partials to sum, n = m = 96, t = 49, d = 10,000, no drop-outs"),
        (10, "partials to sum, n = m = 96, t = 49, d = 10,000, 10 dropped"),
    ] {
        let released = Released::new(dropped, 10_000);
        assert_eq!(released.finalise(), released.expected);
        c.bench_function(name, |b| b.iter(|| released.finalise()));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = mask, masked_update, share_keys, unmask_all
}
criterion_main!(benches);
