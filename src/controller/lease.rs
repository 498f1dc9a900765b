//! Leader election on a Lease, as client-go does it. `kube-lease-manager` 0.13 judges another's lease by that one's wall
//! clock and renews by patches without a resourceVersion, so two could lead at once: hence these lines.
//!
//! Every write compares and swaps on the resourceVersion. Whether another holder is alive is judged by one thing only: that
//! its record changes while our own monotonic clock runs.

use std::{pin::pin, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Client, api::PostParams};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{metrics::Leadership, said};

/// How long a record may stay unchanged before others take over.
const DURATION: Duration = Duration::from_secs(15);
/// How long we try to renew before we take the lease for lost: well before others do.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// How often the holder renews.
const RENEW: Duration = Duration::from_secs(2);
/// How often the others look.
const LOOK: Duration = Duration::from_secs(1);
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(4);
/// How long what is being done may take to end once we are asked to stop. Whoever comes next must not wait for long.
const GRACE: Duration = Duration::from_secs(2);

/// Why this process has to end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another one leads, or may.
    #[error("the lease {0} could not be renewed in time: another process may lead now")]
    Lost(String),
    /// What keeps the lease ended abnormally.
    #[error("the task that renews the lease ended: {0}")]
    Died(tokio::task::JoinError),
}

/// One that would lead.
#[derive(Clone)]
pub(super) struct Candidate {
    api: Api<Lease>,
    name: String,
    identity: String,
    leadership: Leadership,
}

/// A record as it was seen last, and since when it has not changed.
struct Seen {
    spec: LeaseSpec,
    since: Instant,
}

impl Candidate {
    pub(super) fn new(client: Client, namespace: &str, name: &str, identity: String, leadership: Leadership) -> Self {
        Self { api: Api::namespaced(client, namespace), name: name.to_owned(), identity, leadership }
    }

    /// Does `work` for as long as this process leads. `work` is asked to stop when `stop` is cancelled, dropped when it
    /// takes too long over that, and dropped at once when the lease is lost.
    ///
    /// # Errors
    /// When the lease is lost; the process must end then.
    pub(super) async fn lead<T>(
        self,
        stop: CancellationToken,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, Error> {
        let Some(held) = stop.run_until_cancelled(self.acquire()).await else { return Ok(None) };
        tracing::info!(lease = self.name, identity = self.identity, "leading");
        self.leadership.leads(true);
        let done = CancellationToken::new();
        let renewing = {
            let (candidate, done) = (self.clone(), done.clone());
            // Dies with us, however we end.
            AbortOnDropHandle::new(tokio::spawn(async move { candidate.renew(held, done).await }))
        };
        let mut renewing = pin!(renewing);
        let ended = {
            let mut work = pin!(work);
            let stopping = async {
                stop.cancelled().await;
                sleep(GRACE).await;
            };
            tokio::select! {
                ended = &mut renewing => {
                    self.leadership.leads(false);
                    return match ended {
                        Ok(_) => Err(Error::Lost(self.name)),
                        Err(error) => Err(Error::Died(error)),
                    };
                }
                ended = &mut work => Some(ended),
                () = stopping => None,
            }
        };
        done.cancel();
        let held = renewing.await.map_err(Error::Died)?;
        self.leadership.leads(false);
        match held {
            Some(held) => self.release(held).await,
            None => return Err(Error::Lost(self.name)),
        }
        Ok(ended)
    }

    /// Waits until the lease is ours.
    async fn acquire(&self) -> Lease {
        let mut seen: Option<Seen> = None;
        loop {
            self.leadership.beats();
            let answer = timeout(REQUEST, self.try_acquire(&mut seen)).await;
            self.leadership.answered(matches!(answer, Ok(Ok(_))));
            match answer {
                Ok(Ok(Some(lease))) => return lease,
                Ok(Ok(None)) => {}
                Ok(Err(error)) => tracing::warn!(lease = self.name, error = said(&error), "cannot look at the lease"),
                Err(_) => tracing::warn!(lease = self.name, "the API server takes too long over the lease"),
            }
            sleep(LOOK.mul_f64(0.8 + 0.4 * fastrand::f64())).await;
        }
    }

    async fn try_acquire(&self, seen: &mut Option<Seen>) -> Result<Option<Lease>, kube::Error> {
        let Some(mut lease) = self.api.get_opt(&self.name).await? else {
            let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
            let lease = Lease { metadata, spec: Some(self.record(&LeaseSpec::default())) };
            return unless_conflict(self.api.create(&PostParams::default(), &lease).await);
        };
        let spec = lease.spec.take().unwrap_or_default();
        if seen.as_ref().is_none_or(|seen| seen.spec != spec) {
            *seen = Some(Seen { spec: spec.clone(), since: Instant::now() });
        }
        let unchanged = seen.as_ref().map_or(Duration::ZERO, |seen| seen.since.elapsed());
        if !may_take(&spec, &self.identity, unchanged) {
            return Ok(None);
        }
        lease.spec = Some(self.record(&spec));
        unless_conflict(self.api.replace(&self.name, &PostParams::default(), &lease).await)
    }

    /// Renews until `done`; the record as it was left, or `None` once it is lost.
    async fn renew(&self, mut held: Lease, done: CancellationToken) -> Option<Lease> {
        let mut renewed = Instant::now();
        while done.run_until_cancelled(sleep(RENEW)).await.is_some() {
            self.leadership.beats();
            let began = Instant::now();
            let left = RENEW_DEADLINE.saturating_sub(renewed.elapsed());
            match timeout(left.min(REQUEST), self.try_renew(&held)).await {
                Ok(Ok(Some(lease))) => (held, renewed) = (lease, began),
                Ok(Ok(None)) => return None,
                Ok(Err(error)) => tracing::warn!(lease = self.name, error = said(&error), "cannot renew the lease"),
                Err(_) => tracing::warn!(lease = self.name, "the API server takes too long to renew the lease"),
            }
            if renewed.elapsed() >= RENEW_DEADLINE {
                return None;
            }
        }
        Some(held)
    }

    /// `None` when another one holds it.
    async fn try_renew(&self, held: &Lease) -> Result<Option<Lease>, kube::Error> {
        let mut lease = held.clone();
        lease.spec = Some(self.record(&lease.spec.unwrap_or_default()));
        if let Some(lease) = unless_conflict(self.api.replace(&self.name, &PostParams::default(), &lease).await)? {
            return Ok(Some(lease));
        }
        // Somebody wrote: another holder, or a person who changed a label, or ourselves in a request whose answer was lost.
        let mut now = self.api.get(&self.name).await?;
        let spec = now.spec.take().unwrap_or_default();
        if spec.holder_identity.as_deref() != Some(self.identity.as_str()) {
            return Ok(None);
        }
        now.spec = Some(self.record(&spec));
        self.api.replace(&self.name, &PostParams::default(), &now).await.map(Some)
    }

    async fn release(&self, mut held: Lease) {
        let spec = held.spec.get_or_insert_default();
        spec.holder_identity = None;
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        match timeout(REQUEST, self.api.replace(&self.name, &PostParams::default(), &held)).await {
            Ok(Ok(_)) => tracing::info!(lease = self.name, "released the lease"),
            Ok(Err(error)) => tracing::warn!(lease = self.name, error = said(&error), "could not release the lease"),
            Err(_) => tracing::warn!(lease = self.name, "could not release the lease in time"),
        }
    }

    /// The record that says that we lead.
    fn record(&self, before: &LeaseSpec) -> LeaseSpec {
        let ours = before.holder_identity.as_deref() == Some(self.identity.as_str());
        let now = MicroTime(Timestamp::now());
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: if ours { before.acquire_time.clone() } else { Some(now.clone()) },
            renew_time: Some(now),
            lease_transitions: Some(before.lease_transitions.unwrap_or(0) + i32::from(!ours)),
            ..LeaseSpec::default()
        }
    }
}

/// Whether a lease may be taken: it is free, it is ours from an earlier life, or its holder has not stirred for too long.
fn may_take(spec: &LeaseSpec, identity: &str, unchanged: Duration) -> bool {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let duration = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    holder.is_empty() || holder == identity || unchanged > duration.map_or(DURATION, Duration::from_secs)
}

/// Somebody was faster: no error, but nothing won.
fn unless_conflict<T>(answer: Result<T, kube::Error>) -> Result<Option<T>, kube::Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        future::pending,
        sync::{
            Arc, Mutex,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
    };

    use axum::http::{Method, Request, Response, StatusCode};
    use kube::client::Body;
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::telemetry::Health;

    /// An API server that keeps one Lease, and that can go away.
    #[derive(Clone, Default)]
    struct Server {
        lease: Arc<Mutex<Option<Lease>>>,
        away: Arc<AtomicBool>,
    }

    impl Server {
        fn client(&self) -> Client {
            let server = self.clone();
            let service = tower::service_fn(move |request: Request<Body>| {
                let server = server.clone();
                async move { Ok::<_, Infallible>(server.answer(request).await) }
            });
            Client::new(service, "default")
        }

        async fn answer(&self, request: Request<Body>) -> Response<String> {
            if self.away.load(Ordering::SeqCst) {
                sleep(Duration::from_secs(600)).await;
            }
            let method = request.method().clone();
            let body = request.into_body().collect_bytes().await.unwrap();
            let mut lease = self.lease.lock().unwrap();
            let version = |lease: &Lease| lease.metadata.resource_version.clone();
            let status = |code: u16, reason: &str| {
                let text = format!(r#"{{"status":"Failure","message":"","reason":"{reason}","code":{code}}}"#);
                Response::builder().status(StatusCode::from_u16(code).unwrap()).body(text).unwrap()
            };
            if method != Method::GET {
                let mut new: Lease = serde_json::from_slice(&body).unwrap();
                if lease.as_ref().and_then(version) != version(&new) {
                    return status(409, "Conflict");
                }
                let next = version(&new).map_or(1, |version| version.parse::<u64>().unwrap() + 1);
                new.metadata.resource_version = Some(next.to_string());
                *lease = Some(new);
            }
            match &*lease {
                Some(lease) => Response::new(serde_json::to_string(lease).unwrap()),
                None => status(404, "NotFound"),
            }
        }

        fn candidate(&self, identity: &str) -> Candidate {
            let leadership = Leadership::register(&mut Registry::default(), &Health::default());
            Candidate::new(self.client(), "default", "l", identity.to_owned(), leadership)
        }

        fn holder(&self) -> Option<String> {
            self.lease.lock().unwrap().as_ref()?.spec.as_ref()?.holder_identity.clone()
        }
    }

    async fn until(what: impl Fn() -> bool) -> Duration {
        let began = Instant::now();
        while !what() {
            assert!(began.elapsed() < Duration::from_secs(60), "in vain");
            sleep(Duration::from_millis(100)).await;
        }
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn one_leads_and_the_next_follows_within_seconds_of_its_end() {
        let server = Server::default();
        let (stop, leading) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let candidates = ["one", "two", "three"].map(|identity| {
            let (candidate, leading) = (server.candidate(identity), Arc::clone(&leading));
            let stop = stop.child_token();
            tokio::spawn(candidate.lead(stop, async move {
                assert_eq!(leading.fetch_add(1, Ordering::SeqCst), 0);
                pending::<()>().await;
            }))
        });
        until(|| server.holder().is_some()).await;
        sleep(Duration::from_secs(60)).await;
        assert_eq!(leading.load(Ordering::SeqCst), 1);
        assert!(candidates.iter().all(|candidate| !candidate.is_finished()));

        stop.cancel();
        for candidate in candidates {
            candidate.await.unwrap().unwrap();
        }

        assert_eq!(server.holder(), None);
        let next = server.candidate("next");
        tokio::spawn(next.lead(CancellationToken::new(), pending::<()>()));
        assert!(until(|| server.holder().is_some()).await < Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_killed_leader_is_followed_within_twenty_seconds() {
        let server = Server::default();
        let first = tokio::spawn(server.candidate("one").lead(CancellationToken::new(), pending::<()>()));
        until(|| server.holder().as_deref() == Some("one")).await;
        let second = server.candidate("two");
        tokio::spawn(second.lead(CancellationToken::new(), pending::<()>()));
        sleep(Duration::from_secs(30)).await;
        assert_eq!(server.holder().as_deref(), Some("one"));

        first.abort();

        let waited = until(|| server.holder().as_deref() == Some("two")).await;
        assert!(waited > Duration::from_secs(12) && waited < Duration::from_secs(20), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_when_the_lease_cannot_be_renewed_before_another_may_take_it() {
        let server = Server::default();
        let leading = tokio::spawn(server.candidate("one").lead(CancellationToken::new(), pending::<()>()));
        until(|| server.holder().is_some()).await;
        let began = Instant::now();

        server.away.store(true, Ordering::SeqCst);
        let ended = leading.await.unwrap();

        assert!(matches!(ended, Err(Error::Lost(_))));
        assert!(began.elapsed() < DURATION, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_another_holder_stops_at_once() {
        let server = Server::default();
        let leading = tokio::spawn(server.candidate("one").lead(CancellationToken::new(), pending::<()>()));
        until(|| server.holder().is_some()).await;

        if let Some(lease) = server.lease.lock().unwrap().as_mut() {
            lease.metadata.resource_version = Some("77".to_owned());
            lease.spec.get_or_insert_default().holder_identity = Some("two".to_owned());
        }

        assert!(matches!(leading.await.unwrap(), Err(Error::Lost(_))));
        assert_eq!(server.holder().as_deref(), Some("two"));
    }

    #[test]
    fn another_s_wall_clock_counts_for_nothing() {
        let spec = LeaseSpec {
            holder_identity: Some("one".to_owned()),
            renew_time: Some(MicroTime(Timestamp::UNIX_EPOCH)),
            lease_duration_seconds: Some(15),
            ..LeaseSpec::default()
        };

        assert!(!may_take(&spec, "two", Duration::from_secs(15)));
        assert!(may_take(&spec, "two", Duration::from_secs(16)));
        assert!(may_take(&spec, "one", Duration::ZERO));
        assert!(may_take(&LeaseSpec::default(), "two", Duration::ZERO));
    }
}
