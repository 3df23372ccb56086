//! libjxl, through a dozen functions of its C interface.

use crate::heap::Counting;
use crate::peers::{Peer, Shape};
use jxlake_peers_libjxl::*;
use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::ptr;

/// Bytes before each block, where its size is kept; a whole number of the alignment.
const HEAD: usize = 16;

unsafe extern "C" fn alloc(_: *mut c_void, size: usize) -> *mut c_void {
    let Ok(layout) = Layout::from_size_align(size + HEAD, HEAD) else { return ptr::null_mut() };
    // SAFETY: the layout has a size; the block begins with room for its own size.
    unsafe {
        let block = Counting.alloc(layout);
        if block.is_null() {
            return ptr::null_mut();
        }
        block.cast::<usize>().write(layout.size());
        block.add(HEAD).cast()
    }
}

unsafe extern "C" fn free(_: *mut c_void, memory: *mut c_void) {
    if !memory.is_null() {
        // SAFETY: `alloc` returned it, and wrote the size of the block before it.
        unsafe {
            let block = memory.cast::<u8>().sub(HEAD);
            let size = block.cast::<usize>().read();
            Counting.dealloc(block, Layout::from_size_align_unchecked(size, HEAD));
        }
    }
}

/// libjxl's decoder, reset between files; what it takes through its memory manager is counted.
pub struct Libjxl {
    decoder: *mut c_void,
    runner: *mut c_void,
}

// SAFETY: the decoder and its runner are used by one thread at a time.
unsafe impl Send for Libjxl {}

impl Libjxl {
    pub fn new(threads: bool) -> Self {
        let memory = MemoryManager { opaque: ptr::null_mut(), alloc, free };
        // SAFETY: the memory manager is copied, its functions live for ever.
        unsafe {
            let decoder = JxlDecoderCreate(&memory);
            assert!(!decoder.is_null());
            let count = rayon::current_num_threads();
            let runner = if threads { JxlThreadParallelRunnerCreate(&memory, count) } else { ptr::null_mut() };
            Libjxl { decoder, runner }
        }
    }
}

impl Drop for Libjxl {
    fn drop(&mut self) {
        // SAFETY: both are ours.
        unsafe {
            JxlDecoderDestroy(self.decoder);
            if !self.runner.is_null() {
                JxlThreadParallelRunnerDestroy(self.runner);
            }
        }
    }
}

impl Peer for Libjxl {
    fn name(&self) -> &'static str {
        "libjxl"
    }

    fn decode(&mut self, file: &[u8], shape: Shape, out: &mut [u8]) -> usize {
        let data_type = if shape.bytes_per_sample == 1 { UINT8 } else { UINT16 };
        let format = PixelFormat { num_channels: shape.channels as u32, data_type, endianness: 0, align: 0 };
        let mut frames = 0;
        // SAFETY: the input and the output outlive the loop, after which the decoder lets go of both.
        unsafe {
            JxlDecoderReset(self.decoder);
            if !self.runner.is_null() {
                JxlDecoderSetParallelRunner(self.decoder, JxlThreadParallelRunner, self.runner);
            }
            JxlDecoderSubscribeEvents(self.decoder, FULL_IMAGE);
            JxlDecoderSetInput(self.decoder, file.as_ptr(), file.len());
            JxlDecoderCloseInput(self.decoder);
            loop {
                match JxlDecoderProcessInput(self.decoder) {
                    SUCCESS => break,
                    FULL_IMAGE => frames += 1,
                    NEED_IMAGE_OUT_BUFFER => {
                        let set =
                            JxlDecoderSetImageOutBuffer(self.decoder, &format, out.as_mut_ptr().cast(), shape.bytes());
                        assert_eq!(set, SUCCESS, "an output buffer");
                    }
                    status => panic!("libjxl: status {status}"),
                }
            }
            JxlDecoderReset(self.decoder);
        }
        frames
    }
}
