//! What Rails and nginx put on every answer: tags for caches, ids, security headers, compression.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher as _;
use std::io::Write as _;
use std::time::Instant;

use axum::body::Bytes;
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::incoming::Incoming;
use super::reply::set;

/// nginx does not compress what is smaller.
const SMALLEST_GZIP: usize = 20;

/// One request's time and id.
#[derive(Debug)]
pub(super) struct Visit {
    /// A ULID, as GitLab's correlation ids are.
    id: String,
    begin: Instant,
    https: bool,
}

impl Visit {
    /// A request has come.
    pub(super) fn begin(https: bool) -> Visit {
        Visit { id: ulid(), begin: Instant::now(), https }
    }

    /// Puts on an answer what Rails puts on it. A reader who has it already gets 304 and no body.
    pub(super) fn rails(&self, incoming: &Incoming, parts: &mut Parts, body: Bytes) -> Bytes {
        let headers = &mut parts.headers;
        set(headers, "x-request-id", &self.id);
        set(headers, "x-gitlab-meta", &format!(r#"{{"correlation_id":"{}","version":"1"}}"#, self.id));
        set(headers, "x-runtime", &format!("{:.6}", self.begin.elapsed().as_secs_f64()));
        set(headers, "x-content-type-options", "nosniff");
        set(headers, "x-frame-options", "SAMEORIGIN");
        set(headers, "vary", "Origin");
        // Rack::ETag tags every answer of 200 and 201 with a body, whatever the method.
        let tagged = matches!(parts.status, StatusCode::OK | StatusCode::CREATED) && !body.is_empty();
        if !tagged {
            set(headers, "cache-control", "no-cache");
            return body;
        }
        let tag = etag(&body);
        set(headers, "etag", &tag);
        set(headers, "cache-control", "max-age=0, private, must-revalidate");
        let reads = matches!(incoming.method, Method::GET | Method::HEAD);
        if reads && parts.status == StatusCode::OK && incoming.header("if-none-match") == Some(tag.as_str()) {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(header::CONTENT_TYPE);
            return Bytes::new();
        }
        body
    }

    /// Puts on an answer what nginx puts on it, and compresses what the client lets it.
    pub(super) fn nginx(&self, incoming: &Incoming, parts: &mut Parts, body: Bytes) -> Bytes {
        set(&mut parts.headers, "server", "nginx");
        set(&mut parts.headers, "referrer-policy", "strict-origin-when-cross-origin");
        if self.https {
            set(&mut parts.headers, "strict-transport-security", "max-age=63072000");
        }
        let status = matches!(parts.status, StatusCode::OK | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
        if !status || body.len() < SMALLEST_GZIP || !is_text(&parts.headers) {
            return body;
        }
        parts.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if incoming.version < Version::HTTP_11 || !accepts_gzip(incoming) {
            return body;
        }
        set(&mut parts.headers, "content-encoding", "gzip");
        gzip(&body)
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    ["application/json", "text/html", "text/plain"].iter().any(|text| kind.starts_with(text))
}

/// Whether `Accept-Encoding` names gzip without forbidding it.
fn accepts_gzip(incoming: &Incoming) -> bool {
    let accepted = incoming.header("accept-encoding").unwrap_or_default();
    accepted.split(',').any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    drop(encoder.write_all(body));
    Bytes::from(encoder.finish().unwrap_or_default())
}

/// A weak tag that looks as Rack's; it only needs to be another one for another body.
fn etag(body: &[u8]) -> String {
    let mut first = DefaultHasher::new();
    first.write(body);
    let first = first.finish();
    let mut second = DefaultHasher::new();
    second.write_u64(first);
    second.write_usize(body.len());
    format!("W/\"{first:016x}{:016x}\"", second.finish())
}

/// 48 bits of time and 80 of chance, in Crockford's digits.
fn ulid() -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let millis = u128::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
    let number = (millis << 80) | (fastrand::u128(..) >> 48);
    let digit = |place: u32| char::from(DIGITS[usize::try_from((number >> (place * 5)) & 31).unwrap_or_default()]);
    (0..26).rev().map(digit).collect()
}
