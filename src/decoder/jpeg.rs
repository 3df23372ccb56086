//! The JPEG that a file was made from.

use super::{Decoder, Frames};
use crate::error::Result;
use crate::jpeg::{Boxes, OpenFile};
use std::io::Write;

impl Decoder {
    /// The JPEG that a file was made from without loss, byte for byte.
    ///
    /// # Errors
    ///
    /// As [`jpeg_into`](Self::jpeg_into).
    ///
    /// ```
    /// # let file = std::fs::read("testdata/jpeg/baseline_444.jxl")?;
    /// let jpeg = jxlake::Decoder::new().jpeg(&file)?;
    /// assert!(jpeg.starts_with(b"\xff\xd8") && jpeg.ends_with(b"\xff\xd9"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn jpeg(&mut self, file: &[u8]) -> Result<Vec<u8>> {
        let mut jpeg = Vec::new();
        self.jpeg_into(file, &mut jpeg)?;
        Ok(jpeg)
    }

    /// Writes the JPEG that a file was made from to `sink`, in pieces of up to 64 KiB while it is made.
    ///
    /// # Errors
    ///
    /// [`Error::Jpeg`](crate::Error::Jpeg) says why there is no such JPEG,
    /// [`NotJpeg`](jxlake_frame::Error::NotJpeg) why the frame is not that of one; otherwise as
    /// [`decode`](Self::decode). After an error in the last step, the coding, `sink` may have got a part of a JPEG.
    pub fn jpeg_into(&mut self, file: &[u8], sink: &mut impl Write) -> Result<()> {
        self.open(file)?.jpeg_into(sink)
    }
}

impl Frames<'_> {
    /// Whether the file has data to reconstruct the JPEG that it was made from.
    pub fn has_jpeg(&self) -> bool {
        self.container.has_jpeg()
    }

    /// Writes the JPEG that the file was made from to `sink`, in pieces of up to 64 KiB while it is made. Frames are decoded
    /// afterwards as if this had not been called, but not before.
    ///
    /// # Errors
    ///
    /// As [`Decoder::jpeg_into`].
    pub fn jpeg_into(&mut self, sink: &mut impl Write) -> Result<()> {
        let open = OpenFile {
            boxes: Boxes { container: self.container, file: self.file },
            codestream: self.codestream,
            codestream_data: self.data,
            context: self.context,
        };
        self.jpeg.get_or_insert_default().write(open, sink)
    }
}
