//! How work runs: here, on all cores, or on the caller's own threads.

use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Which threads work runs on.
///
/// ```
/// use jxlake_util::Threads;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// let done = AtomicUsize::new(0);
/// let result = Threads::Global.run(100, |task| {
///     done.fetch_add(1, Ordering::Relaxed);
///     if task % 40 == 39 { Err(task) } else { Ok(()) }
/// });
/// assert_eq!(result, Err(39)); // the first in order, on any number of threads
/// assert!(done.into_inner() >= 40);
/// ```
#[derive(Debug, Clone, Default)]
pub enum Threads {
    /// The calling thread, and no other.
    Calling,
    /// The rayon pool that the calling thread belongs to, or else rayon's global one.
    #[default]
    Global,
    /// The caller's own pool.
    Pool(Arc<rayon::ThreadPool>),
    /// So many of the threads of the caller's own pool, or of [`Global`](Self::Global) without one; at least one.
    AtMost(usize, Option<Arc<rayon::ThreadPool>>),
}

/// What the workers of one run share.
struct Run<E> {
    /// The task that is taken next.
    next: AtomicUsize,
    /// Tasks from here on are not started: the lowest that failed, or their number.
    end: AtomicUsize,
    error: Mutex<Option<(usize, E)>>,
}

impl<E> Run<E> {
    /// Runs tasks in order until none is left that may start.
    fn work(&self, task: &(impl Fn(usize) -> Result<(), E> + Sync)) {
        loop {
            let index = self.next.fetch_add(1, Relaxed);
            if index >= self.end.load(Relaxed) {
                return; // each worker adds to the counter once after the last task: it does not wrap
            }
            if let Err(error) = task(index) {
                self.end.fetch_min(index, Relaxed);
                let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|(lowest, _)| index < *lowest) {
                    *first = Some((index, error));
                }
            }
        }
    }
}

impl Threads {
    /// How many threads work runs on.
    pub fn workers(&self) -> usize {
        match self {
            Self::Calling => 1,
            Self::Global => rayon::current_num_threads(),
            Self::Pool(pool) => pool.current_num_threads(),
            Self::AtMost(most, None) => rayon::current_num_threads().min(*most).max(1),
            Self::AtMost(most, Some(pool)) => pool.current_num_threads().min(*most).max(1),
        }
    }

    /// The same threads, but no more than `workers` of them at a time.
    ///
    /// ```
    /// use jxlake_util::Threads;
    ///
    /// assert_eq!(Threads::Global.at_most(1).workers(), 1);
    /// assert_eq!(Threads::Calling.at_most(7).workers(), 1);
    /// ```
    pub fn at_most(&self, workers: usize) -> Self {
        match self {
            Self::Calling => Self::Calling,
            Self::Global => Self::AtMost(workers, None),
            Self::Pool(pool) => Self::AtMost(workers, Some(Arc::clone(pool))),
            Self::AtMost(most, pool) => Self::AtMost(workers.min(*most), pool.clone()),
        }
    }

    /// Runs tasks `0..tasks`, each once, and waits for them. They start in the order of their indices.
    ///
    /// A single task, or any number with one worker, runs on the calling thread. Nothing is allocated, except that
    /// rayon's queue takes a block for every 63 calls from outside its threads; [`enter`](Self::enter) avoids that.
    ///
    /// While a task waits for a `run` of its own, its thread may work on other tasks: it must not hold a lock or a
    /// thread-local borrow meanwhile.
    ///
    /// # Errors
    /// The error of the lowest task that failed: the same for any number of threads. After a failure no task with
    /// a higher index is started.
    pub fn run<E: Send>(&self, tasks: usize, task: impl Fn(usize) -> Result<(), E> + Sync) -> Result<(), E> {
        let workers = if tasks > 1 { self.workers().min(tasks) } else { 1 };
        if workers == 1 {
            return (0..tasks).try_for_each(task);
        }
        let run = Run { next: AtomicUsize::new(0), end: AtomicUsize::new(tasks), error: Mutex::new(None) };
        // One job for each worker, which takes task after task: jobs of several tasks each would leave a worker with
        // its last few while others rest.
        let work = || (0..workers).into_par_iter().with_max_len(1).for_each(|_| run.work(&task));
        match self {
            Self::Pool(pool) | Self::AtMost(_, Some(pool)) => pool.install(work),
            Self::Calling | Self::Global | Self::AtMost(_, None) => work(),
        }
        match run.error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }

    /// Calls `f` on one of the threads, so that every [`run`](Self::run) inside starts without a hand-over from thread to
    /// thread. Pays for work with several runs.
    pub fn enter<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        match self {
            Self::Calling => f(),
            Self::Global | Self::AtMost(_, None) => match rayon::current_thread_index() {
                Some(_) => f(),
                None => rayon::join(f, || ()).0,
            },
            Self::Pool(pool) | Self::AtMost(_, Some(pool)) => pool.install(f),
        }
    }
}
