//! The table of offences as the protocol gives it, apart from the contract that carries it out.

use bauta_schema::training::v1::OffenceKind;

/// What an offence costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Of the bond.
    pub percent: u128,
    /// Whether its author is jailed for a time.
    pub jail: bool,
    /// Whether its author is barred for ever.
    pub tombstone: bool,
    /// Of what is taken, to who reported it, if it was reported.
    pub bounty_percent: u128,
}

/// What the protocol's table says that a kind costs by default.
pub fn price(kind: OffenceKind) -> Price {
    let of = |percent| Price { percent, jail: false, tombstone: false, bounty_percent: 0 };
    match kind {
        OffenceKind::Unspecified => of(0),
        OffenceKind::NoSubmission => Price { jail: true, ..of(1) },
        OffenceKind::SilentSeat | OffenceKind::SilentInBlame => Price { jail: true, ..of(2) },
        OffenceKind::NonCanonical => of(5),
        OffenceKind::WithheldSeed => of(20),
        OffenceKind::TwoHeaders | OffenceKind::InvalidProof | OffenceKind::UnrequestedPartial => {
            Price { tombstone: true, bounty_percent: 5, ..of(100) }
        }
        OffenceKind::BadShare | OffenceKind::FalseComplaint | OffenceKind::FalseEdge | OffenceKind::OutOfBound => {
            Price { tombstone: true, ..of(100) }
        }
    }
}
