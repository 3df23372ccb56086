//! A JPEG XL codestream (ISO/IEC 18181-1): headers, TOC, Modular, VarDCT, features, filters and rendering.

pub mod colour;
