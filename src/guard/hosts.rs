//! Hosts by name, and lists of them.

use url::Url;

/// Where something is sent: a host, and the port where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    host: String,
    port: Option<u16>,
}

impl Place {
    /// A host and a port.
    #[must_use]
    pub fn new(host: &str, port: Option<u16>) -> Place {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Place { host: host.trim_end_matches('.').to_ascii_lowercase(), port }
    }

    /// Where a URL leads; `None` for one without a host.
    #[must_use]
    pub fn of(url: &Url) -> Option<Place> {
        url.host_str().filter(|host| !host.is_empty()).map(|host| Place::new(host, url.port_or_known_default()))
    }

    /// All hosts that the URL of a database names; `None` where that cannot be told, or where it names none.
    #[must_use]
    pub fn of_database(url: &str) -> Option<Vec<Place>> {
        let url = Url::parse(url).ok()?;
        let given = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let port = given("port").map_or_else(|| url.port(), |port| port.parse().ok()).or(Some(5432));
        let named = url.host_str().filter(|host| !host.is_empty()).map(str::to_owned);
        let hosts: Vec<String> = named.into_iter().chain(given("host")).chain(given("hostaddr")).collect();
        // What is encoded, a path, or a list is no name of a host; whoever looks it up may read it otherwise than we do.
        let plain = |host: &String| !host.contains(['%', '/', ',', '@', ' ']);
        (!hosts.is_empty() && hosts.iter().all(plain))
            .then(|| hosts.iter().map(|host| Place::new(host, port)).collect())
    }

    /// The host, as it is looked up.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// Names of hosts, such as `gitlab.example.com`, `gitlab.example.com:8443` or `*.example.com`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// Any host below this one, instead of the one.
    below: bool,
    place: Place,
}

impl Hosts {
    /// Reads a list with commas between its names.
    ///
    /// # Errors
    /// The first name that is none.
    pub fn parse(text: &str) -> Result<Hosts, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| Pattern::parse(name).ok_or_else(|| name.to_owned())).collect::<Result<_, _>>().map(Hosts)
    }

    /// Reads a list, and leaves out what is no name of a host: that allows nothing.
    #[must_use]
    pub fn lenient(text: &str) -> Hosts {
        Hosts(text.split(',').filter_map(|name| Pattern::parse(name.trim())).collect())
    }

    /// Whether nothing is on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a place is on it. One whose port is not known is not on it where the list names a port.
    #[must_use]
    pub fn names(&self, place: &Place) -> bool {
        self.0.iter().any(|pattern| pattern.covers(place))
    }
}

impl Pattern {
    fn parse(name: &str) -> Option<Pattern> {
        let (below, name) = name.strip_prefix("*.").map_or((false, name), |rest| (true, rest));
        let (host, port) = match name.rsplit_once(':') {
            // An address of IPv6 has colons of its own, unless it stands in brackets.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (name, None),
        };
        let letters = |letter: char| letter.is_ascii_alphanumeric() || "-_.:[]".contains(letter);
        (!host.is_empty() && host.chars().all(letters)).then(|| Pattern { below, place: Place::new(host, port) })
    }

    fn covers(&self, place: &Place) -> bool {
        let wanted = &self.place.host;
        let host = if self.below {
            place.host.strip_suffix(wanted.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            place.host == *wanted
        };
        host && self.place.port.is_none_or(|port| place.port == Some(port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str, url: &str) -> bool {
        Hosts::parse(list).unwrap().names(&Place::of(&Url::parse(url).unwrap()).unwrap())
    }

    #[test]
    fn a_host_is_on_a_list_by_its_name_its_port_or_the_domain_above_it() {
        for (list, url) in [
            ("gitlab.example.com", "https://GitLab.Example.com./x"),
            ("other, gitlab.example.com:8443", "https://gitlab.example.com:8443/"),
            ("gitlab.example.com:443", "https://gitlab.example.com/"),
            ("*.example.com", "https://a.b.example.com/"),
            ("127.0.0.1", "http://127.0.0.1:8929/"),
            ("::1", "http://[::1]:80/"),
            ("[::1]:8080", "http://[::1]:8080/"),
        ] {
            assert!(names(list, url), "{list} {url}");
        }
        for (list, url) in [
            ("", "https://gitlab.example.com/"),
            ("gitlab.example.com", "https://gitlab.example.com.evil.example/"),
            ("gitlab.example.com", "https://evil-gitlab.example.com/"),
            ("gitlab.example.com:8443", "https://gitlab.example.com/"),
            ("*.example.com", "https://example.com/"),
            ("*.example.com", "https://evilexample.com/"),
            ("::1", "http://[::2]/"),
        ] {
            assert!(!names(list, url), "{list} {url}");
        }
    }

    #[test]
    fn what_is_no_name_of_a_host_is_refused_or_allows_nothing() {
        for list in ["https://gitlab.example.com", "a b", "a:b", "good,*", "a%2eb", "a/b"] {
            assert!(Hosts::parse(list).is_err(), "{list}");
        }
        assert!(Hosts::lenient("https://gitlab.example.com").is_empty());
    }

    #[test]
    fn every_host_that_a_database_s_url_may_mean_is_found() {
        let places = |url: &str| {
            let all = Place::of_database(url)?;
            Some(all.iter().map(|place| format!("{}:{}", place.host, place.port.unwrap())).collect::<Vec<_>>())
        };

        assert_eq!(places("postgres://u:p@DB.example/x"), Some(vec!["db.example:5432".to_owned()]));
        assert_eq!(places("postgres://u@db:6432/x?sslmode=require"), Some(vec!["db:6432".to_owned()]));
        assert_eq!(
            places("postgres://u@db/x?host=other&hostaddr=10.0.0.1&port=7"),
            Some(vec!["db:7".to_owned(), "other:7".to_owned(), "10.0.0.1:7".to_owned()])
        );
        for unknown in
            ["sqlite:x.db", "postgres://u@evil%2eexample/x", "postgres:///x?host=/run", "no url", "postgres:///x"]
        {
            assert_eq!(places(unknown), None, "{unknown}");
        }
    }
}
