//! The grammar as an automaton: every place at which it names a call is a state, and knows the places that may come next
//! (V. M. Glushkov, "The abstract theory of automata", 1961, section 5).

use super::grammar::{Call, Rule};

/// A set of places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Places(u64);

impl Places {
    fn one(place: usize) -> Self {
        Self(1 << place)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn iter(self) -> impl Iterator<Item = usize> {
        (0..64).filter(move |place| self.0 >> place & 1 == 1)
    }
}

/// The places of a rule, each with its call and what may follow it.
#[derive(Debug)]
pub(super) struct Automaton {
    calls: Vec<Call>,
    follow: Vec<Places>,
    /// Where it may begin.
    pub(super) first: Places,
}

/// What the whole needs to know of a part.
#[derive(Clone, Copy)]
struct Part {
    /// Whether it may be left out.
    empty: bool,
    first: Places,
    last: Places,
}

impl Automaton {
    /// Of a rule with at most 64 places.
    pub(super) fn of(rule: &Rule) -> Self {
        let mut automaton = Self { calls: Vec::new(), follow: Vec::new(), first: Places::default() };
        automaton.first = automaton.part(rule).first;
        automaton
    }

    fn part(&mut self, rule: &Rule) -> Part {
        match rule {
            Rule::One(call) => {
                let place = Places::one(self.calls.len());
                self.calls.push(*call);
                self.follow.push(Places::default());
                Part { empty: false, first: place, last: place }
            }
            Rule::Named(_, rule) => self.part(rule),
            Rule::Sequence(parts) => {
                let nothing = Part { empty: true, first: Places::default(), last: Places::default() };
                parts.iter().fold(nothing, |before, part| {
                    let part = self.part(part);
                    self.link(before.last, part.first);
                    Part {
                        empty: before.empty && part.empty,
                        first: if before.empty { before.first.and(part.first) } else { before.first },
                        last: if part.empty { before.last.and(part.last) } else { part.last },
                    }
                })
            }
            Rule::Either(parts) => {
                let none = Part { empty: false, first: Places::default(), last: Places::default() };
                parts.iter().fold(none, |others, part| {
                    let part = self.part(part);
                    Part {
                        empty: others.empty || part.empty,
                        first: others.first.and(part.first),
                        last: others.last.and(part.last),
                    }
                })
            }
            Rule::Perhaps(part) => Part { empty: true, ..self.part(part) },
            Rule::AnyTimes(part) => Part { empty: true, ..self.again(part) },
            Rule::AtLeastOnce(part) => self.again(part),
            // Nothing comes after what never ends.
            Rule::Forever(part) => Part { last: Places::default(), ..self.again(part) },
        }
    }

    fn again(&mut self, rule: &Rule) -> Part {
        let part = self.part(rule);
        self.link(part.last, part.first);
        part
    }

    fn link(&mut self, from: Places, to: Places) {
        for place in from.iter() {
            self.follow[place] = self.follow[place].and(to);
        }
    }

    /// All places of a call.
    pub(super) fn places_of(&self, call: Call) -> Places {
        let places = self.calls.iter().enumerate().filter(|(_, at)| **at == call);
        places.fold(Places::default(), |all, (place, _)| all.and(Places::one(place)))
    }

    /// The places that may come after any of these.
    pub(super) fn after(&self, places: Places) -> Places {
        places.iter().fold(Places::default(), |all, place| all.and(self.follow[place]))
    }
}
