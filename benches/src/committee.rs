//! An epoch with a committee drawn from its providers.

use bauta_secagg::context::{Ectx, Root, SettingsHash};
use bauta_secagg::deal::{self, Deal, DealState, ShareKeys};
use bauta_secagg::encoding::{Address, SeatIndex, Slot};
use bauta_secagg::enrol::{self, Enrol, ProviderKeys};
use bauta_secagg::parties::{Member, Roster, SeatHolder, Seats};
use bauta_secagg::signature::{Body, Signed};
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Providers that enrolled, and the committee.
pub struct Committee {
    /// In the order of slots.
    pub addresses: Vec<Address>,
    /// Their keys.
    pub keys: Vec<ProviderKeys>,
    /// Who holds each seat, an index of `addresses`; one may hold several.
    pub holders: Vec<usize>,
    /// The seats.
    pub seats: Seats,
    /// `t`.
    pub threshold: usize,
    /// The epoch.
    pub ectx: Ectx,
    /// Seeded: two runs measure the same.
    pub rng: ChaCha20Rng,
}

/// The slot of a provider.
pub fn slot(i: usize) -> Slot {
    Slot::new(i as u32 + 1).expect("a bench has fewer providers than there are slots")
}

/// A seat by its place.
pub fn seat(k: usize) -> SeatIndex {
    SeatIndex::new(k as u32 + 1).expect("a bench has no more seats than there are")
}

impl Committee {
    /// `n` providers; `m` seats drawn among them with replacement, or one each if `m` is `n`.
    pub fn new(n: usize, m: usize, threshold: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let address = |i: usize| {
            let mut bytes = [7; 20];
            bytes[..4].copy_from_slice(&(i as u32).to_be_bytes());
            Address::new(bytes).expect("20 bytes are an address")
        };
        let addresses: Vec<_> = (0..n).map(address).collect();
        let keys: Vec<_> = (0..n).map(|_| ProviderKeys::generate(&mut rng)).collect();
        let holders: Vec<_> =
            if m == n { (0..n).collect() } else { (0..m).map(|_| (rng.next_u64() % n as u64) as usize).collect() };
        let seats = holders.iter().map(|&i| SeatHolder { address: addresses[i].clone(), e: keys[i].public().e });
        let seats = Seats::new(seats.collect()).expect("m seats are a committee");
        let ectx = Ectx::new("bauta-bench", 1, 1, &SettingsHash::from_bytes([1; 32])).expect("the chain id is short");
        Self { addresses, keys, holders, seats, threshold, ectx, rng }
    }

    /// How many providers there are.
    pub fn providers(&self) -> usize {
        self.addresses.len()
    }

    /// What one provider posts first: fresh keys with proofs of possession.
    pub fn enrol(&mut self, i: usize) -> Signed<Enrol> {
        self.keys[i].enrol(&self.ectx, &self.addresses[i], &mut self.rng)
    }

    /// What the chain does with it.
    pub fn admit(&self, i: usize, signed: &Signed<Enrol>) {
        enrol::verify(&self.ectx, &self.addresses[i], signed).expect("an honest enrolment holds");
    }

    /// What one provider posts then.
    pub fn deal(&mut self, i: usize) -> Signed<Deal> {
        let dealer = deal::Dealer::new(&self.keys[i], self.ectx, &self.addresses[i]);
        dealer.deal(&self.seats, self.threshold, &mut self.rng).expect("the threshold is one of so many seats")
    }

    /// The bodies and signatures of all deals, as transactions carry them.
    pub fn deals(&mut self) -> Vec<(Vec<u8>, [u8; 64])> {
        let deals = (0..self.providers()).map(|i| self.deal(i)).collect::<Vec<_>>();
        deals.into_iter().map(|deal| (deal.body.encode(), deal.signature)).collect()
    }

    /// What the chain does with one: parse, check signature, roots and proof, compute the share keys of all seats, write them.
    pub fn accept(&self, i: usize, (body, signature): &(Vec<u8>, [u8; 64])) -> Vec<u8> {
        let signed = Signed::<Deal>::from_parts(body, signature).expect("an honest deal parses");
        let public = self.keys[i].public();
        let state = DealState {
            dealer: &self.addresses[i],
            x: &public.x,
            v: &public.v,
            seats: &self.seats,
            threshold: self.threshold,
        };
        let keys: ShareKeys = deal::verify(&self.ectx, &state, &signed).expect("an honest deal holds");
        keys.encode()
    }

    /// Root of the qualified dealers: all of them.
    pub fn roster_root(&self) -> Root {
        let member = |(address, keys): (&Address, &ProviderKeys)| {
            let public = keys.public();
            Member { address: address.clone(), x: public.x, z: public.z, e: public.e, v: public.v }
        };
        let members = self.addresses.iter().zip(&self.keys).map(member).collect();
        Roster::new(members).expect("no address stands there twice").root()
    }
}
