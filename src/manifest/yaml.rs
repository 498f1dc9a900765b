//! YAML documents as JSON, with the line of every field.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use super::{Error, Origin};

/// One document.
pub(super) struct Document {
    /// What it says.
    pub(super) value: Value,
    /// Line of each field, by its path; the empty path is the document.
    lines: BTreeMap<String, u64>,
    file: String,
}

impl Document {
    /// Where a field is; for one that is missing, where the nearest field around it is.
    pub(super) fn origin(&self, path: &str) -> Origin {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Origin { file: self.file.clone(), line: *line };
            }
            let Some(cut) = path.rfind(['.', '[']) else {
                break;
            };
            path = &path[..cut];
        }
        Origin { file: self.file.clone(), line: self.lines.get("").copied().unwrap_or(1) }
    }

    /// The items of a `List`, each as a document of its own.
    pub(super) fn items(self) -> Vec<Self> {
        let Value::Object(mut fields) = self.value else {
            return Vec::new();
        };
        let Some(Value::Array(items)) = fields.remove("items") else {
            return Vec::new();
        };
        let item = |(index, value)| {
            let prefix = format!("items[{index}]");
            let lines = self.lines.iter().filter_map(|(path, line)| {
                let rest = path.strip_prefix(&prefix)?;
                Some((rest.strip_prefix('.').unwrap_or(rest).to_owned(), *line))
            });
            Self { value, lines: lines.collect(), file: self.file.clone() }
        };
        items.into_iter().enumerate().map(item).collect()
    }
}

/// Splits a text into its documents; empty ones are left out.
pub(super) fn documents(text: &str, file: &str) -> Result<Vec<Document>, Error> {
    let nodes: Vec<Spanned<Node>> = serde_saphyr::from_multiple(text).map_err(|error| {
        // The snippet of source that the error could show might hold a secret.
        let error = error.without_snippet();
        let line = error.location().map_or(1, |location| location.line());
        Error::Yaml { origin: Origin { file: file.to_owned(), line }, message: error.to_string() }
    })?;
    let document = |node: Spanned<Node>| {
        let mut lines = BTreeMap::new();
        let value = place(node, String::new(), &mut lines);
        Document { value, lines, file: file.to_owned() }
    };
    Ok(nodes.into_iter().map(document).collect())
}

fn place(node: Spanned<Node>, path: String, lines: &mut BTreeMap<String, u64>) -> Value {
    let value = match node.value {
        Node::Scalar(value) => value,
        Node::List(items) => {
            let item = |(index, item)| place(item, format!("{path}[{index}]"), lines);
            Value::Array(items.into_iter().enumerate().map(item).collect())
        }
        Node::Map(fields) => {
            let mut map = Map::new();
            for (key, field) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let value = place(field, path, lines);
                map.insert(key, value);
            }
            Value::Object(map)
        }
    };
    lines.insert(path, node.referenced.line());
    value
}

/// A YAML node whose children know their lines.
enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(String, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(Value::String(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = access.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a: 1\nlist:\n  - x\n  - y: true\n---\n# nothing but a comment\n---\nb:\n  c: 2025-01-01\n";

    #[test]
    fn fields_know_their_lines_across_documents() {
        let documents = documents(TEXT, "file.yaml").unwrap();

        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].value, serde_json::json!({"a": 1, "list": ["x", {"y": true}]}));
        assert_eq!(documents[0].origin("list[1].y").line, 4);
        assert_eq!(documents[0].origin("list[0]").line, 3);
        assert_eq!(documents[1].value, serde_json::json!({"b": {"c": "2025-01-01"}}));
        assert_eq!(documents[1].origin("b.c").line, 9);
        assert_eq!(documents[1].origin("b.missing").to_string(), "file.yaml:9");
    }

    #[test]
    fn what_is_not_yaml_is_refused_with_its_line_and_without_its_text() {
        let Err(error) = documents("a: 1\ntoken: 'hush-hush\nb: [\n", "file.yaml") else { panic!("not refused") };

        let text = error.to_string();
        assert!(text.starts_with("file.yaml:"), "{text}");
        assert!(!text.contains("hush-hush"), "{text}");
    }
}
