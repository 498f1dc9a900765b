//! What a request asks for: query and body, merged as Grape merges them.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Failure;

/// Named values; a name may come several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    query: String,
    pairs: Vec<(String, Value)>,
}

impl Args {
    /// Reads a query string, a JSON body or a form.
    pub(crate) fn read(query: &str, content_type: &str, body: &[u8]) -> Args {
        let mut pairs = form(query);
        if content_type.starts_with("application/x-www-form-urlencoded") {
            pairs.extend(form(&String::from_utf8_lossy(body)));
        } else if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
            pairs.extend(fields);
        }
        Args { query: query.to_owned(), pairs }
    }

    /// Whether nothing was sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The value of a name, the last one if it came twice.
    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        self.pairs.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// A string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.raw(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    /// A truth; GitLab also takes `1`, `yes`, `on`.
    pub(crate) fn truth(&self, name: &str) -> Option<bool> {
        let text = self.text(name)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
            "false" | "0" | "no" | "off" | "f" | "n" | "" => Some(false),
            _ => None,
        }
    }

    /// An integer.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| Failure::param(&format!("{name} is invalid")))
    }

    /// A time, with any offset.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        let time = text.parse().ok().or_else(|| day().map(|day| day.timestamp()));
        time.map(Some).ok_or_else(|| Failure::param(&format!("{name} is invalid")))
    }

    /// A list: `name[]=1&name[]=2`, `name=1,2` or a JSON array.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let bracketed = format!("{name}[]");
        let mut found = Vec::new();
        for (known, value) in &self.pairs {
            if *known != name && *known != bracketed {
                continue;
            }
            match value {
                Value::Array(values) => found.extend(values.iter().map(text_of)),
                Value::String(text) => {
                    found.extend(text.split(',').map(|part| part.trim().to_owned()));
                }
                other => found.push(other.to_string()),
            }
        }
        found
    }

    /// The query with some of its names replaced, for `Link`.
    pub(crate) fn query_with(&self, changes: &[(&str, &str)]) -> String {
        let kept = self.query.split('&').filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !name.is_empty() && changes.iter().all(|(changed, _)| *changed != name)
        });
        let changed = changes.iter().map(|(name, value)| format!("{name}={value}"));
        kept.map(str::to_owned).chain(changed).collect::<Vec<_>>().join("&")
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn form(text: &str) -> Vec<(String, Value)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), Value::String(decode(value)))
        })
        .collect()
}

/// Undoes form encoding.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_in_brackets_commas_or_json() {
        let brackets = Args::read("iids%5B%5D=1&iids[]=2", "", b"");
        let json = Args::read("", "application/json", br#"{"iids":[1,2]}"#);

        assert_eq!(brackets.list("iids"), ["1", "2"]);
        assert_eq!(json.list("iids"), ["1", "2"]);
        assert_eq!(Args::read("iids=1,2", "", b"").list("iids"), ["1", "2"]);
    }

    #[test]
    fn a_plus_in_a_time_is_a_space_unless_encoded() {
        assert!(Args::read("after=2026-01-01T00:00:00%2B01:00", "", b"").time("after").is_ok());
        assert!(Args::read("after=nonsense", "", b"").time("after").is_err());
    }
}
