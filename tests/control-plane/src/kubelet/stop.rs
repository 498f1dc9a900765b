//! The end of a pod: asked for once, due at a time that may come closer.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The pod's side, which asks.
pub(super) struct Stopper(watch::Sender<Option<Instant>>);

/// A container's side, which obeys.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<Option<Instant>>);

pub(super) fn pair() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(None);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Everything is to end, and is killed after `grace`. A later word counts when it leaves less time.
    pub(super) fn ask(&self, grace: Duration) {
        let due = Instant::now() + grace;
        self.0.send_if_modified(|known| {
            let sooner = known.is_none_or(|known| due < known);
            if sooner {
                *known = Some(due);
            }
            sooner
        });
    }
}

impl Stop {
    pub(super) fn is_asked(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Comes when the end is asked for.
    pub(super) async fn asked(&mut self) {
        // A pod's task that is gone asks for nothing: its containers are gone with it.
        if self.0.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Comes when the time is over.
    pub(super) async fn due(&mut self) {
        loop {
            self.asked().await;
            let Some(due) = *self.0.borrow_and_update() else { continue };
            tokio::select! {
                () = sleep_until(due) => return,
                _ = self.0.changed() => {}
            }
        }
    }
}
