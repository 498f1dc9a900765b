//! Work that waits for a GitLab: it never holds up what Kubernetes alone decides, nor the work on another GitLab.
//!
//! Each connection has one piece of work at a time; a newer one calls the older one off and begins when that has ended. Work
//! of one user on one instance shares a lane, so that many connections to one slow GitLab do not ask it all at once; within a
//! lane what matters most goes first. Who ordered a piece of work is told when it has ended, and takes its outcome then.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{FutureExt as _, future::join_all};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::cluster::ConnectionRef;

/// Pieces of work of one lane that go on at once.
const PER_LANE: usize = 4;
/// Pieces of work that go on at once, so that any number of slow GitLabs costs a bounded amount of memory.
const AT_ONCE: usize = 256;

/// What goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    /// A connection goes, and somebody waits for that.
    Removal,
    /// Webhooks are made sure of.
    Hooks,
    /// It is found out what tokens can do.
    Verification,
}

/// A piece of work ended abnormally: a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panicked;

/// The work of all connections, which comes to a `T`. Clones are the same queue.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Arc<Mutex<State<T>>>,
    ended: mpsc::UnboundedSender<ConnectionRef>,
}

#[derive(Debug)]
struct State<T> {
    /// By the connection's UID: the last work that was ordered.
    works: HashMap<String, Work<T>>,
    /// How many go on in each lane.
    lanes: HashMap<String, usize>,
    going_on: usize,
    waiting: BTreeMap<Ticket, Waiting>,
    tickets: u64,
    depth: Gauge,
}

/// By what matters most, then by who came first.
type Ticket = (Priority, u64);

#[derive(Debug)]
struct Waiting {
    lane: String,
    admit: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Work<T> {
    ticket: Ticket,
    called_off: CancellationToken,
    /// Cancelled when it has ended, however it did.
    over: CancellationToken,
    outcome: Option<Result<T, Panicked>>,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), ended: self.ended.clone() }
    }
}

impl<T: Send + 'static> Queue<T> {
    /// An empty queue, and what tells whose work has ended. `depth` shows how many pieces wait for their turn.
    pub(super) fn new(depth: Gauge) -> (Self, mpsc::UnboundedReceiver<ConnectionRef>) {
        let (ended, endings) = mpsc::unbounded_channel();
        let state = State {
            works: HashMap::new(),
            lanes: HashMap::new(),
            going_on: 0,
            waiting: BTreeMap::new(),
            tickets: 0,
            depth,
        };
        (Self { state: Arc::new(Mutex::new(state)), ended }, endings)
    }

    /// Orders work for a connection, in place of what was ordered before. It is handed what tells it that it is called off.
    pub(super) fn order<F>(
        &self,
        at: &ConnectionRef,
        lane: String,
        priority: Priority,
        work: impl FnOnce(CancellationToken) -> F + Send + 'static,
    ) where
        F: Future<Output = T> + Send + 'static,
    {
        let (called_off, over) = (CancellationToken::new(), CancellationToken::new());
        let (ticket, before) = {
            let mut state = self.lock();
            state.tickets += 1;
            let ticket = (priority, state.tickets);
            let ordered = Work { ticket, called_off: called_off.clone(), over: over.clone(), outcome: None };
            (ticket, state.works.insert(at.uid.clone(), ordered))
        };
        let (queue, at) = (self.clone(), at.clone());
        tokio::spawn(async move {
            let _over = over.drop_guard();
            if let Some(before) = before {
                before.called_off.cancel();
                before.over.cancelled().await;
            }
            let turn = called_off.run_until_cancelled(queue.turn(ticket, lane)).await;
            let outcome = match turn {
                Some(_turn) => Some(AssertUnwindSafe(work(called_off)).catch_unwind().await.map_err(|_| Panicked)),
                None => None,
            };
            queue.end(&at, ticket, outcome);
        });
    }

    /// What is under way for a connection.
    pub(super) fn under_way(&self, uid: &str) -> Option<Priority> {
        let state = self.lock();
        state.works.get(uid).filter(|work| work.outcome.is_none() && !work.is_off()).map(|work| work.ticket.0)
    }

    /// Whether work is under way for a connection, or has ended and not been taken up.
    pub(super) fn has_work(&self, uid: &str) -> bool {
        self.lock().works.get(uid).is_some_and(|work| !work.is_off())
    }

    /// Calls off and forgets the work of connections that nobody knows any more.
    pub(super) fn keep(&self, is_known: impl Fn(&str) -> bool) {
        let mut state = self.lock();
        for (_, work) in state.works.iter().filter(|(uid, _)| !is_known(uid)) {
            work.called_off.cancel();
        }
        // What goes on ends by itself, and forgets itself then.
        state.works.retain(|uid, work| is_known(uid) || work.outcome.is_none());
    }

    /// What the last work that was ordered came to, once.
    pub(super) fn take(&self, uid: &str) -> Option<Result<T, Panicked>> {
        let mut state = self.lock();
        let outcome = state.works.get_mut(uid)?.outcome.take()?;
        state.works.remove(uid);
        Some(outcome)
    }

    /// Calls off what is under way for a connection, and forgets what came of it. Nobody is told of its end.
    pub(super) fn call_off(&self, uid: &str) {
        let mut state = self.lock();
        let Some(work) = state.works.get(uid) else { return };
        work.called_off.cancel();
        // What still goes on is kept, because the next work begins after it.
        if work.outcome.is_some() {
            state.works.remove(uid);
        }
    }

    /// Calls everything off, and waits for what cannot be left half done.
    pub(super) async fn close(&self) {
        let endings: Vec<_> = {
            let state = self.lock();
            state.works.values().filter(|work| work.outcome.is_none()).for_each(|work| work.called_off.cancel());
            state.works.values().map(|work| work.over.clone()).collect()
        };
        join_all(endings.iter().map(CancellationToken::cancelled)).await;
    }

    fn end(&self, at: &ConnectionRef, ticket: Ticket, outcome: Option<Result<T, Panicked>>) {
        {
            let mut state = self.lock();
            let Some(work) = state.works.get_mut(&at.uid).filter(|work| work.ticket == ticket) else { return };
            if work.is_off() || outcome.is_none() {
                state.works.remove(&at.uid);
                return;
            }
            work.outcome = outcome;
        }
        // Nobody listens any more where the process ends.
        let _ = self.ended.send(at.clone());
    }

    async fn turn(&self, ticket: Ticket, lane: String) -> Turn<T> {
        let (admit, admitted) = oneshot::channel();
        let turn = Turn { queue: self.clone(), ticket, lane: lane.clone() };
        {
            let mut state = self.lock();
            state.waiting.insert(ticket, Waiting { lane, admit });
            state.admit();
        }
        // The sender lives until it has sent.
        let _ = admitted.await;
        turn
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic elsewhere cannot leave these half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Work<T> {
    fn is_off(&self) -> bool {
        self.called_off.is_cancelled()
    }
}

impl<T> State<T> {
    /// Lets in whom there is room for.
    fn admit(&mut self) {
        while self.going_on < AT_ONCE {
            let has_room =
                |waiting: &Waiting| self.lanes.get(&waiting.lane).is_none_or(|going_on| *going_on < PER_LANE);
            let Some(ticket) = self.waiting.iter().find(|(_, waiting)| has_room(waiting)).map(|(ticket, _)| *ticket)
            else {
                break;
            };
            if let Some(Waiting { lane, admit }) = self.waiting.remove(&ticket) {
                *self.lanes.entry(lane).or_default() += 1;
                self.going_on += 1;
                // Whoever waits no more gives its turn back.
                let _ = admit.send(());
            }
        }
        self.depth.set(i64::try_from(self.waiting.len()).unwrap_or(i64::MAX));
    }

    fn leave(&mut self, lane: &str) {
        self.going_on -= 1;
        if let Some(going_on) = self.lanes.get_mut(lane) {
            *going_on -= 1;
            if *going_on == 0 {
                self.lanes.remove(lane);
            }
        }
    }
}

/// A place in the queue, and then in its lane; given back when dropped.
struct Turn<T> {
    queue: Queue<T>,
    ticket: Ticket,
    lane: String,
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.waiting.remove(&self.ticket).is_none() {
            state.leave(&self.lane);
        }
        state.admit();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    type Endings = mpsc::UnboundedReceiver<ConnectionRef>;

    fn queue() -> (Queue<u32>, Endings) {
        Queue::new(Gauge::default())
    }

    fn at(uid: &str) -> ConnectionRef {
        ConnectionRef { namespace: "metrics".to_owned(), name: uid.to_owned(), uid: uid.to_owned() }
    }

    /// Orders work that ends when it is called off, and not before.
    fn hang(queue: &Queue<u32>, uid: &str, lane: &str) {
        queue.order(&at(uid), lane.to_owned(), Priority::Verification, async |off| {
            off.cancelled().await;
            0
        });
    }

    fn order(queue: &Queue<u32>, uid: &str, lane: &str, number: u32) {
        queue.order(&at(uid), lane.to_owned(), Priority::Verification, async move |_| number);
    }

    async fn ended(endings: &mut Endings) -> String {
        endings.recv().await.unwrap().uid
    }

    #[tokio::test]
    async fn who_ordered_is_told_and_takes_the_outcome_once() {
        let (queue, mut endings) = queue();

        order(&queue, "a", "one", 7);

        assert_eq!(ended(&mut endings).await, "a");
        assert_eq!((queue.take("a"), queue.take("a"), queue.under_way("a")), (Some(Ok(7)), None, None));
    }

    #[tokio::test]
    async fn a_lane_that_is_full_of_work_that_hangs_holds_up_no_other() {
        let (queue, mut endings) = queue();
        for number in 0..3 * PER_LANE {
            hang(&queue, &number.to_string(), "slow");
        }

        order(&queue, "good", "fast", 1);

        assert_eq!(ended(&mut endings).await, "good");
        queue.close().await;
    }

    #[tokio::test]
    async fn in_a_lane_a_removal_goes_before_webhooks_and_those_before_verifications() {
        let (queue, mut endings) = queue();
        let began = Arc::new(Mutex::new(Vec::new()));
        for number in 0..PER_LANE {
            hang(&queue, &format!("hangs-{number}"), "one");
        }
        tokio::task::yield_now().await;
        for (uid, priority) in [("v", Priority::Verification), ("h", Priority::Hooks), ("r", Priority::Removal)] {
            let began = Arc::clone(&began);
            queue.order(&at(uid), "one".to_owned(), priority, async move |_| {
                began.lock().unwrap().push(uid);
                0
            });
        }
        tokio::task::yield_now().await;
        assert!(began.lock().unwrap().is_empty(), "the lane is full");

        queue.call_off("hangs-0");

        for _ in 0..3 {
            ended(&mut endings).await;
        }
        assert_eq!(*began.lock().unwrap(), ["r", "h", "v"]);
        queue.close().await;
    }

    #[tokio::test]
    async fn newer_work_calls_the_older_off_and_begins_when_that_has_ended() {
        let (queue, mut endings) = queue();
        let (still_there, gone) = (Arc::new(()), CancellationToken::new());
        let held = Arc::clone(&still_there);
        let may_end = gone.clone();
        queue.order(&at("a"), "one".to_owned(), Priority::Hooks, async move |off| {
            off.cancelled().await;
            // A change in GitLab that is under way.
            may_end.cancelled().await;
            drop(held);
            1
        });
        tokio::task::yield_now().await;

        let watched = Arc::clone(&still_there);
        queue.order(&at("a"), "one".to_owned(), Priority::Removal, async move |_| {
            // The test and this closure hold one each.
            u32::try_from(Arc::strong_count(&watched)).unwrap()
        });

        assert_eq!(queue.under_way("a"), Some(Priority::Removal));
        gone.cancel();
        assert_eq!(ended(&mut endings).await, "a");
        assert_eq!(queue.take("a"), Some(Ok(2)), "the older one had ended");
    }

    #[tokio::test]
    async fn what_was_called_off_leaves_nothing_and_its_place_to_others() {
        let (queue, mut endings) = queue();
        for number in 0..=PER_LANE {
            hang(&queue, &number.to_string(), "one");
        }
        tokio::task::yield_now().await;

        for number in 0..=PER_LANE {
            queue.call_off(&number.to_string());
            assert_eq!(queue.under_way(&number.to_string()), None);
        }
        order(&queue, "next", "one", 5);

        assert_eq!(ended(&mut endings).await, "next");
        queue.close().await;
        hang(&queue, "vanishes", "one");
        queue.keep(|uid| uid == "next");
        assert_eq!(queue.under_way("vanishes"), None);
        queue.keep(|_| true);
        queue.close().await;
        let state = queue.lock();
        assert!(state.works.keys().eq(["next"]) && state.lanes.is_empty() && state.going_on == 0, "{state:?}");
    }

    #[tokio::test]
    async fn work_that_panics_says_so_and_gives_its_place_back() {
        let (queue, mut endings) = queue();
        for _ in 0..=PER_LANE {
            queue.order(&at("a"), "one".to_owned(), Priority::Hooks, async |_| panic!("a bug"));
            ended(&mut endings).await;
            assert_eq!(queue.take("a"), Some(Err(Panicked)));
        }

        order(&queue, "b", "one", 1);

        assert_eq!(ended(&mut endings).await, "b");
    }
}
