//! One request over the wire and its answer to the last byte, within deadlines; redirects by our own rules.

use std::error::Error as _;
use std::sync::Once;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Proxy, Response, StatusCode};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use url::Url;

use super::answer::RawAnswer;
use super::{Error, Instance, Phase};

/// How long each part of an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// To connect, TLS included.
    pub connect: Duration,
    /// From the request to the first byte of the answer. GitLab's own limit is 60 s for REST and 30 s for GraphQL.
    pub headers: Duration,
    /// Between two pieces of the body.
    pub chunk: Duration,
    /// For the whole exchange, so that a trickle ends too.
    pub total: Duration,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines {
            connect: Duration::from_secs(10),
            headers: Duration::from_secs(65),
            chunk: Duration::from_secs(30),
            total: Duration::from_secs(300),
        }
    }
}

/// The largest answer that we hold in memory. A page of GraphQL with a hundred merge requests is below 2 MB.
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// GitLab needs one hop for a moved project; more than this is a loop.
const MOST_HOPS: usize = 5;

/// Makes `ring` the TLS provider of this process. Does nothing the second time.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that somebody else installed one first, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[derive(Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    root: Url,
    deadlines: Deadlines,
    /// Where the token goes: `Authorization`, unless an extra header of that name belongs to a proxy before GitLab.
    token_header: HeaderName,
}

impl Transport {
    pub(super) fn new(instance: &Instance, deadlines: Deadlines, connections: usize) -> Result<Transport, Error> {
        install_tls();
        let headers = extra_headers(instance)?;
        let own_authorization = headers.contains_key(AUTHORIZATION);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("gitlab-connector/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(deadlines.connect)
            .pool_max_idle_per_host(connections)
            // Shorter than the servers' own: a write on a connection that is just being closed would be lost.
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            .tls_danger_accept_invalid_certs(instance.insecure_skip_verify);
        if let Some(bundle) = &instance.ca_bundle {
            builder = builder.tls_certs_merge(certificates(bundle)?);
        }
        if let Some(proxy) = &instance.proxy {
            builder = builder.proxy(proxy_of(proxy.expose_secret())?);
        }
        let http = builder.build().map_err(|error| settings("the HTTP client cannot be set up", &error))?;
        let token_header = if own_authorization { HeaderName::from_static("private-token") } else { AUTHORIZATION };
        Ok(Transport { http, root: root_of(&instance.url)?, deadlines, token_header })
    }

    /// GitLab's root, with a trailing slash.
    pub(super) fn root(&self) -> &Url {
        &self.root
    }

    /// The header value that carries a secret, marked so that nobody prints it.
    pub(super) fn token_value(&self, secret: &str) -> Option<HeaderValue> {
        let text = if self.token_header == AUTHORIZATION { format!("Bearer {secret}") } else { secret.to_owned() };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Sends and reads; follows redirects of reads within the instance.
    pub(super) async fn exchange(
        &self,
        method: &Method,
        url: Url,
        token: &HeaderValue,
        body: Option<&Vec<u8>>,
    ) -> Result<RawAnswer, Error> {
        let mut url = url;
        for _ in 0..MOST_HOPS {
            let exchange = self.one_hop(method, url.clone(), token, body);
            let total = self.deadlines.total;
            let answer = timeout(total, exchange).await.map_err(|_| Error::Timeout { phase: Phase::Body })??;
            let Some(location) = redirect(&answer) else {
                return Ok(answer);
            };
            let next = self.within_instance(&url, location, answer.status)?;
            if method != Method::GET {
                let message = "the address has moved, and only reads may follow".to_owned();
                return Err(Error::Rejected { status: answer.status, message });
            }
            url = next;
        }
        Err(Error::NotGitLab { status: 301, message: "it redirects in a circle".into() })
    }

    async fn one_hop(
        &self,
        method: &Method,
        url: Url,
        token: &HeaderValue,
        body: Option<&Vec<u8>>,
    ) -> Result<RawAnswer, Error> {
        let mut request = self.http.request(method.clone(), url).header(self.token_header.clone(), token);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = timeout(self.deadlines.headers, request.send())
            .await
            .map_err(|_| Error::Timeout { phase: Phase::Headers })?
            .map_err(|error| unsent(&error))?;
        self.read(response).await
    }

    async fn read(&self, mut response: Response) -> Result<RawAnswer, Error> {
        let too_large = Error::TooLarge { limit: LARGEST_BODY };
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if announced > LARGEST_BODY {
            return Err(too_large);
        }
        // A server may announce what it likes; memory is taken as the body arrives.
        let mut body = Vec::with_capacity(announced.min(1024 * 1024));
        loop {
            let chunk = timeout(self.deadlines.chunk, response.chunk())
                .await
                .map_err(|_| Error::Timeout { phase: Phase::Body })?
                .map_err(|error| Error::Broken { message: causes(&error) })?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(RawAnswer { status: response.status().as_u16(), headers, body })
    }

    /// The address to follow: the path and query that the redirect names, on the origin that we were told to use. A token
    /// never goes anywhere else, and never to a part of the host that is not GitLab's API.
    fn within_instance(&self, from: &Url, location: &str, status: u16) -> Result<Url, Error> {
        let target = from.join(location).map_err(|_| Error::NotGitLab {
            status,
            message: "it redirects to an address that cannot be read".into(),
        })?;
        if !self.is_ours(&target) {
            return Err(Error::RedirectedElsewhere { origin: target.origin().ascii_serialization() });
        }
        if !target.path().starts_with(&format!("{}api/", self.root.path())) {
            let message = "it redirects to a page outside of GitLab's API, as a login page does".to_owned();
            return Err(Error::NotGitLab { status, message });
        }
        let mut next = self.root.clone();
        next.set_path(target.path());
        next.set_query(target.query());
        Ok(next)
    }

    /// Same host and port. A proxy that ends TLS may make GitLab believe that it is served by plain http: that is the same
    /// place, and we go on with https. The other way round the user must say so.
    fn is_ours(&self, target: &Url) -> bool {
        let downgraded = self.root.scheme() == "https"
            && target.scheme() == "http"
            && (target.port().is_none() || target.port() == self.root.port());
        target.host() == self.root.host() && (target.origin() == self.root.origin() || downgraded)
    }
}

fn redirect(answer: &RawAnswer) -> Option<&str> {
    let status = StatusCode::from_u16(answer.status).ok()?;
    if !status.is_redirection() {
        return None;
    }
    answer.headers.get(LOCATION)?.to_str().ok()
}

/// GitLab's root as we keep it: no query, no `/api/v4`, one trailing slash.
fn root_of(url: &Url) -> Result<Url, Error> {
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(Error::Settings {
            message: "the GitLab URL must begin with http:// or https:// and name a host".into(),
        });
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api/v4").unwrap_or(path).trim_end_matches('/');
    let mut root = url.clone();
    root.set_path(&format!("{path}/"));
    root.set_query(None);
    root.set_fragment(None);
    // A password in the URL would be printed with it, and would take the place of the token. Both cannot fail for http.
    let _ = root.set_username("");
    let _ = root.set_password(None);
    Ok(root)
}

fn extra_headers(instance: &Instance) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in &instance.headers {
        let unusable =
            || Error::Settings { message: format!("extra header '{name}' cannot be sent as an HTTP header") };
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
        let mut value = HeaderValue::from_str(value.expose_secret().trim()).map_err(|_| unusable())?;
        value.set_sensitive(true);
        headers.append(parsed, value);
    }
    Ok(headers)
}

fn certificates(bundle: &[u8]) -> Result<Vec<reqwest::Certificate>, Error> {
    let certificates =
        reqwest::Certificate::from_pem_bundle(bundle).map_err(|error| settings("the CA bundle is not PEM", &error))?;
    if certificates.is_empty() {
        return Err(Error::Settings { message: "the CA bundle holds no certificate".into() });
    }
    Ok(certificates)
}

fn proxy_of(url: &str) -> Result<Proxy, Error> {
    // The proxy's URL may hold a password, so the cause is not quoted.
    let proxy =
        Proxy::all(url.trim()).map_err(|_| Error::Settings { message: "the proxy URL cannot be used".into() })?;
    Ok(proxy.no_proxy(reqwest::NoProxy::from_env()))
}

fn settings(what: &str, error: &reqwest::Error) -> Error {
    Error::Settings { message: format!("{what}: {}", causes(error)) }
}

/// What kept a request from being answered at all.
fn unsent(error: &reqwest::Error) -> Error {
    if let Some(message) = tls_failure(error) {
        return Error::Tls { message };
    }
    if error.is_timeout() {
        let phase = if error.is_connect() { Phase::Connect } else { Phase::Headers };
        return Error::Timeout { phase };
    }
    if error.is_connect() {
        return Error::Unreachable { message: causes(error) };
    }
    Error::Broken { message: causes(error) }
}

/// The TLS library's own error, wherever in the chain it hides: an `io::Error` does not show it as its source.
fn tls_failure(error: &reqwest::Error) -> Option<String> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(tls.to_string());
        }
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(tls.to_string());
        }
        next = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}

/// The chain of causes as one line, without the URL.
fn causes(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let text = innermost.to_string();
    match error.is_dns() {
        true => format!("its name cannot be resolved ({text})"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(url: &str) -> Transport {
        let instance = Instance::at(Url::parse(url).unwrap());
        Transport::new(&instance, Deadlines::default(), 4).unwrap()
    }

    #[test]
    fn roots_are_understood_however_they_are_typed() {
        for typed in [
            "https://host/gitlab",
            "https://host/gitlab/",
            "https://host/gitlab/api/v4",
            "https://host/gitlab/api/v4/?x",
        ] {
            assert_eq!(transport(typed).root().as_str(), "https://host/gitlab/", "{typed}");
        }
        assert_eq!(transport("https://host").root().as_str(), "https://host/");
    }

    #[test]
    fn redirects_stay_within_the_instance() {
        let transport = transport("https://host/gitlab/");
        let from = Url::parse("https://host/gitlab/api/v4/projects/a%2Fb").unwrap();
        let follow = |location| transport.within_instance(&from, location, 301);

        for moved in [
            "https://host/gitlab/api/v4/projects/7?x=1",
            "http://host/gitlab/api/v4/projects/7?x=1",
            "/gitlab/api/v4/projects/7?x=1",
        ] {
            assert_eq!(follow(moved).unwrap().as_str(), "https://host/gitlab/api/v4/projects/7?x=1");
        }
        for elsewhere in ["https://evil/gitlab/api/v4/x", "https://host:8443/gitlab/api/v4/x", "//evil/gitlab/api/v4/x"]
        {
            assert!(matches!(follow(elsewhere), Err(Error::RedirectedElsewhere { .. })), "{elsewhere}");
        }
        for page in ["/users/sign_in", "/other/api/v4/x", "https://host/gitlab/users/sign_in"] {
            assert!(matches!(follow(page), Err(Error::NotGitLab { .. })), "{page}");
        }
    }

    #[test]
    fn an_upgrade_to_https_must_be_written_into_the_url() {
        let transport = transport("http://host/");
        let from = Url::parse("http://host/api/v4/version").unwrap();

        let answer = transport.within_instance(&from, "https://host/api/v4/version", 301);

        assert_eq!(answer, Err(Error::RedirectedElsewhere { origin: "https://host".into() }));
    }

    #[test]
    fn unusable_settings_are_named_without_their_secrets() {
        let unusable = |change: fn(&mut Instance)| {
            let mut instance = Instance::at(Url::parse("https://host/").unwrap());
            change(&mut instance);
            Transport::new(&instance, Deadlines::default(), 4).unwrap_err().to_string()
        };

        assert!(unusable(|i| i.ca_bundle = Some(b"no pem".to_vec())).contains("CA bundle"));
        let proxy = unusable(|i| i.proxy = Some("http://me:hunter2@[bad".into()));
        assert!(proxy.contains("proxy") && !proxy.contains("hunter2"), "{proxy}");
        let header = unusable(|i| i.headers = vec![("X-Pass".into(), "hun\nter2".into())]);
        assert!(header.contains("X-Pass") && !header.contains("ter2"), "{header}");
    }

    #[test]
    fn a_proxys_own_authorization_makes_the_token_travel_as_private_token() {
        let headers = vec![("authorization".to_owned(), "Basic abc".into())];
        let instance = Instance { headers, ..Instance::at(Url::parse("https://host/").unwrap()) };

        let transport = Transport::new(&instance, Deadlines::default(), 4).unwrap();

        assert_eq!(transport.token_header, "private-token");
        assert_eq!(transport.token_value("glpat-x").unwrap(), "glpat-x");
    }
}
