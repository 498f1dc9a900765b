//! How long whoever asks may go on asking.

use std::future::Future;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Error, Phase};

/// The time that somebody has: until a deadline, or until it is called off. Clones end together.
#[derive(Debug, Clone)]
pub struct Term {
    deadline: Instant,
    called_off: CancellationToken,
}

impl Term {
    /// Until `deadline`, or until `called_off` is cancelled.
    pub fn new(deadline: Instant, called_off: CancellationToken) -> Term {
        Term { deadline, called_off }
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.called_off.is_cancelled() || self.ends_by(Instant::now())
    }

    /// Whether it will be over at this moment.
    pub(super) fn ends_by(&self, moment: Instant) -> bool {
        self.deadline <= moment
    }

    /// What this comes to, or `Timeout` once the time is over.
    pub(super) async fn bound<T>(&self, asking: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let over = async {
            tokio::select! {
                () = sleep_until(self.deadline) => {}
                () = self.called_off.cancelled() => {}
            }
        };
        tokio::select! {
            biased;
            () = over => Err(Error::Timeout { phase: Phase::Term }),
            outcome = asking => outcome,
        }
    }
}
