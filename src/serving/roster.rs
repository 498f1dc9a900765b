//! Who is served: one task for each connection that there is.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    Announcement,
    connection::{Context, Served},
    watch::Change,
    world::{Concerns, Connection, Seen, Wanted, World},
};
use crate::{cluster::ConnectionRef, telemetry::Heartbeat};

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(10);
/// Before a connection whose task panicked is served again.
const AFTER_PANIC: Duration = Duration::from_secs(5);

/// The connections that are served.
pub(super) struct Roster {
    context: Context,
    world: World,
    served: HashMap<ConnectionRef, Told>,
    tasks: JoinSet<()>,
    /// Until all connections of the first list have had their turn.
    first: Option<Arc<Announcement>>,
}

/// How a connection's task is told what changes. It ends when this is dropped.
struct Told {
    wanted: watch::Sender<Wanted>,
    seen: watch::Sender<Seen>,
}

impl Roster {
    pub(super) fn new(context: Context, first: Announcement) -> Roster {
        let first = Some(Arc::new(first));
        Roster { context, world: World::default(), served: HashMap::new(), tasks: JoinSet::new(), first }
    }

    /// Serves whom the changes tell of, until `end`.
    pub(super) async fn run(mut self, mut changes: mpsc::Receiver<Change>, beat: Heartbeat, end: CancellationToken) {
        let mut life = interval(BEAT);
        loop {
            tokio::select! {
                biased;
                () = end.cancelled() => break,
                _ = life.tick() => beat.beat(),
                Some(change) = changes.recv() => self.take(change),
                Some(_) = self.tasks.join_next() => {}
            }
        }
        self.tasks.shutdown().await;
    }

    fn take(&mut self, change: Change) {
        let concerns = self.world.take(change);
        if concerns == Concerns::Nobody || !self.world.is_known() {
            return;
        }
        if matches!(concerns, Concerns::One(_) | Concerns::Everybody) {
            self.served.retain(|connection, _| {
                let stays = self.world.has(connection);
                if !stays {
                    tracing::info!(%connection, "a connection is gone");
                }
                stays
            });
        }
        let connections: Vec<_> = self.world.connections(&concerns).into_iter().cloned().collect();
        for connection in connections {
            self.tell(connection);
        }
        // Everybody of the first list has a task now, and each task its own part of the announcement.
        drop(self.first.take());
        self.context.metrics.connections.set(i64::try_from(self.served.len()).unwrap_or(i64::MAX));
    }

    fn tell(&mut self, connection: Connection) {
        let wanted = self.world.wanted(&connection);
        let Connection { identity, seen, .. } = connection;
        if let Some(told) = self.served.get(&identity) {
            told.wanted.send_if_modified(|now| replace(now, wanted));
            told.seen.send_if_modified(|now| replace(now, seen));
            return;
        }
        let (wanted, seen) = (watch::channel(wanted), watch::channel(seen));
        let served = Served {
            context: self.context.clone(),
            connection: identity.clone(),
            wanted: wanted.1,
            seen: seen.1,
            database: None,
            bell: Arc::default(),
        };
        self.tasks.spawn(serve(served, self.first.clone()));
        self.served.insert(identity, Told { wanted: wanted.0, seen: seen.0 });
    }
}

/// Replaces a value; false where it is the same.
fn replace<T: PartialEq>(now: &mut T, new: T) -> bool {
    let changed = *now != new;
    if changed {
        *now = new;
    }
    changed
}

/// A panic is a bug, and costs the connection that met it a moment; the others are not to blame.
async fn serve(mut served: Served, mut first: Option<Arc<Announcement>>) {
    while AssertUnwindSafe(served.serve(&mut first)).catch_unwind().await.is_err() {
        tracing::error!(connection = %served.connection, "serving a connection panicked, and begins again");
        drop(first.take());
        sleep(AFTER_PANIC).await;
    }
}
