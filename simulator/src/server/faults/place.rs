//! Where a fault strikes.

use serde::{Deserialize, Serialize};

/// Which requests a fault strikes: all that fit everything that is said here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// `GET /projects/:id/merge_requests`, `* /groups*`, `POST /graphql`, `POST /graphql MergeRequests`, or
    /// `HOOK note_hooks` for deliveries; `*` stands for anything. It is held against the route and against the path.
    #[serde(default = "everywhere")]
    pub pattern: String,
    /// Requests about this project, by its full path.
    #[serde(default)]
    pub project: Option<String>,
    /// Requests of this user, by name.
    #[serde(default)]
    pub user: Option<String>,
    /// Requests with this token, by its secret or its name.
    #[serde(default)]
    pub token: Option<String>,
    /// GraphQL queries in which this word occurs, such as a field's name.
    #[serde(default)]
    pub mentions: Option<String>,
}

fn everywhere() -> String {
    "*".to_owned()
}

impl Default for Place {
    fn default() -> Place {
        Place { pattern: everywhere(), project: None, user: None, token: None, mentions: None }
    }
}

/// What a request, or a delivery, is known by.
#[derive(Debug, Default)]
pub(in crate::server) struct Subject<'a> {
    pub(in crate::server) method: &'a str,
    pub(in crate::server) route: &'a str,
    pub(in crate::server) path: &'a str,
    pub(in crate::server) operation: Option<&'a str>,
    pub(in crate::server) user: Option<&'a str>,
    /// The token's secret and name.
    pub(in crate::server) token: [Option<&'a str>; 2],
    /// The full path of the project in the path.
    pub(in crate::server) project: Option<String>,
    /// The body of a GraphQL request.
    pub(in crate::server) text: &'a str,
}

impl Place {
    /// Whether a request is one of those that are struck.
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        let unless_named =
            |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        let token = self.token.as_deref();
        unless_named(&self.user, subject.user)
            && (token.is_none() || subject.token.contains(&token))
            && self.project.as_ref().is_none_or(|project| subject.is_about(project))
            && self.mentions.as_ref().is_none_or(|word| subject.mentions(word))
            && self.fits(subject)
    }

    fn fits(&self, subject: &Subject<'_>) -> bool {
        let operation = subject.operation.unwrap_or_default();
        let named = format!("{} {} {operation}", subject.method, subject.route);
        let by_route = format!("{} {}", subject.method, subject.route);
        let by_path = format!("{} {}", subject.method, subject.path);
        [named, by_route, by_path].iter().any(|text| glob(&self.pattern, text))
    }
}

impl Subject<'_> {
    /// REST names its project in the path, GraphQL somewhere among its strings.
    fn is_about(&self, project: &str) -> bool {
        self.project.as_deref() == Some(project) || self.text.contains(&format!("\"{project}\""))
    }

    fn mentions(&self, word: &str) -> bool {
        self.text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|found| found == word)
    }
}

/// Whether a text matches a pattern in which `*` stands for anything.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(tail) = text.strip_prefix(head) else {
        return false;
    };
    let places = tail.char_indices().map(|(place, _)| place).chain([tail.len()]);
    places.into_iter().any(|place| glob(rest, &tail[place..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(glob("*", "GET /x"));
        assert!(glob("* /projects*", "GET /projects/:id"));
        assert!(glob("POST /graphql *", "POST /graphql MergeRequests"));
        assert!(!glob("GET /groups*", "GET /projects"));
    }

    #[test]
    fn a_field_is_mentioned_as_a_word() {
        let subject = Subject { text: r#"{"query":"{ project { closedAt } }"}"#, ..Subject::default() };

        assert!(subject.mentions("closedAt"));
        assert!(!subject.mentions("closed"));
    }
}
