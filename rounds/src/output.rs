//! What comes out of the machine.

use bauta_schema::training::v1::Verdict;

/// One effect outside of the machine's own records, to be carried out in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Coins go from an account to the escrow account; if they cannot, the message fails.
    Deposit {
        /// Who pays.
        from: Vec<u8>,
        /// In the fee denomination.
        amount: u128,
    },
    /// Coins go from the escrow account to the collector of fees.
    Fee {
        /// In the fee denomination.
        amount: u128,
    },
    /// Coins go from the escrow account to a provider.
    Pay {
        /// To whom.
        to: Vec<u8>,
        /// In the fee denomination.
        amount: u128,
        /// For which task.
        task: u64,
        /// For which round.
        round: u64,
    },
    /// Coins go from the escrow account back to a task's owner.
    Refund {
        /// To whom.
        to: Vec<u8>,
        /// In the fee denomination.
        amount: u128,
        /// Which task.
        task: u64,
    },
    /// A verdict for the slashing contract.
    Verdict(Verdict),
    /// The staking contract locks a provider's bond; if it does not, the message fails.
    LockBond {
        /// Whose.
        provider: Vec<u8>,
        /// For which task.
        task: u64,
        /// For which epoch.
        epoch: u64,
    },
    /// The staking contract unlocks a provider's bond, once no verdict against it is queued.
    UnlockBond {
        /// Whose.
        provider: Vec<u8>,
        /// For which task.
        task: u64,
        /// For which epoch.
        epoch: u64,
    },
    /// An event.
    Event(Event),
}

/// An event: its kind and its attributes, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its kind, `task_created`, `round_opened`, ...
    pub kind: &'static str,
    /// Its attributes.
    pub attributes: Vec<(&'static str, Value)>,
}

/// An attribute's value; the node writes addresses in its prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A number.
    Number(u64),
    /// An address.
    Address(Vec<u8>),
    /// Bytes, in hexadecimal.
    Bytes(Vec<u8>),
}

impl Event {
    /// An event of a task.
    pub(crate) fn of_task(kind: &'static str, task: u64) -> Self {
        Self { kind, attributes: vec![("task_id", Value::Number(task))] }
    }

    /// The same with a number.
    pub(crate) fn number(mut self, key: &'static str, value: u64) -> Self {
        self.attributes.push((key, Value::Number(value)));
        self
    }

    /// The same with text.
    pub(crate) fn text(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((key, Value::Text(value.into())));
        self
    }

    /// The same with an address.
    pub(crate) fn address(mut self, key: &'static str, value: &[u8]) -> Self {
        self.attributes.push((key, Value::Address(value.to_vec())));
        self
    }

    /// The same with bytes.
    pub(crate) fn bytes(mut self, key: &'static str, value: &[u8]) -> Self {
        self.attributes.push((key, Value::Bytes(value.to_vec())));
        self
    }
}

impl From<Event> for Output {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}
