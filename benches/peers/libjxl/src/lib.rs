//! A dozen functions of libjxl's C interface (`jxl/decode.h`, `jxl/thread_parallel_runner.h`), declared by hand.
#![allow(non_snake_case)]

use std::ffi::{c_int, c_void};

#[repr(C)]
pub struct MemoryManager {
    pub opaque: *mut c_void,
    pub alloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
    pub free: unsafe extern "C" fn(*mut c_void, *mut c_void),
}

#[repr(C)]
pub struct PixelFormat {
    pub num_channels: u32,
    pub data_type: c_int,
    pub endianness: c_int,
    pub align: usize,
}

pub type Runner = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void, *mut c_void, u32, u32) -> c_int;

unsafe extern "C" {
    pub fn JxlDecoderCreate(memory: *const MemoryManager) -> *mut c_void;
    pub fn JxlDecoderReset(decoder: *mut c_void);
    pub fn JxlDecoderDestroy(decoder: *mut c_void);
    pub fn JxlDecoderSetParallelRunner(decoder: *mut c_void, runner: Runner, opaque: *mut c_void) -> c_int;
    pub fn JxlDecoderSubscribeEvents(decoder: *mut c_void, events: c_int) -> c_int;
    pub fn JxlDecoderSetInput(decoder: *mut c_void, data: *const u8, size: usize) -> c_int;
    pub fn JxlDecoderCloseInput(decoder: *mut c_void);
    pub fn JxlDecoderProcessInput(decoder: *mut c_void) -> c_int;
    pub fn JxlDecoderSetImageOutBuffer(
        decoder: *mut c_void,
        format: *const PixelFormat,
        buffer: *mut c_void,
        size: usize,
    ) -> c_int;
    pub fn JxlThreadParallelRunner(
        opaque: *mut c_void,
        decoder: *mut c_void,
        init: *mut c_void,
        task: *mut c_void,
        start: u32,
        end: u32,
    ) -> c_int;
    pub fn JxlThreadParallelRunnerCreate(memory: *const MemoryManager, threads: usize) -> *mut c_void;
    pub fn JxlThreadParallelRunnerDestroy(opaque: *mut c_void);
}

pub const SUCCESS: c_int = 0;
pub const NEED_IMAGE_OUT_BUFFER: c_int = 5;
pub const FULL_IMAGE: c_int = 0x1000;
pub const UINT8: c_int = 2;
pub const UINT16: c_int = 3;
