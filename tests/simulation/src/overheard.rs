//! What cheats hear of each other's and everybody's messages, whether a block has them or not, and what they report of it.

use bauta_rounds::{state, Call};
use bauta_schema::training::v1::msg_report::Evidence;
use bauta_schema::training::v1::{self as pb, ProtocolMessage};
use rand::seq::SliceRandom as _;
use rand::Rng as _;
use rand_chacha::ChaCha20Rng;

use crate::world::{World, TASK};

/// Messages that are remembered.
const REMEMBERED: usize = 64;

/// Messages, and who sent each.
#[derive(Debug, Default)]
pub struct Overheard(Vec<(usize, Call)>);

impl Overheard {
    /// Remembers a message, and forgets another when there are many.
    pub fn hear(&mut self, sender: usize, call: Call, rng: &mut ChaCha20Rng) {
        if self.0.len() < REMEMBERED {
            self.0.push((sender, call));
        } else if let Some(place) = self.0.choose_mut(rng) {
            *place = (sender, call);
        }
    }

    /// One of them, to be sent as one's own.
    pub fn any(&self, rng: &mut ChaCha20Rng) -> Option<Call> {
        self.0.choose(rng).map(|(_, call)| call.clone())
    }

    /// A report of one of them: of an invalid proof, of two headers, or of a partial that nobody requested. It is true, false, or
    /// settled already, and now and then it accuses somebody else.
    ///
    /// # Errors
    /// When the chain's records are broken.
    pub fn report(&self, chain: &dyn World, rng: &mut ChaCha20Rng) -> Result<Option<Call>, String> {
        let Some((sender, call)) = self.0.choose(rng) else { return Ok(None) };
        let now = chain.epoch()?.number;
        let invalid = |message: ProtocolMessage, body: &[u8], signature: &[u8]| {
            Evidence::InvalidProof(pb::InvalidProof { message: message.into(), signed: Some(signed(body, signature)) })
        };
        let (epoch, round, evidence) = match call {
            Call::Deal(msg) => (msg.epoch, 0, invalid(ProtocolMessage::Deal, &msg.body, &msg.signature)),
            Call::Complain(msg) => (msg.epoch, 0, invalid(ProtocolMessage::Complain, &msg.body, &msg.signature)),
            Call::Contribute(msg) => (msg.epoch, 0, invalid(ProtocolMessage::Contribute, &msg.body, &msg.signature)),
            Call::Evaluate(msg) => (msg.epoch, 0, invalid(ProtocolMessage::Evaluate, &msg.body, &msg.signature)),
            Call::CheckIn(msg) => (now, msg.round, invalid(ProtocolMessage::CheckIn, &msg.body, &msg.signature)),
            Call::Unmask(msg) if rng.gen() => {
                (now, msg.round, invalid(ProtocolMessage::Unmask, &msg.body, &msg.signature))
            }
            Call::Unmask(msg) => (now, msg.round, Evidence::UnrequestedPartial(signed(&msg.body, &msg.signature))),
            Call::SubmitHeader(msg) => (now, msg.round, self.two_headers(*sender, msg, rng)),
            _ => return Ok(None),
        };
        let everybody = chain.providers();
        let accused = match rng.gen_ratio(1, 8) {
            true => everybody.choose(rng),
            false => everybody.get(*sender),
        };
        let Some(accused) = accused.cloned() else { return Ok(None) };
        let deposit = state::params(chain.records()).map_err(|error| error.to_string())?.report_deposit;
        let evidence = Some(evidence);
        let msg = pb::MsgReport { task_id: TASK, epoch, round, deposit, evidence, ..Default::default() };
        Ok(Some(Call::Report { msg: Box::new(msg), accused }))
    }

    /// A header beside another of the same sender and round, if there is one; or beside anybody's.
    fn two_headers(&self, sender: usize, first: &pb::MsgSubmitHeader, rng: &mut ChaCha20Rng) -> Evidence {
        let headers = self.0.iter().filter_map(|(of, call)| match call {
            Call::SubmitHeader(msg) => Some((*of, msg)),
            _ => None,
        });
        let (own, others): (Vec<_>, Vec<_>) = headers
            .filter(|(_, msg)| msg.body != first.body)
            .partition(|(of, msg)| *of == sender && msg.round == first.round);
        let second = own.choose(rng).or_else(|| others.choose(rng)).map_or(first, |(_, msg)| msg);
        let header = |msg: &pb::MsgSubmitHeader| pb::HeaderEvidence {
            signed: Some(signed(&msg.body, &msg.signature)),
            ..Default::default()
        };
        Evidence::TwoHeaders(pb::TwoHeaders { first: Some(header(first)), second: Some(header(second)) })
    }
}

fn signed(body: &[u8], signature: &[u8]) -> pb::SignedBody {
    pb::SignedBody { body: body.to_vec(), signature: signature.to_vec() }
}
