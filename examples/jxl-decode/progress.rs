//! A bar for those who wait at a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use jxlake::frame::decoder::Watch;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Shows how far a decode has come, once it has taken a second.
pub struct Progress {
    stop: Sender<()>,
    shown: JoinHandle<()>,
}

impl Progress {
    /// Begins to watch, if somebody can see it.
    pub fn start(watch: Arc<Watch>) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let (stop, stopped) = channel();
        let shown = std::thread::spawn(move || {
            let mut pause = Duration::from_secs(1);
            let mut bar = None;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(pause) {
                pause = Duration::from_millis(100);
                let bar = bar.get_or_insert_with(|| {
                    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} groups, {eta} left");
                    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                });
                bar.set_length(watch.total());
                bar.set_position(watch.done());
            }
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
        });
        Some(Self { stop, shown })
    }

    /// Takes the bar away.
    pub fn finish(self) {
        drop(self.stop);
        // A thread that only draws cannot fail in a way that matters here.
        drop(self.shown.join());
    }
}
