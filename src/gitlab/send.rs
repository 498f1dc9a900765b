//! From a request to its data: wait for a turn, send, judge, and try again where that may help.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::{debug, instrument, warn};

use super::answer::{RawAnswer, Refusal};
use super::limits::Pass;
use super::pool::Pick;
use super::request::Request;
use super::{Client, Error, Phase};

/// Data, and what the headers say about more of it.
#[derive(Debug)]
pub(super) struct Received<T> {
    pub(super) value: T,
    pub(super) link: Option<String>,
    pub(super) next_page: Option<String>,
    pub(super) total: Option<u64>,
}

/// Reads the body of a good answer.
pub(super) type Decode<T> = fn(&Request, &RawAnswer) -> Result<Received<T>, Error>;

impl<T> Received<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Received<U> {
        let Received { value, link, next_page, total } = self;
        Received { value: change(value), link, next_page, total }
    }
}

/// The right to send one request, with this token.
struct Turn<'a> {
    client: &'a Client,
    token: usize,
    header: reqwest::header::HeaderValue,
    _pass: Pass<'a>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.client.shared.pool().ended(self.token);
    }
}

/// What a request has gone through so far.
struct Course {
    started: Instant,
    failures: u32,
    /// Tokens that were denied what they asked for; another user may see more.
    denied: Vec<usize>,
    denial: Option<Error>,
}

impl Client {
    /// The data of an answer.
    pub(super) async fn fetch<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        self.send(request).await.map(|received| received.value)
    }

    /// Sends until there is an answer that counts.
    ///
    /// Reads are sent again after timeouts, 5xx, 408 and broken answers, a bounded number of times. A 429 is waited out
    /// within the patience, for writes too, because GitLab refused it before doing anything. A refused token is set aside
    /// and the next one asks; so does, for reads, the next user where this one may not see.
    pub(super) async fn send<T: DeserializeOwned>(&self, request: &Request) -> Result<Received<T>, Error> {
        self.send_with(request, decode).await
    }

    /// The same with a decoder of the caller's.
    pub(super) async fn send_with<T>(&self, request: &Request, decode: Decode<T>) -> Result<Received<T>, Error> {
        match &self.term {
            Some(term) if request.is_read() => term.bound(self.send_until_it_counts(request, decode)).await,
            _ => self.send_until_it_counts(request, decode).await,
        }
    }

    async fn send_until_it_counts<T>(&self, request: &Request, decode: Decode<T>) -> Result<Received<T>, Error> {
        self.get_introduced().await;
        let mut course = Course { started: Instant::now(), failures: 0, denied: Vec::new(), denial: None };
        loop {
            let turn = match &self.term {
                Some(term) => term.bound(self.turn(request, &course)).await?,
                None => self.turn(request, &course).await?,
            };
            let outcome = self.exchange(request, &turn).await;
            let token = turn.token;
            drop(turn);
            let judged = self.judged(request, token, outcome);
            let decoded = judged.and_then(|answer| decode(request, &answer).map_err(Refusal::Failed));
            let error = match decoded {
                Ok(received) => {
                    self.shared.is_gitlab.store(true, Ordering::Relaxed);
                    return Ok(received);
                }
                Err(Refusal::Limited(limited)) => {
                    self.shared.pool().refuse(token, request.operation.clone(), limited, Instant::now());
                    continue;
                }
                // A GitLab that answered before is one still: a page for maintenance says so, or a challenge, and passes.
                Err(Refusal::Failed(Error::NotGitLab { status, message }))
                    if self.shared.is_gitlab.load(Ordering::Relaxed) =>
                {
                    Error::Blocked { status, message }
                }
                Err(Refusal::Failed(error)) => error,
            };
            let error = request.secrets.hide_in(self.shared.secrets.hide_in(error));
            self.overcome(request, token, error, &mut course).await?;
        }
    }

    /// Prepares another attempt, or gives the error back when there is none to make.
    async fn overcome(&self, request: &Request, token: usize, error: Error, course: &mut Course) -> Result<(), Error> {
        match error {
            Error::Unauthorized { dialect, .. } => {
                let name = self.shared.pool().name(token).to_owned();
                if self.shared.pool().put_aside(token, dialect) {
                    warn!(token = name, reason = error.reason(), "GitLab refuses this token; it is set aside");
                }
                course.denied.push(token);
                Ok(())
            }
            Error::InsufficientScope { .. }
            | Error::WrongKind { .. }
            | Error::Forbidden { .. }
            | Error::NotFound { .. }
                if request.is_read() && self.tokens.len() > 1 && !is_route_missing(&error) =>
            {
                course.denied.push(token);
                course.denial.get_or_insert(error);
                Ok(())
            }
            error if request.is_read() && error.is_transient() => {
                course.failures += 1;
                if course.failures >= self.patience.attempts {
                    return Err(error);
                }
                debug!(operation = %request.operation, failures = course.failures, "{error}; trying again");
                self.shared.counts.retries.fetch_add(1, Ordering::Relaxed);
                self.pause("retry", self.patience.pause(course.failures)).await;
                Ok(())
            }
            error => Err(error),
        }
    }

    /// Waits until a user has budget for this and the instance bears one more request.
    async fn turn(&self, request: &Request, course: &Course) -> Result<Turn<'_>, Error> {
        loop {
            let pass = self.shared.gate.enter().await;
            let now = Instant::now();
            let pick = self.shared.pool().pick(&self.tokens, &course.denied, &request.operation, now);
            let until = match pick {
                Pick::Go { token, header } => {
                    return Ok(Turn { client: self, token, header, _pass: pass });
                }
                Pick::Wait(until) => until,
                Pick::Nobody(aside) => {
                    return Err(course.denial.clone().unwrap_or_else(|| match aside {
                        Some(aside) => Error::Unauthorized { token: aside.token, dialect: aside.dialect },
                        None => Error::Settings { message: "there is no token to ask with".into() },
                    }));
                }
            };
            // Whoever waits for a budget must not keep others from the instance.
            drop(pass);
            let in_vain = self.term.as_ref().is_some_and(|term| term.ends_by(until));
            if in_vain || until - course.started > self.patience.waiting {
                return Err(Error::RateLimited { waited: now - course.started });
            }
            // All that wait wake at the same moment; a little disorder keeps them from arriving together.
            let disorder = Duration::from_millis(fastrand::u64(0..200));
            self.pause("rate_limit", until - now + disorder).await;
        }
    }

    #[instrument(level = "debug", name = "gitlab_request", skip_all, fields(operation = %request.operation))]
    async fn exchange(&self, request: &Request, turn: &Turn<'_>) -> Result<RawAnswer, Error> {
        let shared = &self.shared;
        let began = Instant::now();
        shared.counts.requests.fetch_add(1, Ordering::Relaxed);
        let url = request.url(shared.transport.root());
        let outcome = shared.transport.exchange(&request.method, url, &turn.header, request.body.as_ref()).await;
        let class = status_class(&outcome);
        shared.metrics.count(request.operation.clone(), class);
        if let Some(remaining) = outcome.as_ref().ok().and_then(|answer| answer.number("ratelimit-remaining")) {
            shared.metrics.remains(shared.transport.root().host_str().unwrap_or_default(), remaining);
        }
        debug!(status = class, milliseconds = began.elapsed().as_millis(), "asked GitLab");
        outcome
    }

    /// Reads the answer and tells pool and gate what it says about the server.
    fn judged(&self, request: &Request, token: usize, outcome: Result<RawAnswer, Error>) -> Result<RawAnswer, Refusal> {
        let shared = &self.shared;
        let now = Instant::now();
        let answer = outcome.inspect_err(|error| {
            if matches!(error, Error::Timeout { .. }) {
                shared.gate.overloaded(now);
            }
        });
        let mut answer = answer.map_err(Refusal::Failed)?;
        if let Some(date) = answer.date() {
            shared.ahead.store(date.as_second() - Timestamp::now().as_second(), Ordering::Relaxed);
        }
        if answer.status >= 400 {
            shared.secrets.hide_in_body(&mut answer.body);
            request.secrets.hide_in_body(&mut answer.body);
        }
        let judgement = {
            let mut pool = shared.pool();
            pool.observe(token, &answer, now);
            let name = pool.name(token);
            let judgement = if request.is_graphql() { answer.judge_graphql(name) } else { answer.judge(name) };
            if judgement.is_ok() {
                pool.succeed(token, &request.operation);
            }
            judgement
        };
        match &judgement {
            Ok(()) => shared.gate.bears_it(),
            Err(Refusal::Failed(Error::Server { .. })) => shared.gate.overloaded(now),
            Err(_) => {}
        }
        judgement.map(|()| answer)
    }

    async fn pause(&self, cause: &'static str, time: Duration) {
        let counts = &self.shared.counts;
        counts.waits.fetch_add(1, Ordering::Relaxed);
        counts.waited_ms.fetch_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.shared.metrics.waited(cause, time);
        tokio::time::sleep(time).await;
    }

    /// With several tokens, asks once who is behind each, because budgets belong to users. A token that cannot say keeps a
    /// budget of its own.
    pub(super) async fn get_introduced(&self) {
        if self.tokens.len() < 2 {
            return;
        }
        self.shared
            .introduced
            .get_or_init(|| async {
                let strangers = {
                    let pool = self.shared.pool();
                    let strangers = pool.strangers(&self.tokens);
                    pool.names(&strangers)
                };
                let patience = super::Patience::probing();
                let asking = strangers.iter().map(|name| {
                    let alone = self.only(name).with_patience(patience);
                    async move { drop(Box::pin(alone.token_self()).await) }
                });
                futures::future::join_all(asking).await;
            })
            .await;
    }
}

fn is_route_missing(error: &Error) -> bool {
    matches!(error, Error::NotFound { route: true, .. })
}

pub(super) fn decode<T: DeserializeOwned>(request: &Request, answer: &RawAnswer) -> Result<Received<T>, Error> {
    let body: &[u8] = if answer.body.is_empty() { b"null" } else { &answer.body };
    let value = serde_json::from_slice(body).map_err(|error| {
        // A body that ends too early was cut by somebody who hid it from us; the next one may be whole.
        if error.is_eof() {
            return Error::Broken { message: "the JSON ends too early".into() };
        }
        Error::Unexpected { operation: request.operation.to_string(), message: error.to_string() }
    })?;
    let text = |name| answer.header(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let (link, next_page) = (text("link"), text("x-next-page"));
    Ok(Received { value, link, next_page, total: answer.number("x-total") })
}

fn status_class(outcome: &Result<RawAnswer, Error>) -> &'static str {
    match outcome {
        Ok(answer) => match answer.status {
            200..300 => "2xx",
            300..400 => "3xx",
            429 => "429",
            400..500 => "4xx",
            _ => "5xx",
        },
        Err(Error::Timeout { phase: Phase::Connect }) | Err(Error::Unreachable { .. }) => "unreachable",
        Err(Error::Timeout { .. }) => "timeout",
        Err(Error::Tls { .. }) => "tls",
        Err(Error::Broken { .. }) => "broken",
        Err(_) => "refused",
    }
}
