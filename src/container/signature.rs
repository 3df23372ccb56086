//! The first bytes of a file.

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// A codestream without a container.
    Codestream,
    /// A container of boxes.
    Container,
    /// Nothing yet: so few bytes may be the beginning of either.
    NotYetKnown {
        /// How many bytes, from the start of the file, are needed to go on.
        needed: usize,
    },
    /// The file is not JPEG XL.
    NotJpegXl,
}

const CODESTREAM: &[u8] = &[0xff, 0x0a];
pub(super) const CONTAINER: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n";

impl Signature {
    /// Looks at the first bytes of a file; 12 are enough for a final answer.
    ///
    /// ```
    /// use jxlake::container::Signature;
    ///
    /// assert_eq!(Signature::of(&[0xff, 0x0a, 0x41]), Signature::Codestream);
    /// assert_eq!(Signature::of(b"\0\0\0\x0cJXL"), Signature::NotYetKnown { needed: 12 });
    /// assert_eq!(Signature::of(b"\x89PNG"), Signature::NotJpegXl);
    /// ```
    pub fn of(file: &[u8]) -> Self {
        if file.starts_with(CODESTREAM) {
            Self::Codestream
        } else if file.starts_with(CONTAINER) {
            Self::Container
        } else if CODESTREAM.starts_with(file) {
            Self::NotYetKnown { needed: CODESTREAM.len() }
        } else if CONTAINER.starts_with(file) {
            Self::NotYetKnown { needed: CONTAINER.len() }
        } else {
            Self::NotJpegXl
        }
    }
}
