//! Big-endian numbers into a profile under construction.

use std::fmt;

use super::ProfileError;

/// The end of a profile, to write to.
pub(super) struct Bytes<'a>(pub(super) &'a mut Vec<u8>);

impl Bytes<'_> {
    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.raw(text.as_bytes())
    }

    pub(super) fn u16(&mut self, v: u16) -> &mut Self {
        self.raw(&v.to_be_bytes())
    }

    pub(super) fn u32(&mut self, v: u32) -> &mut Self {
        self.raw(&v.to_be_bytes())
    }

    pub(super) fn i32(&mut self, v: i32) -> &mut Self {
        self.raw(&v.to_be_bytes())
    }

    /// A number in 65536ths.
    pub(super) fn fixed(&mut self, v: f32) -> Result<&mut Self, ProfileError> {
        if v.is_nan() || v.abs() > 32767.995 {
            return Err(ProfileError::OutOfRange { value: v });
        }
        Ok(self.i32((v * 65536.0).round() as i32))
    }
}

/// Text as UTF-16.
pub(super) struct Utf16<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for Utf16<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        Ok(())
    }
}
