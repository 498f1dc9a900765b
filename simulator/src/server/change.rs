//! Changing the World, and what follows from it: webhooks that fire, and things that happen by themselves.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::deliver;
use super::shared::Shared;
use crate::world::{Outgoing, World};

/// Changes the World and lets the webhooks fire, in the background and in no promised order.
pub(crate) fn change<R>(
    shared: &Arc<Shared>,
    runtime: &tokio::runtime::Handle,
    change: impl FnOnce(&mut World) -> R,
) -> R {
    let (result, outbox, twice) = {
        let mut world = shared.write();
        let result = change(&mut world);
        (result, world.take_outbox(), world.settings.duplicate_webhooks)
    };
    for outgoing in outbox {
        let key = twice.then(|| format!("{:032x}", fastrand::u128(..)));
        if twice {
            send(shared, runtime, outgoing.clone(), key.clone());
        }
        send(shared, runtime, outgoing, key);
    }
    result
}

fn send(shared: &Arc<Shared>, runtime: &tokio::runtime::Handle, outgoing: Outgoing, key: Option<String>) {
    shared.in_flight.fetch_add(1, Ordering::SeqCst);
    let shared = Arc::clone(shared);
    runtime.spawn(async move {
        let shuffle = shared.read().settings.shuffle_webhooks;
        if shuffle {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..80))).await;
        }
        let worker = shared.workers.acquire().await;
        deliver::deliver(&shared, outgoing, key).await;
        drop(worker);
        shared.in_flight.fetch_sub(1, Ordering::SeqCst);
        shared.settled.notify_waiters();
    });
}

/// Lets things happen until the server stops.
pub(super) async fn live(shared: Arc<Shared>, per_minute: f64, mut stopped: watch::Receiver<bool>) {
    let mut random = fastrand::Rng::new();
    let runtime = tokio::runtime::Handle::current();
    loop {
        let pause = Duration::from_secs_f64((60.0 / per_minute.max(0.01)) * (0.3 + 1.4 * random.f64()));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        change(&shared, &runtime, |world| world.live(&mut random));
    }
}
