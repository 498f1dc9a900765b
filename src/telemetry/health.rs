//! Whether this process is alive and ready, as the probes of Kubernetes ask.
//!
//! Alive means that what has to go on goes on: each task that never ends beats, and one that has not for too long makes the
//! process be restarted. Ready means that it can do what it is there for.

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

/// What `/healthz` and `/readyz` tell. Clones tell the same.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<Checks>>);

#[derive(Debug, Default)]
struct Checks {
    beats: Vec<(&'static str, Heartbeat)>,
    ready: Vec<(&'static str, Readiness)>,
}

/// Beats for as long as a task goes on.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    last: Arc<Mutex<Instant>>,
    longest: Duration,
}

/// Says when a part is ready.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Health {
    /// A task that beats at least this often for as long as it lives.
    #[must_use]
    pub fn heartbeat(&self, name: &'static str, longest: Duration) -> Heartbeat {
        let beat = Heartbeat { last: Arc::new(Mutex::new(Instant::now())), longest };
        self.checks(|checks| checks.beats.push((name, beat.clone())));
        beat
    }

    /// A part that is not ready yet.
    #[must_use]
    pub fn readiness(&self, name: &'static str) -> Readiness {
        let ready = Readiness::default();
        self.checks(|checks| checks.ready.push((name, ready.clone())));
        ready
    }

    fn checks<T>(&self, with: impl FnOnce(&mut Checks) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn alive(&self) -> Response {
        let silent = |(name, beat): &(&'static str, Heartbeat)| (!beat.goes_on()).then_some(*name);
        answer(&self.checks(|checks| checks.beats.iter().filter_map(silent).collect::<Vec<_>>()), "does not go on")
    }

    pub(super) fn ready(&self) -> Response {
        let missing = |(name, ready): &(&'static str, Readiness)| (!ready.is_set()).then_some(*name);
        answer(&self.checks(|checks| checks.ready.iter().filter_map(missing).collect::<Vec<_>>()), "is not ready")
    }
}

fn answer(trouble: &[&'static str], what: &str) -> Response {
    if trouble.is_empty() {
        return "ok\n".into_response();
    }
    let mut text = String::new();
    for name in trouble {
        let _ = writeln!(text, "{name} {what}");
    }
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

impl Heartbeat {
    /// The task goes on.
    pub fn beat(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn goes_on(&self) -> bool {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed() <= self.longest
    }
}

impl Readiness {
    /// The part is ready, or is not any more.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_goes_silent_ends_the_life_of_the_process() {
        let health = Health::default();
        let beat = health.heartbeat("the lease", Duration::from_secs(30));

        tokio::time::sleep(Duration::from_secs(29)).await;
        assert_eq!(health.alive().status(), StatusCode::OK);
        beat.beat();
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert_eq!(health.alive().status(), StatusCode::OK);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(health.alive().status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn a_process_is_ready_once_all_its_parts_are() {
        let health = Health::default();
        assert_eq!(health.ready().status(), StatusCode::OK);
        let (one, other) = (health.readiness("one"), health.readiness("other"));

        one.set(true);
        assert_eq!(health.ready().status(), StatusCode::SERVICE_UNAVAILABLE);
        other.set(true);
        assert_eq!(health.ready().status(), StatusCode::OK);
    }
}
