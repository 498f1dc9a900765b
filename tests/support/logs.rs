//! Everything that is logged on a thread, as text.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Dispatch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;

/// While there is one listener only, `tracing` asks the thread that comes first to a log line whether anybody listens, and
/// believes the answer for all threads. With a second one it asks both.
static SECOND: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(tracing_subscriber::registry().with(LevelFilter::TRACE)));

/// Listens until it is asked what it heard. The test must stay on one thread.
pub(crate) struct Logs {
    lines: Lines,
    guard: tracing::subscriber::DefaultGuard,
}

impl Logs {
    /// Listens at the most talkative level, to us and to every library.
    pub(crate) fn capture() -> Logs {
        LazyLock::force(&SECOND);
        let lines = Lines::default();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(lines.clone())
            .with_ansi(false)
            .with_span_events(FmtSpan::FULL);
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
