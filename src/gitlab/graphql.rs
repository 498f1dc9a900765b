//! GraphQL: one query out, data and errors back. HTTP 200 says little here, so the errors are recognised one by one.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::answer::RawAnswer;
use super::request::Request;
use super::send::{Received, decode};
use super::{Client, Error};

/// What GraphQL brought: data, errors, or some of both (fields that timed out are null, and named in `errors`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The data; `None` if the query was refused or the data does not fit because of the errors.
    pub data: Option<T>,
    /// What went wrong.
    pub errors: Vec<GraphqlError>,
}

/// One entry of `errors`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GraphqlError {
    /// GitLab's own words.
    #[serde(default)]
    pub message: String,
    /// Where in the data, as `project.mergeRequests.nodes.3.notes`.
    #[serde(default, deserialize_with = "dotted")]
    pub path: Option<String>,
    /// `extensions.code`, such as `undefinedField`.
    #[serde(default, rename = "extensions", deserialize_with = "code")]
    pub code: Option<String>,
}

impl GraphqlError {
    /// The error by its kind.
    pub fn kind(&self) -> Error {
        let message = self.message.clone();
        let says = |part: &str| message.to_lowercase().contains(part);
        let unknown = matches!(self.code.as_deref(), Some("undefinedField" | "argumentNotAccepted"))
            || (says("doesn't exist on type") || says("doesn't accept argument"));
        if unknown {
            return Error::UndefinedField { message };
        }
        if says("exceeds max complexity") || says("exceeds max depth") || says("query too large") {
            let mut numbers = message.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
            return Error::TooComplex { score: numbers.next(), limit: numbers.next(), message };
        }
        if says("fine-grained") && says("access denied") {
            return Error::WrongKind { status: 200, message };
        }
        if says("timeout on") || says("timed out") {
            return Error::QueryTimeout { message };
        }
        Error::Graphql { message }
    }
}

impl<T> Answer<T> {
    /// The data, if nothing is missing from it.
    ///
    /// # Errors
    /// The kind of the first error, also where partial data came with it.
    pub fn complete(self) -> Result<T, Error> {
        if let Some(error) = self.errors.first() {
            return Err(error.kind());
        }
        self.data.ok_or_else(|| Error::Graphql { message: "the answer holds neither data nor errors".into() })
    }
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Envelope<T> {
    #[serde(default = "nothing")]
    data: Option<T>,
    #[serde(default)]
    errors: Option<Vec<GraphqlError>>,
}

/// `#[serde(default)]` would ask for `T: Default`.
fn nothing<T>() -> Option<T> {
    None
}

impl Client {
    /// Asks one query. The name written in the document (`query MergeRequestPage(…)`) is the operation in metrics, spans
    /// and errors.
    ///
    /// # Errors
    /// Those of the transport, and `TooComplex`, `QueryTimeout`, `UndefinedField` or `Graphql` where the answer holds no
    /// usable data. Partial data is no error here: see [`Answer::complete`].
    pub async fn graphql<T: DeserializeOwned>(&self, query: &str, variables: &Value) -> Result<Answer<T>, Error> {
        let operation = operation_name(query);
        let body = serde_json::json!({ "query": query, "variables": variables });
        let body = serde_json::to_vec(&body)
            .map_err(|error| Error::Unexpected { operation: operation.clone(), message: error.to_string() })?;
        let request = Request::graphql(operation, body);
        let Envelope { data, errors } = self.send_with(&request, readable).await?.value;
        let mut errors = errors.unwrap_or_default();
        for error in &mut errors {
            self.shared.secrets.hide(&mut error.message);
        }
        match (data, errors.first()) {
            (None, Some(error)) => Err(error.kind()),
            (data, _) => Ok(Answer { data, errors }),
        }
    }
}

/// The envelope, without its data where that is unreadable because of the errors beside it: a field that timed out is null
/// even where the schema promises a value.
fn readable<T: DeserializeOwned>(request: &Request, answer: &RawAnswer) -> Result<Received<Envelope<T>>, Error> {
    let unreadable = match decode::<Envelope<T>>(request, answer) {
        Err(error @ Error::Unexpected { .. }) => error,
        other => return other,
    };
    match decode::<Envelope<IgnoredAny>>(request, answer) {
        Ok(received) if received.value.errors.as_ref().is_some_and(|errors| !errors.is_empty()) => {
            Ok(received.map(|envelope| Envelope { data: None, errors: envelope.errors }))
        }
        _ => Err(unreadable),
    }
}

/// The word after `query`, or `graphql` for an anonymous one.
fn operation_name(query: &str) -> String {
    let named = query.split_once("query").map(|(_, rest)| rest.trim_start()).unwrap_or_default();
    let name: String = named.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    if name.is_empty() { "graphql".into() } else { name }
}

fn dotted<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let path = Option::<Vec<Value>>::deserialize(deserializer)?;
    let part = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(path.map(|parts| parts.iter().map(part).collect::<Vec<_>>().join(".")))
}

fn code<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let extensions = Option::<Value>::deserialize(deserializer)?;
    Ok(extensions.and_then(|extensions| extensions.get("code")?.as_str().map(str::to_owned)))
}
