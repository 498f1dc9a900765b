//! What a request asks for: query and body, merged as Grape merges them.

use axum::http::Method;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::{Failure, form};

/// Named values, nested as Rack nests them: `not[labels]` names one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    query: String,
    values: Map<String, Value>,
}

impl Args {
    /// Reads a query string and a body: JSON, a URL-encoded form or a multipart one. GET has no body.
    pub(crate) fn read(method: &Method, query: &str, content_type: &str, body: &[u8]) -> Result<Args, Failure> {
        let mut args = Args::of_query(query);
        if body.is_empty() || method == Method::GET || method == Method::HEAD {
            return Ok(args);
        }
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            "application/x-www-form-urlencoded" => form::url_encoded(&String::from_utf8_lossy(body), &mut args.values),
            "multipart/form-data" => form::multipart(content_type, body, &mut args.values),
            "application/json" | "" => match serde_json::from_slice(body) {
                Ok(Value::Object(fields)) => args.values.extend(fields),
                Ok(_) => {}
                Err(_) => return Err(Failure::malformed()),
            },
            other => return Err(Failure::unsupported(other)),
        }
        Ok(args)
    }

    /// Reads a query string.
    pub(crate) fn of_query(query: &str) -> Args {
        let mut values = Map::new();
        form::url_encoded(query, &mut values);
        Args { query: query.to_owned(), values }
    }

    /// Whether nothing was sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The query string as it was sent.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// All of it as a query string, in Rails' order.
    pub(crate) fn to_query(&self) -> String {
        form::to_query(&self.values)
    }

    /// The value of a name.
    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        let mut segments = form::segments(name);
        let first = self.values.get(segments.next()?)?;
        segments.try_fold(first, |value, segment| value.get(segment))
    }

    /// Gives a name a value.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        let mut segments = form::segments(name);
        let mut place = self.values.entry(segments.next().unwrap_or_default()).or_insert(Value::Null);
        for segment in segments {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = &mut place[segment];
        }
        *place = value;
    }

    /// Forgets a name.
    pub(crate) fn remove(&mut self, name: &str) {
        match name.trim_end_matches(']').split_once('[') {
            None => drop(self.values.remove(name)),
            Some((head, key)) => {
                if let Some(fields) = self.values.get_mut(head).and_then(Value::as_object_mut) {
                    fields.remove(key);
                }
            }
        }
    }

    /// A string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.raw(name)? {
            Value::Null => None,
            other => Some(text_of(other)),
        }
    }

    /// A string that says something.
    pub(crate) fn filled(&self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())
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

    /// Whether a truth is asked for.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.truth(name) == Some(true)
    }

    /// An integer.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.filled(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| Failure::param(&format!("{name} is invalid")))
    }

    /// A time, with any offset.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = self.filled(name) else {
            return Ok(None);
        };
        parse_time(&text).map(Some).ok_or_else(|| Failure::param(&format!("{name} is invalid")))
    }

    /// A list: `name[]=1&name[]=2`, `name=1,2` or a JSON array.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let items = self.items(name);
        let parts = items.iter().flat_map(|item| item.split(',')).map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// The items of a list that commas do not split.
    pub(crate) fn items(&self, name: &str) -> Vec<String> {
        match self.raw(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(text_of).collect(),
            Some(one) => vec![text_of(one)],
        }
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A time as Ruby's `DateTime.parse` reads it: without an offset it is UTC. A `+` that was not encoded came as a space, and
/// what follows it is no offset any more.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let utc = |at: DateTime| at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    let exact = text.parse::<Timestamp>().ok();
    let day = || utc(text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()));
    let local = || utc(text.parse::<DateTime>().ok()?);
    let cut = || utc(text.rsplit_once(' ')?.0.parse::<DateTime>().ok()?);
    exact.or_else(local).or_else(day).or_else(cut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(content_type: &str, body: &str) -> Result<Args, Value> {
        let read = Args::read(&Method::POST, "", content_type, body.as_bytes());
        read.map_err(|failure| json!([failure.status.as_u16(), failure.body["error"]]))
    }

    #[test]
    fn lists_come_in_brackets_commas_or_json() {
        let json = read("application/json", r#"{"iids":[1,2]}"#).unwrap();

        assert_eq!(Args::of_query("iids%5B%5D=1&iids[]=2").list("iids"), ["1", "2"]);
        assert_eq!(json.list("iids"), ["1", "2"]);
        assert_eq!(Args::of_query("iids=1,2").list("iids"), ["1", "2"]);
        assert_eq!(Args::of_query("not[iids]=1,2").list("not[iids]"), ["1", "2"]);
    }

    #[test]
    fn a_plus_in_a_time_is_a_space_unless_encoded() {
        let at = |query: &str| Args::of_query(query).time("after").unwrap().unwrap().to_string();

        assert_eq!(at("after=2026-01-01T00:00:00%2B01:00"), "2025-12-31T23:00:00Z");
        assert_eq!(at("after=2026-01-01T00:00:00+01:00"), "2026-01-01T00:00:00Z");
        assert_eq!(at("after=2026-01-01"), "2026-01-01T00:00:00Z");
        assert!(Args::of_query("after=nonsense").time("after").is_err());
    }

    /// Grape's formatter (lib/grape/middleware/formatter.rb), where GitLab declares JSON alone.
    #[test]
    fn bodies_that_are_not_understood_are_refused() {
        let text = read("text/plain", "{}").unwrap_err();
        assert_eq!(text, json!([415, "The provided content-type 'text/plain' is not supported."]));
        let broken = read("application/json; charset=utf-8", "{").unwrap_err();
        assert_eq!(broken[0], 400);
        assert!(broken[1].as_str().unwrap().starts_with("\nProblem:\n  message body does not match declared format"));
        assert!(read("", "{}").is_ok(), "without a type it is JSON");
    }
}
