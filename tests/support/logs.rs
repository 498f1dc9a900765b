//! Everything that is logged on a thread, as text.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// Listens until it is asked what it heard. The test must stay on one thread.
pub(crate) struct Logs {
    lines: Lines,
    guard: tracing::subscriber::DefaultGuard,
}

impl Logs {
    /// Listens at the most talkative level, to us and to every library.
    pub(crate) fn capture() -> Logs {
        let lines = Lines::default();
        let layer = tracing_subscriber::fmt::layer().with_writer(lines.clone()).with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(LevelFilter::TRACE).with(layer);
        Logs { lines, guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn text(self) -> String {
        drop(self.guard);
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Lines;

    fn make_writer(&self) -> Lines {
        self.clone()
    }
}
