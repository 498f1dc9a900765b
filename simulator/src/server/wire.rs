//! The wire: connections as they are accepted, which can be slowed down, broken off and refused on command.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What is known of a connection, and what is to become of it.
#[derive(Debug)]
pub(super) struct Line {
    peer: IpAddr,
    broken: AtomicBool,
    reset: AtomicBool,
    pace: AtomicU64,
}

impl From<IpAddr> for Line {
    fn from(peer: IpAddr) -> Line {
        Line { peer, broken: AtomicBool::new(false), reset: AtomicBool::new(false), pace: AtomicU64::new(0) }
    }
}

impl Line {
    /// Who is at the other end.
    pub(super) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Whether it ends.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Nothing more is sent, and the connection ends.
    pub(super) fn close(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// The same, with a reset instead of a farewell.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
        self.close();
    }

    /// From now on a byte at a time, with this long between them; nothing is the usual pace.
    pub(super) fn slow_down(&self, pause: Duration) {
        self.pace.store(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// A connection's line, for those who handle its requests.
#[derive(Clone, Debug)]
pub(super) struct Connection(pub(super) Arc<Line>);

impl Connected<IncomingStream<'_, Door>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Connection {
        Connection(Arc::clone(&stream.io().line))
    }
}

/// Where connections come in. While it is shut they are refused, as by a host on which nothing listens.
pub(super) struct Door {
    listener: Option<TcpListener>,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    open: watch::Receiver<bool>,
}

impl Door {
    /// A door that is open as long as the sender of `open` says so.
    pub(super) fn new(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        open: watch::Receiver<bool>,
    ) -> io::Result<Door> {
        let address = listener.local_addr()?;
        Ok(Door { listener: Some(listener), address, tls, open })
    }

    async fn next(&mut self) -> Option<(TcpStream, SocketAddr)> {
        if !*self.open.borrow_and_update() {
            self.listener = None;
            self.open.wait_for(|open| *open).await.ok()?;
        }
        if self.listener.is_none() {
            self.listener = TcpListener::bind(self.address).await.ok();
        }
        let listener = self.listener.as_ref()?;
        tokio::select! {
            accepted = listener.accept() => accepted.ok(),
            _ = self.open.changed() => None,
        }
    }
}

impl Listener for Door {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            let Some((stream, peer)) = self.next().await else {
                // The sender of `open` may be gone at the end; that must not be a busy loop.
                tokio::task::yield_now().await;
                continue;
            };
            // As nginx does; a delayed piece of an answer would look like latency.
            drop(stream.set_nodelay(true));
            let stream = match &self.tls {
                None => Stream::Plain(stream),
                // One that does not trust the certificate hangs up here.
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => Stream::Tls(Box::new(stream)),
                    Err(_) => continue,
                },
            };
            let line = Arc::new(Line::from(peer.ip()));
            return (Wire { stream, line, pause: None }, peer);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A connection.
pub(super) struct Wire {
    stream: Stream,
    line: Arc<Line>,
    pause: Option<Pin<Box<Sleep>>>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.reset.load(Ordering::Relaxed) {
            drop(self.stream.tcp().set_zero_linger());
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.line.broken.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let pace = self.line.pace.load(Ordering::Relaxed);
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let bytes = if pace > 0 { &bytes[..bytes.len().min(1)] } else { bytes };
        if pace > 0 {
            self.pause = Some(Box::pin(tokio::time::sleep(Duration::from_millis(pace))));
        }
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
