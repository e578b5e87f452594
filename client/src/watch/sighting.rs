//! Inner-signed bodies in transactions, wherever those were seen.

use bauta_rounds::derive;
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use bauta_secagg::check_in::CheckIn;
use bauta_secagg::committee::Contribution;
use bauta_secagg::complain::Complaint;
use bauta_secagg::context::{Ctx, Ectx, Rctx};
use bauta_secagg::curve::VerifyKey;
use bauta_secagg::deal::Deal;
use bauta_secagg::joint::Evaluation;
use bauta_secagg::signature::Signed;
use bauta_secagg::submit::Header;
use bauta_secagg::unmask::Partial;
use cosmrs::proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use prost::Message;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What kind of message a body is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A deal.
    Deal,
    /// A complaint.
    Complaint,
    /// A check-in.
    CheckIn,
    /// The header of a submission.
    Header,
    /// A seat's answer.
    Partial,
    /// A seat's share of the joint key's value.
    Evaluation,
    /// A contribution to the seed of the seats.
    Contribution,
}

impl Kind {
    /// Whether it belongs to a round, not to an epoch as a whole.
    pub(super) fn is_of_round(self) -> bool {
        matches!(self, Self::CheckIn | Self::Header | Self::Partial)
    }

    /// Its name in evidence of an invalid proof; headers have no proof.
    pub(super) fn with_proof(self) -> Option<pb::ProtocolMessage> {
        match self {
            Self::Deal => Some(pb::ProtocolMessage::Deal),
            Self::Complaint => Some(pb::ProtocolMessage::Complain),
            Self::CheckIn => Some(pb::ProtocolMessage::CheckIn),
            Self::Partial => Some(pb::ProtocolMessage::Unmask),
            Self::Evaluation => Some(pb::ProtocolMessage::Evaluate),
            Self::Contribution => Some(pb::ProtocolMessage::Contribute),
            Self::Header => None,
        }
    }
}

/// A body and a signature over it, as a transaction shows them. Nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub kind: Kind,
    pub task: u64,
    /// The round, or the epoch that a message of no round was sent for.
    pub place: u64,
    /// The address that the body names as its author: whoever sends it, its signature is asked for.
    pub author: Vec<u8>,
    pub body: Vec<u8>,
    pub signature: Vec<u8>,
}

/// The contexts that a signature may be made for.
pub(super) struct Contexts {
    pub ectx: Ectx,
    /// Those of the round, if it is one of a round.
    pub round: Option<(Rctx, Ctx)>,
}

impl Sighting {
    /// What tells it from others of its author, task and place: a resend, however often it is signed or with what fee, is the same.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.body).into()
    }

    /// Whether it is a share of the joint key's value by which an epoch cuts its groups.
    pub fn is_for_groups(&self, epoch: &pb::Epoch) -> bool {
        let asked = derive::partition_input(epoch);
        let signed = Signed::<Evaluation>::from_parts(&self.body, &self.signature);
        matches!((asked, signed), (Ok(asked), Ok(signed)) if *asked.hash() == signed.body.input)
    }

    /// Whether its author's V signed it.
    pub fn is_signed(&self, contexts: &Contexts, v: &VerifyKey) -> bool {
        let (body, signature) = (&self.body, &self.signature);
        match (self.kind, contexts.round) {
            (Kind::Deal, _) => {
                Signed::<Deal>::from_parts(body, signature).is_ok_and(|signed| signed.verify(&contexts.ectx, v).is_ok())
            }
            (Kind::Complaint, _) => Signed::<Complaint>::from_parts(body, signature)
                .is_ok_and(|signed| signed.verify(&contexts.ectx, v).is_ok()),
            (Kind::Evaluation, _) => Signed::<Evaluation>::from_parts(body, signature)
                .is_ok_and(|signed| signed.verify(&contexts.ectx, v).is_ok()),
            (Kind::Contribution, _) => Signed::<Contribution>::from_parts(body, signature)
                .is_ok_and(|signed| signed.verify(&contexts.ectx, v).is_ok()),
            (Kind::CheckIn, Some((rctx, _))) => {
                Signed::<CheckIn>::from_parts(body, signature).is_ok_and(|signed| signed.verify(&rctx, v).is_ok())
            }
            (Kind::Header, Some((_, ctx))) => {
                Signed::<Header>::from_parts(body, signature).is_ok_and(|signed| signed.verify(&ctx, v).is_ok())
            }
            (Kind::Partial, Some((_, ctx))) => {
                Signed::<Partial>::from_parts(body, signature).is_ok_and(|signed| signed.verify(&ctx, v).is_ok())
            }
            (Kind::CheckIn | Kind::Header | Kind::Partial, None) => false,
        }
    }
}

/// The bodies in a transaction; none in one that cannot be read.
pub(super) fn in_transaction(bytes: &[u8]) -> Vec<Sighting> {
    let body = TxRaw::decode(bytes).and_then(|raw| TxBody::decode(raw.body_bytes.as_slice()));
    let messages = body.map(|body| body.messages).unwrap_or_default();
    messages.iter().filter_map(|any| read(&any.type_url, &any.value)).collect()
}

fn read(type_url: &str, value: &[u8]) -> Option<Sighting> {
    let (kind, task, place, body, signature) = match type_url {
        type_url::DEAL => {
            let msg = pb::MsgDeal::decode(value).ok()?;
            (Kind::Deal, msg.task_id, msg.epoch, msg.body, msg.signature)
        }
        type_url::COMPLAIN => {
            let msg = pb::MsgComplain::decode(value).ok()?;
            (Kind::Complaint, msg.task_id, msg.epoch, msg.body, msg.signature)
        }
        type_url::CHECK_IN => {
            let msg = pb::MsgCheckIn::decode(value).ok()?;
            (Kind::CheckIn, msg.task_id, msg.round, msg.body, msg.signature)
        }
        type_url::SUBMIT_HEADER => {
            let msg = pb::MsgSubmitHeader::decode(value).ok()?;
            (Kind::Header, msg.task_id, msg.round, msg.body, msg.signature)
        }
        type_url::UNMASK => {
            let msg = pb::MsgUnmask::decode(value).ok()?;
            (Kind::Partial, msg.task_id, msg.round, msg.body, msg.signature)
        }
        type_url::EVALUATE => {
            let msg = pb::MsgEvaluate::decode(value).ok()?;
            (Kind::Evaluation, msg.task_id, msg.epoch, msg.body, msg.signature)
        }
        type_url::CONTRIBUTE => {
            let msg = pb::MsgContribute::decode(value).ok()?;
            (Kind::Contribution, msg.task_id, msg.epoch, msg.body, msg.signature)
        }
        _ => return None,
    };
    let author = match kind {
        Kind::Deal => Signed::<Deal>::from_parts(&body, &signature).ok()?.body.dealer,
        Kind::Complaint => Signed::<Complaint>::from_parts(&body, &signature).ok()?.body.complainer,
        Kind::CheckIn => Signed::<CheckIn>::from_parts(&body, &signature).ok()?.body.address,
        Kind::Header => Signed::<Header>::from_parts(&body, &signature).ok()?.body.address,
        Kind::Partial => Signed::<Partial>::from_parts(&body, &signature).ok()?.body.address,
        Kind::Evaluation => Signed::<Evaluation>::from_parts(&body, &signature).ok()?.body.address,
        Kind::Contribution => Signed::<Contribution>::from_parts(&body, &signature).ok()?.body.address,
    };
    Some(Sighting { kind, task, place, author: author.as_bytes().to_vec(), body, signature })
}
