//! Documents to objects: connections, and the Secrets and ConfigMaps that they name.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};

use super::{
    Error, Given, Manifests, Origin, Violation,
    schema::{Broken, Rules},
    yaml::{self, Document},
};
use crate::{api, references::Secret};

/// Reads all documents of all texts; each text comes with its name.
pub(super) fn collect<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Manifests, Error> {
    let mut reader = Reader {
        rules: Rules::of_connections(),
        manifests: Manifests::default(),
        seen: BTreeMap::new(),
        violations: Vec::new(),
    };
    for (text, file) in texts {
        for document in yaml::documents(text, file)? {
            reader.take(document)?;
        }
    }
    if reader.violations.is_empty() { Ok(reader.manifests) } else { Err(Error::Invalid(reader.violations)) }
}

struct Reader {
    rules: Rules,
    manifests: Manifests,
    seen: BTreeMap<String, Origin>,
    violations: Vec<Violation>,
}

/// A document whose kind and name are known.
struct Named {
    document: Document,
    kind: &'static str,
    namespace: String,
    name: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl Reader {
    fn take(&mut self, document: Document) -> Result<(), Error> {
        let text = |name: &str| document.value.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = match (text("apiVersion"), text("kind")) {
            ("v1", "Secret") => "Secret",
            ("v1", "ConfigMap") => "ConfigMap",
            ("v1", "List") => {
                return document.items().into_iter().try_for_each(|item| self.take(item));
            }
            (version, "GitLabConnection") if version.strip_prefix(api::GROUP) == Some("/v1alpha1") => {
                "GitLabConnection"
            }
            (version, kind) => {
                let found = format!("kind '{kind}' with apiVersion '{version}'");
                return Err(Error::Kind { origin: document.origin("kind"), found });
            }
        };
        let Some(named) = self.name(document, kind) else {
            return Ok(());
        };
        let object = format!("{} {}/{}", named.kind, named.namespace, named.name);
        let origin = named.document.origin("");
        match self.seen.entry(object) {
            Entry::Vacant(entry) => entry.insert(origin),
            Entry::Occupied(entry) => {
                let (object, first) = (entry.key().clone(), entry.get().clone());
                return Err(Error::Twice { object, first, second: origin });
            }
        };
        match kind {
            "Secret" => self.secret(&named),
            "ConfigMap" => self.config_map(&named),
            _ => self.connection(named),
        }
        Ok(())
    }

    fn name(&mut self, document: Document, kind: &'static str) -> Option<Named> {
        let metadata = |name: &str| document.value.get("metadata").and_then(|metadata| metadata.get(name));
        let name = metadata("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let namespace = metadata("namespace").and_then(Value::as_str).unwrap_or("default").to_owned();
        let named = Named { document, kind, namespace, name };
        let message = if named.name.is_empty() {
            "is required: add it"
        } else if is_name(&named.name) {
            return Some(named);
        } else {
            "must be lower-case letters, digits, '-' and '.', with a letter or digit at either end, such as acme"
        };
        self.broken(&named, Broken { field: "metadata.name".into(), rule: "name".into(), message: message.into() });
        None
    }

    fn connection(&mut self, named: Named) {
        let Value::Object(mut object) = named.document.value.clone() else {
            return;
        };
        // The schema speaks of the spec alone. A status is not a person's to write; an API server leaves it out as well.
        object.remove("status");
        let head = ["apiVersion", "kind", "metadata"].map(|name| object.remove_entry(name));
        let mut object = match self.rules.apply(Value::Object(object)) {
            Ok(object) => object,
            Err(broken) => {
                return broken.into_iter().for_each(|broken| self.broken(&named, broken));
            }
        };
        if let Some(fields) = object.as_object_mut() {
            fields.extend(head.into_iter().flatten());
        }
        match serde_json::from_value(object) {
            Ok(connection) => self.manifests.connections.push(Given {
                origin: named.document.origin(""),
                namespace: named.namespace,
                name: named.name,
                connection,
            }),
            // What the schema leaves open: parts of the metadata and quantities of podTemplate.
            Err(error) => {
                let message = error.to_string();
                self.broken(&named, Broken { field: "GitLabConnection".into(), rule: "type".into(), message });
            }
        }
    }

    fn secret(&mut self, named: &Named) {
        let mut data = BTreeMap::new();
        for (key, value) in self.entries(named, "data") {
            let bytes = BASE64_STANDARD.decode(value.split_whitespace().collect::<String>());
            match bytes.map(String::from_utf8) {
                Ok(Ok(text)) => drop(data.insert(key, text.into())),
                Ok(Err(_)) => self.not(named, &format!("data.{key}"), "must be text: it holds other bytes"),
                Err(_) => {
                    self.not(
                        named,
                        &format!("data.{key}"),
                        "must be base64: encode it, or move it to stringData as it is",
                    );
                }
            }
        }
        for (key, value) in self.entries(named, "stringData") {
            data.insert(key, value.into());
        }
        let labels = match named.document.value.pointer("/metadata/labels") {
            Some(Value::Object(labels)) => texts(labels),
            _ => BTreeMap::new(),
        };
        let secret = Secret { labels, data, ..Secret::default() };
        self.manifests.references.add_secret(&named.namespace, &named.name, secret);
    }

    fn config_map(&mut self, named: &Named) {
        let data = self.entries(named, "data").into_iter().collect();
        self.manifests.references.add_config_map(&named.namespace, &named.name, data);
    }

    /// Keys and texts of a map; what is no text is reported, without its value.
    fn entries(&mut self, named: &Named, map: &str) -> Vec<(String, String)> {
        let fields = match named.document.value.get(map) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Object(fields)) => fields.clone(),
            Some(_) => {
                self.not(named, map, "must be a map of keys to strings");
                return Vec::new();
            }
        };
        let mut entries = Vec::new();
        for (key, value) in fields {
            match value {
                Value::String(text) => entries.push((key, text)),
                _ => self.not(named, &format!("{map}.{key}"), "must be a string: put it in quotes"),
            }
        }
        entries
    }

    fn not(&mut self, named: &Named, field: &str, message: &str) {
        self.broken(named, Broken { field: field.into(), rule: "type".into(), message: message.into() });
    }

    fn broken(&mut self, named: &Named, broken: Broken) {
        let Broken { field, rule, message } = broken;
        let origin = named.document.origin(&field);
        self.violations.push(Violation { origin, object: named.to_string(), field, rule, message });
    }
}

fn texts(fields: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    fields.iter().filter_map(text).collect()
}

/// Whether an API server takes this as the name of an object.
fn is_name(name: &str) -> bool {
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(plain)
            && part.ends_with(plain)
            && part.chars().all(|character| plain(character) || character == '-')
    };
    name.len() <= 253 && name.split('.').all(part)
}
