//! What a pool counts.

use super::purpose::Purpose;
use crate::element::SampleFormat;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What leases did, for one purpose or for all.
///
/// ```
/// use jxlake_util::{Pool, Purpose};
///
/// let pool = Pool::new();
/// let lease = pool.buffer::<u8>(Purpose::Entropy, 64)?;
/// let usage = pool.statistics().of(Purpose::Entropy);
/// assert_eq!((usage.leases, usage.hits, usage.misses), (1, 0, 1));
/// assert_eq!((usage.in_use_bytes, usage.idle_bytes, usage.peak_bytes), (64, 0, 64));
/// # drop(lease);
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Leases granted since the pool was made.
    pub leases: u64,
    /// Leases that found idle storage.
    pub hits: u64,
    /// Leases that had to allocate.
    pub misses: u64,
    /// Leases held now.
    pub outstanding: u64,
    /// Bytes of storage held by leases now, whole size classes.
    pub in_use_bytes: u64,
    /// Bytes of storage nobody holds; by purpose: of what was last used for it.
    pub idle_bytes: u64,
    /// The most bytes that were in use at one time.
    pub peak_bytes: u64,
}

/// What leases of one format of numbers did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FormatUsage {
    /// Leases granted since the pool was made.
    pub leases: u64,
    /// Bytes of storage of all these leases.
    pub leased_bytes: u64,
    /// Bytes of storage held by leases now.
    pub in_use_bytes: u64,
}

/// Leases that are still held where none should be.
///
/// ```
/// use jxlake_util::{Pool, Purpose};
///
/// let pool = Pool::new();
/// let forgotten = pool.buffer::<u8>(Purpose::Entropy, 100)?;
/// let leaks = pool.statistics().leaks().unwrap_err();
/// assert_eq!(leaks.to_string(), "1 leases of 128 bytes are held: 1 Entropy (128 bytes)");
/// drop(forgotten);
/// assert!(pool.statistics().leaks().is_ok());
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leaks {
    held: [(u64, u64); Purpose::COUNT],
}

impl Leaks {
    /// How many leases are held.
    pub fn leases(&self) -> u64 {
        self.held.iter().map(|(leases, _)| leases).sum()
    }

    /// Bytes of their storage.
    pub fn bytes(&self) -> u64 {
        self.held.iter().map(|(_, bytes)| bytes).sum()
    }

    /// How many leases are held for one purpose.
    pub fn of(&self, purpose: Purpose) -> u64 {
        self.held[purpose.index()].0
    }
}

impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} leases of {} bytes are held", self.leases(), self.bytes())?;
        let held = Purpose::ALL.into_iter().zip(self.held).filter(|(_, (leases, _))| *leases > 0);
        for (number, (purpose, (leases, bytes))) in held.enumerate() {
            let comma = if number == 0 { ": " } else { ", " };
            write!(f, "{comma}{leases} {} ({bytes} bytes)", purpose.name())?;
        }
        Ok(())
    }
}

impl std::error::Error for Leaks {}

/// What a pool did and holds, at one moment.
///
/// Decoders are not stopped for it: while they work, the counts of different purposes may be of slightly
/// different moments. When they rest, all counts agree. It is printed as a table:
///
/// ```
/// use jxlake_util::{Pool, Purpose, Shape2};
///
/// let pool = Pool::with_budget(1 << 20);
/// pool.matrix2::<f32>(Purpose::Pixels, Shape2::new(10, 10))?.release();
/// let statistics = pool.statistics();
/// println!("{statistics}");
/// assert!(statistics.to_json().starts_with(r#"{"budget":1048576,"#));
/// assert_eq!(statistics.outstanding(), 0); // nothing leaked
/// # Ok::<(), jxlake_util::PoolError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// The sum over all purposes; its peak is that of the sum.
    pub total: Usage,
    /// By purpose, in the order of [`Purpose::ALL`].
    pub by_purpose: [Usage; Purpose::ALL.len()],
    /// By the format of the numbers leased, in the order of [`SampleFormat::ALL`].
    pub by_format: [FormatUsage; SampleFormat::ALL.len()],
    /// The bound on bytes in use plus idle, if there is one.
    pub budget: Option<u64>,
    /// The most bytes that were held at one time, in use plus idle.
    pub peak_held_bytes: u64,
    /// Leases refused, for want of budget or memory.
    pub refused: u64,
    /// Idle storage freed, to stay within the budget or because the pool was trimmed.
    pub freed: u64,
    /// Bytes of it.
    pub freed_bytes: u64,
}

impl Statistics {
    /// The usage for one purpose.
    pub fn of(&self, purpose: Purpose) -> Usage {
        self.by_purpose[purpose.index()]
    }

    /// The usage for one format of numbers.
    pub fn of_format(&self, format: SampleFormat) -> FormatUsage {
        self.by_format[format as usize]
    }

    /// Leases held now: 0 when nothing decodes, or something leaked.
    pub fn outstanding(&self) -> u64 {
        self.total.outstanding
    }

    /// Whether everything is back: a check for leaks, for when it should be.
    ///
    /// A decoder keeps leases for its next image; it is dropped or cleared before.
    ///
    /// # Errors
    /// [`Leaks`], which says what is held and what for.
    #[expect(clippy::result_large_err, reason = "asked once, when nothing decodes")]
    pub fn leaks(&self) -> Result<(), Leaks> {
        self.leaks_since(&Self { by_purpose: Default::default(), ..*self })
    }

    /// As [`leaks`](Self::leaks), of what is held beyond what was held `before`.
    ///
    /// # Errors
    /// [`Leaks`].
    #[expect(clippy::result_large_err, reason = "asked once, when nothing decodes")]
    pub fn leaks_since(&self, before: &Self) -> Result<(), Leaks> {
        let mut leaks = Leaks::default();
        for (index, (now, before)) in self.by_purpose.iter().zip(&before.by_purpose).enumerate() {
            let leases = now.outstanding.saturating_sub(before.outstanding);
            leaks.held[index] = (leases, now.in_use_bytes.saturating_sub(before.in_use_bytes));
        }
        if leaks.leases() == 0 { Ok(()) } else { Err(leaks) }
    }

    /// The statistics as one line of JSON.
    pub fn to_json(&self) -> String {
        let mut json = String::from("{\"budget\":");
        // Writing to a string does not fail.
        let _ = match self.budget {
            Some(budget) => write!(json, "{budget}"),
            None => write!(json, "null"),
        };
        let _ = write!(
            json,
            ",\"peak_held_bytes\":{},\"refused\":{},\"freed\":{},\"freed_bytes\":{},\"total\":",
            self.peak_held_bytes, self.refused, self.freed, self.freed_bytes
        );
        let _ = self.total.write_json(&mut json);
        json.push_str(",\"by_purpose\":{");
        for (index, purpose) in Purpose::ALL.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(json, "{comma}\"{}\":", purpose.name());
            let _ = self.of(purpose).write_json(&mut json);
        }
        json.push_str("},\"by_format\":{");
        for (index, format) in SampleFormat::ALL.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let FormatUsage { leases, leased_bytes, in_use_bytes } = self.of_format(format);
            let _ = write!(
                json,
                "{comma}\"{}\":{{\"leases\":{leases},\"leased_bytes\":{leased_bytes},\"in_use_bytes\":{in_use_bytes}}}",
                format.name()
            );
        }
        json.push_str("}}");
        json
    }
}

impl Usage {
    fn write_json(&self, json: &mut String) -> fmt::Result {
        write!(
            json,
            "{{\"leases\":{},\"hits\":{},\"misses\":{},\"outstanding\":{},\"in_use_bytes\":{},\"idle_bytes\":{},\
             \"peak_bytes\":{}}}",
            self.leases,
            self.hits,
            self.misses,
            self.outstanding,
            self.in_use_bytes,
            self.idle_bytes,
            self.peak_bytes
        )
    }

    fn write_line(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        writeln!(
            f,
            "{name:<14} {:>10} {:>10} {:>8} {:>11} {:>14} {:>14} {:>14}",
            self.leases,
            self.hits,
            self.misses,
            self.outstanding,
            self.in_use_bytes,
            self.idle_bytes,
            self.peak_bytes
        )
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<14} {:>10} {:>10} {:>8} {:>11} {:>14} {:>14} {:>14}",
            "purpose", "leases", "hits", "misses", "outstanding", "in use [B]", "idle [B]", "peak [B]"
        )?;
        for purpose in Purpose::ALL {
            let usage = self.of(purpose);
            if usage != Usage::default() {
                usage.write_line(f, purpose.name())?;
            }
        }
        self.total.write_line(f, "total")?;
        writeln!(f, "{:<14} {:>10} {:>31} {:>14}", "format", "leases", "leased [B]", "in use [B]")?;
        for format in SampleFormat::ALL {
            let FormatUsage { leases, leased_bytes, in_use_bytes } = self.of_format(format);
            if leases > 0 {
                writeln!(f, "{:<14} {leases:>10} {leased_bytes:>31} {in_use_bytes:>14}", format.name())?;
            }
        }
        write!(f, "held at most {} B", self.peak_held_bytes)?;
        match self.budget {
            Some(budget) => write!(f, " of {budget} B")?,
            None => write!(f, ", without a budget")?,
        }
        write!(f, "; {} refused; {} freed while idle ({} B)", self.refused, self.freed, self.freed_bytes)
    }
}

/// Counters that only one worker's threads touch, so that counting never moves a cache line between cores.
#[derive(Default)]
pub(crate) struct WorkerCounters {
    purposes: [WorkerCounter; Purpose::COUNT],
    formats: [FormatCounter; SampleFormat::ALL.len()],
}

#[derive(Default)]
struct FormatCounter {
    leases: AtomicU64,
    leased_bytes: AtomicU64,
    returned_bytes: AtomicU64,
}

#[derive(Default)]
struct WorkerCounter {
    leases: AtomicU64,
    returns: AtomicU64,
    /// Idle bytes that came and went through this worker; only the sum over workers means something, modulo 2⁶⁴.
    idle: AtomicU64,
}

impl WorkerCounters {
    pub(crate) fn leased(&self, purpose: Purpose, format: SampleFormat, bytes: u64) {
        self.purposes[purpose.index()].leases.fetch_add(1, Relaxed);
        let counter = &self.formats[format as usize];
        counter.leases.fetch_add(1, Relaxed);
        counter.leased_bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn returned(&self, purpose: Purpose, format: SampleFormat, bytes: u64) {
        self.purposes[purpose.index()].returns.fetch_add(1, Relaxed);
        self.formats[format as usize].returned_bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn add_idle(&self, purpose: Purpose, bytes: u64) {
        self.purposes[purpose.index()].idle.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn remove_idle(&self, purpose: Purpose, bytes: u64) {
        self.purposes[purpose.index()].idle.fetch_sub(bytes, Relaxed);
    }
}

/// Bytes in use and their peak, on a cache line of their own.
#[derive(Default)]
#[repr(align(128))]
struct Gauge {
    bytes: AtomicU64,
    peak: AtomicU64,
    misses: AtomicU64,
}

impl Gauge {
    fn add(&self, bytes: u64) {
        let now = self.bytes.fetch_add(bytes, Relaxed).wrapping_add(bytes);
        if now > self.peak.load(Relaxed) {
            self.peak.fetch_max(now, Relaxed);
        }
    }
}

/// Counters that all workers share: what has a peak, and what is rare.
#[derive(Default)]
pub(crate) struct SharedCounters {
    total: Gauge,
    by_purpose: [Gauge; Purpose::COUNT],
    refused: AtomicU64,
    freed: AtomicU64,
    freed_bytes: AtomicU64,
}

impl SharedCounters {
    pub(crate) fn in_use(&self) -> u64 {
        self.total.bytes.load(Relaxed)
    }

    pub(crate) fn add_in_use(&self, purpose: Purpose, bytes: u64) {
        self.total.add(bytes);
        self.by_purpose[purpose.index()].add(bytes);
    }

    pub(crate) fn remove_in_use(&self, purpose: Purpose, bytes: u64) {
        self.total.bytes.fetch_sub(bytes, Relaxed);
        self.by_purpose[purpose.index()].bytes.fetch_sub(bytes, Relaxed);
    }

    pub(crate) fn missed(&self, purpose: Purpose) {
        self.by_purpose[purpose.index()].misses.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn freed(&self, bytes: u64) {
        self.freed.fetch_add(1, Relaxed);
        self.freed_bytes.fetch_add(bytes, Relaxed);
    }

    /// All counts, with those of the workers added up.
    pub(crate) fn read<'a>(
        &self,
        workers: impl Iterator<Item = &'a WorkerCounters> + Clone,
        budget: &super::budget::Budget,
    ) -> Statistics {
        let mut by_purpose = [Usage::default(); Purpose::COUNT];
        let mut total = Usage { peak_bytes: self.total.peak.load(Relaxed), ..Usage::default() };
        for ((index, usage), gauge) in by_purpose.iter_mut().enumerate().zip(&self.by_purpose) {
            let (mut returns, mut idle) = (0, 0u64);
            // Misses before leases and returns before leases: a count read late is never below one read early.
            usage.misses = gauge.misses.load(Relaxed);
            for worker in workers.clone() {
                returns += worker.purposes[index].returns.load(Relaxed);
                idle = idle.wrapping_add(worker.purposes[index].idle.load(Relaxed));
            }
            usage.leases = workers.clone().map(|worker| worker.purposes[index].leases.load(Relaxed)).sum();
            usage.hits = usage.leases.saturating_sub(usage.misses);
            usage.outstanding = usage.leases.saturating_sub(returns);
            usage.in_use_bytes = (gauge.bytes.load(Relaxed) as i64).max(0) as u64;
            usage.idle_bytes = (idle as i64).max(0) as u64;
            usage.peak_bytes = gauge.peak.load(Relaxed);
            total.leases += usage.leases;
            total.hits += usage.hits;
            total.misses += usage.misses;
            total.outstanding += usage.outstanding;
            total.in_use_bytes += usage.in_use_bytes;
            total.idle_bytes += usage.idle_bytes;
        }
        let by_format = SampleFormat::ALL.map(|format| {
            let counters = || workers.clone().map(|worker| &worker.formats[format as usize]);
            // Returns before leases, as above.
            let returned: u64 = counters().map(|counter| counter.returned_bytes.load(Relaxed)).sum();
            let leased_bytes: u64 = counters().map(|counter| counter.leased_bytes.load(Relaxed)).sum();
            FormatUsage {
                leases: counters().map(|counter| counter.leases.load(Relaxed)).sum(),
                leased_bytes,
                in_use_bytes: leased_bytes.saturating_sub(returned),
            }
        });
        Statistics {
            total,
            by_purpose,
            by_format,
            budget: budget.limit(),
            peak_held_bytes: budget.peak(),
            refused: self.refused.load(Relaxed),
            freed: self.freed.load(Relaxed),
            freed_bytes: self.freed_bytes.load(Relaxed),
        }
    }
}
