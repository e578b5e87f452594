//! Cohort tasks: one plaintext for everyone, wraps and complaints about them, and the mask that only the model provider removes.

use std::collections::BTreeMap;

use crate::cohort::complaint::{judge, Verdict, WrapComplaint, WrapComplaintState};
use crate::cohort::keys::{model_hash, BlobFault, EpochKey, SealedModel};
use crate::cohort::masks::{MaskOpening, RoundPoint, RoundSecret, Statement};
use crate::cohort::wraps::{self, Recipient, WrapFault, Wraps};
use crate::context::{Ctx, Rctx};
use crate::encoding::{sha256, Address};
use crate::enrol::ProviderKeys;
use crate::parties::Survivors;
use crate::proof::Schnorr;
use crate::rejection::{Refusal, Rejection};
use crate::ring::{Elements, Sign};
use crate::secret::SecretScalar;
use crate::signature::{Body, Signed};
use crate::tests::world::{address, layout, rng, slot, World};
use crate::unmask::{self, MaskRemoval, Requests};
use k256::Scalar;
use proptest::prelude::*;

const N: usize = 5;

/// Five providers, a model provider that is none of them, and its wraps of a key.
struct Cohort {
    world: World,
    owner: Address,
    recipients: Vec<Recipient>,
    key: EpochKey,
    wraps: Wraps,
}

impl Cohort {
    fn new(seed: u64) -> Self {
        let mut world = World::new(N, seed);
        let owner = address(77);
        let recipient = |i: usize| Recipient { address: world.addresses[i].clone(), z: world.keys[i].public().z };
        let recipients: Vec<Recipient> = (0..N).map(recipient).collect();
        let key = EpochKey::generate(&mut world.rng);
        let wraps = Wraps::new(&world.ectx, &owner, &key, &recipients, &mut world.rng);
        Self { world, owner, recipients, key, wraps }
    }

    fn open(&self, i: usize) -> Result<EpochKey, WrapFault> {
        self.wraps.open(&self.world.keys[i], &self.world.ectx, &self.owner, &self.recipients[i].address, i)
    }

    /// Wraps as a dishonest model provider makes them, with the proof that belongs to them.
    fn forged(&mut self, change: impl FnOnce(&mut Wraps)) -> Wraps {
        let ephemeral = SecretScalar::random(&mut self.world.rng);
        let mut wraps = self.wraps.clone();
        wraps.ephemeral = ephemeral.public();
        change(&mut wraps);
        let (ectx, recipients) = (&self.world.ectx, &self.recipients);
        let transcript =
            wraps::transcript(ectx, &self.owner, &wraps.key_hash, recipients, &wraps.wraps, &wraps.ephemeral);
        wraps.proof = Schnorr::prove(&ephemeral, &transcript, &mut self.world.rng);
        wraps.verify(ectx, &self.owner, recipients).unwrap();
        wraps
    }

    fn complain(&mut self, i: usize, wraps: &Wraps, blob_hash: [u8; 32]) -> Signed<WrapComplaint> {
        let (ectx, own) = (self.world.ectx, self.recipients[i].address.clone());
        self.world.keys[i].complain_about_wrap(&ectx, &own, wraps, blob_hash, &mut self.world.rng)
    }

    fn judged(
        &self,
        i: usize,
        wraps: &Wraps,
        model: Option<(&Rctx, &SealedModel, [u8; 32])>,
        signed: &Signed<WrapComplaint>,
    ) -> Result<Verdict, Rejection> {
        let keys = self.world.keys[i].public();
        let state = WrapComplaintState {
            complainer: &self.recipients[i],
            v: &keys.v,
            place: i,
            owner: &self.owner,
            wraps,
            model,
        };
        judge(&self.world.ectx, &state, signed)
    }
}

fn hash_of(sealed: &SealedModel) -> [u8; 32] {
    sha256(&[&sealed.blob])
}

#[test]
fn everyone_opens_the_same_key_and_with_it_the_same_model_of_each_round() {
    let mut cohort = Cohort::new(1);
    cohort.wraps.verify(&cohort.world.ectx, &cohort.owner, &cohort.recipients).unwrap();
    let model: Vec<u8> = (0..1000u32).flat_map(u32::to_be_bytes).collect();
    for round in 1..3 {
        let rctx = cohort.world.rctx(round);
        let sealed = cohort.key.seal(&rctx, &model, &mut cohort.world.rng);
        for i in 0..N {
            assert_eq!(*cohort.open(i).unwrap().open(&rctx, &sealed).unwrap(), model);
        }
        // Of another round it does not open.
        assert_eq!(cohort.key.open(&cohort.world.rctx(round + 1), &sealed), Err(BlobFault::DoesNotOpen));
        // Nobody tries models against the published hash: the same model has another one each time.
        let again = cohort.key.seal(&rctx, &model, &mut cohort.world.rng);
        assert_ne!((&again.plain_hash, &again.blob), (&sealed.plain_hash, &sealed.blob));
    }
}

#[test]
fn whatever_is_changed_of_a_blob_or_of_its_hash_is_seen_and_short_blobs_are_refused() {
    let mut cohort = Cohort::new(2);
    let rctx = cohort.world.rctx(1);
    let sealed = cohort.key.seal(&rctx, b"a model", &mut cohort.world.rng);
    for place in 0..sealed.blob.len() {
        let mut other = sealed.clone();
        other.blob[place] ^= 1;
        assert_eq!(cohort.key.open(&rctx, &other), Err(BlobFault::DoesNotOpen), "{place}");
    }
    for length in 0..sealed.blob.len() {
        let other = SealedModel { blob: sealed.blob[..length].to_vec(), ..sealed.clone() };
        assert_eq!(cohort.key.open(&rctx, &other), Err(BlobFault::DoesNotOpen), "{length}");
    }
    let another = cohort.key.seal(&rctx, b"another", &mut cohort.world.rng);
    let swapped = SealedModel { plain_hash: another.plain_hash, ..sealed.clone() };
    assert_eq!(cohort.key.open(&rctx, &swapped), Err(BlobFault::AnotherModel));
    // What ctx has of the model tells all four parts apart.
    let (q, other_q) = (cohort.recipients[0].z, cohort.recipients[1].z);
    let key_hash = cohort.key.hash(&cohort.world.ectx);
    let hash = model_hash(&sealed.plain_hash, &key_hash, &hash_of(&sealed), &q);
    let other_key = EpochKey::generate(&mut cohort.world.rng).hash(&cohort.world.ectx);
    for other in [
        model_hash(&another.plain_hash, &key_hash, &hash_of(&sealed), &q),
        model_hash(&sealed.plain_hash, &other_key, &hash_of(&sealed), &q),
        model_hash(&sealed.plain_hash, &key_hash, &hash_of(&another), &q),
        model_hash(&sealed.plain_hash, &key_hash, &hash_of(&sealed), &other_q),
    ] {
        assert_ne!(other, hash);
    }
}

#[test]
fn wraps_are_proven_as_a_whole_and_cannot_be_made_from_anothers_ephemeral_key() {
    let cohort = Cohort::new(3);
    let (ectx, owner) = (&cohort.world.ectx, &cohort.owner);
    let refused = |wraps: &Wraps, owner: &Address| wraps.verify(ectx, owner, &cohort.recipients).unwrap_err();
    let mut other = cohort.wraps.clone();
    other.wraps[3][7] ^= 1;
    assert!(matches!(refused(&other, owner), Rejection::InvalidProof(_)));
    // Copied by another model provider, for a task of its own among the same providers.
    assert!(matches!(refused(&cohort.wraps, &address(78)), Rejection::InvalidProof(_)));
    let mut other = cohort.wraps.clone();
    other.wraps.pop();
    let Rejection::Refused(Refusal::Count { expected, got, .. }) = refused(&other, owner) else { panic!() };
    assert_eq!((expected, got), (5, 4));
    // Nobody opens what was wrapped to somebody else.
    let (first, second) = (&cohort.world.keys[0], &cohort.recipients[0].address);
    assert!(matches!(cohort.wraps.open(first, ectx, owner, second, 1), Err(WrapFault::DoesNotOpen)));
    assert!(matches!(cohort.wraps.open(first, ectx, owner, second, 9), Err(WrapFault::Missing)));
}

#[test]
fn a_wrap_that_does_not_open_or_opens_to_another_key_convicts_the_model_provider() {
    let mut cohort = Cohort::new(4);
    let garbage = cohort.forged(|wraps| wraps.wraps[2] = [9; 48]);
    let complaint = cohort.complain(2, &garbage, [0; 32]);
    assert_eq!(cohort.judged(2, &garbage, None, &complaint), Ok(Verdict::ModelProviderGuilty));

    // Another key for one provider, so that it trains on another model.
    let other = EpochKey::generate(&mut cohort.world.rng);
    let (ectx, owner) = (cohort.world.ectx, cohort.owner.clone());
    let mut two_keys = Wraps::new(&ectx, &owner, &other, &cohort.recipients, &mut cohort.world.rng);
    two_keys.key_hash = cohort.key.hash(&ectx);
    let complaint = cohort.complain(1, &two_keys, [0; 32]);
    assert_eq!(cohort.judged(1, &two_keys, None, &complaint), Ok(Verdict::ModelProviderGuilty));
}

#[test]
fn a_blob_that_is_not_what_its_hash_says_convicts_the_model_provider_and_a_good_one_the_complainer() {
    let mut cohort = Cohort::new(5);
    let (wraps, rctx) = (cohort.wraps.clone(), cohort.world.rctx(1));
    let good = cohort.key.seal(&rctx, b"a model", &mut cohort.world.rng);
    let another = cohort.key.seal(&rctx, b"another", &mut cohort.world.rng);
    let bad = SealedModel { plain_hash: another.plain_hash, ..good.clone() };
    for (sealed, verdict) in [(&good, Verdict::ComplainerGuilty), (&bad, Verdict::ModelProviderGuilty)] {
        let complaint = cohort.complain(0, &wraps, hash_of(sealed));
        assert_eq!(cohort.judged(0, &wraps, Some((&rctx, sealed, hash_of(sealed))), &complaint), Ok(verdict));
        // Round trip of the body, and of the wraps.
        assert_eq!(WrapComplaint::decode(&complaint.body.encode()).unwrap(), complaint.body);
    }
    assert_eq!(Wraps::decode(&wraps.encode()).unwrap(), wraps);
    // Before there is a model the wrap alone is judged.
    let complaint = cohort.complain(0, &wraps, [0; 32]);
    assert_eq!(cohort.judged(0, &wraps, None, &complaint), Ok(Verdict::ComplainerGuilty));
}

#[test]
fn who_was_shown_other_wraps_or_another_blob_is_refused_and_an_invalid_point_convicts() {
    let mut cohort = Cohort::new(6);
    let wraps = cohort.wraps.clone();
    let garbage = cohort.forged(|wraps| wraps.wraps[2] = [9; 48]);
    let complaint = cohort.complain(2, &garbage, [0; 32]);
    let refused = Err(Rejection::Refused(Refusal::Wraps));
    assert_eq!(cohort.judged(2, &wraps, None, &complaint), refused);
    let complaint = cohort.complain(2, &wraps, [1; 32]);
    assert_eq!(cohort.judged(2, &wraps, None, &complaint), refused);
    let complaint = cohort.complain(1, &wraps, [0; 32]);
    assert!(matches!(cohort.judged(2, &wraps, None, &complaint), Err(Rejection::BadSignature(_))));
    // A point that is not the shared one, so that a right wrap seems not to open.
    let ectx = cohort.world.ectx;
    let mut lie = cohort.complain(2, &wraps, [0; 32]).body;
    lie.shared = cohort.recipients[4].z;
    let lie = cohort.world.keys[2].v.sign(&ectx, lie, &mut cohort.world.rng);
    assert!(matches!(cohort.judged(2, &wraps, None, &lie), Err(Rejection::InvalidProof(_))));
    let mut lie = cohort.complain(2, &wraps, [0; 32]).body;
    lie.proof.response += Scalar::ONE;
    let lie = cohort.world.keys[2].v.sign(&ectx, lie, &mut cohort.world.rng);
    assert!(matches!(cohort.judged(2, &wraps, None, &lie), Err(Rejection::InvalidProof(_))));
}

/// A round of everyone, of whom the third drops out, in a cohort task: the sums that the seats unmask, the survivors' keys and `ctx`.
fn unmasked_by_seats(cohort: &mut Cohort, secret: &RoundSecret) -> (Vec<Elements>, Vec<usize>, Ctx) {
    let world = &mut cohort.world;
    let layout = layout(32, 50, 20);
    let (group, states) = world.group(1, &[(0, 1), (1, 2), (2, 1), (3, 3), (4, 1)]);
    let (ctx, rctx) = (world.ctx(1), world.rctx(1));
    let point = secret.point(&rctx, &cohort.owner, &mut world.rng);
    point.verify(&rctx, &cohort.owner).unwrap();
    assert_eq!(RoundPoint::decode(&point.encode()).unwrap(), point);
    let mut chunks = BTreeMap::new();
    for (i, state) in states.into_iter().filter(|(i, _)| *i != 2) {
        let weight = state.weight;
        let state = state.with_cohort(&world.keys[i], &point.q);
        let masked = state.mask(&ctx, &group, &layout, &update(i), &mut world.rng).unwrap();
        world.accept(i, 1, &group, &layout, weight, &masked);
        chunks.insert(i, masked.chunks);
    }
    let survivors: Vec<usize> = chunks.keys().copied().collect();
    let submitted = survivors.iter().map(|i| slot(*i)).collect();
    let of_group = Survivors::new(&group, &submitted, 3).unwrap();
    let requests = Requests::new(&rctx, &[(&group, &of_group)]).unwrap();
    let seats: Vec<usize> = (0..world.seats.threshold()).collect();
    let signed = world.partials(&seats, 1, &requests);
    let partials: Vec<_> = signed.iter().map(|signed| &signed.body).collect();
    let opened = unmask::open(&requests, &partials).unwrap();
    let removal = MaskRemoval::new(&ctx, &group, &of_group, &requests, &opened).unwrap();
    let sums = (0..layout.chunks()).map(|chunk| {
        let mut sum = layout.zero(chunk).unwrap();
        chunks.values().for_each(|chunks| sum.add_packed(&chunks[chunk as usize], Sign::Plus).unwrap());
        removal.remove(&mut sum);
        sum
    });
    (sums.collect(), survivors, ctx)
}

fn update(i: usize) -> Vec<i64> {
    (0..50).map(|c| (c * 31 + i as i64 * 7) % 90 - 45).collect()
}

fn plain() -> Vec<i64> {
    (0..50).map(|c| [(0, 1), (1, 2), (3, 3), (4, 1)].iter().map(|(i, w)| w * update(*i)[c]).sum()).collect()
}

#[test]
fn what_the_seats_unmask_is_hidden_and_the_model_provider_takes_the_survivors_masks_off_exactly() {
    let mut cohort = Cohort::new(7);
    let secret = RoundSecret::generate(&mut cohort.world.rng);
    let secret = RoundSecret::from_bytes(&secret.to_bytes()).unwrap();
    let (mut sums, survivors, ctx) = unmasked_by_seats(&mut cohort, &secret);
    let decoded = |sums: &[Elements]| sums.iter().flat_map(Elements::decode).collect::<Vec<_>>();
    let hidden = decoded(&sums);
    // Uniform in the ring of 32 bits: of 50 coordinates none is as small as a sum, but with probability 50 * 2^-20.
    assert!(hidden.iter().all(|value| value.unsigned_abs() > 1 << 11), "{hidden:?}");
    let keys: Vec<_> = survivors.iter().map(|i| cohort.recipients[*i].z).collect();
    sums.iter_mut().for_each(|sum| secret.remove(&ctx, &keys, sum));
    assert_eq!(decoded(&sums), plain());
}

#[test]
fn either_end_opens_the_same_mask_of_one_round_and_of_no_other() {
    let mut cohort = Cohort::new(8);
    let secret = RoundSecret::generate(&mut cohort.world.rng);
    let (mut sums, survivors, ctx) = unmasked_by_seats(&mut cohort, &secret);
    let rctx = cohort.world.rctx(1);
    let q = secret.point(&rctx, &cohort.owner, &mut cohort.world.rng).q;
    for (n, i) in survivors.into_iter().enumerate() {
        let Recipient { address: own, z } = cohort.recipients[i].clone();
        let by_owner = secret.open(&ctx, &cohort.owner, &z, &mut cohort.world.rng);
        let by_provider = cohort.world.keys[i].open_cohort_mask(&ctx, &own, &q, &mut cohort.world.rng);
        let of_owner = Statement { ctx: &ctx, prover: &cohort.owner, key: &q, base: &z };
        let of_provider = Statement { ctx: &ctx, prover: &own, key: &z, base: &q };
        by_owner.verify(&of_owner).unwrap();
        by_provider.verify(&of_provider).unwrap();
        assert_eq!(by_owner.shared, by_provider.shared);
        assert_eq!(MaskOpening::decode(&by_owner.encode()).unwrap(), by_owner);
        // Not in another round, not of another pair, not the other's proof.
        let later = cohort.world.ctx(2);
        by_owner.verify(&Statement { ctx: &later, ..of_owner }).unwrap_err();
        by_owner.verify(&Statement { base: &cohort.recipients[(i + 1) % N].z, ..of_owner }).unwrap_err();
        by_owner.verify(&of_provider).unwrap_err();
        let opening = if n % 2 == 0 { by_owner } else { by_provider };
        sums.iter_mut().for_each(|sum| opening.mask(&ctx).apply(sum, Sign::Minus));
    }
    assert_eq!(sums.iter().flat_map(Elements::decode).collect::<Vec<_>>(), plain());
}

#[test]
fn a_round_point_of_somebody_elses_key_has_no_proof() {
    let mut cohort = Cohort::new(9);
    let (rctx, owner) = (cohort.world.rctx(1), cohort.owner.clone());
    let secret = RoundSecret::generate(&mut cohort.world.rng);
    let point = secret.point(&rctx, &owner, &mut cohort.world.rng);
    let stolen = RoundPoint { q: cohort.recipients[0].z, ..point };
    assert!(matches!(stolen.verify(&rctx, &owner), Err(Rejection::InvalidProof(_))));
    point.verify(&cohort.world.rctx(2), &owner).unwrap_err();
    point.verify(&rctx, &address(78)).unwrap_err();
}

#[test]
fn keys_and_secrets_are_never_printed() {
    let mut rng = rng(10);
    let (key, secret) = (EpochKey::generate(&mut rng), RoundSecret::generate(&mut rng));
    let printed = format!("{key:?} {secret:?} {:?}", ProviderKeys::generate(&mut rng));
    for bytes in [key.to_bytes(), secret.to_bytes()] {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!printed.contains(&hex[..16]), "{printed}");
    }
}

proptest! {
    #[test]
    fn bytes_that_are_no_message_are_refused_and_what_is_read_is_written_alike(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(wraps) = Wraps::decode(&bytes) {
            prop_assert_eq!(wraps.encode(), bytes.clone());
        }
        if let Ok(complaint) = WrapComplaint::decode(&bytes) {
            prop_assert_eq!(complaint.encode(), bytes.clone());
        }
        if let Ok(point) = RoundPoint::decode(&bytes) {
            prop_assert_eq!(point.encode(), bytes.clone());
        }
        if let Ok(opening) = MaskOpening::decode(&bytes) {
            prop_assert_eq!(opening.encode(), bytes);
        }
    }
}
