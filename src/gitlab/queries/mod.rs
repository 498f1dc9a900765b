//! The GraphQL documents we send, in the variants that servers need, with the types of their answers.
//!
//! A document is put together from `Fields`, which add up what GitLab will charge for them: so the largest page that
//! fits under a server's complexity limit is known before the first request, and no request is spent on finding out.
//! Nothing here asks for file contents, blobs or the text of diffs.

pub mod access;
pub mod carried;
pub mod counts;
mod fields;
pub mod merge_request;
pub mod merge_requests;
pub mod moved;
pub mod pipelines;
pub mod scope;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::Error;

pub(crate) use fields::Fields;

/// What GitLab allows a query of a signed-in user to cost, unless the server says otherwise.
pub const DEFAULT_COMPLEXITY_LIMIT: u32 = 250;

/// The largest page any GitLab serves; a larger `first` is silently clamped to it.
pub const MAX_PAGE: u32 = 100;

/// Which GraphQL schema a server speaks. A field that it does not know would fail the whole query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Major and minor version, such as `(17, 2)`.
    pub version: (u32, u32),
    /// An Enterprise Edition build, licensed or not.
    pub enterprise: bool,
}

impl Dialect {
    /// The oldest schema we know, and so the oldest GitLab that is supported. Every query that is valid here is valid on all
    /// servers.
    pub const OLDEST: Dialect = Dialect { version: (15, 0), enterprise: false };

    /// Reads a version such as `16.11.10-ee` or `19.2.0-pre`; one that cannot be read counts as the oldest.
    #[must_use]
    pub fn new(version: &str, enterprise: bool) -> Dialect {
        let mut numbers = version.split(['.', '-']).map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Dialect { version: (major, minor), enterprise },
            _ => Dialect { enterprise, ..Dialect::OLDEST },
        }
    }

    /// Reads a version, if it is one that we can speak to.
    ///
    /// # Errors
    /// `TooOld` before [`Dialect::OLDEST`].
    pub fn of(version: &str, enterprise: bool) -> Result<Dialect, Error> {
        let dialect = Dialect::new(version, enterprise);
        let (major, minor) = Dialect::OLDEST.version;
        if dialect.since(major, minor) { Ok(dialect) } else { Err(Error::TooOld { version: version.to_owned() }) }
    }

    /// Whether the server is at least of this version.
    #[must_use]
    pub fn since(&self, major: u32, minor: u32) -> bool {
        self.version >= (major, minor)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.version;
        write!(f, "{major}.{minor}")
    }
}

/// Where a page of a list ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    /// Whether another page follows.
    #[serde(default)]
    pub has_next_page: bool,
    /// What to pass as `after` to read it.
    pub end_cursor: Option<String>,
}

impl PageInfo {
    /// The cursor of the next page, where there is one.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        if self.has_next_page { self.end_cursor.as_deref() } else { None }
    }
}

/// A page of a list inside an answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection<T> {
    /// The entries. GitLab puts a null where one could not be read.
    #[serde(default = "Vec::new")]
    pub nodes: Vec<Option<T>>,
    /// Only where the document asks for it.
    pub page_info: Option<PageInfo>,
    /// How many there are in all; only where the document asks for it.
    pub count: Option<i64>,
}

impl<T> Default for Connection<T> {
    fn default() -> Self {
        Connection { nodes: Vec::new(), page_info: None, count: None }
    }
}

impl<T> Connection<T> {
    /// The entries that could be read.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.nodes.iter().flatten()
    }

    /// The cursor of the next page, where there is one.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.page_info.as_ref().and_then(PageInfo::next)
    }

    /// Whether entries are missing here: a next page exists, or the page is full and does not say.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        match &self.page_info {
            Some(page) => page.has_next_page,
            None => self.nodes.len() >= MAX_PAGE as usize,
        }
    }

    /// Appends the page that follows.
    pub fn extend(&mut self, next: Connection<T>) {
        self.nodes.extend(next.nodes);
        self.page_info = next.page_info;
    }
}

/// A person, or a bot, as embedded wherever somebody did something.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Login name.
    pub username: String,
    /// Display name.
    pub name: Option<String>,
    /// `active`, `blocked`, …; only where the document asks for it.
    pub state: Option<String>,
    /// GitLab's own flag for machine users.
    pub bot: Option<bool>,
    /// Page in the browser; only where the document asks for it.
    pub web_url: Option<String>,
    /// The address that the person shows to everybody, or an empty text; only where the document asks for it.
    pub public_email: Option<String>,
    /// When the account was made; only where the document asks for it.
    pub created_at: Option<Timestamp>,
}

/// Reads the number at the end of a global id such as `gid://gitlab/MergeRequest/42`.
fn gid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    parse_gid(&text).ok_or_else(|| D::Error::custom(format_args!("not a global id: {text}")))
}

/// As [`gid`], where GitLab may not know.
fn optional_gid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(text) = Option::<std::borrow::Cow<str>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    parse_gid(&text).map(Some).ok_or_else(|| D::Error::custom(format_args!("not a global id: {text}")))
}

fn parse_gid(text: &str) -> Option<i64> {
    text.rsplit('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_kinds_are_read_and_the_unreadable_counts_as_oldest() {
        assert_eq!(Dialect::new("16.11.10-ee", true), Dialect { version: (16, 11), enterprise: true });
        assert_eq!(Dialect::new("19.2.0-pre", false).version, (19, 2));
        assert_eq!(Dialect::new("17.1-ee", false).version, (17, 1));
        assert_eq!(Dialect::new("next", true), Dialect { version: (15, 0), enterprise: true });
    }

    #[test]
    fn a_version_before_the_oldest_is_refused_and_one_that_cannot_be_read_is_not() {
        assert!(matches!(Dialect::of("14.10.5-ee", true), Err(Error::TooOld { version }) if version == "14.10.5-ee"));
        for version in ["15.0.0", "19.2.0-pre", "next"] {
            assert!(Dialect::of(version, true).is_ok(), "{version}");
        }
    }

    #[test]
    fn a_full_page_that_does_not_say_counts_as_cut() {
        let mut page = Connection { nodes: vec![Some(1); 99], page_info: None, count: None };
        assert!(!page.is_cut());

        page.nodes.push(None);
        assert!(page.is_cut());
    }

    use super::scope::Owner;

    const ROOTS: [merge_requests::Root; 2] =
        [merge_requests::Root::Project, merge_requests::Root::Group { subgroups: true, archived: true }];

    /// Every document that we can send to a server.
    fn documents(dialect: Dialect) -> Vec<String> {
        let parts = |reviews, commits, text| merge_requests::Parts { reviews, commits, text };
        let mut texts = Vec::new();
        for parts in [parts(true, true, true), parts(true, true, false), parts(false, false, false)] {
            texts.extend(ROOTS.map(|root| merge_requests::page(dialect, parts, root).text));
            texts.push(merge_requests::by_iids(dialect, parts).text);
        }
        texts.extend([pipelines::page(dialect).text, pipelines::more_jobs(dialect)]);
        texts.extend(carried::is_known(dialect).then(|| carried::document(&[1, 2])));
        texts.extend(ROOTS.map(merge_requests::next_place));
        texts.extend([access::ACCESS, counts::COUNTS, moved::MOVED].map(str::to_owned));
        texts.push(merge_requests::rest_of(dialect, &merge_requests::List::ALL));
        for parts in [scope::Parts { labels: true, members: true }, scope::Parts { labels: false, members: false }] {
            texts.extend([true, false].map(|below| scope::tree(dialect, parts, below)));
            texts.extend([Owner::Project, Owner::Alone].map(|owner| scope::one_project(dialect, owner, parts)));
        }
        for owner in [Owner::Top, Owner::Group, Owner::Project, Owner::Alone] {
            texts.extend([scope::more_labels(owner), scope::more_members(owner, dialect)]);
        }
        texts
    }

    #[test]
    fn every_document_is_valid_in_every_version_and_edition() {
        use apollo_compiler::{ExecutableDocument, Schema};
        use gitlab_simulator::world::{Edition, Version};

        for version in ["15.5.0", "15.11.13", "16.3.0", "16.11.10", "17.2.0", "17.11.0", "18.0.0", "18.4.2", "19.1.0"] {
            for edition in [Edition::Community, Edition::Licensed] {
                let text = gitlab_simulator::graphql::schema_text(Version::parse(version).unwrap(), edition);
                let schema = Schema::parse_and_validate(text, "schema.graphql").unwrap();
                for document in documents(Dialect::new(version, edition.enterprise())) {
                    let valid = ExecutableDocument::parse_and_validate(&schema, document.clone(), "query.graphql");
                    assert!(valid.is_ok(), "{version} {edition:?}: {}\n{document}", valid.unwrap_err().errors);
                }
            }
        }
    }

    #[test]
    fn documents_cost_what_we_reckon() {
        use gitlab_simulator::world::{Caller, Scope, World};
        use serde_json::{Value, json};

        let mut world =
            World::default().with_user("ann", |_| {}).with_group("acme", |group| group.project("tea", |tea| tea));
        let caller = Caller { user: Some(world.user_named("ann")), admin: true, token: None, scopes: vec![Scope::Api] };
        let score = |text: &str, variables: Value| {
            let text = format!("{} queryComplexity {{ score }} }}", text.trim_end().strip_suffix('}').unwrap());
            let body = json!({"query": text, "variables": variables}).to_string();
            let answer = gitlab_simulator::graphql::execute(&world, &caller, body.as_bytes(), &[]);
            let answer: Value = serde_json::from_slice(&answer.body).unwrap();
            answer["data"]["queryComplexity"]["score"].as_u64().unwrap_or_else(|| panic!("{answer}")) - 2
        };
        let parts = merge_requests::Parts { reviews: true, commits: true, text: true };

        let ids: Vec<String> = (1..=20).map(counts::global_id).collect();
        let counting = json!({"ids": ids, "first": counts::AT_ONCE, "until": "2026-01-01T00:00:00Z", "limited": true});
        let counting = score(counts::COUNTS, counting);
        assert!(counting <= u64::from(DEFAULT_COMPLEXITY_LIMIT), "{counting}");
        let asking = json!({"ids": ids, "first": moved::AT_ONCE, "since": "2026-01-01T00:00:00Z"});
        assert!(score(moved::MOVED, asking) <= u64::from(DEFAULT_COMPLEXITY_LIMIT));
        for limit in [DEFAULT_COMPLEXITY_LIMIT, 40] {
            let some = |count: u32| carried::document(&Vec::from_iter(1..=i64::from(count)));
            let (most, project) = (carried::at_once(limit), json!({"ids": ids[..1]}));
            let (fits, exceeds) = (score(&some(most), project.clone()), score(&some(most + 1), project));
            assert!(fits <= u64::from(limit) && exceeds > u64::from(limit), "{most}: {fits}, {exceeds}");
        }
        for version in ["15.5.0", "16.3.0", "17.2.0", "18.0.0", "19.1.0"] {
            let dialect = Dialect::new(version, true);
            for (root, path) in ROOTS.into_iter().zip(["acme/tea", "acme"]) {
                let page = merge_requests::page(dialect, parts, root);
                for first in [100, 73, 1] {
                    let asked = score(&page.text, json!({"path": path, "first": first, "counted": true}));
                    assert_eq!(asked, u64::from(page.score(first)), "{version} {root:?} first: {first}");
                }
            }
            let page = pipelines::page(dialect);
            for first in [pipelines::PAGE, 1] {
                let both = json!({"path": "acme/tea", "first": first, "withOwn": true, "withChildren": true});
                assert_eq!(score(&page.text, both), u64::from(page.score(first)), "{version} first: {first}");
            }
            assert!(page.score(pipelines::PAGE) <= DEFAULT_COMPLEXITY_LIMIT, "{}", page.score(pipelines::PAGE));
            let by_iids = merge_requests::by_iids(dialect, parts);
            let asked = score(&by_iids.text, json!({"path": "acme/tea", "iids": ["1"]}));
            assert_eq!(asked, u64::from(by_iids.score(100)), "{version}");

            let parts = scope::Parts { labels: true, members: true };
            let all = json!({"path": "acme", "groups": 50, "projects": 50, "withGroups": true, "withProjects": true});
            let asked = score(&scope::tree(dialect, parts, true), all);
            assert!(asked <= u64::from(DEFAULT_COMPLEXITY_LIMIT), "{version}: {asked}");
        }
    }

    #[test]
    fn a_global_id_is_read_as_its_number() {
        assert_eq!(parse_gid("gid://gitlab/Note/4294967296"), Some(4_294_967_296));
        assert_eq!(parse_gid("gid://gitlab/Note/x"), None);
    }
}
