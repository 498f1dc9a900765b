//! One request as data: what it is called, where it goes, and whether it may be repeated.

use std::borrow::Cow;
use std::fmt;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use super::Error;
use super::redact::Secrets;

/// Which of GitLab's two APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    Rest,
    Graphql,
}

/// One request. A read may be sent again when the answer is lost; a write may not.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) operation: Cow<'static, str>,
    pub(super) method: Method,
    pub(super) body: Option<Vec<u8>>,
    /// What the body holds that no message may quote.
    pub(super) secrets: Secrets,
    api: Api,
    segments: Vec<String>,
    query: Vec<(Cow<'static, str>, String)>,
    read: bool,
}

impl Request {
    /// A read of `<root>/api/v4/<segments>`; segments are encoded, so a full path is one segment.
    pub(super) fn get<const N: usize>(operation: &'static str, segments: [&str; N]) -> Request {
        Request::at(operation, Method::GET, segments.into_iter())
    }

    /// Any REST request, without a body at first.
    pub(super) fn at<'a>(operation: &'static str, method: Method, segments: impl Iterator<Item = &'a str>) -> Request {
        Request {
            operation: Cow::Borrowed(operation),
            read: method == Method::GET,
            method,
            body: None,
            secrets: Secrets::default(),
            api: Api::Rest,
            segments: segments.map(str::to_owned).collect(),
            query: Vec::new(),
        }
    }

    /// A GraphQL query: sent by POST, yet a read. (We send no mutations.)
    pub(super) fn graphql(operation: String, body: Vec<u8>) -> Request {
        Request {
            operation: Cow::Owned(operation),
            method: Method::POST,
            body: Some(body),
            secrets: Secrets::default(),
            api: Api::Graphql,
            segments: Vec::new(),
            query: Vec::new(),
            read: true,
        }
    }

    /// Adds a query parameter.
    #[allow(clippy::needless_pass_by_value, reason = "numbers and literals read better without a borrow")]
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Request {
        self.query.push((Cow::Borrowed(name), value.to_string()));
        self
    }

    /// Adds a query parameter if there is a value.
    pub(super) fn with_some(self, name: &'static str, value: Option<impl ToString>) -> Request {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Sets the JSON body.
    pub(super) fn json(mut self, body: &impl Serialize) -> Result<Request, Error> {
        let encoded = serde_json::to_vec(body)
            .map_err(|error| Error::Unexpected { operation: self.operation.to_string(), message: error.to_string() })?;
        self.body = Some(encoded);
        Ok(self)
    }

    /// Says that the body holds this secret.
    pub(super) fn keeping(mut self, secret: Option<&SecretString>) -> Request {
        if let Some(secret) = secret {
            self.secrets.add(secret.expose_secret());
        }
        self
    }

    /// The same request with another query: a next page.
    pub(super) fn with_query(&self, query: Vec<(Cow<'static, str>, String)>) -> Request {
        Request { query, ..self.clone() }
    }

    /// The query as it stands in an address.
    pub(super) fn query_text(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish()
    }

    /// The value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The query with one parameter replaced.
    pub(super) fn query_with(&self, name: &'static str, value: String) -> Vec<(Cow<'static, str>, String)> {
        let mut query = self.query.clone();
        query.retain(|(key, _)| key != name);
        query.push((Cow::Borrowed(name), value));
        query
    }

    /// May be sent again when the answer was lost.
    pub(super) fn is_read(&self) -> bool {
        self.read
    }

    /// Asks GraphQL.
    pub(super) fn is_graphql(&self) -> bool {
        self.api == Api::Graphql
    }

    /// The address below `root`. The root's own path (a relative URL root) is joined, never replaced.
    pub(super) fn url(&self, root: &Url) -> Url {
        let mut url = root.clone();
        // A root is http(s), so it always has path segments; were it not, the request would fail as not found.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("api");
            match self.api {
                Api::Graphql => path.push("graphql"),
                Api::Rest => path.push("v4").extend(&self.segments),
            };
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(self.query.iter().map(|(key, value)| (key.as_ref(), value.as_str())));
        }
        url
    }
}

/// Without the body, which may hold a hook's secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("segments", &self.segments)
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_paths_are_one_encoded_segment_below_a_relative_root() {
        let root = Url::parse("https://host/gitlab/").unwrap();
        let request = Request::get("project", ["projects", "a/b c"]).with("since", "2026-01-01T00:00:00+02:00");

        let url = request.url(&root);

        assert_eq!(
            url.as_str(),
            "https://host/gitlab/api/v4/projects/a%2Fb%20c?since=2026-01-01T00%3A00%3A00%2B02%3A00"
        );
    }

    #[test]
    fn graphql_lies_beside_the_rest_api() {
        let root = Url::parse("https://host/").unwrap();

        let url = Request::graphql("Page".into(), Vec::new()).url(&root);

        assert_eq!(url.as_str(), "https://host/api/graphql");
    }
}
