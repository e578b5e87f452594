//! Complaints: a seat that cannot open its share, or whose share contradicts the commitments, posts the shared point
//! `e_k R_i` with a DLEQ proof. The chain decrypts and decides: the dealer or the complainer, never nobody.

use crate::context::Ectx;
use crate::curve::{Point, VerifyKey};
use crate::deal::{open_share, Deal};
use crate::encoding::{Address, Malformed, Reader, SeatIndex, Writer};
use crate::proof::{Dleq, Transcript};
use crate::rejection::{Refusal, Rejection};
use crate::signature::{Body, Kind, Signed};
use crate::switched_off;

/// What a seat posts against a dealer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The complainer, who holds the seat.
    pub complainer: Address,
    /// The seat `k`.
    pub seat: SeatIndex,
    /// The dealer complained about.
    pub dealer: Address,
    /// SHA-256 of the body of the deal complained about: a seat that was shown another deal than the chain's is refused,
    /// not convicted.
    pub deal_hash: [u8; 32],
    /// `e_k R_i`.
    pub shared: Point,
    /// `log_G E_k = log_{R_i} shared`.
    pub proof: Dleq,
}

impl Body for Complaint {
    const KIND: Kind = Kind::Complain;
    type Context = Ectx;

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.address(&self.complainer).seat(self.seat).address(&self.dealer);
        writer.bytes(&self.deal_hash).point(&self.shared);
        self.proof.write(&mut writer);
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let complaint = Self {
            complainer: reader.address()?,
            seat: reader.seat()?,
            dealer: reader.address()?,
            deal_hash: reader.array("deal hash")?,
            shared: reader.point()?,
            proof: Dleq::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(complaint)
    }
}

pub(crate) fn transcript(
    ectx: &Ectx,
    complainer: &Address,
    seat: SeatIndex,
    e: &Point,
    deal: &Deal,
    shared: &Point,
) -> Transcript {
    let mut transcript = Transcript::new("complain", ectx.as_bytes());
    transcript.writer().address(complainer).seat(seat).point(e);
    transcript.writer().address(&deal.dealer).point(&deal.ephemeral).bytes(deal.commitments_root().as_bytes());
    transcript.writer().point(shared);
    transcript
}

/// What the state says about a complaint.
#[derive(Debug, Clone, Copy)]
pub struct ComplaintState<'a> {
    /// The complainer's account.
    pub complainer: &'a Address,
    /// Its signing key.
    pub v: &'a VerifyKey,
    /// The seat it is checked for, held by the complainer.
    pub seat: SeatIndex,
    /// The seat's decryption key `E_k`.
    pub e: &'a Point,
    /// The deal complained about.
    pub deal: &'a Deal,
    /// `X_{i,k}` as stored when the deal arrived.
    pub share_key: &'a Point,
}

/// Who is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The share does not open or contradicts the commitments.
    DealerGuilty,
    /// The share opens and is right.
    ComplainerGuilty,
}

/// Decides a complaint. A complaint whose DLEQ proof fails convicts the complainer as well, of an invalid proof.
pub fn judge(ectx: &Ectx, state: &ComplaintState<'_>, signed: &Signed<Complaint>) -> Result<Verdict, Rejection> {
    let complaint = &signed.body;
    signed.verify(ectx, state.v)?;
    if complaint.complainer != *state.complainer {
        return Err(Refusal::Address.into());
    }
    if complaint.seat != state.seat {
        return Err(Refusal::Seat { expected: state.seat.get(), got: complaint.seat.get() }.into());
    }
    if complaint.dealer != state.deal.dealer {
        return Err(Refusal::Dealer.into());
    }
    if complaint.deal_hash != state.deal.hash() {
        return Err(Refusal::Deal.into());
    }
    let transcript = transcript(ectx, state.complainer, state.seat, state.e, state.deal, &complaint.shared);
    let holds = complaint.proof.holds(state.e, &state.deal.ephemeral, &complaint.shared, &transcript);
    if !holds && !switched_off!(ComplaintProof) {
        return Err(Rejection::InvalidProof("the complaint's shared point"));
    }
    Ok(match open_share(ectx, state.deal, state.seat, &complaint.shared, state.share_key) {
        Some(_) if !switched_off!(FalseComplaint) => Verdict::ComplainerGuilty,
        None if switched_off!(BadShare) => Verdict::ComplainerGuilty,
        _ => Verdict::DealerGuilty,
    })
}
