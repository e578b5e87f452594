//! The tail of a partition: that censorship leaves an honest provider alone among the corrupt.
//!
//! Of the `n - 1` others `floor(n * corrupt)` are corrupt, and `s - 1` of them share a group of `s`. Whoever keeps honest members from
//! submitting lets the sum of `min_group` survivors be revealed; with `min_group - 1` corrupt among them one update is left.

use super::{Probability, MILLION};
use bauta_secagg::partition;
use num_bigint::BigUint;

/// A provider may be alone among the corrupt less often than once in so many partitions: `10^-6`.
pub const ALONE_ONE_IN: u64 = 1_000_000;

/// Numbers of dealers, and how they are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    /// Fewest dealers that are divided.
    pub fewest: u32,
    /// Most.
    pub most: u32,
    /// Target size `g`: `floor(n / g)` groups, sizes differing by one at most.
    pub group_size: u32,
    /// Fewest survivors whose sum is revealed.
    pub min_group: u32,
    /// Corrupt share of heads, in millionths.
    pub corrupt_heads_ppm: u32,
}

/// The odds at the number of dealers where they are worst.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alone {
    /// The number.
    pub dealers: u32,
    /// Its largest group.
    pub largest_group: u32,
    /// How many are corrupt.
    pub corrupt: u32,
    /// That `min_group - 1` or more of one provider's group are.
    pub probability: Probability,
}

/// Members of the largest group of `n` dealers.
pub fn largest_group(n: u32, group_size: u32) -> u32 {
    // As the partition cuts them, sizes differing by one at most; fewer than a group are one all the same.
    n.div_ceil((partition::groups(n as usize, group_size as usize) as u32).max(1))
}

impl Groups {
    /// The worst odds over all numbers of dealers; the first that reach `10^-6` if any do.
    pub fn worst(&self) -> Alone {
        let mut worst =
            Alone { dealers: self.most, probability: Probability::zero(), ..self.sampling(self.most).alone() };
        let mut binomials = Binomials::default();
        for sampling in self.samplings() {
            let probability = binomials.tail(&sampling);
            let is_refused = !probability.is_below(ALONE_ONE_IN);
            if is_refused || probability.exceeds(&worst.probability) {
                worst = Alone { probability, ..sampling.alone() };
            }
            if is_refused {
                break;
            }
        }
        worst
    }

    /// Operations of [`Groups::worst`] at most: products of a number of at most `most` bits with a small one.
    pub fn operations(&self) -> u64 {
        let mut operations = u64::from(self.most.saturating_sub(self.fewest)) / 16 + 1;
        let mut places = [(0u32, 0u32); 3];
        for sampling in self.samplings() {
            for (place, next) in places.iter_mut().zip(sampling.binomials()) {
                operations += u64::from(place.0.abs_diff(next.0)) + u64::from(place.1.abs_diff(next.1));
                *place = next;
            }
            operations += u64::from(sampling.to - sampling.from) + 1;
        }
        operations
    }

    /// What is sampled at each number of dealers at which the odds are above zero.
    fn samplings(&self) -> impl Iterator<Item = Sampling> + '_ {
        (self.fewest..=self.most).map(|n| self.sampling(n)).filter(Sampling::is_possible)
    }

    fn sampling(&self, n: u32) -> Sampling {
        let largest = largest_group(n, self.group_size);
        let corrupt = u64::from(n) * u64::from(self.corrupt_heads_ppm) / u64::from(MILLION);
        let others = n.saturating_sub(1);
        let corrupt = u32::try_from(corrupt).unwrap_or(u32::MAX).min(others);
        let places = largest.saturating_sub(1);
        Sampling {
            others,
            corrupt,
            places,
            from: self.min_group.saturating_sub(1).max(places.saturating_sub(others - corrupt)),
            to: corrupt.min(places),
        }
    }
}

/// Hypergeometric: `places` of `others` without replacement, of whom `corrupt` are; the tail is from `from` to `to` of them.
#[derive(Debug, Clone, Copy)]
struct Sampling {
    others: u32,
    corrupt: u32,
    places: u32,
    from: u32,
    to: u32,
}

impl Sampling {
    fn is_possible(&self) -> bool {
        self.from <= self.to
    }

    fn alone(&self) -> Alone {
        Alone {
            dealers: self.others + 1,
            largest_group: self.places + 1,
            corrupt: self.corrupt,
            probability: Probability::zero(),
        }
    }

    /// `(n, k)` of the binomials that the tail begins with: those of its first term, and of all samples.
    fn binomials(&self) -> [(u32, u32); 3] {
        [(self.corrupt, self.from), (self.others - self.corrupt, self.places - self.from), (self.others, self.places)]
    }
}

/// The binomials of one number of dealers, from which the next one's are few steps away.
#[derive(Default)]
struct Binomials([Choose; 3]);

impl Binomials {
    /// `sum_x C(corrupt, x) C(others - corrupt, places - x) / C(others, places)`, each term from the one before it.
    fn tail(&mut self, sampling: &Sampling) -> Probability {
        for (choose, (n, k)) in self.0.iter_mut().zip(sampling.binomials()) {
            choose.go_to(n, k);
        }
        let [corrupt, honest, all] = &self.0;
        let mut term = &corrupt.value * &honest.value;
        let mut sum = term.clone();
        for x in sampling.from..sampling.to {
            let honest_left = sampling.others - sampling.corrupt + x + 1 - sampling.places;
            term *= u64::from(sampling.corrupt - x) * u64::from(sampling.places - x);
            term /= u64::from(x + 1) * u64::from(honest_left);
            sum += &term;
        }
        Probability::new(sum, all.value.clone())
    }
}

/// `C(n, k)`, `k <= n`, moved by one in `n` or `k` at a time; every step is exact, and none is zero.
struct Choose {
    n: u32,
    k: u32,
    value: BigUint,
}

impl Default for Choose {
    fn default() -> Self {
        Self { n: 0, k: 0, value: BigUint::from(1u32) }
    }
}

impl Choose {
    fn go_to(&mut self, n: u32, k: u32) {
        // In this order k <= n all the way.
        while self.k > k {
            self.multiply(self.k, self.n - self.k + 1);
            self.k -= 1;
        }
        while self.n < n {
            self.multiply(self.n + 1, self.n + 1 - self.k);
            self.n += 1;
        }
        while self.n > n {
            self.multiply(self.n - self.k, self.n);
            self.n -= 1;
        }
        while self.k < k {
            self.multiply(self.n - self.k, self.k + 1);
            self.k += 1;
        }
    }

    fn multiply(&mut self, above: u32, below: u32) {
        self.value *= above;
        self.value /= below;
    }
}
