//! From bits to integers (ISO/IEC 18181-1, Annex C): bit reader, prefix codes, ANS, hybrid integers, LZ77.

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
