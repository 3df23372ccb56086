//! The bound on all bytes a pool holds.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts the bytes a pool holds, in use and idle, and keeps them within a bound.
pub(crate) struct Budget {
    limit: Option<u64>,
    reserved: AtomicU64,
    peak: AtomicU64,
}

impl Budget {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self { limit, reserved: AtomicU64::new(0), peak: AtomicU64::new(0) }
    }

    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Bytes held now.
    pub(crate) fn reserved(&self) -> u64 {
        self.reserved.load(Relaxed)
    }

    /// The most bytes ever held.
    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Relaxed)
    }

    /// Takes `bytes` of the budget before they are allocated; `false` if that would pass the bound.
    pub(crate) fn reserve(&self, bytes: u64) -> bool {
        match self.reserved.fetch_update(Relaxed, Relaxed, |held| self.sum(held, bytes)) {
            Ok(before) => {
                self.peak.fetch_max(before + bytes, Relaxed);
                true
            }
            Err(_) => false,
        }
    }

    /// Whether [`reserve`](Self::reserve) would succeed now.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        self.sum(self.reserved(), bytes).is_some()
    }

    fn sum(&self, held: u64, bytes: u64) -> Option<u64> {
        held.checked_add(bytes).filter(|&sum| sum <= self.limit.unwrap_or(u64::MAX))
    }

    /// Gives back what was reserved, after it is freed.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.reserved.fetch_sub(bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound holds while threads reserve and give back at once.
    #[test]
    fn concurrent_reservations_stay_within_the_bound() {
        let budget = Budget::new(Some(1000));
        std::thread::scope(|scope| {
            for step in 1..=4 {
                let budget = &budget;
                scope.spawn(move || {
                    for _ in 0..10_000 {
                        if budget.reserve(step * 97) {
                            assert!(budget.reserved() <= 1000);
                            budget.give_back(step * 97);
                        }
                    }
                });
            }
        });
        assert_eq!(budget.reserved(), 0);
        assert!(budget.peak() <= 1000 && budget.peak() >= 388);
    }

    /// Sums that do not fit are refused, with and without a bound.
    #[test]
    fn sums_do_not_wrap() {
        let budget = Budget::new(None);
        assert!(budget.reserve(u64::MAX - 1));
        assert!(!budget.reserve(2));
        assert!(budget.reserve(1));
    }
}
