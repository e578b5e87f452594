//! The daemons of all providers, each under a supervisor.

use std::time::{Duration, Instant};

use super::daemon::Daemon;
use super::people::Person;

/// The providers at work.
pub struct Fleet<'a> {
    people: &'a [Person],
    node: &'a str,
    places: Vec<Place>,
    /// What was said by those that ended with an error.
    pub gave_up: Vec<String>,
}

struct Place {
    daemon: Option<Daemon>,
    task: u64,
    /// The last task that it has served to the end.
    served: u64,
    /// When it may be started.
    from: Instant,
}

impl<'a> Fleet<'a> {
    /// Nobody works yet; everybody will reach the chain over this address.
    pub fn new(people: &'a [Person], node: &'a str) -> Self {
        let place = || Place { daemon: None, task: 0, served: 0, from: Instant::now() };
        Self { people, node, places: people.iter().map(|_| place()).collect(), gave_up: Vec::new() }
    }

    /// What a supervisor does when it looks: whoever has ended and has not served the task to its end is started again.
    pub fn tend(&mut self, task: u64) {
        for (place, person) in self.places.iter_mut().zip(self.people) {
            if let Some(status) = place.daemon.as_mut().and_then(Daemon::ended) {
                match status.success() {
                    true => place.served = place.task,
                    false => {
                        let said = place.daemon.as_mut().map(Daemon::last_words).unwrap_or_default();
                        self.gave_up
                            .push(format!("{} ended with {status} in task {}: {said}", person.address, place.task));
                        place.from = Instant::now() + Duration::from_secs(1);
                    }
                }
                place.daemon = None;
            }
            if place.daemon.is_none() && place.served < task && place.from <= Instant::now() {
                place.daemon = Some(Daemon::serve(person, self.node, task));
                place.task = task;
            }
        }
    }

    /// Whether one of them runs.
    pub fn serves(&self, who: usize) -> bool {
        self.places[who].daemon.is_some()
    }

    /// Kills one of them, and leaves it lying for a while.
    pub fn kill(&mut self, who: usize, down: Duration) {
        let place = &mut self.places[who];
        // Dropping it kills it.
        place.daemon = None;
        place.from = Instant::now() + down;
    }

    /// Whether all have served a task to its end.
    pub fn have_served(&self, task: u64) -> bool {
        self.places.iter().all(|place| place.served >= task)
    }
}
