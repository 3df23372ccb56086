//! Pooled matrices, views and threading helpers: nothing here knows JPEG XL.
