//! From bits to integers (ISO/IEC 18181-1, Annex C): bit reader, prefix codes, ANS, hybrid integers, LZ77.
//!
//! [`Codes`] is a distribution bundle: it is read once and serves any number of symbol streams. A stream is read with a
//! [`SymbolReader`] by context, or, where it is hot, with an [`IntegerReader`] made for the kind of its codes, by
//! cluster: [`Codes::with_reader`] hands it to a [`Visitor`], [`Codes::with_readers`] several at once.
//!
//! ```
//! use jxlake_entropy::{BitReader, BundleLimits, Codes, Lz77, Lz77Window, SymbolReader};
//!
//! // No LZ77; prefix codes; one code of the symbols 0 and 1; then the integers 1, 0, 1, 1.
//! let mut bits = BitReader::new(&[0x7e, 0x28, 0x1b]);
//! let mut codes = Codes::new();
//! codes.read(&mut bits, 1, Lz77::Allowed, &BundleLimits::default())?;
//! let mut window = Lz77Window::default();
//! let mut reader = SymbolReader::new(&codes, &mut bits, 0, 4, &mut window)?;
//! let integers = [(); 4].map(|()| reader.read(&mut bits, 0));
//! reader.finish(&bits)?;
//! assert_eq!(integers, [1, 0, 1, 1]);
//! # Ok::<(), jxlake_entropy::Error>(())
//! ```
//!
//! # Hot loops
//!
//! A reader and its [`BitReader`] live in registers as long as they are local variables of which no call that is not
//! inlined takes the address. Functions with hot loops therefore take both by value and hand them back:
//!
//! ```
//! use jxlake_entropy::{BitReader, Codes, Error, IntegerReader, Visitor};
//!
//! /// Sums the integers of a stream, each with the codes of its cluster.
//! struct Sum<'a> {
//!     clusters: &'a [u8],
//! }
//!
//! impl Visitor for Sum<'_> {
//!     type Output = Result<u64, Error>;
//!
//!     fn visit<R: IntegerReader>(self, mut reader: R, outer: &mut BitReader<'_>) -> Self::Output {
//!         let mut bits = outer.clone();
//!         let mut sum = 0;
//!         for row in self.clusters.chunks(256) {
//!             for &cluster in row {
//!                 sum += u64::from(reader.read(&mut bits, cluster.into()));
//!             }
//!             // Past the end there are only zeros: once per row is soon enough to notice.
//!             reader.check(&bits)?;
//!         }
//!         reader.finish(&bits)?;
//!         *outer = bits;
//!         Ok(sum)
//!     }
//! }
//! ```
//!
//! # Malformed streams
//!
//! Nothing here panics or runs on whatever the bits are: all loops are bounded by what the caller asks for or by the
//! format. Readers do not report errors with each integer; they remember them, and [`IntegerReader::check`] and
//! [`IntegerReader::finish`] tell.

mod alias_table;
mod ans_distribution;
mod bit_reader;
mod codes;
mod context_map;
mod error;
mod hybrid_integer;
mod lz77;
mod lz77_distances;
mod prefix_code;
mod prefix_table;
mod reader;
mod small_integer;
#[cfg(any(test, feature = "test-support"))]
#[doc(hidden)]
pub mod test_support;
#[cfg(test)]
mod tests;

pub use bit_reader::BitReader;
pub use codes::{BundleLimits, Codes, Lz77};
pub use context_map::ContextMap;
pub use error::{Error, Invalid, Limit};
pub use hybrid_integer::HybridIntegerConfig;
pub use lz77::Lz77Window;
pub use reader::{IntegerReader, LockstepVisitor, StreamStart, SymbolReader, Visitor};
