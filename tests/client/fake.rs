//! A server of a few lines for faults of the protocol, which a well-behaved GitLab cannot show.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    /// 1 for the first request.
    pub(super) nth: usize,
}

impl Asked {
    /// The name of the token, given that its secret is `glpat-<name>`.
    pub(super) fn token(&self) -> Option<String> {
        let value = self.headers.get("authorization")?.to_str().ok()?;
        value.strip_prefix("Bearer glpat-").map(str::to_owned)
    }
}

pub(super) struct Fake {
    pub(super) url: String,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Answers every request with what the closure makes of it.
    pub(super) async fn serve(answer: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (log.clone(), Arc::new(answer));
        let router = Router::new().fallback(move |request: Request<Body>| {
            let (seen, answer) = (seen.clone(), answer.clone());
            async move {
                let mut seen = seen.lock().unwrap();
                let asked = Asked {
                    method: request.method().clone(),
                    target: request.uri().to_string(),
                    headers: request.headers().clone(),
                    nth: seen.len() + 1,
                };
                seen.push(asked.clone());
                drop(seen);
                answer(&asked)
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Fake { url, log }
    }

    pub(super) fn log(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    pub(super) fn targets(&self) -> Vec<String> {
        self.log().into_iter().map(|asked| asked.target).collect()
    }

    pub(super) fn tokens(&self) -> Vec<String> {
        self.log().iter().filter_map(Asked::token).collect()
    }
}

pub(super) fn json(status: u16, body: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

pub(super) fn with_headers(mut response: Response<Body>, headers: &[(&'static str, &str)]) -> Response<Body> {
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

pub(super) fn user(id: i64) -> Response<Body> {
    json(200, &format!(r#"{{"id":{id},"username":"user{id}"}}"#))
}

/// Says the same raw bytes to every connection, then falls silent or hangs up.
pub(super) async fn raw(bytes: &'static [u8], hang_up: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(bytes).await;
                if !hang_up {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    url
}
