//! What a file has beside its picture: metadata, gain map, frame index. Nothing here decodes pixels.

use super::Frames;
use crate::container::{BoxType, FrameIndex, GainMap, MetadataBox, exif_tiff};
use crate::error::Result;

impl Frames<'_> {
    /// The content of a box of [`container`](Self::container), unpacked if it is compressed. It stays until the next box is
    /// asked for; only compressed ones cost a copy, up to [`Limits::metadata_box_bytes`](crate::Limits::metadata_box_bytes).
    ///
    /// # Errors
    ///
    /// [`Error::Container`](crate::Error::Container) if the box is invalid, not all there, or larger than the limit.
    ///
    /// ```
    /// use jxlake::Decoder;
    ///
    /// # let file = std::fs::read("testdata/box_brob.jxl")?;
    /// let mut decoder = Decoder::new();
    /// let mut frames = decoder.open(&file)?;
    /// for found in frames.container().metadata() {
    ///     println!("{}: {} bytes", found.kind(), frames.box_content(found)?.len());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn box_content(&mut self, found: &MetadataBox) -> Result<&[u8]> {
        Ok(found.unpacked(self.file, &self.context.limits, self.unpacking)?)
    }

    /// The content of the first box of a type; `None` if the file has none.
    fn first_content(&mut self, kind: BoxType) -> Result<Option<&[u8]>> {
        let found = self.container.find(kind);
        found.map(|found| self.box_content(found)).transpose()
    }

    /// The Exif metadata, a TIFF structure; `None` if there are none. The picture is delivered in the orientation of the
    /// image header, and not in that of this.
    ///
    /// # Errors
    ///
    /// As [`box_content`](Self::box_content), and if the structure's offset is outside the box.
    ///
    /// ```
    /// use jxlake::Decoder;
    ///
    /// # let file = std::fs::read("testdata/box_brob.jxl")?;
    /// let mut decoder = Decoder::new();
    /// let exif = decoder.open(&file)?.exif()?.map(<[u8]>::to_vec);
    /// assert!(exif.is_some_and(|tiff| tiff.starts_with(b"II*\0")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exif(&mut self) -> Result<Option<&[u8]>> {
        let content = self.first_content(BoxType::EXIF)?;
        Ok(content.map(exif_tiff).transpose()?)
    }

    /// The XML metadata, as a rule XMP in UTF-8; `None` if there are none.
    ///
    /// # Errors
    ///
    /// As [`box_content`](Self::box_content).
    pub fn xmp(&mut self) -> Result<Option<&[u8]>> {
        self.first_content(BoxType::XML)
    }

    /// The content of the first JUMBF superbox; `None` if there is none. Further ones are in
    /// [`Container::metadata`](crate::container::Container::metadata).
    ///
    /// # Errors
    ///
    /// As [`box_content`](Self::box_content).
    pub fn jumbf(&mut self) -> Result<Option<&[u8]>> {
        self.first_content(BoxType::JUMB)
    }

    /// The gain map; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`box_content`](Self::box_content) and [`GainMap::parse`].
    pub fn gain_map(&mut self) -> Result<Option<GainMap<'_>>> {
        let content = self.first_content(BoxType::JHGM)?;
        Ok(content.map(GainMap::parse).transpose()?)
    }

    /// The frame index: where in an animation decoding can begin; `None` if there is none. [`seek`](Self::seek) uses it.
    ///
    /// # Errors
    ///
    /// As [`box_content`](Self::box_content) and [`FrameIndex::read`].
    pub fn frame_index(&mut self) -> Result<Option<FrameIndex>> {
        let Some(content) = self.first_content(BoxType::JXLI)? else { return Ok(None) };
        let mut index = FrameIndex::default();
        index.read(content)?;
        Ok(Some(index))
    }
}
