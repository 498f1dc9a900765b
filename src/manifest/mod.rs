//! Manifests from files: parsed, defaulted, and held to the very rules that an API server applies.
//!
//! The rules are read from the CRD that [`crate::api`] generates: first its structural schema, then its CEL expressions, with
//! the messages that it carries. Nothing is checked here that a server would not check, and nothing twice. No value of a
//! Secret is ever part of a message.

mod reader;
mod schema;
mod yaml;

use std::{
    fmt,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{api::GitLabConnection, references::References};

pub use schema::Rules;

/// Where an object came from: `file.yaml:12`, or `standard input:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// File, or `standard input`.
    pub file: String,
    /// Line of the object, or of the field in question; counted from 1.
    pub line: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One rule that one field breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where the field is, or where it is missing.
    pub origin: Origin,
    /// Kind and name of the object, such as `GitLabConnection acme`.
    pub object: String,
    /// The field, such as `spec.scope.groups[0]`.
    pub field: String,
    /// What the rule is, in one word or as the CEL expression.
    pub rule: String,
    /// What is wrong, and what helps.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, object, field, message, rule: _ } = self;
        write!(f, "{origin}: {object}: {field}: {message}")
    }
}

/// Manifests that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not YAML.
    #[error("{origin}: not valid YAML: {message}")]
    Yaml {
        /// Where it stops being YAML.
        origin: Origin,
        /// What the parser says.
        message: String,
    },
    /// A document is of a kind that has no place here.
    #[error(
        "{origin}: {found} has no place here: give GitLabConnection (gitlab-connector.dev/v1alpha1), Secret or ConfigMap (v1)"
    )]
    Kind {
        /// Where it is.
        origin: Origin,
        /// Its kind and apiVersion.
        found: String,
    },
    /// Fields break rules.
    #[error("{}", lines(.0))]
    Invalid(Vec<Violation>),
    /// The same object is there twice.
    #[error("{object} is given twice, at {first} and at {second}: keep one of them")]
    Twice {
        /// Kind, namespace and name.
        object: String,
        /// Where it is first.
        first: Origin,
        /// Where it is again.
        second: Origin,
    },
    /// There is no connection in all the files.
    #[error("no GitLabConnection in {files}: add a document of that kind")]
    NoConnection {
        /// The files.
        files: String,
    },
}

fn lines(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A connection as it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Where it is.
    pub origin: Origin,
    /// Its namespace; `default` when the manifest names none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The connection, with defaults applied.
    pub connection: GitLabConnection,
}

/// All that the files hold.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The connections, in the order of the files.
    pub connections: Vec<Given>,
    /// The Secrets and ConfigMaps.
    pub references: References,
}

/// Reads manifests from files; `-` is standard input.
///
/// # Errors
/// [`Error`], with every violation of every document rather than the first.
pub fn read(paths: &[PathBuf]) -> Result<Manifests, Error> {
    let mut texts = Vec::new();
    for path in paths {
        texts.push(read_one(path)?);
    }
    let manifests = reader::collect(texts.iter().map(|(text, file)| (text.as_str(), file.as_str())))?;
    if manifests.connections.is_empty() {
        let files = texts.iter().map(|(_, file)| file.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Error::NoConnection { files });
    }
    Ok(manifests)
}

/// Reads manifests from a text; `origin` is the name of the text in messages.
///
/// # Errors
/// As [`read`], but a text without a connection is none.
pub fn parse(text: &str, origin: &str) -> Result<Manifests, Error> {
    reader::collect([(text, origin)])
}

fn read_one(path: &Path) -> Result<(String, String), Error> {
    if path == Path::new("-") {
        let file = "standard input".to_owned();
        let mut text = String::new();
        return match std::io::stdin().read_to_string(&mut text) {
            Ok(_) => Ok((text, file)),
            Err(source) => Err(Error::Read { file, source }),
        };
    }
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((text, file)),
        Err(source) => Err(Error::Read { file, source }),
    }
}
