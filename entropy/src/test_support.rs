//! A writer of entropy-coded streams and random material, for the tests of this crate and (with the feature
//! `test-support`) of those above it. Plain code: it favours being evidently right.
//!
//! ```
//! use jxlake_entropy::test_support::{BitWriter, BundleWriter, Item, Kind};
//! use jxlake_entropy::{BitReader, BundleLimits, Codes, Lz77, Lz77Window, SymbolReader};
//!
//! let items: Vec<Item> = (0..100).map(|i| Item::literal(i % 3, i as u32 * i as u32)).collect();
//! let bundle = BundleWriter::fitting(3, &items, Kind::Prefix);
//! let mut writer = BitWriter::new();
//! bundle.write(&mut writer);
//! bundle.write_stream(&mut writer, &items);
//! let bytes = writer.into_bytes();
//!
//! let mut bits = BitReader::new(&bytes);
//! let mut codes = Codes::new();
//! codes.read(&mut bits, 3, Lz77::Allowed, &BundleLimits::default())?;
//! let mut window = Lz77Window::default();
//! let mut reader = SymbolReader::new(&codes, &mut bits, 0, 100, &mut window)?;
//! assert!((0..100).all(|i| reader.read(&mut bits, i as usize % 3) == i * i));
//! reader.finish(&bits)?;
//! # Ok::<(), jxlake_entropy::Error>(())
//! ```

mod ans_writer;
mod bit_writer;
mod bundle_writer;
mod prefix_writer;
mod random;

pub use ans_writer::{AnsWriter, alias_slots};
pub use bit_writer::BitWriter;
pub use bundle_writer::{BundleWriter, CopyWriter, Item, Kind, MapForm};
pub use prefix_writer::PrefixWriter;
pub use random::Random;
