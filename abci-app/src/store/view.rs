//! The one type through which state is touched: a stack of layers over a committed base.
//!
//! A block's, a transaction's and a sub-message's views nest: [`View::begin`] opens a layer, [`View::commit`] merges it
//! into the one below, [`View::discard`] forgets it. The handle is owned and cheap to clone, so that it can be lent to
//! the CosmWasm VM, which asks for `'static` storage; all clones see the same layers.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Changes, Store};

/// Committed state that views lie over. It never changes while a view exists.
pub trait Base: Send + Sync {
    /// The value under `key`.
    fn get(&self, store: Store, key: &[u8]) -> Option<Vec<u8>>;

    /// At most `limit` bytes of the value under `key` from `offset` on, and how many it has in all.
    fn part(&self, store: Store, key: &[u8], offset: u64, limit: usize) -> Option<(Vec<u8>, u64)>;

    /// The first entry (last for [`Order::Descending`]) between the bounds.
    fn next(&self, store: Store, start: Bound<&[u8]>, end: Bound<&[u8]>, order: Order) -> Option<(Vec<u8>, Vec<u8>)>;
}

/// The direction of an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the smallest key.
    Ascending,
    /// From the largest key.
    Descending,
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// What a search for an entry passed on its way: keys that were deleted above the base. Finding them is work like finding entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// How many.
    pub keys: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A part of a value, cut to what there is, and the bytes that the value has.
pub(super) fn part_of(value: &[u8], offset: u64, limit: usize) -> (Vec<u8>, u64) {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(value.len());
    let end = start.saturating_add(limit).min(value.len());
    (value[start..end].to_vec(), value.len() as u64)
}

/// A transactional view of the state.
#[derive(Clone)]
pub struct View(Arc<Mutex<Layers>>);

struct Layers {
    base: Arc<dyn Base>,
    layers: Vec<Changes>,
}

impl View {
    /// A view with one empty layer over `base`.
    pub fn new(base: Arc<dyn Base>) -> Self {
        Self(Arc::new(Mutex::new(Layers { base, layers: vec![Changes::new()] })))
    }

    fn lock(&self) -> MutexGuard<'_, Layers> {
        // A panic while the lock is held stops the process on the consensus path; queries must not inherit the poison.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The value under `key`, as the topmost layer sees it.
    pub fn get(&self, store: Store, key: &[u8]) -> Option<Vec<u8>> {
        let inner = self.lock();
        for layer in inner.layers.iter().rev() {
            if let Some(change) = layer.get(store, key) {
                return change.clone();
            }
        }
        inner.base.get(store, key)
    }

    /// At most `limit` bytes of the value under `key` from `offset` on, and how many it has in all: of a long value no more is copied.
    pub fn part(&self, store: Store, key: &[u8], offset: u64, limit: usize) -> Option<(Vec<u8>, u64)> {
        let inner = self.lock();
        for layer in inner.layers.iter().rev() {
            if let Some(change) = layer.get(store, key) {
                return change.as_deref().map(|value| part_of(value, offset, limit));
            }
        }
        inner.base.part(store, key, offset, limit)
    }

    /// Writes in the topmost layer.
    pub fn set(&self, store: Store, key: Vec<u8>, value: Vec<u8>) {
        self.change(store, key, Some(value));
    }

    /// Deletes in the topmost layer.
    pub fn delete(&self, store: Store, key: &[u8]) {
        self.change(store, key.to_vec(), None);
    }

    fn change(&self, store: Store, key: Vec<u8>, value: Option<Vec<u8>>) {
        if let Some(top) = self.lock().layers.last_mut() {
            top.insert(store, key, value);
        }
    }

    /// The next entry between the bounds in the given order; ask again with the bound moved to go on.
    pub fn next(
        &self,
        store: Store,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        order: Order,
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        self.next_counted(store, start, end, order).0
    }

    /// As [`View::next`], and what was passed, for who charges for it.
    pub fn next_counted(
        &self,
        store: Store,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        order: Order,
    ) -> (Option<Entry>, Passed) {
        let mut passed = Passed::default();
        let inner = self.lock();
        let mut start = start.map(<[u8]>::to_vec);
        let mut end = end.map(<[u8]>::to_vec);
        // Each turn settles one key: the nearest of all layers and the base; a deleted one moves the bound past it.
        loop {
            if is_empty(&start, &end) {
                return (None, passed);
            }
            match inner.nearest(store, &start, &end, order) {
                None => return (None, passed),
                Some((key, Some(value))) => return (Some((key, value)), passed),
                Some((key, None)) => {
                    passed.keys += 1;
                    passed.bytes += key.len() as u64;
                    match order {
                        Order::Ascending => start = Bound::Excluded(key),
                        Order::Descending => end = Bound::Excluded(key),
                    }
                }
            }
        }
    }

    /// All entries between the bounds, at most `limit`.
    pub fn range(
        &self,
        store: Store,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut moved: Option<Vec<u8>> = None;
        while found.len() < limit {
            let entry = match (&moved, order) {
                (None, _) => self.next(store, start, end, order),
                (Some(at), Order::Ascending) => self.next(store, Bound::Excluded(at.as_slice()), end, order),
                (Some(at), Order::Descending) => self.next(store, start, Bound::Excluded(at.as_slice()), order),
            };
            let Some((key, value)) = entry else { break };
            moved = Some(key.clone());
            found.push((key, value));
        }
        found
    }

    /// Opens a layer.
    pub fn begin(&self) {
        self.lock().layers.push(Changes::new());
    }

    /// Merges the topmost layer into the one below it. The lowest layer stays.
    pub fn commit(&self) {
        let mut inner = self.lock();
        if inner.layers.len() > 1 {
            if let Some(top) = inner.layers.pop() {
                if let Some(below) = inner.layers.last_mut() {
                    below.extend(top);
                }
            }
        }
    }

    /// Forgets the topmost layer. The lowest layer is emptied.
    pub fn discard(&self) {
        let mut inner = self.lock();
        if inner.layers.len() > 1 {
            inner.layers.pop();
        } else if let Some(lowest) = inner.layers.last_mut() {
            lowest.clear();
        }
    }

    /// Runs `body` in a layer of its own: committed when it succeeds, forgotten when it fails.
    ///
    /// # Errors
    /// Those of `body`.
    pub fn nested<T, E>(&self, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.begin();
        let result = body();
        match result {
            Ok(_) => self.commit(),
            Err(_) => self.discard(),
        }
        result
    }

    /// An independent view that starts from what this one sees now and never writes back to it.
    #[must_use]
    pub fn fork(&self) -> Self {
        let inner = self.lock();
        let mut layers = inner.layers.clone();
        layers.push(Changes::new());
        Self(Arc::new(Mutex::new(Layers { base: inner.base.clone(), layers })))
    }

    /// Everything that was changed over the base, all layers merged.
    pub fn changes(&self) -> Changes {
        let inner = self.lock();
        let mut all = Changes::new();
        for layer in &inner.layers {
            all.extend(layer.clone());
        }
        all
    }

    /// Ends the view: everything that was changed over the base, all layers merged. What remains is an empty layer.
    pub fn take_changes(&self) -> Changes {
        let layers = std::mem::replace(&mut self.lock().layers, vec![Changes::new()]);
        let mut all = Changes::new();
        for layer in layers {
            all.extend(layer);
        }
        all
    }
}

fn is_empty(start: &Bound<Vec<u8>>, end: &Bound<Vec<u8>>) -> bool {
    match (start, end) {
        (Bound::Included(s), Bound::Included(e)) => s > e,
        (Bound::Included(s), Bound::Excluded(e))
        | (Bound::Excluded(s), Bound::Included(e))
        | (Bound::Excluded(s), Bound::Excluded(e)) => s >= e,
        _ => false,
    }
}

impl Layers {
    /// The nearest key of all layers and the base between non-empty bounds, with what the topmost owner says of it.
    fn nearest(
        &self,
        store: Store,
        start: &Bound<Vec<u8>>,
        end: &Bound<Vec<u8>>,
        order: Order,
    ) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let mut best: Option<(Vec<u8>, Option<Vec<u8>>)> =
            self.base.next(store, as_slice(start), as_slice(end), order).map(|(key, value)| (key, Some(value)));
        // From the lowest layer up, so that of equal keys the topmost wins.
        for layer in &self.layers {
            let mut entries = layer.of(store).range::<[u8], _>((as_slice(start), as_slice(end)));
            let candidate = match order {
                Order::Ascending => entries.next(),
                Order::Descending => entries.next_back(),
            };
            if let Some((key, value)) = candidate {
                let takes = match &best {
                    None => true,
                    Some((held, _)) => match order {
                        Order::Ascending => key <= held,
                        Order::Descending => key >= held,
                    },
                };
                if takes {
                    best = Some((key.clone(), value.clone()));
                }
            }
        }
        best
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key.as_slice()),
        Bound::Excluded(key) => Bound::Excluded(key.as_slice()),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// A base in memory, for tests and tools.
#[derive(Debug, Default, Clone)]
pub struct MemoryBase(pub BTreeMap<(Store, Vec<u8>), Vec<u8>>);

impl Base for MemoryBase {
    fn get(&self, store: Store, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(&(store, key.to_vec())).cloned()
    }

    fn part(&self, store: Store, key: &[u8], offset: u64, limit: usize) -> Option<(Vec<u8>, u64)> {
        self.0.get(&(store, key.to_vec())).map(|value| part_of(value, offset, limit))
    }

    fn next(&self, store: Store, start: Bound<&[u8]>, end: Bound<&[u8]>, order: Order) -> Option<(Vec<u8>, Vec<u8>)> {
        let inside = |key: &[u8]| {
            (match start {
                Bound::Included(first) => key >= first,
                Bound::Excluded(first) => key > first,
                Bound::Unbounded => true,
            }) && (match end {
                Bound::Included(last) => key <= last,
                Bound::Excluded(last) => key < last,
                Bound::Unbounded => true,
            })
        };
        let mut entries = self.0.iter().filter(|((owner, key), _)| *owner == store && inside(key));
        let found = match order {
            Order::Ascending => entries.next(),
            Order::Descending => entries.next_back(),
        };
        found.map(|((_, key), value)| (key.clone(), value.clone()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A step of a random walk over views and the model beside them: a stack of whole copies of the state.
    #[derive(Debug, Clone)]
    enum Step {
        Set(u8, u8),
        Delete(u8),
        Begin,
        Commit,
        Discard,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..12u8, any::<u8>()).prop_map(|(key, value)| Step::Set(key, value)),
            3 => (0..12u8).prop_map(Step::Delete),
            1 => Just(Step::Begin),
            1 => Just(Step::Commit),
            1 => Just(Step::Discard),
        ]
    }

    type Model = BTreeMap<Vec<u8>, Vec<u8>>;

    fn bounds(from: u8, to: u8, kind: u8) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
        let bound = |key: u8, kind: u8| match kind % 3 {
            0 => Bound::Included(vec![key]),
            1 => Bound::Excluded(vec![key]),
            _ => Bound::Unbounded,
        };
        (bound(from, kind), bound(to, kind / 3))
    }

    fn expected(model: &Model, low: &Bound<Vec<u8>>, high: &Bound<Vec<u8>>, order: Order) -> Vec<(Vec<u8>, Vec<u8>)> {
        let within = |key: &Vec<u8>| {
            (match low {
                Bound::Included(low) => key >= low,
                Bound::Excluded(low) => key > low,
                Bound::Unbounded => true,
            }) && (match high {
                Bound::Included(high) => key <= high,
                Bound::Excluded(high) => key < high,
                Bound::Unbounded => true,
            })
        };
        let mut found: Vec<_> =
            model.iter().filter(|(key, _)| within(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
        if order == Order::Descending {
            found.reverse();
        }
        found
    }

    proptest! {
        #[test]
        fn a_view_is_a_stack_of_copies(
            base in prop::collection::btree_map(0..12u8, any::<u8>(), 0..8),
            steps in prop::collection::vec(step(), 0..60),
            (from, to, kind) in (0..12u8, 0..12u8, 0..9u8),
            limit in 0..10usize,
        ) {
            let start: Model = base.into_iter().map(|(key, value)| (vec![key], vec![value])).collect();
            let rows = start.iter().map(|(key, value)| ((Store::Bank, key.clone()), value.clone())).collect();
            let view = View::new(Arc::new(MemoryBase(rows)));
            let mut models = vec![start.clone()];
            for step in steps {
                match step {
                    Step::Set(key, value) => {
                        view.set(Store::Bank, vec![key], vec![value]);
                        models.last_mut().unwrap().insert(vec![key], vec![value]);
                    }
                    Step::Delete(key) => {
                        view.delete(Store::Bank, &[key]);
                        models.last_mut().unwrap().remove(&vec![key]);
                    }
                    Step::Begin => {
                        view.begin();
                        models.push(models.last().unwrap().clone());
                    }
                    Step::Commit if models.len() > 1 => {
                        view.commit();
                        let top = models.pop().unwrap();
                        *models.last_mut().unwrap() = top;
                    }
                    Step::Discard if models.len() > 1 => {
                        view.discard();
                        models.pop();
                    }
                    Step::Commit => view.commit(),
                    Step::Discard => {
                        view.discard();
                        models = vec![start.clone()];
                    }
                }
            }
            let model = models.last().unwrap();
            for key in 0..12u8 {
                prop_assert_eq!(view.get(Store::Bank, &[key]), model.get(&vec![key]).cloned());
                prop_assert_eq!(view.get(Store::Wasm, &[key]), None);
            }
            let (low, high) = bounds(from, to, kind);
            for order in [Order::Ascending, Order::Descending] {
                let mut wanted = expected(model, &low, &high, order);
                wanted.truncate(limit);
                let found = view.range(Store::Bank, as_slice(&low), as_slice(&high), order, limit);
                prop_assert_eq!(found, wanted);
            }
            // What is taken out of the view, laid over the base, is the model.
            let changes = view.take_changes();
            let mut result = start;
            for (key, value) in changes.of(Store::Bank) {
                match value {
                    Some(value) => drop(result.insert(key.clone(), value.clone())),
                    None => drop(result.remove(key)),
                }
            }
            prop_assert_eq!(&result, model);
        }
    }
}
