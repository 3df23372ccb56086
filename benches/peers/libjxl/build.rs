//! Builds libjxl.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    jpegxl_src::build();
}
