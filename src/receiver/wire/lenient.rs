//! Reading values that may be of any type, from whoever knows the secret: what is not of the documented type is passed over, and
//! never built. A body of 25 MB costs no more than itself.

use std::{fmt, marker::PhantomData};

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{
        Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

/// The most of a list that is read. GitLab itself allows 200 assignees and as many reviewers; beyond this nothing is believed.
const LONGEST_LIST: usize = 1_000;

/// The longest text, in bytes: GitLab takes descriptions and comments of a million characters.
const LONGEST_TEXT: usize = 4_000_000;

/// A value without parts; `Other` stands for everything else.
enum Scalar {
    Flag(bool),
    Number(i64),
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Scalar, D::Error> {
        value.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(number).map_or(Scalar::Other, Scalar::Number))
    }

    fn visit_f64<E: Error>(self, _number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(if text.len() <= LONGEST_TEXT { Scalar::Text(text.to_owned()) } else { Scalar::Other })
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Scalar, A::Error> {
        IgnoredAny.visit_seq(list).map(|_| Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Scalar, A::Error> {
        IgnoredAny.visit_map(object).map(|_| Scalar::Other)
    }
}

/// A number.
pub(super) fn number<'de, D: Deserializer<'de>>(value: D) -> Result<Option<i64>, D::Error> {
    Ok(match Scalar::deserialize(value)? {
        Scalar::Number(number) => Some(number),
        _ => None,
    })
}

/// A truth value.
pub(super) fn flag<'de, D: Deserializer<'de>>(value: D) -> Result<Option<bool>, D::Error> {
    Ok(match Scalar::deserialize(value)? {
        Scalar::Flag(flag) => Some(flag),
        _ => None,
    })
}

/// A text. PostgreSQL stores every character but NUL, which means nothing in a title.
pub(super) fn text<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    Ok(match Scalar::deserialize(value)? {
        Scalar::Text(text) if text.contains('\0') => Some(text.replace('\0', "")),
        Scalar::Text(text) => Some(text),
        _ => None,
    })
}

/// An instant.
pub(super) fn time<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(text(value)?.as_deref().and_then(read_time))
}

/// A list of numbers, and of nothing else.
pub(super) fn numbers<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Vec<i64>>, D::Error> {
    let list: Option<Vec<Scalar>> = parts(value, false)?;
    let number = |scalar| match scalar {
        Scalar::Number(number) => Some(number),
        _ => None,
    };
    Ok(list.and_then(|list| list.into_iter().map(number).collect()))
}

/// A list of objects. Another thing in its place makes the payload unreadable.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<Vec<T>>, D::Error> {
    parts(value, true)
}

/// An object.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    value.deserialize_any(ObjectVisitor(PhantomData))
}

fn parts<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D, strict: bool) -> Result<Option<Vec<T>>, D::Error> {
    value.deserialize_any(ListVisitor { strict, of: PhantomData })
}

/// `strict`: what is no list is an error.
struct ListVisitor<T> {
    strict: bool,
    of: PhantomData<T>,
}

impl<T> ListVisitor<T> {
    fn other<E: Error>(&self) -> Result<Option<Vec<T>>, E> {
        if self.strict { Err(E::custom("a list is expected")) } else { Ok(None) }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<Vec<T>>, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = list.next_element()? {
            read.push(item);
            if read.len() > LONGEST_LIST {
                return IgnoredAny.visit_seq(list).map(|_| None);
            }
        }
        Ok(Some(read))
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Vec<T>>, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _flag: bool) -> Result<Option<Vec<T>>, E> {
        self.other()
    }

    fn visit_i64<E: Error>(self, _number: i64) -> Result<Option<Vec<T>>, E> {
        self.other()
    }

    fn visit_u64<E: Error>(self, _number: u64) -> Result<Option<Vec<T>>, E> {
        self.other()
    }

    fn visit_f64<E: Error>(self, _number: f64) -> Result<Option<Vec<T>>, E> {
        self.other()
    }

    fn visit_str<E: Error>(self, _text: &str) -> Result<Option<Vec<T>>, E> {
        self.other()
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Option<Vec<T>>, A::Error> {
        if self.strict {
            return self.other();
        }
        IgnoredAny.visit_map(object).map(|_| None)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Option<T>, A::Error> {
        IgnoredAny::deserialize(SeqAccessDeserializer::new(list)).map(|_| None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _flag: bool) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _number: i64) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _number: u64) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _number: f64) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, _text: &str) -> Result<Option<T>, E> {
        Ok(None)
    }
}

/// Reads both forms that GitLab writes: `2026-01-16 05:56:22 UTC` and RFC 3339.
fn read_time(text: &str) -> Option<Timestamp> {
    match text.trim().strip_suffix("UTC") {
        Some(utc) => format!("{}Z", utc.trim_end()).parse().ok(),
        None => text.trim().replacen(" +", "+", 1).parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Read {
        #[serde(default, deserialize_with = "numbers")]
        numbers: Option<Vec<i64>>,
        #[serde(default, deserialize_with = "list")]
        list: Option<Vec<IgnoredAny>>,
        #[serde(default, deserialize_with = "text")]
        text: Option<String>,
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let expected: Timestamp = "2026-01-16T05:56:22Z".parse().unwrap();

        for text in [
            "2026-01-16 05:56:22 UTC",
            "2026-01-16T05:56:22Z",
            "2026-01-16T05:56:22.000Z",
            "2026-01-16T07:56:22+02:00",
            "2026-01-16 05:56:22 +0000",
        ] {
            assert_eq!(read_time(text), Some(expected), "{text}");
        }
        for text in ["", "UTC", "yesterday", "2026-01-16", "0000-00-00 00:00:00 UTC", "9999999-01-01 00:00:00 UTC"] {
            assert_eq!(read_time(text), None, "{text}");
        }
    }

    #[test]
    fn a_list_or_text_of_a_length_that_gitlab_never_sends_is_unknown_and_the_rest_is_read() {
        let zeros = vec!["0"; 100_000].join(",");
        let long = "x".repeat(LONGEST_TEXT + 1);

        let read: Read =
            serde_json::from_str(&format!(r#"{{"numbers": [{zeros}], "list": [{zeros}], "text": "good"}}"#)).unwrap();
        let large: Read =
            serde_json::from_str(&format!(r#"{{"numbers": [7], "list": [[]], "text": "{long}"}}"#)).unwrap();

        assert_eq!((read.numbers, read.list.is_none(), read.text.as_deref()), (None, true, Some("good")));
        assert_eq!((large.numbers, large.list.map(|list| list.len()), large.text), (Some(vec![7]), Some(1), None));
    }

    #[test]
    fn what_is_no_list_of_numbers_is_none() {
        for json in ["{}", "5", "null", "\"x\"", "true", "1.5", "[1, \"x\"]", "[1, null]", "[[1]]"] {
            let read: Read = serde_json::from_str(&format!(r#"{{"numbers": {json}, "text": "t"}}"#)).unwrap();
            assert_eq!((read.numbers, read.text.as_deref()), (None, Some("t")), "{json}");
        }
    }
}
