//! The client: what it is made of, how it is narrowed to some tokens, and what it can say about itself.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use url::Url;

use super::limits::Gate;
use super::model::Metadata;
use super::pool::Pool;
use super::redact::Secrets;
use super::transport::Transport;
use super::{Deadlines, Dialect, Error, Metrics, Patience, Term};

/// Which GitLab, and the way to it.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The root, such as `https://gitlab.com/` or, with a relative URL root, `https://host/gitlab/`.
    pub url: Url,
    /// PEM certificates that are trusted beside the system's.
    pub ca_bundle: Option<Vec<u8>>,
    /// Accept any certificate. For tests.
    pub insecure_skip_verify: bool,
    /// URL of an HTTP proxy, which may hold a password. `NO_PROXY` is honoured.
    pub proxy: Option<SecretString>,
    /// Extra headers for a proxy in front of GitLab.
    pub headers: Vec<(String, SecretString)>,
}

impl Instance {
    /// An instance at this address, reached directly and with the system's certificates.
    pub fn at(url: Url) -> Instance {
        Instance { url, ca_bundle: None, insecure_skip_verify: false, proxy: None, headers: Vec::new() }
    }
}

/// One credential. It cannot be printed.
#[derive(Debug, Clone)]
pub struct Token {
    /// The name that users gave it; messages use it.
    pub name: String,
    /// The secret itself.
    pub secret: SecretString,
}

/// A token that GitLab refused; the pool goes on without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The name of the token.
    pub token: String,
    /// How GitLab put it.
    pub dialect: Dialect,
}

/// What the client has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests sent again after a failure.
    pub retries: u64,
    /// Times that a request waited for a rate limit or before a retry.
    pub waits: u64,
    /// How long they waited together.
    pub waited: Duration,
}

/// One GitLab instance and a pool of tokens. Cheap to clone; clones share connections, budgets and statistics.
#[derive(Clone)]
pub struct Client {
    pub(super) shared: Arc<Shared>,
    /// The tokens that this handle may use.
    pub(super) tokens: Arc<[usize]>,
    pub(super) patience: Patience,
    /// How long it may go on asking; `None`: as long as it likes.
    pub(super) term: Option<Term>,
}

pub(super) struct Shared {
    pub(super) transport: Transport,
    pub(super) gate: Gate,
    pub(super) metrics: Metrics,
    pub(super) secrets: Secrets,
    pub(super) counts: Counts,
    /// How far the server's clock is ahead of ours, in seconds, as its last answer told.
    pub(super) ahead: AtomicI64,
    /// Whether some answer was one of GitLab.
    pub(super) is_gitlab: AtomicBool,
    /// Set once the users behind the tokens have been asked for.
    pub(super) introduced: OnceCell<()>,
    /// What GitLab said of itself when it was last asked for that alone, until somebody relies on it.
    pub(super) metadata: Mutex<Option<(Instant, Metadata)>>,
    pool: Mutex<Pool>,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) requests: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) waits: AtomicU64,
    pub(super) waited_ms: AtomicU64,
}

/// Requests in flight for each token; more than GitLab's own workers per user would only queue there.
const IN_FLIGHT_PER_TOKEN: usize = 16;
/// Requests in flight to one instance, however many tokens there are.
const IN_FLIGHT: usize = 64;

impl Client {
    /// Makes a client; sends nothing yet.
    ///
    /// # Errors
    /// `Settings`, naming the setting that cannot be used: URL, CA bundle, proxy, extra header. A malformed token is no
    /// error here: it is set aside like one that GitLab refuses.
    pub fn new(instance: &Instance, tokens: Vec<Token>, metrics: &Metrics) -> Result<Client, Error> {
        Client::with_deadlines(instance, tokens, metrics, Deadlines::default())
    }

    /// The same with other deadlines.
    ///
    /// # Errors
    /// As [`Client::new`].
    #[allow(clippy::needless_pass_by_value, reason = "whoever hands over secrets should not keep them")]
    pub fn with_deadlines(
        instance: &Instance,
        tokens: Vec<Token>,
        metrics: &Metrics,
        deadlines: Deadlines,
    ) -> Result<Client, Error> {
        let in_flight = (IN_FLIGHT_PER_TOKEN * tokens.len().max(1)).min(IN_FLIGHT);
        let transport = Transport::new(instance, deadlines, in_flight)?;
        let pool = Pool::new(&tokens, |secret| transport.token_value(secret));
        let shared = Shared {
            transport,
            gate: Gate::new(in_flight),
            metrics: metrics.clone(),
            secrets: Secrets::of(instance, &tokens),
            counts: Counts::default(),
            ahead: AtomicI64::new(0),
            is_gitlab: AtomicBool::new(false),
            introduced: OnceCell::new(),
            metadata: Mutex::default(),
            pool: Mutex::new(pool),
        };
        let tokens = (0..tokens.len()).collect();
        Ok(Client { shared: Arc::new(shared), tokens, patience: Patience::default(), term: None })
    }

    /// The same client restricted to one token: for probes, and for the manager of hooks. A name that the pool does not
    /// hold gives a client without tokens, whose every request is a `Settings` error.
    pub fn only(&self, token: &str) -> Client {
        self.among(&[token.to_owned()])
    }

    /// The same client restricted to some tokens: those that may read all that is asked for.
    pub fn among(&self, names: &[String]) -> Client {
        let pool = self.shared.pool();
        let tokens = names.iter().filter_map(|name| pool.position(name)).collect();
        Client { tokens, ..self.clone() }
    }

    /// The same client once for each user behind its tokens: what one of them sees, another may not. At least one.
    pub async fn views(&self) -> Vec<Client> {
        self.get_introduced().await;
        let users = self.shared.pool().by_user(&self.tokens, Instant::now());
        if users.is_empty() {
            return vec![self.clone()];
        }
        users.into_iter().map(|tokens| Client { tokens: tokens.into(), ..self.clone() }).collect()
    }

    /// The same client with another patience.
    pub fn with_patience(&self, patience: Patience) -> Client {
        Client { patience, ..self.clone() }
    }

    /// The same client, which asks nothing more once this is over: reads under way end as timeouts then. What changes
    /// something in GitLab is brought to its end, because nobody could tell whether it was done.
    pub fn within(&self, term: Term) -> Client {
        Client { term: Some(term), ..self.clone() }
    }

    /// Whether its time is over.
    pub fn is_out_of_time(&self) -> bool {
        self.term.as_ref().is_some_and(Term::is_over)
    }

    /// The names of the tokens that this client may use, in the order they were given.
    pub fn token_names(&self) -> Vec<String> {
        self.shared.pool().names(&self.tokens)
    }

    /// The tokens that GitLab has refused so far.
    pub fn set_aside(&self) -> Vec<SetAside> {
        self.shared.pool().set_aside(&self.tokens)
    }

    /// The rate limit that GitLab named for the first of these tokens, in requests a minute; `None` where it names none.
    pub fn rate_limit(&self) -> Option<u64> {
        self.tokens.first().and_then(|token| self.shared.pool().rate_limit(*token))
    }

    /// GitLab's root, with a trailing slash.
    pub fn root(&self) -> &Url {
        self.shared.transport.root()
    }

    /// GitLab's clock, as its last answer told it, to the second. Ours where it tells none.
    pub fn server_now(&self) -> Timestamp {
        let now = Timestamp::now();
        let ahead = SignedDuration::from_secs(self.shared.ahead.load(Ordering::Relaxed));
        now.checked_add(ahead).unwrap_or(now)
    }

    /// Requests, retries and waits so far, of all clones together.
    pub fn stats(&self) -> Stats {
        let counts = &self.shared.counts;
        Stats {
            requests: counts.requests.load(Ordering::Relaxed),
            retries: counts.retries.load(Ordering::Relaxed),
            waits: counts.waits.load(Ordering::Relaxed),
            waited: Duration::from_millis(counts.waited_ms.load(Ordering::Relaxed)),
        }
    }
}

impl Shared {
    pub(super) fn pool(&self) -> MutexGuard<'_, Pool> {
        // Held for moments and never across a panic that would leave it half-written.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("root", &self.root().as_str())
            .field("tokens", &self.token_names())
            .finish_non_exhaustive()
    }
}
