//! Builds libjxl if it is to be compared with.

fn main() {
    #[cfg(feature = "libjxl")]
    jpegxl_src::build();
}
