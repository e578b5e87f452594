//! It sends bodies that were cut off, to make a validator read beyond their end.

use crate::town::submitting;
use bauta_rounds::{check, Call, Error, Message};
use bauta_secagg::switches::{without, Switch};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// The first length at which checking the header of provider 0 panics.
fn attack() -> Option<usize> {
    let mut world = submitting(5, 31);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    let Call::SubmitHeader(msg) = world.header_msg(&masked) else { unreachable!() };
    let sender = world.clients[0].address.clone();
    (0..msg.body.len()).find(|&length| {
        let mut msg = msg.clone();
        msg.body.truncate(length);
        let message = Message { sender: sender.clone(), call: Call::SubmitHeader(msg) };
        let judge = || check(&world.env(), &world.storage, &world.registry, &message);
        match catch_unwind(AssertUnwindSafe(judge)) {
            Ok(judged) => {
                assert!(matches!(judged.unwrap_err(), Error::Malformed(_)), "{length}");
                false
            }
            Err(_) => true,
        }
    })
}

#[test]
fn is_caught() {
    assert_eq!(attack(), None);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::ReaderBounds);
    assert_eq!(attack(), Some(0));
}
