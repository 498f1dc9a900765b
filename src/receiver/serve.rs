//! Serves HTTP/1.1 with a bound on everything by which a client could hold us up.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

/// How long a client may take over its headers, or keep an idle connection. GitLab gives up after 10 s itself.
const HEADERS: Duration = Duration::from_secs(10);

/// Connections at once. At 1,000 deliveries a second, each answered within half a second, there is still room.
const CONNECTIONS: usize = 512;

/// How long requests in flight may take to end once we are asked to stop. None may take longer than 10 s.
const GRACE: Duration = Duration::from_secs(12);

/// Serves `router` on `listener` until `stop` resolves, then lets the requests in flight end.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS);
    let mut stop = pin!(stop);

    loop {
        // A place first: what cannot be served yet waits in the listener's backlog.
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, stream) = tokio::select! {
            () = &mut stop => break,
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => (place, stream),
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = http
            .serve_connection(TokioIo::new(prepare(stream)), service)
            .into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // A client that breaks off or is too slow is its own affair; what it sent in full is served.
            let _ = connection.await;
            drop(place);
        });
    }

    drop(listener);
    drop(router);
    if timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("some deliveries were still in flight when the time to stop was over");
    }
}

/// Answers are small and awaited: none should wait for a packet to fill.
fn prepare(stream: TcpStream) -> TcpStream {
    let _ = stream.set_nodelay(true);
    stream
}

/// A connection that failed before it was accepted costs nothing. Out of file descriptors does: it stays so for a while.
async fn pause_after(error: &io::Error) {
    let gone = [
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionRefused,
    ];
    if gone.contains(&error.kind()) {
        return;
    }
    tracing::warn!(%error, "cannot accept connections");
    sleep(Duration::from_millis(250)).await;
}
