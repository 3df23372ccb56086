//! What all handles of a pool share, and the way of storage through it.

use super::budget::Budget;
use super::class::Class;
use super::magazine::Magazine;
use super::observer::{Observer, PoolEvent};
use super::purpose::Purpose;
use super::shelves::{Age, Idle, Shelves};
use super::slab::Slab;
use super::statistics::{SharedCounters, Statistics, WorkerCounters};
use super::storage::{LINE, Storage};
use crate::element::{Element, SampleFormat};
use crate::error::PoolError;
use crate::worker;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Storage on loan: gives itself back when dropped.
pub(crate) struct Held {
    storage: Storage,
    purpose: Purpose,
    format: SampleFormat,
    shared: Arc<Shared>,
}

impl Held {
    /// Leases at least `lines` lines for elements of type `T`, with the first `lines` zeroed if asked.
    pub(crate) fn lease<T: Element>(
        shared: &Arc<Shared>,
        purpose: Purpose,
        lines: usize,
        zeroed: bool,
    ) -> Result<Self, PoolError> {
        let mut storage = shared.lease(purpose, T::FORMAT, lines)?;
        if zeroed {
            storage.clear(lines);
        }
        storage.hand_out();
        Ok(Self { storage, purpose, format: T::FORMAT, shared: Arc::clone(shared) })
    }

    #[inline(always)]
    pub(crate) fn elements<T: Element>(&self) -> &[T] {
        self.storage.elements()
    }

    #[inline(always)]
    pub(crate) fn elements_mut<T: Element>(&mut self) -> &mut [T] {
        self.storage.elements_mut()
    }

    /// The first byte; it does not move while this is held.
    pub(crate) fn data(&self) -> NonNull<u8> {
        self.storage.data()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let storage = std::mem::replace(&mut self.storage, Storage::empty());
        self.shared.give_back(self.purpose, self.format, storage);
    }
}

/// The most corners there are; more threads share them.
const MAX_WORKERS: usize = 64;

/// A worker's corner: its magazine and its counters, away from the cache lines of others.
#[repr(align(128))]
struct Worker {
    magazine: Mutex<Magazine>,
    counters: WorkerCounters,
}

/// The pool behind its handles.
///
/// Idle storage moves from magazines to the shelves, never back. Locks are taken in the order `freeing`, magazines from
/// the first on or one alone, `shelves`.
pub(crate) struct Shared {
    /// The caller's memory, if all storage is cut from that.
    slab: Option<Arc<Slab>>,
    pooled: bool,
    budget: Budget,
    counters: SharedCounters,
    workers: Box<[Worker]>,
    shelves: Mutex<Shelves>,
    /// Held while idle storage is freed, so that no two threads free for the same room.
    freeing: Mutex<()>,
    observer: Observer,
    /// Ticks when something comes to the shelves, so that storage knows its age; magazines keep order themselves.
    clock: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while a lock is held; were it so, lists of idle storage would still be sound.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(budget: Option<u64>, pooled: bool, observer: Observer) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        // Twice as many as cores: the thread that waits for a thread pool does not share its corner with a worker.
        let workers = (2 * threads).next_power_of_two().min(MAX_WORKERS);
        let corner =
            |_| Worker { magazine: Mutex::new(Magazine::new()), counters: WorkerCounters::default() };
        Self {
            slab: None,
            pooled,
            budget: Budget::new(budget),
            counters: SharedCounters::default(),
            workers: (0..workers).map(corner).collect(),
            shelves: Mutex::new(Shelves::new()),
            freeing: Mutex::new(()),
            observer,
            clock: AtomicU64::new(0),
        }
    }

    /// Shared state of a pool whose storage is all cut from a caller's memory.
    pub(crate) fn with_slab(slab: Slab) -> Self {
        let shared = Self::new(Some(slab.bytes()), true, Observer::default());
        Self { slab: Some(Arc::new(slab)), ..shared }
    }

    /// The caller's memory, if there is one and nobody holds storage of it.
    pub(crate) fn into_slab(mut self) -> Option<Slab> {
        self.trim(0);
        self.slab.take().and_then(Arc::into_inner)
    }

    /// Whether storage is cut from a caller's memory.
    pub(crate) fn has_slab(&self) -> bool {
        self.slab.is_some()
    }

    /// The calling thread's corner.
    fn worker(&self) -> &Worker {
        &self.workers[worker::index() & (self.workers.len() - 1)]
    }

    fn lease(&self, purpose: Purpose, format: SampleFormat, lines: usize) -> Result<Storage, PoolError> {
        let worker = self.worker();
        let mut hit = true;
        let storage = if lines == 0 {
            Storage::empty()
        } else if let Some(idle) = self.find(worker, lines) {
            worker.counters.remove_idle(idle.purpose, idle.storage.bytes());
            idle.storage
        } else {
            let storage = self.allocate(lines).inspect_err(|_| self.refused(purpose, lines))?;
            self.counters.missed(purpose);
            hit = false;
            storage
        };
        let bytes = storage.bytes();
        self.counters.add_in_use(purpose, bytes);
        worker.counters.leased(purpose, format, bytes);
        self.observer.tell(PoolEvent::Leased { purpose, bytes, hit });
        Ok(storage)
    }

    fn refused(&self, purpose: Purpose, lines: usize) {
        self.counters.refused();
        self.observer.tell(PoolEvent::Refused { purpose, bytes: (lines as u64).saturating_mul(LINE as u64) });
    }

    /// Idle storage for `lines` lines, from the nearest place that has it.
    fn find(&self, worker: &Worker, lines: usize) -> Option<Idle> {
        if self.idle() == 0 {
            return None;
        }
        let class = Class::holding(lines)?;
        let largest = class.largest_for(lines);
        if Magazine::takes(class)
            && let Ok(mut magazine) = worker.magazine.try_lock()
            && let Some(idle) = magazine.take(class, class)
        {
            return Some(idle);
        }
        if let Some(idle) = lock(&self.shelves).take(class, largest) {
            return Some(idle);
        }
        if Magazine::takes(class) { self.find_anywhere(class, largest) } else { None }
    }

    /// Idle storage from all magazines and the shelves, looked at in one moment: were they searched one by one, storage
    /// that wanders meanwhile could be missed, and a warm decode would allocate.
    #[cold]
    fn find_anywhere(&self, class: Class, largest: Class) -> Option<Idle> {
        let mut magazines = [const { None }; MAX_WORKERS];
        for (magazine, worker) in magazines.iter_mut().zip(&self.workers) {
            *magazine = Some(lock(&worker.magazine));
        }
        let mut shelves = lock(&self.shelves);
        let found = magazines.iter_mut().flatten().find_map(|magazine| magazine.take(class, largest));
        found.or_else(|| shelves.take(class, largest))
    }

    /// Fresh storage within the budget: of a whole class if that fits, else of just the lines that are needed.
    fn allocate(&self, lines: usize) -> Result<Storage, PoolError> {
        let requested = (lines as u64).saturating_mul(LINE as u64);
        let refused = || match &self.slab {
            Some(slab) => PoolError::Scratch { requested, largest: slab.largest() },
            None => PoolError::Allocation { requested },
        };
        if !Storage::can_exist(lines) {
            return Err(refused()); // before idle storage is freed for it
        }
        if self.pooled
            && let Some(class) = Class::holding(lines)
        {
            let bytes = (class.lines() as u64).saturating_mul(LINE as u64);
            if self.reserve(bytes).is_ok() {
                if lock(&self.shelves).expect(class) {
                    if let Some(storage) = self.ask_system(class.lines()) {
                        return Ok(storage);
                    }
                    lock(&self.shelves).forget(class);
                }
                self.budget.give_back(bytes);
                return Err(refused());
            }
        }
        self.reserve(requested)?;
        self.ask_system(lines).ok_or_else(|| {
            self.budget.give_back(requested);
            refused()
        })
    }

    /// Fresh storage; if the system, or the caller's memory, has none, idle storage is given back and it is asked again.
    fn ask_system(&self, lines: usize) -> Option<Storage> {
        let fresh = || match &self.slab {
            Some(slab) => Storage::cut(slab, lines),
            None => Storage::allocate(lines),
        };
        fresh().or_else(|| {
            // The budget counts what was asked for as held already, so that it looks idle. Several pieces of a caller's
            // memory may lie beside each other, those of the system need not.
            let wanted = (lines as u64).saturating_mul(LINE as u64);
            let helps = self.has_slab() || self.idle() >= wanted.saturating_mul(2);
            helps.then(|| self.trim(0)).and_then(|_| fresh())
        })
    }

    /// Takes `bytes` of the budget, freeing idle storage for it if that helps. What fits beside the bytes in use is never
    /// refused, whatever other threads are in the middle of.
    fn reserve(&self, bytes: u64) -> Result<(), PoolError> {
        while !self.budget.reserve(bytes) {
            self.check(bytes)?;
            self.make_room(bytes);
        }
        Ok(())
    }

    /// Frees idle storage, oldest first, until the budget has room for `bytes`, or no more is idle.
    fn make_room(&self, bytes: u64) {
        let mut freed = 0;
        let freeing = lock(&self.freeing);
        self.flush_magazines();
        while !self.budget.has_room(bytes) {
            match self.free_oldest() {
                Some(bytes) => freed += bytes,
                None => break,
            }
        }
        drop(freeing);
        self.tell_freed(freed);
        if !self.budget.has_room(bytes) {
            // The room is on its way from one state to another in some other thread.
            std::thread::yield_now();
        }
    }

    fn tell_freed(&self, bytes: u64) {
        if bytes > 0 {
            self.observer.tell(PoolEvent::Freed { bytes });
        }
    }

    fn flush_magazines(&self) {
        for worker in &self.workers {
            let mut magazine = lock(&worker.magazine);
            magazine.flush(&mut lock(&self.shelves));
        }
    }

    /// Frees the storage that has been idle longest, and says how much that was; `None` if the shelves are empty.
    fn free_oldest(&self) -> Option<u64> {
        let idle = lock(&self.shelves).take_oldest()?;
        let bytes = idle.storage.bytes();
        self.worker().counters.remove_idle(idle.purpose, bytes);
        drop(idle);
        self.budget.give_back(bytes);
        self.counters.freed(bytes);
        Some(bytes)
    }

    fn give_back(&self, purpose: Purpose, format: SampleFormat, mut storage: Storage) {
        let worker = self.worker();
        let bytes = storage.bytes();
        match Class::of(storage.lines()).filter(|_| self.pooled && bytes > 0) {
            Some(class) => {
                storage.poison();
                worker.counters.add_idle(purpose, bytes);
                self.put(
                    worker,
                    Idle {
                        storage,
                        class,
                        purpose,
                        age: Age { tick: self.clock.load(Relaxed), order: u32::MAX },
                    },
                );
                self.counters.remove_in_use(purpose, bytes);
            }
            None => {
                drop(storage);
                self.counters.remove_in_use(purpose, bytes);
                self.budget.give_back(bytes);
            }
        }
        worker.counters.returned(purpose, format, bytes);
        self.observer.tell(PoolEvent::Returned { purpose, bytes });
    }

    /// Puts idle storage into the worker's magazine, or on the shelves if it is large or somebody else is there.
    fn put(&self, worker: &Worker, idle: Idle) {
        if Magazine::takes(idle.class)
            && let Ok(mut magazine) = worker.magazine.try_lock()
        {
            if magazine.is_full() {
                self.clock.fetch_add(1, Relaxed);
                magazine.flush_older_half(&mut lock(&self.shelves));
            }
            magazine.put(idle);
        } else {
            self.clock.fetch_add(1, Relaxed);
            lock(&self.shelves).put(idle);
        }
    }

    pub(crate) fn check(&self, bytes: u64) -> Result<(), PoolError> {
        let whole_lines = bytes.div_ceil(LINE as u64).saturating_mul(LINE as u64);
        let needed = self.counters.in_use().saturating_add(whole_lines);
        match self.budget.limit() {
            Some(limit) if needed > limit => Err(self.over_budget(bytes)),
            _ => Ok(()),
        }
    }

    fn over_budget(&self, requested: u64) -> PoolError {
        let budget = self.budget.limit().unwrap_or(u64::MAX);
        PoolError::OverBudget { requested, in_use: self.counters.in_use(), budget }
    }

    pub(crate) fn trim(&self, keep_bytes: u64) -> u64 {
        let freeing = lock(&self.freeing);
        self.flush_magazines();
        let mut freed = 0;
        while self.idle() > keep_bytes
            && let Some(bytes) = self.free_oldest()
        {
            freed += bytes;
        }
        drop(freeing);
        self.tell_freed(freed);
        freed
    }

    /// Bytes that nobody holds, and what is being allocated.
    fn idle(&self) -> u64 {
        // In this order an allocation in between makes it too large, and never hides what is idle.
        let in_use = self.counters.in_use();
        self.budget.reserved().saturating_sub(in_use)
    }

    pub(crate) fn budget(&self) -> Option<u64> {
        self.budget.limit()
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.counters.read(self.workers.iter().map(|worker| &worker.counters), &self.budget)
    }
}
