//! What a message is bound to: `ectx` the epoch, `rctx` the round, `ctx` the round with its model and roster. Each is a
//! type of its own, so that a message of one cannot be checked against another.

use crate::curve::HashKind;
use crate::encoding::{sha256, tag, within, Malformed, Writer};
use crate::switched_off;

macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Takes 32 bytes read from state or from a message.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl AsRef<[u8; 32]> for $name {
            fn as_ref(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), $crate::encoding::Hex(&self.0))
            }
        }
    };
}
pub(crate) use hash_type;

hash_type!(
    /// SHA-256 of a task's canonical settings.
    SettingsHash
);
hash_type!(
    /// SHA-256 of the canonical model bytes in `open` tasks; what protocol.md says in the others.
    ModelHash
);
hash_type!(
    /// Root of an ordered list (RFC 6962).
    Root
);
hash_type!(
    /// The context of an epoch.
    Ectx
);
hash_type!(
    /// The context of a round, before its model.
    Rctx
);
hash_type!(
    /// The context of a round with its model and roster.
    Ctx
);

impl Ectx {
    /// `SHA-256(lp("bauta/1/ectx") | lp(chain_id) | be64(task) | be64(epoch) | settings_hash)`. Epochs count from 1.
    /// Fails if the chain id is longer than 255 bytes.
    pub fn new(chain_id: &str, task: u64, epoch: u64, settings: &SettingsHash) -> Result<Self, Malformed> {
        within("chain id length", chain_id.len() as u64, 0, 255)?;
        let mut writer = Writer::new();
        writer.short_lp(chain_id.as_bytes()).be64(task).be64(epoch).bytes(settings.as_bytes());
        Ok(Self(sha256(&[&tag("ectx"), &writer.into_bytes()])))
    }
}

impl Rctx {
    /// `SHA-256(lp("bauta/1/rctx") | ectx | be64(round))`. Rounds count from 1.
    pub fn new(ectx: &Ectx, round: u64) -> Self {
        let round = if switched_off!(RoundInContext) { 0 } else { round };
        Self(sha256(&[&tag("rctx"), &ectx.0, &round.to_be_bytes()]))
    }
}

impl Ctx {
    /// `SHA-256(lp("bauta/1/ctx") | rctx | model_hash | roster_root)`. Clients that are shown different models have
    /// different contexts, and their masks do not cancel (Pasquini et al. 2021).
    pub fn new(rctx: &Rctx, model: &ModelHash, roster: &Root) -> Self {
        let model = if switched_off!(ModelInContext) { [0; 32] } else { model.0 };
        Self(sha256(&[&tag("ctx"), &rctx.0, &model, &roster.0]))
    }
}

/// The input of a joint key's evaluation:
/// `SHA-256(lp("bauta/1/joint/" | kind) | ectx | be64(round or 0) | root evaluated | root of the dealers)`, so that no
/// input is evaluated under two keys.
pub fn joint_input(kind: HashKind, ectx: &Ectx, round: u64, evaluated: &Root, dealers: &Root) -> [u8; 32] {
    let tag = tag(&["joint/", kind.name()].concat());
    sha256(&[&tag, &ectx.0, &round.to_be_bytes(), &evaluated.0, &dealers.0])
}
