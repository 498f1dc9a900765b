//! One connection, for as long as it is there: learns what to accept and where it goes, reads again what deliveries named,
//! and tells the status what only the database knows.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::Client;
use secrecy::SecretString;
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    Announcement,
    databases::{Database, Databases, Opened},
    facts::{self, Sources},
    metrics::Metrics,
    routes::Table,
    world::{Seen, Wanted},
};
use crate::{
    api::GitLabConnectionSpec,
    asked,
    cluster::{ConnectionRef, HookState, HookStateError, fetch},
    connection::{self, Observed, observe},
    gitlab,
    guard::Guard,
    importer::refresh,
    receiver::{Destination, Place},
    store::{self, Source, Store},
};

/// Pauses between attempts to learn of a connection, or to find its place in its database.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What all connections are served with.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) databases: Databases,
    pub(super) table: Table,
    pub(super) guard: Guard,
    pub(super) gitlab: gitlab::Metrics,
    pub(super) metrics: Metrics,
}

/// A connection that is being served.
pub(super) struct Served {
    pub(super) context: Context,
    pub(super) connection: ConnectionRef,
    pub(super) wanted: watch::Receiver<Wanted>,
    pub(super) seen: watch::Receiver<Seen>,
    /// Where its deliveries go. Kept open while the connection is learnt anew.
    pub(super) database: Option<Arc<Database>>,
    /// Rings where what is accepted may have changed without our having heard of it.
    pub(super) bell: Arc<Notify>,
}

/// What the references of a connection hold.
struct Learnt {
    accepted: Vec<SecretString>,
    hooks_changed: Option<Timestamp>,
    observed: Observed,
}

impl Served {
    /// Serves the connection until nobody tells of it any more. Drops `first` once it has had its turn.
    pub(super) async fn serve(&mut self, first: &mut Option<Arc<Announcement>>) {
        self.context.table.announce(&self.connection.uid);
        let rereading = read_again(self.context.clone(), self.connection.clone(), Arc::clone(&self.bell));
        tokio::pin!(rereading);
        loop {
            let wanted = self.wanted.borrow_and_update().clone();
            let mut changes = self.wanted.clone();
            tokio::select! {
                never = self.round(&wanted, first) => match never {},
                never = &mut rereading => match never {},
                changed = changes.changed() => if changed.is_err() { break },
            }
        }
        self.context.table.forget(&self.connection.uid);
    }

    /// Learns of the connection, and serves it as that says until something changes.
    async fn round(&mut self, wanted: &Wanted, first: &mut Option<Arc<Announcement>>) -> Infallible {
        let Learnt { accepted, hooks_changed, observed } = self.learn(wanted, first).await;
        let (table, uid) = (self.context.table.clone(), self.connection.uid.clone());
        if accepted.is_empty() {
            table.forget(&uid);
        } else {
            table.accept(&uid, &accepted, wanted.spec.import.text, &self.bell);
        }
        if wanted.spec.suspend {
            self.database = None;
            table.lead(&uid, &Destination::Nowhere("suspended"));
            drop(first.take());
            return self.tell(nothing(&Notify::new())).await;
        }
        if !may_be_stored(&wanted.spec, &observed) {
            self.database = None;
            table.lead(&uid, &Destination::Nowhere("no_database"));
            drop(first.take());
            return self.tell(nothing(&Notify::new())).await;
        }
        let database = observed.database.as_ref().map(|named| self.context.databases.at(&asked::place(named)));
        let same = match (&self.database, &database) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            _ => false,
        };
        if !same {
            table.lead(&uid, &Destination::Away);
        }
        self.database.clone_from(&database);
        drop(first.take());
        let Some(database) = database else { return self.tell(nothing(&Notify::new())).await };

        let Opened { store, inbox } = database.opened().await;
        let source = self.register(&store, &wanted.spec).await;
        let wake = Arc::new(Notify::new());
        table.lead(&uid, &Destination::Store(Place { inbox, source, wake: Arc::clone(&wake) }));
        tracing::info!(connection = %self.connection, "deliveries are received");

        // One bell rings both: who reads again, and who tells.
        let (again, delivered) = (Arc::new(Notify::new()), Notify::new());
        let ring = async {
            loop {
                wake.notified().await;
                again.notify_one();
                delivered.notify_one();
            }
        };
        let (never, (), _) = tokio::join!(
            ring,
            self.refresh(&observed, wanted, (&store, source), Arc::clone(&again)),
            self.tell(Sources { place: Some((&store, source)), hooks_changed, delivered: &delivered }),
        );
        never
    }

    /// Reads what the connection refers to, however long that takes. What was known is served meanwhile.
    async fn learn(&self, wanted: &Wanted, first: &mut Option<Arc<Announcement>>) -> Learnt {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.try_learn(wanted).await {
                Ok(learnt) => return learnt,
                Err(error) => tracing::warn!(%error, connection = %self.connection, "cannot learn of a connection"),
            }
            drop(first.take());
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn try_learn(&self, wanted: &Wanted) -> Result<Learnt, LearnError> {
        let Context { client, guard, .. } = &self.context;
        let (references, hooks) = tokio::join!(
            fetch(client, &self.connection.namespace, &wanted.named, guard.secret_consent),
            HookState::read(client, &self.connection),
        );
        let hooks = hooks?;
        let accepted = hooks.as_ref().map(HookState::accepted).unwrap_or_default();
        let hooks_changed = hooks.and_then(|hooks| hooks.hooks_changed_at);
        let observed = observe(&self.connection.namespace, &wanted.spec, &references?)?;
        Ok(Learnt { accepted, hooks_changed, observed })
    }

    /// The connection's row, however long the database takes to tell. What figures are made by is kept beside it.
    async fn register(&self, store: &Store, spec: &GitLabConnectionSpec) -> Source {
        let row = store::Connection {
            namespace: self.connection.namespace.clone(),
            name: self.connection.name.clone(),
            url: spec.url.clone(),
            uid: Some(self.connection.uid.clone()),
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let registered = async {
                let source = store.register(&row).await?.source;
                store.set_production_environments(source, &spec.analysis.production_environments).await?;
                Ok::<_, store::Error>(source)
            };
            match registered.await {
                Ok(source) => return source,
                Err(error) => {
                    let reason = error.reason();
                    tracing::warn!(%error, reason, connection = %self.connection, "the database does not know a connection");
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Reads again what deliveries named, if there are tokens to read with and a way to GitLab.
    async fn refresh(
        &self,
        observed: &Observed,
        wanted: &Wanted,
        (store, source): (&Store, Source),
        again: Arc<Notify>,
    ) {
        if observed.readers.is_empty() || !observed.may_ask() {
            return;
        }
        match observed.client(&self.context.gitlab) {
            Ok(client) => {
                let settings = asked::import_settings(&wanted.spec, source);
                let mut seen = self.seen.clone();
                loop {
                    let unfit = seen.borrow_and_update().unfit.clone();
                    let client = client.among(&fit(&observed.readers, &unfit));
                    tokio::select! {
                        () = refresh::run(&client, store, &settings, Arc::clone(&again), CancellationToken::new()) => return,
                        changed = seen.wait_for(|seen| seen.unfit != unfit) => if changed.is_err() { return },
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, connection = %self.connection, "what deliveries name is not read again");
            }
        }
    }

    async fn tell(&self, sources: Sources<'_>) -> Infallible {
        facts::tell(&self.context, &self.connection, self.seen.clone(), sources).await;
        std::future::pending().await
    }
}

/// Reads what a connection accepts each time that the bell rings: a watch may be late, or broken, when a secret changes.
async fn read_again(context: Context, connection: ConnectionRef, bell: Arc<Notify>) -> Infallible {
    loop {
        bell.notified().await;
        match HookState::read(&context.client, &connection).await {
            Ok(hooks) => {
                let accepted = hooks.as_ref().map(HookState::accepted).unwrap_or_default();
                context.table.renew(&connection.uid, &accepted);
            }
            Err(error) => {
                tracing::warn!(%error, %connection, "cannot read again what a connection accepts");
                sleep(FIRST_PAUSE).await;
            }
        }
    }
}

/// Whether there can be a database at all: one is named, and it is no file.
fn may_be_stored(spec: &GitLabConnectionSpec, observed: &Observed) -> bool {
    spec.store.is_some() && !observed.database.as_ref().is_some_and(connection::Database::is_file)
}

/// The tokens to read with: those that can read all of the scope, else all.
fn fit(readers: &[String], unfit: &BTreeSet<String>) -> Vec<String> {
    let fit: Vec<String> = readers.iter().filter(|name| !unfit.contains(*name)).cloned().collect();
    if fit.is_empty() { readers.to_vec() } else { fit }
}

/// Nothing is stored, and nothing arrives.
fn nothing(delivered: &Notify) -> Sources<'_> {
    Sources { place: None, hooks_changed: None, delivered }
}

/// Why a connection cannot be learnt of at present.
#[derive(Debug, thiserror::Error)]
enum LearnError {
    #[error(transparent)]
    Kube(#[from] kube::Error),
    #[error(transparent)]
    Hooks(#[from] HookStateError),
    #[error(transparent)]
    Url(#[from] crate::connection::BadUrl),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_cannot_read_everything_read_only_where_there_is_no_other() {
        let readers = ["whole", "part"].map(str::to_owned);
        let unfit = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();

        assert_eq!(fit(&readers, &unfit(&[])), readers);
        assert_eq!(fit(&readers, &unfit(&["part"])), ["whole"]);
        assert_eq!(fit(&readers, &unfit(&["part", "whole"])), readers);
    }
}
