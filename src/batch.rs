//! Many files at once.

use crate::decoder::Decoder;
use crate::error::{Error, Result};
use crate::output::{Image, OutputSample, PixelFormat};
use jxlake_frame::decoder::Watch;
use jxlake_frame::error::Error as FrameError;
use jxlake_util::{PoolError, Scratch, Threads};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Decodes many files side by side, on all cores and with one pool.
///
/// Small pictures are decoded one on each core, each on one thread; of a few large ones the groups are decoded in parallel.
/// Which of the two ends first is decided file by file, by the size in its header ([`Split::Auto`]). Decoders, their memory
/// and the bytes of files are kept from batch to batch: warm, nothing is allocated for a file but what its picture takes,
/// and that comes from the pool too.
///
/// ```
/// use jxlake::{Batch, PixelFormat};
/// use std::path::Path;
///
/// let files = ["testdata/gray.jxl", "testdata/nowhere.jxl", "testdata/rgba.jxl"].map(Path::new);
/// let mut batch = Batch::new();
/// batch.decode_many::<u8, _>(&files, &PixelFormat::default(), |index, picture| match picture {
///     Ok(picture) => println!("{}: {}", files[index].display(), picture.shape()),
///     Err(error) => println!("{}: {error}", files[index].display()),
/// });
/// assert_eq!((batch.watch().done(), batch.watch().failed()), (3, 1));
/// ```
#[derive(Debug)]
pub struct Batch {
    /// Decodes files whose groups are spread over the threads; the workers' decoders are made after it.
    decoder: Decoder,
    workers: Scratch<Worker>,
    order: Order,
    split: Split,
    watch: Arc<BatchWatch>,
    /// Files that are decoded one after another, behind those that are decoded side by side.
    alone: Vec<usize>,
    bytes: Vec<u8>,
}

/// In which order the pictures of a batch are handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As they finish, by several threads at once.
    #[default]
    AsFinished,
    /// In the order of the files, one after another. Pictures that are early wait in memory.
    OfFiles,
}

/// How the work of a batch is spread over threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    /// By the sizes and the number of the files.
    #[default]
    Auto,
    /// Each file on one thread.
    Files,
    /// One file after another, each on all threads.
    Groups,
}

/// What a batch decodes: bytes that are there, or a path to a file.
pub trait Source: Sync {
    /// The bytes of the file, perhaps read into `buffer`.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    fn bytes<'b>(&'b self, buffer: &'b mut Vec<u8>) -> std::io::Result<&'b [u8]>;
}

macro_rules! sources {
    ($($bytes:ty),*; $($path:ty),*) => {
        $(impl Source for $bytes {
            fn bytes<'b>(&'b self, _: &'b mut Vec<u8>) -> std::io::Result<&'b [u8]> {
                Ok(self)
            }
        })*
        $(impl Source for $path {
            fn bytes<'b>(&'b self, buffer: &'b mut Vec<u8>) -> std::io::Result<&'b [u8]> {
                read(self, buffer)
            }
        })*
    };
}

sources!(Vec<u8>, &[u8], Arc<[u8]>; PathBuf, &Path);

/// Reads a file into memory that is kept.
fn read<'b>(path: &Path, buffer: &'b mut Vec<u8>) -> std::io::Result<&'b [u8]> {
    buffer.clear();
    std::io::Read::read_to_end(&mut std::fs::File::open(path)?, buffer)?;
    Ok(buffer)
}

/// A batch seen from another thread: how far it is, and a way to stop it.
#[derive(Debug, Default)]
pub struct BatchWatch {
    total: AtomicUsize,
    done: AtomicUsize,
    failed: AtomicUsize,
    groups: Arc<Watch>,
}

impl BatchWatch {
    /// Files of the batch that runs, or ran last.
    pub fn total(&self) -> usize {
        self.total.load(Relaxed)
    }

    /// Files of it that are done, failed ones included.
    pub fn done(&self) -> usize {
        self.done.load(Relaxed)
    }

    /// Files of it that could not be decoded.
    pub fn failed(&self) -> usize {
        self.failed.load(Relaxed)
    }

    /// Groups of all files, for a finer bar.
    pub fn groups(&self) -> &Arc<Watch> {
        &self.groups
    }

    /// Makes the batch end soon: files that are not done end with an error of the kind
    /// [`Cancelled`](crate::ErrorKind::Cancelled), and so does every later batch until [`resume`](Self::resume).
    pub fn cancel(&self) {
        self.groups.cancel();
    }

    /// Takes a cancellation back.
    pub fn resume(&self) {
        self.groups.resume();
    }

    fn begin(&self, total: usize) {
        self.total.store(total, Relaxed);
        self.done.store(0, Relaxed);
        self.failed.store(0, Relaxed);
    }
}

/// What one thread decodes with.
#[derive(Debug, Default)]
struct Worker {
    decoder: Option<Box<Decoder>>,
    bytes: Vec<u8>,
}

impl Batch {
    /// A batch with a pool of its own on all cores.
    pub fn new() -> Self {
        Self::with_decoder(Decoder::new())
    }

    /// A batch that decodes as this decoder does: with its pool, threads, limits and colours.
    pub fn with_decoder(mut decoder: Decoder) -> Self {
        let watch = Arc::<BatchWatch>::default();
        decoder.set_watch(Arc::clone(&watch.groups));
        Self {
            decoder,
            workers: Scratch::new(),
            order: Order::default(),
            split: Split::default(),
            watch,
            alone: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// In which order pictures are handed out.
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// How the work is spread.
    pub fn with_split(mut self, split: Split) -> Self {
        self.split = split;
        self
    }

    /// What tells how far the batch is and can stop it, from any thread.
    pub fn watch(&self) -> Arc<BatchWatch> {
        Arc::clone(&self.watch)
    }

    /// The pool that memory is taken from.
    pub fn pool(&self) -> &jxlake_util::Pool {
        self.decoder.pool()
    }

    /// Decodes the first displayed frame of each file, and hands it to `take` with the file's place in the list: each
    /// once, whether it could be decoded or not, from the thread that decoded it.
    ///
    /// A file that the pool's budget has no room for beside others is decoded again when the others are done.
    pub fn decode_many<T: OutputSample, F: Source>(
        &mut self,
        files: &[F],
        format: &PixelFormat,
        take: impl Fn(usize, Result<Image<T>>) + Sync,
    ) {
        let Self { decoder, workers, order, split, watch, alone, bytes } = self;
        watch.begin(files.len());
        alone.clear();
        let hand_out = HandOut::new(*order, files.len(), watch, take);
        if *split == Split::Groups || (*split == Split::Auto && files.len() == 1) {
            alone.extend(0..files.len());
        } else {
            let left = Mutex::new(std::mem::take(alone));
            let prototype = &*decoder;
            let threads = prototype.threads();
            let pays = |pixels| *split == Split::Auto && groups_pay(pixels, files.len(), threads.workers());
            let beside = |index: usize| {
                let mut worker = workers.take();
                let Worker { decoder, bytes } = &mut *worker;
                let decoder = decoder
                    .get_or_insert_with(|| Box::new(prototype.sibling().with_threads(Threads::Calling)));
                let picture = decode_file(decoder, &files[index], bytes, format, pays);
                // The worker goes back before `take` is called, which may use the threads for something else.
                drop(worker);
                match picture {
                    Ok(Some(picture)) => hand_out.give(index, Ok(picture)),
                    Err(error) if !is_over_budget(&error) => hand_out.give(index, Err(error)),
                    _ => lock(&left).push(index),
                }
                Ok::<(), Infallible>(())
            };
            let Ok(()) = threads.enter(|| threads.run(files.len(), beside));
            *alone = left.into_inner().unwrap_or_else(PoisonError::into_inner);
            alone.sort_unstable();
        }
        for &index in &*alone {
            let mut decode = |decoder: &mut Decoder| {
                decode_file(decoder, &files[index], bytes, format, |_| false)
                    .and_then(|p| p.ok_or(Error::NoFrame))
            };
            let mut picture = decode(decoder);
            if picture.as_ref().is_err_and(is_over_budget) {
                // What decoders keep for their next file counts as in use.
                workers.clear();
                decoder.clear();
                picture = decode(decoder);
            }
            hand_out.give(index, picture);
        }
    }

    /// As [`decode_many`](Self::decode_many), but with all pictures in a list, in the order of the files.
    pub fn decode_all<T: OutputSample, F: Source>(
        &mut self,
        files: &[F],
        format: &PixelFormat,
    ) -> Vec<Result<Image<T>>> {
        let pictures: Vec<_> = files.iter().map(|_| Mutex::new(Err(Error::NoFrame))).collect();
        self.decode_many(files, format, |index, picture| *lock(&pictures[index]) = picture);
        pictures
            .into_iter()
            .map(|picture| picture.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect()
    }

    /// Gives back all memory that is kept for the next batch.
    pub fn clear(&mut self) {
        self.workers.clear();
        self.decoder.clear();
        self.bytes = Vec::new();
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

/// Pixels that are decoded by one thread at a time: those of a group of the usual size.
const GROUP: u64 = 256 * 256;

/// Groups that a thread should have, so that all threads are busy most of the time.
const GROUPS_OF_THREAD: u64 = 4;

/// Whether a file of so many pixels, in a batch of so many files, is done earlier if each file is decoded on all threads: that
/// keeps as many of them busy as have several groups, files side by side keep them busy but for the last few files.
fn groups_pay(pixels: u64, files: usize, workers: usize) -> bool {
    let by_groups = (pixels / (GROUP * GROUPS_OF_THREAD)).clamp(1, workers as u64) as f64;
    let by_files = files.max(1) as f64 / files.div_ceil(workers).max(1) as f64;
    // A tenth is lost where threads wait for one another between the phases of a frame.
    0.9 * by_groups > by_files
}

fn is_over_budget(error: &Error) -> bool {
    use crate::output::OutputError;
    let (Error::Codestream(FrameError::Pool(pool)) | Error::Output(OutputError::Pool(pool))) = error else {
        return false;
    };
    matches!(pool, PoolError::OverBudget { .. })
}

/// Decodes the first displayed frame of a file, unless `leave` says of its pixels that it is left for later.
fn decode_file<T: OutputSample>(
    decoder: &mut Decoder,
    file: &impl Source,
    buffer: &mut Vec<u8>,
    format: &PixelFormat,
    leave: impl Fn(u64) -> bool,
) -> Result<Option<Image<T>>> {
    if decoder.watch().is_cancelled() {
        return Err(FrameError::Cancelled.into());
    }
    let bytes = file.bytes(buffer).map_err(|error| Error::Read(error.kind()))?;
    let mut frames = decoder.open(bytes)?;
    if leave(frames.image().size.pixels()) {
        return Ok(None);
    }
    frames.next_image(format)?.ok_or(Error::NoFrame).map(Some)
}

/// Hands pictures out in the order that was asked for.
struct HandOut<'b, T: OutputSample, F> {
    order: Order,
    watch: &'b BatchWatch,
    take: F,
    waiting: Mutex<Waiting<T>>,
}

/// Pictures that wait for their turn.
struct Waiting<T: OutputSample> {
    /// The next that is handed out.
    next: usize,
    /// Whether some thread is handing out.
    busy: bool,
    pictures: Vec<Option<Result<Image<T>>>>,
}

impl<'b, T: OutputSample, F: Fn(usize, Result<Image<T>>) + Sync> HandOut<'b, T, F> {
    fn new(order: Order, files: usize, watch: &'b BatchWatch, take: F) -> Self {
        let mut pictures = Vec::new();
        if order == Order::OfFiles {
            pictures.resize_with(files, || None);
        }
        Self { order, watch, take, waiting: Mutex::new(Waiting { next: 0, busy: false, pictures }) }
    }

    /// Hands out a picture, or lets it wait for those before it.
    fn give(&self, index: usize, picture: Result<Image<T>>) {
        if self.order == Order::AsFinished {
            return self.call(index, picture);
        }
        let mut waiting = lock(&self.waiting);
        waiting.pictures[index] = Some(picture);
        if std::mem::replace(&mut waiting.busy, true) {
            return; // whoever hands out looks again
        }
        loop {
            let next = waiting.next;
            let Some(picture) = waiting.pictures.get_mut(next).and_then(Option::take) else {
                waiting.busy = false;
                return;
            };
            waiting.next += 1;
            // Nobody else hands out meanwhile, but pictures may come to wait.
            drop(waiting);
            self.call(next, picture);
            waiting = lock(&self.waiting);
        }
    }

    fn call(&self, index: usize, picture: Result<Image<T>>) {
        if picture.is_err() {
            self.watch.failed.fetch_add(1, Relaxed);
        }
        (self.take)(index, picture);
        self.watch.done.fetch_add(1, Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small files go side by side, few large ones by groups, many large ones side by side.
    #[test]
    fn the_split_is_what_ends_first() {
        let (small, large) = (512 * 512, 8_000_000);
        assert!(!groups_pay(small, 1000, 2) && !groups_pay(small, 2, 2) && !groups_pay(small, 2, 64));
        assert!(groups_pay(large, 1, 2) && groups_pay(large, 3, 2) && groups_pay(large, 4, 64));
        assert!(!groups_pay(large, 10, 2) && !groups_pay(large, 1000, 64));
        assert!(!groups_pay(large, 5, 1) && !groups_pay(0, 0, 1));
    }
}
