//! A task's budget: what was put in equals what was charged, paid, refunded and is still held, after every step.

use crate::env::Storage;
use crate::error::Error;
use crate::message::Fee;
use crate::output::Output;
use crate::state;
use crate::terms::amount;
use bauta_schema::training::v1::{Escrow, Task};

/// The amounts of an escrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purse {
    /// Put in.
    pub deposited: u128,
    /// Still there.
    pub held: u128,
    /// Of what is held, what the running round may still need.
    pub reserved: u128,
    /// Charged for protocol messages.
    pub fees: u128,
    /// Paid to providers.
    pub rewards: u128,
    /// Paid back.
    pub refunded: u128,
}

impl Purse {
    /// Reads a task's.
    ///
    /// # Errors
    /// [`Error::State`].
    pub fn of(task: &Task) -> Result<Self, Error> {
        let escrow = task.escrow.clone().unwrap_or_default();
        let read = |field, text| amount(field, text).map_err(|error| Error::State(error.to_string()));
        Ok(Self {
            deposited: read("deposited", &escrow.deposited)?,
            held: read("held", &escrow.held)?,
            reserved: read("reserved", &escrow.reserved)?,
            fees: read("fees", &escrow.fees)?,
            rewards: read("rewards", &escrow.rewards)?,
            refunded: read("refunded", &escrow.refunded)?,
        })
    }

    /// Writes it into a task.
    pub fn put(&self, task: &mut Task) {
        task.escrow = Some(Escrow {
            deposited: self.deposited.to_string(),
            held: self.held.to_string(),
            reserved: self.reserved.to_string(),
            fees: self.fees.to_string(),
            rewards: self.rewards.to_string(),
            refunded: self.refunded.to_string(),
        });
    }

    /// What is held and not reserved.
    pub fn available(&self) -> u128 {
        self.held.saturating_sub(self.reserved)
    }

    /// Puts coins in.
    ///
    /// # Errors
    /// [`Error::Invalid`] beyond what amounts can be.
    pub fn deposit(&mut self, amount: u128) -> Result<(), Error> {
        let limit = u128::from(u64::MAX) * u128::from(u32::MAX);
        let deposited = self.deposited.checked_add(amount).filter(|&sum| sum <= limit);
        self.deposited = deposited.ok_or_else(|| Error::Invalid("the budget is too large".into()))?;
        self.held = self.held.saturating_add(amount);
        Ok(())
    }

    /// Whether a fee can be charged.
    ///
    /// # Errors
    /// [`Error::Unfunded`].
    pub fn affords(&self, fee: &Fee) -> Result<(), Error> {
        let available = if fee.from_reserve { self.held } else { self.available() };
        if available < fee.amount {
            return Err(Error::Unfunded { task: fee.task, available, needed: fee.amount });
        }
        Ok(())
    }

    /// Charges a fee.
    ///
    /// # Errors
    /// [`Error::Unfunded`].
    pub fn charge(&mut self, fee: &Fee) -> Result<(), Error> {
        self.affords(fee)?;
        self.held -= fee.amount;
        self.fees += fee.amount;
        if fee.from_reserve {
            self.reserved = self.reserved.saturating_sub(fee.amount);
        }
        Ok(())
    }

    /// Takes a reward of at most `amount` out; what could be taken. The round's reserve covers its rewards, so that it is all of it.
    pub fn pay(&mut self, amount: u128) -> u128 {
        let paid = amount.min(self.held);
        self.held -= paid;
        self.rewards += paid;
        self.reserved = self.reserved.saturating_sub(paid);
        paid
    }

    /// Takes the rest out.
    pub fn refund(&mut self) -> u128 {
        let rest = self.held;
        self.held = 0;
        self.reserved = 0;
        self.refunded += rest;
        rest
    }

    /// Whether nothing was made or lost.
    pub fn is_conserved(&self) -> bool {
        self.deposited == self.held + self.fees + self.rewards + self.refunded
    }
}

/// Charges a protocol message to its task's budget. It stays charged when the message then fails, which after
/// [`check`](crate::check) only an offence does.
///
/// # Errors
/// [`Error::Unfunded`], [`Error::UnknownTask`].
pub fn charge(storage: &mut dyn Storage, fee: &Fee) -> Result<Output, Error> {
    let mut task = state::task(storage, fee.task)?;
    let mut purse = Purse::of(&task)?;
    purse.charge(fee)?;
    purse.put(&mut task);
    state::put_task(storage, &task);
    Ok(Output::Fee { amount: fee.amount })
}
