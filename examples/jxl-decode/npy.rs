//! NumPy's array file, version 1.0: what the conformance suite compares.

use std::io::{Result, Write};

/// Writes the header of a C-ordered little-endian float array of `shape`; the samples follow, frame by frame.
pub fn write_header(to: &mut impl Write, shape: [usize; 4]) -> Result<()> {
    let [frames, rows, columns, channels] = shape;
    let mut text = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({frames}, {rows}, {columns}, {channels}), }}"
    );
    let before_text = 10;
    while (before_text + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    to.write_all(b"\x93NUMPY\x01\x00")?;
    to.write_all(&(text.len() as u16).to_le_bytes())?;
    to.write_all(text.as_bytes())
}

/// Writes one row of samples.
pub fn write_row(to: &mut impl Write, row: &[f32]) -> Result<()> {
    if cfg!(target_endian = "little") {
        to.write_all(bytemuck::cast_slice(row))
    } else {
        row.iter().try_for_each(|v| to.write_all(&v.to_le_bytes()))
    }
}
