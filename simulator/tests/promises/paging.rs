//! Lists, a page at a time.

use gitlab_simulator::world::{Role, Scope};
use gitlab_simulator::{Options, Size, World};
use serde_json::{Value, json};

use crate::support::{READER, answer, serve, serve_with, small};

fn header<'a>(response: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// The relations of a `Link` with their pages.
fn links(response: &reqwest::Response) -> Vec<String> {
    let one = |link: &str| {
        let (url, relation) = link.split_once(">; rel=").unwrap();
        let page = url.split(['?', '&']).find(|pair| pair.starts_with("page=")).unwrap();
        format!("{} {page}", relation.trim_matches('"'))
    };
    header(response, "link").unwrap().split(", ").map(one).collect()
}

fn busy(merge_requests: usize) -> World {
    small().with_project("acme/web", |project| project.merge_requests(merge_requests))
}

#[tokio::test]
async fn a_page_has_twenty_rows_and_never_more_than_a_hundred() {
    let served = serve(busy(120)).await;

    let default = served.get("/projects/acme%2Fweb/merge_requests", READER).await;
    assert_eq!(header(&default, "x-per-page"), Some("20"));
    assert_eq!(answer(default).await.1.as_array().unwrap().len(), 20);
    let clamped = served.get("/projects/acme%2Fweb/merge_requests?per_page=500", READER).await;
    assert_eq!(header(&clamped, "x-per-page"), Some("100"));
    assert_eq!(header(&clamped, "x-total"), Some("121"));
    assert_eq!(answer(clamped).await.1.as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn the_last_page_has_an_empty_next_page() {
    let served = serve(busy(24)).await;

    let first = served.get("/projects/acme%2Fweb/merge_requests", READER).await;
    assert_eq!(header(&first, "x-next-page"), Some("2"));
    assert_eq!(links(&first)[0], "next page=2");
    let last = served.get("/projects/acme%2Fweb/merge_requests?page=2", READER).await;
    assert_eq!(header(&last, "x-next-page"), Some(""));
    assert_eq!(links(&last), ["prev page=1", "first page=1", "last page=2"]);
    let beyond = served.get("/projects/acme%2Fweb/merge_requests?page=9", READER).await;
    assert_eq!((header(&beyond, "x-prev-page"), header(&beyond, "x-next-page")), (Some(""), Some("")));
    assert_eq!(links(&beyond), ["first page=1", "last page=2"]);
}

/// lib/gitlab/pagination/offset_header_builder.rb: `params.merge(…).to_query`, so the declared defaults and the route's own
/// placeholders too; a `DateTime` loses its fraction on the way.
#[tokio::test]
async fn links_repeat_every_parameter_in_alphabetical_order() {
    let served = serve(busy(3)).await;

    let path = "/projects/1/merge_requests?per_page=2&updated_after=2020-01-05T10:00:00.500Z&not[labels]=b,a&x=y";
    let first = served.get(path, READER).await;
    let expected = format!(
        "<{}/api/v4/projects/1/merge_requests?id=1&not%5Blabels%5D%5B%5D=b&not%5Blabels%5D%5B%5D=a&order_by=created_at&page=2\
         &per_page=2&sort=desc&state=all&updated_after=2020-01-05T10%3A00%3A00%2B00%3A00&with_labels_details=false\
         &with_merge_status_recheck=false&x=y>; rel=\"next\"",
        served.simulator.url()
    );
    assert_eq!(header(&first, "link").unwrap().split(", ").next(), Some(expected.as_str()));
}

#[tokio::test]
async fn links_contain_the_relative_root() {
    let served = serve_with(busy(24), Options::root("/gitlab")).await;

    let first = served.get("/projects/acme%2Fweb/merge_requests", READER).await;
    let expected = format!("<{}/api/v4/projects/acme%2Fweb/merge_requests?id=acme%2Fweb&", served.simulator.url());
    assert!(served.simulator.url().ends_with("/gitlab"));
    assert!(header(&first, "link").unwrap().contains(&expected));
}

#[tokio::test]
async fn totals_are_omitted_where_there_are_too_many_rows() {
    let mut world = busy(30);
    world.settings.count_limit = 25;
    let served = serve(world).await;

    let first = served.get("/projects/acme%2Fweb/merge_requests", READER).await;
    assert_eq!((header(&first, "x-total"), header(&first, "x-total-pages")), (None, None));
    assert_eq!(header(&first, "x-next-page"), Some("2"));
    assert!(!header(&first, "link").unwrap().contains("rel=\"last\""));
}

#[tokio::test]
async fn deep_offsets_are_refused_where_keyset_exists() {
    let served = serve(small()).await;

    let (status, body) = served.read("/projects?per_page=100&page=501", READER).await;
    assert_eq!(status, 405);
    assert!(body["error"].as_str().unwrap().starts_with("Offset pagination has a maximum allowed offset of 50000"));
    let deep = served.read("/projects/acme%2Fweb/merge_requests?per_page=100&page=501", READER).await;
    assert_eq!(deep, (200, json!([])));
}

#[tokio::test]
async fn keyset_is_refused_for_merge_requests_and_works_for_projects() {
    let world = World::generate(1, Size { projects: 7, merge_requests: 1, ..Size::default() });
    let served = serve(world.with_group_token("glpat-r", "acme", Role::Developer, &[Scope::ReadApi])).await;

    let project = served.read("/projects?per_page=1", "glpat-r").await.1[0]["id"].clone();
    let path = format!("/projects/{project}/merge_requests?pagination=keyset&order_by=created_at");
    let refused = served.read(&path, "glpat-r").await;
    let error = "Keyset pagination is not yet available for this type of request";
    assert_eq!(refused, (405, json!({ "error": error })));
    let mut path = "/projects?pagination=keyset&order_by=id&sort=asc&per_page=3".to_owned();
    let mut seen = Vec::new();
    loop {
        let response = served.get(&path, "glpat-r").await;
        let next = header(&response, "link").map(str::to_owned);
        seen.extend(answer(response).await.1.as_array().unwrap().iter().map(|project| project["id"].as_i64().unwrap()));
        let Some(next) = next else { break };
        path = next.split_once("/api/v4").unwrap().1.split_once('>').unwrap().0.to_owned();
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn rows_shift_between_offset_pages_when_one_of_them_changes() {
    let served = serve(busy(39)).await;
    let page = |number: usize| {
        format!("/projects/acme%2Fweb/merge_requests?order_by=updated_at&sort=asc&per_page=20&page={number}")
    };

    let first = served.read(&page(1), READER).await.1;
    served.simulator.world(|world| world.comment(first[3]["id"].as_i64().unwrap(), "bob", "late"));
    let second = served.read(&page(2), READER).await.1;

    let iids =
        |page: &Value| page.as_array().unwrap().iter().map(|row| row["iid"].as_i64().unwrap()).collect::<Vec<_>>();
    let mut seen = [iids(&first), iids(&second)].concat();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 39, "one row slipped through");
}

#[tokio::test]
async fn updated_after_includes_its_own_moment() {
    let world = small().with_project("acme/web", |project| {
        project.merge_request("Exact", |found| found.created("2026-01-05T10:00:00.500Z"))
    });
    let served = serve(world).await;

    let path = "/projects/acme%2Fweb/merge_requests?updated_before=2026-01-06T00:00:00Z&updated_after=";
    let at = served.read(&format!("{path}2026-01-05T10:00:00.500Z"), READER).await.1;
    let after = served.read(&format!("{path}2026-01-05T10:00:00.501Z"), READER).await.1;
    assert_eq!((at.as_array().unwrap().len(), after.as_array().unwrap().len()), (1, 0));
}
