//! Lists, page by page. GitLab's `Link` header says what comes next; only its query is believed, because a proxy may make
//! GitLab name a host that is not the one we were told to use.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use url::Url;

use super::request::Request;
use super::send::Received;
use super::{Client, Error, Phase};

/// The largest page that GitLab gives.
pub(super) const PER_PAGE: u32 = 100;

/// A page that fails at this size fails for another reason than its size.
const SMALLEST_PAGE: u32 = 10;

/// A page by itself.
#[derive(Debug)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins, for [`Pages::at`]; `None` at the end.
    pub next: Option<String>,
}

/// A list that is fetched page by page.
///
/// ```text
/// while let Some(page) = pages.next().await {
///     for project in page? { … }
/// }
/// ```
#[derive(Debug)]
pub struct Pages<T> {
    client: Client,
    next: Option<Request>,
    total: Option<u64>,
    items: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Pages<T> {
    pub(super) fn new(client: &Client, first: Request) -> Pages<T> {
        Pages { client: client.clone(), next: Some(first), total: None, items: PhantomData }
    }

    /// The next page; `None` after the last one. After an error the same page is asked for again.
    ///
    /// A page that the server cannot bring in time is asked for in smaller pieces, down to ten.
    pub async fn next(&mut self) -> Option<Result<Vec<T>, Error>> {
        let request = self.next.take()?;
        match self.client.send::<Vec<T>>(&request).await {
            Ok(received) => {
                self.total = received.total.or(self.total);
                self.next = following(&request, &received, self.client.root());
                Some(Ok(received.value))
            }
            Err(error) => {
                let smaller = if is_overtaxed(&error) { halved(&request) } else { None };
                let Some(smaller) = smaller else {
                    self.next = Some(request);
                    return Some(Err(error));
                };
                self.next = Some(smaller);
                Box::pin(self.next()).await
            }
        }
    }

    /// The same list from a place on that [`Page::next`] named; from its beginning without one.
    #[must_use]
    pub fn at(mut self, place: Option<&str>) -> Pages<T> {
        if let (Some(request), Some(place)) = (&self.next, place) {
            let query = url::form_urlencoded::parse(place.as_bytes());
            let query = query.map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned())).collect();
            self.next = Some(request.with_query(query));
        }
        self
    }

    /// The next page alone, with the place of the one behind it.
    ///
    /// # Errors
    /// As [`Pages::next`].
    pub async fn page(mut self) -> Result<Page<T>, Error> {
        let items = self.next().await.transpose()?.unwrap_or_default();
        Ok(Page { items, next: self.next.as_ref().map(Request::query_text) })
    }

    /// All that is left, in one list: for lists that are known to be short.
    ///
    /// # Errors
    /// The first error of any page.
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await {
            all.extend(page?);
        }
        Ok(all)
    }

    /// How many there are, once a page has arrived; GitLab does not say so above 10,000.
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

/// GitLab's databases and workers give up on pages that are too much for them; a proxy then says so in its own way.
fn is_overtaxed(error: &Error) -> bool {
    matches!(error, Error::Server { status: 408 | 500 | 502 | 504 } | Error::Timeout { phase: Phase::Headers })
}

/// The same place in the list, in pages of half the size. The rows before page p of size n are those before page 2p-1 of
/// size n/2.
fn halved(request: &Request) -> Option<Request> {
    let size: u32 = request.parameter("per_page")?.parse().ok()?;
    if size % 2 == 1 || size / 2 < SMALLEST_PAGE {
        return None;
    }
    let smaller = request.with_query(request.query_with("per_page", (size / 2).to_string()));
    let Some(page) = request.parameter("page") else {
        return Some(smaller);
    };
    let page: u64 = page.parse().ok()?;
    Some(smaller.with_query(smaller.query_with("page", (2 * page - 1).to_string())))
}

/// The request for the next page, if the answer names one.
fn following<T>(request: &Request, received: &Received<Vec<T>>, root: &Url) -> Option<Request> {
    if let Some(link) = &received.link {
        let query = next_query(link, root)?;
        let next = request.with_query(query);
        // A server that names the same page again would hold us for ever.
        return (next.url(root) != request.url(root)).then_some(next);
    }
    let page = received.next_page.clone()?;
    (request.parameter("page") != Some(page.as_str())).then(|| request.with_query(request.query_with("page", page)))
}

/// The query of the link with `rel="next"`.
fn next_query(link: &str, root: &Url) -> Option<Vec<(Cow<'static, str>, String)>> {
    let next = link.split(",").find(|part| part.contains(r#"rel="next""#) || part.contains("rel=next"))?;
    let address = next.split_once('<')?.1.split_once('>')?.0;
    let address = root.join(address).ok()?;
    Some(address.query_pairs().map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(link: Option<&str>, next_page: Option<&str>) -> Received<Vec<()>> {
        Received { value: Vec::new(), link: link.map(Into::into), next_page: next_page.map(Into::into), total: None }
    }

    fn after(link: Option<&str>, next_page: Option<&str>) -> Option<String> {
        let root = Url::parse("https://host/gitlab/").unwrap();
        let request = Request::get("groups", ["groups"]).with("per_page", 100).with("page", 1);
        following(&request, &received(link, next_page), &root).map(|next| next.url(&root).to_string())
    }

    #[test]
    fn only_the_query_of_a_link_is_believed() {
        let link = r#"<http://internal/api/v4/groups?page=2&per_page=100>; rel="next", <http://internal/api/v4/groups?page=1>; rel="first""#;

        assert_eq!(after(Some(link), None).as_deref(), Some("https://host/gitlab/api/v4/groups?page=2&per_page=100"));
    }

    #[test]
    fn keyset_links_are_followed_as_they_are() {
        let link = r#"<https://host/gitlab/api/v4/projects?id_after=42&iids%5B%5D=7&order_by=id>; rel="next""#;

        let next = after(Some(link), None).unwrap();

        assert_eq!(next, "https://host/gitlab/api/v4/groups?id_after=42&iids%5B%5D=7&order_by=id");
    }

    #[test]
    fn a_list_goes_on_from_a_place_that_was_written_down() {
        let root = Url::parse("https://host/").unwrap();
        let request = Request::get("groups", ["groups"]).with("per_page", 100).with("page", 2).with("ref", "a b");

        let place = request.query_text();
        let query = url::form_urlencoded::parse(place.as_bytes()).into_owned();
        let again = request.with_query(query.map(|(key, value)| (Cow::Owned(key), value)).collect());

        assert_eq!(again.url(&root), request.url(&root));
    }

    #[test]
    fn half_a_page_begins_where_the_whole_did() {
        let root = Url::parse("https://host/").unwrap();
        let third = Request::get("groups", ["groups"]).with("per_page", 100).with("page", 3);
        let address = |request: &Request| request.url(&root).to_string();

        let half = halved(&third).unwrap();
        let quarter = halved(&half).unwrap();

        assert_eq!(address(&half), "https://host/api/v4/groups?per_page=50&page=5");
        assert_eq!(address(&quarter), "https://host/api/v4/groups?per_page=25&page=9");
        assert!(halved(&quarter).is_none());
    }

    #[test]
    fn a_link_without_next_is_the_end() {
        assert_eq!(after(Some(r#"<https://host/x?page=1>; rel="first""#), Some("2")), None);
    }

    #[test]
    fn without_links_the_page_header_serves() {
        assert_eq!(after(None, Some("2")).as_deref(), Some("https://host/gitlab/api/v4/groups?per_page=100&page=2"));
        assert_eq!(after(None, None), None);
    }

    #[test]
    fn a_server_that_names_the_same_page_again_ends_the_list() {
        let link = r#"<https://host/gitlab/api/v4/groups?per_page=100&page=1>; rel="next""#;

        assert_eq!(after(Some(link), None), None);
        assert_eq!(after(None, Some("1")), None);
    }
}
