//! The orientation in Exif metadata, which a picture that has been turned must not keep.

const ORIENTATION: u16 = 0x0112;
const ENTRY: usize = 12;

/// Sets the orientation of a TIFF structure to this, 1 to 8, if it has one.
pub fn set_orientation(tiff: &mut [u8], orientation: u8) {
    if let Some(place) = find_orientation(tiff) {
        // The low byte of the value, of which the high one is 0 already or wrong.
        let big_endian = tiff.starts_with(b"MM");
        if let Some([first, second]) = tiff.get_mut(place..place + 2) {
            (*first, *second) = if big_endian { (0, orientation) } else { (orientation, 0) };
        }
    }
}

/// Where the value of the orientation lies: a short in an entry of the first directory.
fn find_orientation(tiff: &[u8]) -> Option<usize> {
    let big_endian = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |place: usize| {
        let bytes = *tiff.get(place..)?.first_chunk()?;
        Some(if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let start = *tiff.get(4..)?.first_chunk()?;
    let start = if big_endian { u32::from_be_bytes(start) } else { u32::from_le_bytes(start) };
    let start = usize::try_from(start).ok()?.checked_add(2)?;
    let count = short(start - 2)?;
    let entries = tiff.get(start..)?.chunks_exact(ENTRY).take(count.into());
    let found = (0..entries.len())
        .map(|entry| start + entry * ENTRY)
        .find(|&entry| short(entry) == Some(ORIENTATION));
    found.map(|entry| entry + 8)
}
