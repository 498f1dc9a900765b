//! Odd values, some of which no JSON library writes: those leave a mark in the text, which is replaced byte by byte.

use serde_json::{Map, Value, json};

use crate::server::faults::Odd;

const LONE_SURROGATE: &str = "\u{F8FF}lone surrogate\u{F8FF}";
const INVALID_UTF8: &str = "\u{F8FF}invalid UTF-8\u{F8FF}";
const HUGE_NUMBER: &str = "\u{F8FF}huge number\u{F8FF}";
const AGAIN: &str = "\u{F8FF}again\u{F8FF}";

/// The marks, in quotes where the quotes go too, and what they become.
const MARKS: [(&str, &[u8]); 5] = [
    (LONE_SURROGATE, b"\\ud800"),
    (INVALID_UTF8, b"\xff\xfe\x80"),
    ("\"\u{F8FF}huge number\u{F8FF}\"", b"18446744073709551617"),
    (HUGE_NUMBER, b"18446744073709551617"),
    (AGAIN, b""),
];

/// A key that becomes the name once more.
pub(super) fn again(name: &str) -> String {
    format!("{name}{AGAIN}")
}

/// The bytes with every mark replaced.
pub(super) fn raw(text: Vec<u8>) -> axum::body::Bytes {
    // Every mark begins with this byte, or with it after a quote; most texts have none.
    if !text.contains(&LONE_SURROGATE.as_bytes()[0]) {
        return text.into();
    }
    MARKS.iter().fold(text, |text, (mark, bytes)| replaced(&text, mark.as_bytes(), bytes)).into()
}

fn replaced(text: &[u8], mark: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(tail) = rest.strip_prefix(mark) {
            out.extend_from_slice(bytes);
            rest = tail;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// Makes a property odd.
pub(super) fn put(object: &mut Map<String, Value>, name: &str, odd: &Odd) {
    let Some(value) = object.get(name) else {
        return;
    };
    if *odd == Odd::Absent {
        object.remove(name);
        return;
    }
    let odd = oddly(value, odd);
    object.insert(name.to_owned(), odd);
}

fn oddly(value: &Value, odd: &Odd) -> Value {
    let text = value.as_str().unwrap_or("odd");
    let number = value.as_i64().unwrap_or(1);
    match odd {
        Odd::Nul => json!(within(text, "\0")),
        Odd::LoneSurrogate => json!(within(text, LONE_SURROGATE)),
        Odd::InvalidUtf8 => json!(within(text, INVALID_UTF8)),
        Odd::HugeText => json!(text.chars().cycle().take(10 * 1024 * 1024).collect::<String>()),
        Odd::LongText => json!(text.chars().cycle().take(1_000).collect::<String>()),
        Odd::EmptyText => json!(""),
        Odd::YearZero => json!("0000-01-01T00:00:00.000Z"),
        Odd::YearTenThousand => json!("10000-01-01T00:00:00.000Z"),
        Odd::OffsetBeyondADay => json!("2026-01-16T05:56:22.000+25:00"),
        Odd::Beyond32Bits => numbered(value, "2147483648"),
        Odd::Beyond53Bits => numbered(value, "9007199254740993"),
        Odd::Beyond64Bits if value.is_string() => numbered(value, "18446744073709551617"),
        Odd::Beyond64Bits => json!(HUGE_NUMBER),
        Odd::Negative => json!(-number.abs().max(1)),
        Odd::Fraction => json!(value.as_f64().unwrap_or_default().trunc() + 0.5),
        Odd::Quoted => json!(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        Odd::Null | Odd::Absent => Value::Null,
        Odd::Value(value) => value.clone(),
    }
}

/// A text with something after its first letter.
fn within(text: &str, what: &str) -> String {
    let place = text.chars().next().map_or(0, char::len_utf8);
    format!("{}{what}{}", &text[..place], &text[place..])
}

/// A number, the digits of a text, or those at the end of a global id, replaced.
fn numbered(value: &Value, digits: &str) -> Value {
    match value.as_str() {
        Some(text) => json!(format!("{}{digits}", text.trim_end_matches(|letter: char| letter.is_ascii_digit()))),
        None => digits.parse::<i64>().map_or(Value::Null, |number| json!(number)),
    }
}
