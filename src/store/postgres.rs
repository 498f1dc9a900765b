//! A PostgreSQL server: how it is connected to, and what its sessions are set to.
//!
//! A session of our own is set as it begins, and keeps its prepared statements. A pooler lends a session for one
//! transaction, and gives it to another program after that: then everything happens in transactions, which set what they
//! need for themselves, and nothing is prepared for later.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, Postgres as PostgresDb};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Error;
use super::durability::Durability;
use super::place::{PATIENCE, Place};
use super::url::{self, Asked};

/// How long a server may take to give a connection. Whoever calls decides how often to try.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

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
/// Set where a crash of the server may undo the latest commits: nobody waits for its disk then.
const UNHURRIED: (&str, &str) = ("synchronous_commit", "off");
/// Set beside them, and by nobody else: whoever finds it has a session that was set as asked.
const MARK: (&str, &str) = ("gitlab_connector.session", "own");

/// A PostgreSQL server. Clones share their connections.
#[derive(Clone)]
pub struct Postgres {
    pool: PgPool,
    sessions: Sessions,
    /// As many turns as the pool has connections: who has one waits for the server alone, and not for one of us.
    turns: Arc<Semaphore>,
}

/// Whose the sessions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sessions {
    /// Ours, from the first statement to the last.
    Own,
    /// A pooler's, which lends them for a transaction.
    Lent,
}

/// A session for a while.
pub(super) struct Turn {
    pub(super) session: PoolConnection<PostgresDb>,
    _turn: OwnedSemaphorePermit,
}

/// A transaction that has begun.
pub(super) struct Begun {
    pub(super) transaction: Transaction<'static, PostgresDb>,
    _turn: OwnedSemaphorePermit,
    /// Whether the session keeps prepared statements.
    pub(super) prepares: bool,
}

impl Postgres {
    pub(super) async fn open(place: &Place) -> Result<Postgres, Error> {
        let Asked { options, nothing_prepared } = url::read(place.url.expose_secret(), place.ca_bundle.as_deref())?;
        let connections = place.max_connections.max(1);
        // A pool tries for as long as its patience lasts. Whoever opens a database wants to hear at once what is wrong.
        let (mut first, options, sessions) = introduce(options, nothing_prepared).await?;
        if !takes_writes(&mut first).await? {
            return Err(standby());
        }
        let encoding: String = sqlx::raw_sql("show server_encoding").fetch_one(&mut first).await?.try_get(0)?;
        if encoding != "UTF8" {
            return Err(Error::Encoding(encoding));
        }
        first.close().await?;

        let pool = PgPoolOptions::new()
            .max_connections(connections)
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
        let turns = Arc::new(Semaphore::new(connections.try_into().unwrap_or(Semaphore::MAX_PERMITS)));
        Ok(Postgres { pool, sessions, turns })
    }

    /// Whether sessions are another's after each transaction: then nothing may happen outside of one.
    pub(super) fn lent(&self) -> bool {
        self.sessions == Sessions::Lent
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// A session for a statement of its own.
    pub(super) async fn session(&self) -> Result<Turn, Error> {
        let turn = self.turn().await?;
        match self.pool.acquire().await {
            Ok(session) => Ok(Turn { session, _turn: turn }),
            Err(error) => Err(self.explain(error).await),
        }
    }

    pub(super) async fn begin(&self, durability: Durability) -> Result<Begun, Error> {
        let turn = self.turn().await?;
        // Cancelled half-way, sqlx would forget the transaction and give the connection back to the pool with it:
        // others would then write into a transaction that nobody commits. Elsewhere, it always comes to its end.
        let (pool, statement) = (self.pool.clone(), begin_and_set(self.sessions, durability));
        let begun = tokio::spawn(async move { pool.begin_with(AssertSqlSafe(statement)).await });
        match begun.await.map_err(|error| Error::Other(error.to_string()))? {
            Ok(transaction) => Ok(Begun { transaction, _turn: turn, prepares: !self.lent() }),
            Err(error) => Err(self.explain(error).await),
        }
    }

    /// Waits for one of our own connections.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let busy = || Error::Busy("all connections that spec.store.maxConnections allows are in use".to_owned());
        turn.map_err(|_| busy())?.map_err(|error| Error::Other(error.to_string()))
    }

    /// A pool only says that it waited in vain. The server has better words for it.
    async fn explain(&self, error: sqlx::Error) -> Error {
        if !matches!(error, sqlx::Error::PoolTimedOut) {
            return error.into();
        }
        match connect(&self.pool.connect_options(), ANSWERS_WITHIN).await {
            Ok(session) => {
                // It is no longer needed, and closes itself where this fails.
                let _ = session.close().await;
                error.into()
            }
            Err(cause) => cause.into(),
        }
    }
}

/// `begin`, and the settings for this transaction alone. All of it is one message, and takes no longer.
fn begin_and_set(sessions: Sessions, durability: Durability) -> String {
    let own: &[_] = if sessions == Sessions::Lent { &SETTINGS } else { &[] };
    let unhurried: &[_] = if durability == Durability::Process { &[UNHURRIED] } else { &[] };
    let settings = own.iter().chain(unhurried).map(|(name, value)| format!("; set local {name} = '{value}'"));
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
        match connect(&set, PATIENCE).await {
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
    Ok((connect(&options, PATIENCE).await?, options, Sessions::Lent))
}

async fn connect(options: &PgConnectOptions, patience: Duration) -> Result<PgConnection, sqlx::Error> {
    let late = || sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time"));
    tokio::time::timeout(patience, PgConnection::connect_with(options)).await.map_err(|_| late())?
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_import_reads_again_does_not_wait_for_the_disk() {
        assert_eq!(begin_and_set(Sessions::Own, Durability::Disk), "begin");
        assert_eq!(begin_and_set(Sessions::Own, Durability::Process), "begin; set local synchronous_commit = 'off'");
        let lent = begin_and_set(Sessions::Lent, Durability::Disk);
        assert!(lent.contains("enable_seqscan") && !lent.contains("synchronous_commit"), "{lent}");
        assert!(begin_and_set(Sessions::Lent, Durability::Process).contains("synchronous_commit"));
    }
}
