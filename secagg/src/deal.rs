//! Dealing: Feldman sharing of the masking key with encrypted shares.
//!
//! One ephemeral `R_i` a deal, with a Schnorr proof of its secret over everything in the deal: copying a victim's ephemeral
//! point into one's own deal would otherwise make honest complaints decrypt the victim's shares.

use crate::context::{Ectx, Root};
use crate::curve::{Point, VerifyKey};
use crate::encoding::{sha256, tag, Address, Malformed, Reader, SeatIndex, Writer, MAX_SEATS};
use crate::enrol::ProviderKeys;
use crate::parties::Seats;
use crate::proof::{Schnorr, Transcript};
use crate::rejection::{Refusal, Rejection};
use crate::root::tree_hash;
use crate::secret::SecretScalar;
use crate::signature::{Body, Kind, Signed};
use crate::switched_off;
use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Tag};
use hkdf::Hkdf;
use k256::{ProjectivePoint, Scalar};
use rand_core::CryptoRngCore;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// A share encrypted to a seat: 32 bytes of ciphertext and 16 of tag.
pub type EncryptedShare = [u8; 48];

/// What a dealer posts.
#[derive(Clone, PartialEq, Eq)]
pub struct Deal {
    /// The dealer.
    pub dealer: Address,
    /// Root of the seats it was made for.
    pub seats_root: Root,
    /// `C_0 = X_i, ..., C_{t-1}`: commitments to the polynomial's coefficients.
    pub commitments: Vec<Point>,
    /// `R_i = r_i G`.
    pub ephemeral: Point,
    /// Knowledge of `r_i`, over the whole deal.
    pub proof: Schnorr,
    /// One share a seat, in seat order.
    pub ciphertexts: Vec<EncryptedShare>,
}

impl core::fmt::Debug for Deal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Deal")
            .field("dealer", &self.dealer)
            .field("seats_root", &self.seats_root)
            .field("commitments", &self.commitments.len())
            .field("ephemeral", &self.ephemeral)
            .field("ciphertexts", &self.ciphertexts.len())
            .finish_non_exhaustive()
    }
}

impl Deal {
    /// SHA-256 of the canonical body, by which complaints name the deal.
    pub fn hash(&self) -> [u8; 32] {
        sha256(&[&self.encode()])
    }

    /// `C_root`, the root over the commitments.
    pub fn commitments_root(&self) -> Root {
        commitments_root(&self.commitments)
    }
}

impl Body for Deal {
    const KIND: Kind = Kind::Deal;
    type Context = Ectx;

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.address(&self.dealer).bytes(self.seats_root.as_bytes());
        write_lists(&mut writer, &self.commitments, &self.ciphertexts);
        writer.point(&self.ephemeral);
        self.proof.write(&mut writer);
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let dealer = reader.address()?;
        let seats_root = Root::from_bytes(reader.array("seats_root")?);
        let commitments = reader.list("commitments", MAX_SEATS, 33, Reader::point)?;
        let ciphertexts = reader.list("encrypted shares", MAX_SEATS, 48, |r| r.array("encrypted share"))?;
        let (ephemeral, proof) = (reader.point()?, Schnorr::read(&mut reader)?);
        reader.finish()?;
        Ok(Self { dealer, seats_root, commitments, ephemeral, proof, ciphertexts })
    }
}

fn write_lists(writer: &mut Writer, commitments: &[Point], ciphertexts: &[EncryptedShare]) {
    writer.count(commitments.len());
    commitments.iter().for_each(|commitment| {
        writer.point(commitment);
    });
    writer.count(ciphertexts.len());
    ciphertexts.iter().for_each(|ciphertext| {
        writer.bytes(ciphertext);
    });
}

fn commitments_root(commitments: &[Point]) -> Root {
    tree_hash(commitments.iter().map(Point::to_bytes))
}

pub(crate) fn transcript(
    ectx: &Ectx,
    dealer: &Address,
    seats_root: &Root,
    commitments: &[Point],
    ciphertexts: &[EncryptedShare],
    ephemeral: &Point,
) -> Transcript {
    let mut transcript = Transcript::new("deal", ectx.as_bytes());
    transcript.writer().address(dealer).bytes(seats_root.as_bytes());
    write_lists(transcript.writer(), commitments, ciphertexts);
    transcript.writer().point(ephemeral);
    transcript
}

/// What the state says about the deal of one dealer.
#[derive(Debug, Clone, Copy)]
pub struct DealState<'a> {
    /// The dealer's account.
    pub dealer: &'a Address,
    /// The masking key it enrolled.
    pub x: &'a Point,
    /// Its signing key.
    pub v: &'a VerifyKey,
    /// The committee.
    pub seats: &'a Seats,
    /// `t`.
    pub threshold: usize,
}

/// Checks a deal and computes the share keys of all seats. The caller has checked the phase and refuses, without penalty, an
/// `ephemeral` seen before.
pub fn verify(ectx: &Ectx, state: &DealState<'_>, signed: &Signed<Deal>) -> Result<ShareKeys, Rejection> {
    let deal = &signed.body;
    signed.verify(ectx, state.v)?;
    if deal.dealer != *state.dealer {
        return Err(Refusal::Address.into());
    }
    if deal.seats_root != state.seats.root() && !switched_off!(SeatsRoot) {
        return Err(Refusal::SeatsRoot.into());
    }
    let count =
        |what, expected, got| if expected == got { Ok(()) } else { Err(Refusal::Count { what, expected, got }) };
    count("commitments", state.threshold, deal.commitments.len())?;
    count("encrypted shares", state.seats.len(), deal.ciphertexts.len())?;
    if deal.commitments.first() != Some(state.x) {
        return Err(Refusal::MaskingKey.into());
    }
    let transcript =
        transcript(ectx, &deal.dealer, &deal.seats_root, &deal.commitments, &deal.ciphertexts, &deal.ephemeral);
    if !deal.proof.holds(&deal.ephemeral, &transcript) && !switched_off!(DealProof) {
        return Err(Rejection::InvalidProof("the deal's ephemeral key"));
    }
    Ok(ShareKeys::from_commitments(&deal.commitments, state.seats.len())?)
}

/// The share keys `X_{i,k}` of one deal, in seat order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareKeys(Vec<Point>);

impl ShareKeys {
    /// `X_{i,k} = sum_j k^j C_{i,j}` for `k = 1..=seats`, by Horner's rule in small `k`. Refuses a deal with the identity
    /// among them: its seat would hold the share zero.
    pub fn from_commitments(commitments: &[Point], seats: usize) -> Result<Self, Refusal> {
        let mut keys = Vec::with_capacity(seats);
        for seat in (1..=MAX_SEATS as u32).take(seats) {
            let key = horner(commitments, seat);
            if key == ProjectivePoint::IDENTITY && !switched_off!(IdentityShare) {
                return Err(Refusal::IdentityShare { seat });
            }
            keys.push(key);
        }
        Ok(Self(Point::batch(&keys).expect("no key is the identity: checked above")))
    }

    /// `X_{i,k}`.
    pub fn get(&self, seat: SeatIndex) -> Option<Point> {
        self.0.get(seat.get() as usize - 1).copied()
    }

    /// In seat order.
    pub fn iter(&self) -> impl Iterator<Item = &Point> {
        self.0.iter()
    }

    /// `m`.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compressed points one after the other, for the state.
    pub fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(Point::to_bytes).collect()
    }

    /// Reads what [`ShareKeys::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        crate::encoding::within("share keys", (bytes.len() / 33) as u64, 0, MAX_SEATS as u64)?;
        let keys = (0..bytes.len() / 33).map(|_| reader.point()).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self(keys))
    }

    /// Reads one key out of the encoding, without parsing the others.
    pub fn decode_one(bytes: &[u8], seat: SeatIndex) -> Result<Point, Malformed> {
        let at = (seat.get() as usize - 1) * 33;
        let have = bytes.len();
        Point::from_bytes(bytes.get(at..at + 33).ok_or(Malformed::Short { what: "share keys", need: at + 33, have })?)
    }
}

/// `sum_j k^j C_j`.
fn horner(commitments: &[Point], k: u32) -> ProjectivePoint {
    commitments
        .iter()
        .rev()
        .fold(ProjectivePoint::IDENTITY, |value, commitment| small_multiple(&value, k) + commitment.affine())
}

/// `X_{i,k}` of one seat; `None` if it is the identity.
pub(crate) fn share_key(commitments: &[Point], seat: SeatIndex) -> Option<Point> {
    Point::from_projective(&horner(commitments, seat.get()))
}

/// `kP` for small `k >= 1`, by doubling and adding.
fn small_multiple(point: &ProjectivePoint, k: u32) -> ProjectivePoint {
    let mut sum = *point;
    for bit in (0..31 - k.leading_zeros()).rev() {
        sum = sum.double();
        if k >> bit & 1 == 1 {
            sum += point;
        }
    }
    sum
}

/// Key of a share's cipher: HKDF-SHA-256, salt `ectx`, IKM the compressed point `r_i E_k`, info
/// `lp("bauta/1/share") | dealer | be32(k) | R_i | C_root`.
fn share_cipher(ectx: &Ectx, shared: &Point, deal: &SharedInfo<'_>, seat: SeatIndex) -> ChaCha20Poly1305 {
    let mut info = Writer::new();
    info.bytes(&tag("share"))
        .address(deal.dealer)
        .seat(seat)
        .point(deal.ephemeral)
        .bytes(deal.commitments_root.as_bytes());
    let mut key = Zeroizing::new([0; 32]);
    let material = Zeroizing::new(shared.to_bytes());
    Hkdf::<Sha256>::new(Some(ectx.as_bytes()), material.as_ref())
        .expand(&info.into_bytes(), key.as_mut())
        .expect("32 bytes are less than 255 blocks of SHA-256");
    ChaCha20Poly1305::new(key.as_ref().into())
}

struct SharedInfo<'a> {
    dealer: &'a Address,
    ephemeral: &'a Point,
    commitments_root: Root,
}

/// Decrypts the share of a seat with the shared point `e_k R_i` and checks it against its share key: `None` if the cipher
/// does not open, the plaintext is not a canonical scalar other than zero, or it contradicts the commitments.
pub(crate) fn open_share(
    ectx: &Ectx,
    deal: &Deal,
    seat: SeatIndex,
    shared: &Point,
    share_key: &Point,
) -> Option<SecretScalar> {
    let ciphertext = deal.ciphertexts.get(seat.get() as usize - 1)?;
    let info =
        SharedInfo { dealer: &deal.dealer, ephemeral: &deal.ephemeral, commitments_root: deal.commitments_root() };
    let cipher = share_cipher(ectx, shared, &info, seat);
    let mut plain = Zeroizing::new([0u8; 32]);
    plain.copy_from_slice(&ciphertext[..32]);
    cipher.decrypt_in_place_detached(&[0; 12].into(), &[], plain.as_mut(), Tag::from_slice(&ciphertext[32..])).ok()?;
    let share = SecretScalar::from_bytes(&plain).ok()?;
    (share.public() == *share_key).then_some(share)
}

/// A provider in its role as dealer of its masking key.
#[derive(Debug)]
pub struct Dealer<'a> {
    keys: &'a ProviderKeys,
    ectx: Ectx,
    address: &'a Address,
}

/// The seats do not allow a deal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the threshold must be between 1 and the number of seats, {seats}, got {threshold}")]
pub struct BadThreshold {
    /// `m`.
    pub seats: usize,
    /// `t`.
    pub threshold: usize,
}

impl<'a> Dealer<'a> {
    /// The role of `address` in the epoch `ectx`.
    pub fn new(keys: &'a ProviderKeys, ectx: Ectx, address: &'a Address) -> Self {
        Self { keys, ectx, address }
    }

    /// Shares the masking key among the seats with a fresh polynomial of degree `threshold - 1`.
    pub fn deal(
        &self,
        seats: &Seats,
        threshold: usize,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Signed<Deal>, BadThreshold> {
        if threshold == 0 || threshold > seats.len() {
            return Err(BadThreshold { seats: seats.len(), threshold });
        }
        // A polynomial with a zero among its shares would be refused by the chain: draw another (probability m/l).
        loop {
            let polynomial = Polynomial::with_constant(&self.keys.x, threshold, rng);
            if let Some(deal) = self.deal_polynomial(&polynomial, seats, rng) {
                return Ok(deal);
            }
        }
    }

    fn deal_polynomial(
        &self,
        polynomial: &Polynomial,
        seats: &Seats,
        rng: &mut impl CryptoRngCore,
    ) -> Option<Signed<Deal>> {
        let commitments: Vec<_> = polynomial.0.iter().map(SecretScalar::public).collect();
        let ephemeral_secret = SecretScalar::random(rng);
        let ephemeral = ephemeral_secret.public();
        let info = SharedInfo {
            dealer: self.address,
            ephemeral: &ephemeral,
            commitments_root: commitments_root(&commitments),
        };
        let mut ciphertexts = Vec::with_capacity(seats.len());
        for (seat, holder) in seats.iter() {
            let share = polynomial.at(seat)?;
            let shared = ephemeral_secret.shared(&holder.e);
            ciphertexts.push(encrypt(&share_cipher(&self.ectx, &shared, &info, seat), &share));
        }
        let seats_root = seats.root();
        let transcript = transcript(&self.ectx, self.address, &seats_root, &commitments, &ciphertexts, &ephemeral);
        let proof = Schnorr::prove(&ephemeral_secret, &transcript, rng);
        let body = Deal { dealer: self.address.clone(), seats_root, commitments, ephemeral, proof, ciphertexts };
        Some(self.keys.v.sign(&self.ectx, body, rng))
    }
}

fn encrypt(cipher: &ChaCha20Poly1305, share: &SecretScalar) -> EncryptedShare {
    let mut sealed = [0; 48];
    sealed[..32].copy_from_slice(share.to_bytes().as_ref());
    let tag = cipher
        .encrypt_in_place_detached(&[0; 12].into(), &[], &mut sealed[..32])
        .expect("32 bytes are below the cipher's limit");
    sealed[32..].copy_from_slice(&tag);
    sealed
}

/// The dealer's polynomial; every coefficient other than zero, so that every commitment is a point.
pub(crate) struct Polynomial(pub(crate) Vec<SecretScalar>);

impl Polynomial {
    fn with_constant(constant: &SecretScalar, coefficients: usize, rng: &mut impl CryptoRngCore) -> Self {
        let rest = (1..coefficients).map(|_| SecretScalar::random(rng));
        Self(core::iter::once(constant.clone()).chain(rest).collect())
    }

    /// The share `f(k)`; `None` if it is zero.
    pub(crate) fn at(&self, seat: SeatIndex) -> Option<SecretScalar> {
        let k = Scalar::from(seat.get());
        let mut value = Zeroizing::new(Scalar::ZERO);
        for coefficient in self.0.iter().rev() {
            *value = *value * k + coefficient.scalar();
        }
        let share = SecretScalar::new(*value);
        value.zeroize();
        share
    }
}
