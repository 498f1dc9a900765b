//! Serves HTTP/1.1 with a bound on everything by which a client could hold us up.

use std::{future::pending, io, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::guests::{Guest, Guests};

/// How long a client may take until its first request is there. GitLab itself waits no longer for a whole delivery.
const FIRST: Duration = Duration::from_secs(10);

/// How long it may take over the headers of a later one, or keep an idle connection. Proxies keep idle ones for 60 s, and we
/// must not be the first to hang up: a delivery that is just being sent would be lost, and GitLab does not repeat it.
const HEADERS: Duration = Duration::from_secs(75);

/// Connections at once. At 1,000 deliveries a second, each answered within a second, there is still room.
const CONNECTIONS: usize = 1024;

/// How long a connection that was accepted waits for those who leave, before another is asked to.
const CROWDED: Duration = Duration::from_millis(20);

/// How long requests in flight may take to end once we are asked to stop. None may take longer than 10 s.
const GRACE: Duration = Duration::from_secs(12);

/// Serves `router` on `listener` until `stop` resolves, then lets the requests in flight end.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    serve_at_most(CONNECTIONS, listener, router, stop).await;
}

async fn serve_at_most(most: usize, listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(most));
    let guests = Arc::new(Guests::default());
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    // However this ends, no connection outlives it, nor what the router holds.
    let end = CancellationToken::new();
    let _end = end.clone().drop_guard();
    let mut stop = pin!(stop);

    loop {
        let accepted = async {
            let (stream, _) = listener.accept().await?;
            // What cannot be served yet waits, and those behind it in the listener's backlog.
            let place = place(&places, &guests).await?;
            Ok::<_, io::Error>((place, stream))
        };
        let (place, stream) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
        };
        let guest = Arc::new(guests.admit());
        let router = router.clone().layer(from_fn_with_state(Arc::clone(&guest), asked));
        let service = TowerToHyperService::new(router);
        let connection = http.serve_connection(TokioIo::new(prepare(stream)), service).into_owned();
        let connection = connections.watch(connection);
        let end = end.clone();
        tokio::spawn(async move {
            // A client that breaks off or is too slow is its own affair; what it sent in full is served.
            tokio::select! {
                _ = connection => {}
                () = end.cancelled() => {}
                () = guest.leave.cancelled() => {}
                () = never_asked(&guest) => {}
            }
            drop(place);
        });
    }

    drop(listener);
    drop(router);
    if timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("some deliveries were still in flight when the time to stop was over");
    }
}

/// A place for a connection that was accepted. While there is none, others leave as they become idle.
async fn place(places: &Arc<Semaphore>, guests: &Guests) -> io::Result<OwnedSemaphorePermit> {
    loop {
        if places.available_permits() == 0 {
            guests.make_room();
        }
        if let Ok(place) = timeout(CROWDED, Arc::clone(places).acquire_owned()).await {
            return place.map_err(io::Error::other);
        }
    }
}

/// Resolves when a client has taken too long over its first request.
async fn never_asked(guest: &Guest) {
    sleep(FIRST).await;
    if guest.asked() {
        pending::<()>().await;
    }
}

async fn asked(State(guest): State<Arc<Guest>>, mut request: Request, next: Next) -> Response {
    guest.asks();
    request.extensions_mut().insert(guest);
    next.run(request).await
}

/// Answers are small and awaited: none should wait for a packet to fill.
fn prepare(stream: TcpStream) -> TcpStream {
    let _ = stream.set_nodelay(true);
    stream
}

/// A connection that failed before it was accepted costs nothing. Out of file descriptors does: it stays so for a while.
async fn pause_after(error: &io::Error) {
    let gone = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionRefused];
    if gone.contains(&error.kind()) {
        return;
    }
    tracing::warn!(%error, "cannot accept connections");
    sleep(Duration::from_millis(250)).await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::Instant,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_never_ends_the_headers_is_hung_up_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Router::new(), pending()));
        let began = Instant::now();

        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\nhost: h").await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();

        assert_eq!(answer, b"");
        assert!(began.elapsed() >= FIRST && began.elapsed() < HEADERS, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_ends_the_headers_does_not_keep_us_from_ending() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let held = Arc::new(());
        let handler = |State(_): State<Arc<()>>| async {};
        let router = Router::new().route("/", get(handler)).with_state(Arc::clone(&held));
        let serving = tokio::spawn(serve(listener, router, sleep(Duration::from_secs(1))));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\nhost: h").await.unwrap();
        let began = Instant::now();

        serving.await.unwrap();
        sleep(Duration::from_millis(1)).await;

        assert!(began.elapsed() < GRACE + Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn strangers_that_hold_all_places_keep_nobody_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "served" }));
        tokio::spawn(serve_at_most(4, listener, router, pending()));
        let mut strangers = Vec::new();
        for _ in 0..9 {
            strangers.push(TcpStream::connect(address).await.unwrap());
        }

        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        timeout(FIRST / 2, stream.read_to_string(&mut answer)).await.unwrap().unwrap();

        assert!(answer.ends_with("served"), "{answer}");
    }
}
