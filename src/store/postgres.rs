//! A PostgreSQL server: how it is connected to, and what its sessions are set to.
//!
//! A session of our own is set as it begins, and keeps its prepared statements. A pooler lends a session for one
//! transaction, and gives it to another program after that: then everything happens in transactions, which set what they
//! need for themselves, and nothing is prepared for later.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, Postgres as PostgresDb};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, Transaction};

use super::Error;
use super::open::PATIENCE;
use super::url::without_unknown;

/// How long a server may take to give a connection. Whoever calls decides how often to try.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Enough for a worker's commits beside its heartbeat, few enough for many workers on one server.
const CONNECTIONS: u32 = 6;

/// What statements of ours run with. All of them find rows by key; without the three of plans, such as are made while the
/// tables are empty read them whole ever after. They make what has to be read whole look dear, and what looks dear would be
/// compiled, which takes half a second.
const SETTINGS: [(&str, &str); 7] = [
    ("statement_timeout", "60s"),
    ("lock_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];
/// Set beside them, and by nobody else: whoever finds it has a session that was set as asked.
const MARK: (&str, &str) = ("gitlab_connector.session", "own");
/// In a URL: whoever writes this knows of a pooler.
const NOTHING_PREPARED: &str = "statement-cache-capacity=0";

/// A PostgreSQL server. Clones share their connections.
#[derive(Clone)]
pub struct Postgres {
    pub(super) pool: PgPool,
    sessions: Sessions,
}

/// Whose the sessions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sessions {
    /// Ours, from the first statement to the last.
    Own,
    /// A pooler's, which lends them for a transaction.
    Lent,
}

/// A transaction that has begun.
pub(super) struct Begun {
    pub(super) transaction: Transaction<'static, PostgresDb>,
    /// Whether the session keeps prepared statements.
    pub(super) prepares: bool,
}

impl Postgres {
    pub(super) async fn open(url: &str) -> Result<Postgres, Error> {
        let url = without_unknown(url);
        let options = PgConnectOptions::from_str(&url)?.application_name("gitlab-connector").extra_float_digits(None);
        // A pool tries for as long as its patience lasts. Whoever opens a database wants to hear at once what is wrong.
        let (mut first, options, sessions) = introduce(options, url.contains(NOTHING_PREPARED)).await?;
        if !takes_writes(&mut first).await? {
            return Err(standby());
        }
        first.close().await?;

        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ANSWERS_WITHIN)
            // A server may stop taking writes, or be replaced by another, while sessions live on.
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(takes_writes(connection)))
            .after_connect(|connection, _| {
                Box::pin(async move {
                    if takes_writes(connection).await? {
                        return Ok(());
                    }
                    Err(sqlx::Error::Io(std::io::Error::other(standby().to_string())))
                })
            })
            .connect_lazy_with(options);
        Ok(Postgres { pool, sessions })
    }

    /// Whether sessions are another's after each transaction: then nothing may happen outside of one.
    pub(super) fn lent(&self) -> bool {
        self.sessions == Sessions::Lent
    }

    pub(super) async fn begin(&self) -> Result<Begun, Error> {
        // Cancelled half-way, sqlx would forget the transaction and give the connection back to the pool with it:
        // others would then write into a transaction that nobody commits. Elsewhere, it always comes to its end.
        let (pool, sessions) = (self.pool.clone(), self.sessions);
        let begun = tokio::spawn(async move {
            match sessions {
                Sessions::Own => pool.begin().await,
                // All of it is one message, and takes no longer.
                Sessions::Lent => pool.begin_with(AssertSqlSafe(begin_and_set())).await,
            }
        });
        let transaction = begun.await.map_err(|error| Error::Other(error.to_string()))??;
        Ok(Begun { transaction, prepares: !self.lent() })
    }
}

/// `begin`, and the settings for this transaction alone.
fn begin_and_set() -> String {
    let settings = SETTINGS.iter().map(|(name, value)| format!("; set local {name} = '{value}'"));
    format!("begin{}", settings.collect::<String>())
}

/// A first session, how to get more like it, and whose they are.
///
/// Sessions are set as they begin, and not by a statement: that would set a pooler's session for whoever has it next.
/// Poolers refuse start-up options, or leave them out.
async fn introduce(
    options: PgConnectOptions,
    nothing_prepared: bool,
) -> Result<(PgConnection, PgConnectOptions, Sessions), Error> {
    if !nothing_prepared {
        let set = options.clone().options(SETTINGS).options([MARK]);
        match connect(&set).await {
            Ok(mut first) => {
                if is_set(&mut first).await? {
                    return Ok((first, set, Sessions::Own));
                }
                first.close().await?;
            }
            Err(error) if may_be_about_options(&error) => {}
            Err(error) => return Err(error.into()),
        }
        tracing::info!(
            "sessions of this database are a pooler's: each transaction sets what it needs, and nothing is prepared"
        );
    }
    Ok((connect(&options).await?, options, Sessions::Lent))
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let late = || sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time"));
    tokio::time::timeout(PATIENCE, PgConnection::connect_with(options)).await.map_err(|_| late())?
}

/// Whether the same without start-up options may be taken: there is a server, it is up, and takes the user.
fn may_be_about_options(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(answer) = error else { return false };
    let code = answer.code().unwrap_or_default();
    !["28", "3D", "53", "57"].iter().any(|class| code.starts_with(class))
}

async fn is_set(session: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let question = "select current_setting('gitlab_connector.session', true) is not distinct from 'own'";
    sqlx::raw_sql(question).fetch_one(session).await?.try_get(0)
}

/// Whether a session may write: not where the server is a standby, or the database is set to read only.
async fn takes_writes(session: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // In simple words: a session that is lent for a transaction keeps no prepared statement.
    let question = "select current_setting('transaction_read_only') = 'off' and not pg_is_in_recovery()";
    sqlx::raw_sql(question).fetch_one(session).await?.try_get(0)
}

fn standby() -> Error {
    Error::Standby("it is a standby, or the database is set to read only".to_owned())
}
