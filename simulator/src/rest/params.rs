//! Declared parameters: what a route takes, as GitLab's Grape declares it.
//!
//! A room writes a table of [`Param`]s beside its routes and says `read("/groups", Nothing, list).takes(&[LIST, PAGED])`.
//! From the tables come the refusals (400), the defaults that handlers find in [`Args`], and the parameters in `Link`.
//! What is not declared, or not by this version or edition, is ignored without a word. A name that stands there twice counts
//! as the last one that this GitLab knows: `one_of("order_by", OLD).or("id"), one_of("order_by", NEW).or("id").since(17, 2)`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Args, Failure};
use crate::world::Settings;

/// What kind of value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Integer,
    Truth,
    Time,
    /// An id, `None` or `Any`.
    IdOrWild,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// `name[]=a&name[]=b` or `name=a,b`.
    Texts,
    /// The same with numbers.
    Integers,
    /// `name[]=a&name[]=b`, each one of these.
    SomeOf(&'static [&'static str]),
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Param {
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    required: bool,
    excludes: Option<&'static str>,
    since: (u32, u32),
    enterprise: bool,
}

const fn param(name: &'static str, kind: Kind) -> Param {
    Param { name, kind, default: None, required: false, excludes: None, since: (0, 0), enterprise: false }
}

pub(super) const fn text(name: &'static str) -> Param {
    param(name, Kind::Text)
}

pub(super) const fn integer(name: &'static str) -> Param {
    param(name, Kind::Integer)
}

pub(super) const fn truth(name: &'static str) -> Param {
    param(name, Kind::Truth)
}

pub(super) const fn time(name: &'static str) -> Param {
    param(name, Kind::Time)
}

pub(super) const fn id_or_wild(name: &'static str) -> Param {
    param(name, Kind::IdOrWild)
}

pub(super) const fn one_of(name: &'static str, values: &'static [&'static str]) -> Param {
    param(name, Kind::OneOf(values))
}

pub(super) const fn texts(name: &'static str) -> Param {
    param(name, Kind::Texts)
}

pub(super) const fn integers(name: &'static str) -> Param {
    param(name, Kind::Integers)
}

pub(super) const fn some_of(name: &'static str, values: &'static [&'static str]) -> Param {
    param(name, Kind::SomeOf(values))
}

/// What every list by pages takes (`lib/api/pagination_params.rb`).
pub(super) static PAGED: &[Param] = &[integer("page").or("1"), integer("per_page").or("20")];

/// The two ways to sort.
pub(super) static SORTS: &[&str] = &["asc", "desc"];

/// Who sees a group or a project.
pub(super) static VISIBILITIES: &[&str] = &["private", "internal", "public"];

impl Param {
    /// What it is where it is not sent.
    pub(super) const fn or(self, default: &'static str) -> Param {
        Param { default: Some(default), ..self }
    }

    /// It has to be sent.
    pub(super) const fn required(self) -> Param {
        Param { required: true, ..self }
    }

    /// It cannot be sent together with this one.
    pub(super) const fn excludes(self, other: &'static str) -> Param {
        Param { excludes: Some(other), ..self }
    }

    /// Since when it exists.
    pub(super) const fn since(self, major: u32, minor: u32) -> Param {
        Param { since: (major, minor), ..self }
    }

    /// Only Enterprise builds have it.
    pub(super) const fn enterprise(self) -> Param {
        Param { enterprise: true, ..self }
    }

    fn exists(&self, settings: &Settings) -> bool {
        settings.at_least(self.since.0, self.since.1) && (settings.edition.enterprise() || !self.enterprise)
    }

    /// The value as GitLab understands it, or what is wrong with it.
    fn understood(&self, args: &Args) -> Result<Option<Value>, String> {
        let name = self.name;
        let Some(sent) = args.raw(name) else {
            return Ok(self.default.map(|default| self.default_value(default)));
        };
        let invalid = || format!("{name} is invalid");
        let not_allowed = || format!("{name} does not have a valid value");
        let text = args.text(name).unwrap_or_default();
        // A blank is no value for what is not a text.
        let blank = text.is_empty() && !matches!(self.kind, Kind::Text | Kind::OneOf(_));
        if sent.is_null() || blank {
            return Ok(None);
        }
        let listed = matches!(self.kind, Kind::Texts | Kind::Integers | Kind::SomeOf(_));
        if !listed && (sent.is_array() || sent.is_object()) {
            return Err(invalid());
        }
        match self.kind {
            Kind::Text => Ok(json!(text)),
            Kind::Integer => text.parse::<i64>().map(Value::from).map_err(|_| invalid()),
            Kind::Truth => args.truth(name).map(Value::from).ok_or_else(invalid),
            Kind::Time => args.time(name).map(|_| json!(text)).map_err(|_| invalid()),
            Kind::IdOrWild if ["none", "any"].contains(&text.to_lowercase().as_str()) => Ok(json!(text)),
            Kind::IdOrWild => {
                let wrong = || format!("{name} should be an integer, None, or Any, however got {text}");
                text.parse::<i64>().map(Value::from).map_err(|_| wrong())
            }
            Kind::OneOf(values) if values.contains(&text.as_str()) => Ok(json!(text)),
            Kind::OneOf(_) => Err(not_allowed()),
            Kind::Texts => Ok(json!(args.list(name))),
            Kind::Integers => {
                let numbers: Result<Vec<i64>, _> = args.list(name).iter().map(|number| number.parse()).collect();
                numbers.map(Value::from).map_err(|_| invalid())
            }
            Kind::SomeOf(values) => {
                let sent = args.items(name);
                let known = sent.iter().all(|value| values.contains(&value.as_str()));
                if known { Ok(json!(sent)) } else { Err(not_allowed()) }
            }
        }
        .map(Some)
    }

    fn default_value(&self, default: &str) -> Value {
        match self.kind {
            Kind::Truth => json!(default == "true"),
            Kind::Integer => default.parse::<i64>().map_or(Value::Null, Value::from),
            _ => json!(default),
        }
    }

    /// What `Link` shows for a value that was sent: times lose their fractions, because Ruby's `DateTime#to_s` has none.
    fn linked(&self, value: &Value) -> Value {
        let time = value.as_str().filter(|_| matches!(self.kind, Kind::Time)).and_then(super::args::parse_time);
        time.map_or_else(|| value.clone(), |at: Timestamp| json!(at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()))
    }
}

/// Checks what was sent against what is declared, and puts the defaults in. All that is wrong is said at once, as Grape does.
pub(super) fn declare(tables: &[&[Param]], settings: &Settings, args: &mut Args) -> Result<(), Failure> {
    let all = || tables.iter().copied().flatten();
    let mut wrong = Vec::new();
    for (place, param) in all().enumerate() {
        let later = || all().skip(place + 1).filter(|other| other.name == param.name);
        if later().any(|other| other.exists(settings)) {
            continue;
        }
        if !param.exists(settings) {
            let known = all().any(|other| other.name == param.name && other.exists(settings));
            if !known {
                args.remove(param.name);
            }
            continue;
        }
        if param.required && args.raw(param.name).is_none() {
            wrong.push(format!("{} is missing", param.name));
            continue;
        }
        if let Some(other) = param.excludes.filter(|other| args.raw(param.name).is_some() && args.raw(other).is_some())
        {
            wrong.push(format!("{}, {other} are mutually exclusive", param.name));
        }
        match param.understood(args) {
            Ok(Some(value)) => args.set(param.name, value),
            Ok(None) => {}
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::param(&wrong.join(", "))) }
}

/// The arguments as `Link` repeats them.
pub(super) fn linked(tables: &[&[Param]], args: &Args) -> Args {
    let mut shown = args.clone();
    for param in tables.iter().copied().flatten() {
        if let Some(value) = args.raw(param.name) {
            shown.set(param.name, param.linked(value));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Edition, Version};

    static TAKEN: &[Param] = &[
        integer("author_id").excludes("author_username"),
        text("author_username"),
        one_of("sort", SORTS).or("desc"),
        one_of("order_by", &["id"]).or("id"),
        one_of("order_by", &["id", "merged_at"]).or("id").since(17, 2),
        truth("archived").or("false"),
        integers("approver_ids").enterprise(),
        texts("labels"),
        time("since"),
    ];

    fn read(query: &str, settings: &Settings) -> Result<Args, Value> {
        let mut args = Args::of_query(query);
        declare(&[TAKEN, PAGED], settings, &mut args).map(|()| args).map_err(|failure| failure.body)
    }

    #[test]
    fn defaults_are_there_without_being_sent() {
        let args = read("", &Settings::default()).unwrap();

        assert_eq!((args.text("sort").as_deref(), args.truth("archived")), (Some("desc"), Some(false)));
        assert_eq!(args.integer("per_page").unwrap(), Some(20));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let wrong = read("sort=x&author_id=1&author_username=ann&archived=maybe&page=a", &Settings::default());

        let error = "author_id, author_username are mutually exclusive, sort does not have a valid value, \
                     archived is invalid, page is invalid";
        assert_eq!(wrong.unwrap_err(), json!({ "error": error }));
    }

    #[test]
    fn what_a_version_or_an_edition_lacks_is_refused_or_ignored() {
        let old = Settings { version: Version::new(17, 1), ..Settings::default() };
        let community = Settings { edition: Edition::Community, ..Settings::default() };

        assert!(read("order_by=merged_at", &Settings::default()).is_ok());
        assert!(read("order_by=merged_at", &old).is_err());
        assert!(read("approver_ids[]=x", &Settings::default()).is_err());
        assert!(read("approver_ids[]=x", &community).unwrap().raw("approver_ids").is_none());
    }

    /// Derived from GitLab's `params.merge(…).to_query` (lib/gitlab/pagination/offset_header_builder.rb) and Rails.
    #[test]
    fn links_repeat_everything_sorted_with_arrays_and_without_fractions() {
        let args = read("labels=b,a&since=2026-01-05T10:00:00.500Z", &Settings::default()).unwrap();

        let expected = "archived=false&labels%5B%5D=b&labels%5B%5D=a&order_by=id&page=1&per_page=20\
                        &since=2026-01-05T10%3A00%3A00%2B00%3A00&sort=desc";
        assert_eq!(linked(&[TAKEN, PAGED], &args).to_query(), expected);
    }
}
