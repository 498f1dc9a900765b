//! Forms, URL-encoded and multipart, with the nested names that Rack knows: `iids[]`, `not[labels]`, `headers[][key]`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

/// What Ruby's `CGI.escape` encodes; a space becomes `+` afterwards.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');

/// Reads a query string or a URL-encoded body.
pub(super) fn url_encoded(text: &str, into: &mut Map<String, Value>) {
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        insert(into, &decode(name), Value::String(decode(value)));
    }
}

/// Reads the fields of a multipart body. Files are left out: no route takes one.
pub(super) fn multipart(content_type: &str, body: &[u8], into: &mut Map<String, Value>) {
    let Some((_, boundary)) = content_type.split_once("boundary=") else {
        return;
    };
    let boundary = boundary.split(';').next().unwrap_or_default().trim().trim_matches('"');
    let body = String::from_utf8_lossy(body);
    for part in body.split(&format!("--{boundary}")).skip(1) {
        let Some((head, value)) = part.split_once("\r\n\r\n") else {
            continue;
        };
        let quoted = |key: &str| Some(head.split_once(&format!("; {key}=\""))?.1.split_once('"')?.0);
        if let Some(name) = quoted("name").filter(|_| quoted("filename").is_none()) {
            let value = value.strip_suffix("\r\n").unwrap_or(value);
            insert(into, name, Value::String(value.to_owned()));
        }
    }
}

/// The segments of a nested name: `not[labels][]` has `not`, `labels` and an empty one.
pub(super) fn segments(name: &str) -> impl Iterator<Item = &str> {
    let (head, rest) = name.split_once('[').map_or((name, None), |(head, rest)| (head, Some(rest)));
    let inner = rest.into_iter().flat_map(|rest| rest.trim_end_matches(']').split("]["));
    std::iter::once(head).chain(inner)
}

fn insert(into: &mut Map<String, Value>, name: &str, value: Value) {
    let segments: Vec<&str> = segments(name).collect();
    if let Some((head, rest)) = segments.split_first() {
        put(into.entry(*head).or_insert(Value::Null), rest, value);
    }
}

/// Puts a value below a place. `[]` appends; `[][key]` goes on with the last item until it has the key.
fn put(place: &mut Value, segments: &[&str], value: Value) {
    let Some((first, rest)) = segments.split_first() else {
        *place = value;
        return;
    };
    if !first.is_empty() {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        put(&mut place[*first], rest, value);
        return;
    }
    if !place.is_array() {
        *place = Value::Array(Vec::new());
    }
    let Value::Array(items) = place else { return };
    let goes_on = |item: &Value| item.is_object() && rest.first().is_some_and(|key| item.get(*key).is_none());
    if !items.last().is_some_and(goes_on) {
        items.push(Value::Null);
    }
    if let Some(last) = items.last_mut() {
        put(last, rest, value);
    }
}

/// Rails' `to_query`: sorted, arrays as `name[]`, objects as `name[key]`.
pub(super) fn to_query(values: &Map<String, Value>) -> String {
    let mut pairs: Vec<String> = values.iter().filter_map(|(name, value)| query_of(name, value)).collect();
    pairs.sort();
    pairs.join("&")
}

fn query_of(name: &str, value: &Value) -> Option<String> {
    let parts: Vec<String> = match value {
        Value::Array(items) => items.iter().filter_map(|item| query_of(&format!("{name}[]"), item)).collect(),
        Value::Object(fields) => {
            let mut parts: Vec<String> =
                fields.iter().filter_map(|(key, field)| query_of(&format!("{name}[{key}]"), field)).collect();
            parts.sort();
            parts
        }
        Value::Null => vec![format!("{}=", escape(name))],
        Value::String(text) => vec![format!("{}={}", escape(name), escape(text))],
        other => vec![format!("{}={other}", escape(name))],
    };
    (!parts.is_empty()).then(|| parts.join("&"))
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string().replace(' ', "+")
}

/// Undoes form encoding.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        let mut into = Map::new();
        url_encoded(text, &mut into);
        Value::Object(into)
    }

    #[test]
    fn names_nest_as_in_rack() {
        assert_eq!(read("iids[]=1&iids%5B%5D=2"), json!({ "iids": ["1", "2"] }));
        assert_eq!(read("not[labels][]=a&not[author_id]=3"), json!({ "not": { "labels": ["a"], "author_id": "3" } }));
        let pairs = "h[][key]=a&h[][value]=b&h[][key]=c";
        assert_eq!(read(pairs), json!({ "h": [{ "key": "a", "value": "b" }, { "key": "c" }] }));
        assert_eq!(read("a=1&a=2"), json!({ "a": "2" }));
    }

    #[test]
    fn queries_come_back_sorted_and_encoded() {
        let Value::Object(values) = read("b=x y&a[]=1&a[]=2&not[labels][]=ö") else { panic!("an object") };

        assert_eq!(to_query(&values), "a%5B%5D=1&a%5B%5D=2&b=x+y&not%5Blabels%5D%5B%5D=%C3%B6");
    }

    #[test]
    fn multipart_fields_are_read_and_files_left_out() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\nhttp://a\r\n--x\r\n\
                    Content-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n\r\ndata\r\n--x--\r\n";
        let mut into = Map::new();
        multipart("multipart/form-data; boundary=x", body.as_bytes(), &mut into);

        assert_eq!(Value::Object(into), json!({ "url": "http://a" }));
    }
}
