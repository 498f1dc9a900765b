//! Lists, a page at a time.

use gitlab_simulator::world::{Role, Scope, Visibility};
use gitlab_simulator::{Options, Size, World};
use serde_json::{Value, json};

use crate::support::{READER, Served, answer, serve, serve_with, small};

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

/// Follows `rel="next"` from a path to the end, at most ten pages, and tells one property of each row.
async fn follow(served: &Served, path: &str, token: &str, key: &str) -> (Vec<Value>, usize) {
    let (mut path, mut seen, mut pages) = (path.to_owned(), Vec::new(), 0);
    while pages < 10 {
        let response = served.get(&path, token).await;
        assert_eq!(response.status().as_u16(), 200, "{path}");
        pages += 1;
        let next = header(&response, "link")
            .and_then(|link| Some(link.split_once("/api/v4")?.1.split_once('>')?.0.to_owned()));
        let rows = answer(response).await.1;
        seen.extend(rows.as_array().unwrap().iter().map(|row| row[key].clone()));
        let Some(next) = next else { break };
        path = next;
    }
    (seen, pages)
}

const NO_KEYSET: &str = "Keyset pagination is not yet available for this type of request";

/// GitLab's `paginate` never looks at `pagination`; `paginate_with_strategies` does (lib/api/helpers/pagination_strategies.rb).
#[tokio::test]
async fn keyset_is_ignored_where_gitlab_does_not_look_at_it() {
    let served = serve(busy(3)).await;

    for path in
        ["/projects/1/merge_requests", "/projects/1/labels", "/groups/acme/members", "/groups/acme/projects", "/groups"]
    {
        let response = served.get(&format!("{path}?pagination=keyset"), READER).await;
        assert_eq!((response.status().as_u16(), header(&response, "x-page")), (200, Some("1")), "{path}");
    }
}

/// lib/gitlab/pagination/keyset.rb knows projects in the order of ids alone; its pager leads on from every page with rows.
#[tokio::test]
async fn projects_have_keyset_in_the_order_of_ids_alone() {
    let world = World::generate(1, Size { projects: 7, merge_requests: 1, ..Size::default() });
    let served = serve(world.with_group_token("glpat-r", "acme", Role::Developer, &[Scope::ReadApi])).await;

    let refused = served.read("/projects?pagination=keyset", "glpat-r").await;
    assert_eq!(refused, (405, json!({ "error": NO_KEYSET })), "the default order is created_at");
    let up = follow(&served, "/projects?pagination=keyset&order_by=id&sort=asc&per_page=3", "glpat-r", "id").await;
    assert_eq!(up, ((1..=7).map(Value::from).collect(), 4), "the last page is empty");
    let down = follow(&served, "/projects?pagination=keyset&order_by=id&per_page=4", "glpat-r", "id").await;
    assert_eq!(down, ((1..=7).rev().map(Value::from).collect(), 3));
}

/// lib/gitlab/pagination/cursor_based_keyset.rb and the pager beside it.
#[tokio::test]
async fn users_have_keyset_in_five_orders_with_cursors() {
    let served = serve(small()).await;

    let by_id = follow(&served, "/users?pagination=keyset&per_page=3", READER, "username").await;
    assert_eq!(
        by_id,
        (vec![json!("bob"), json!("ann"), json!("ghost"), json!("root")], 2),
        "the last page leads nowhere"
    );
    let by_name = "/users?pagination=keyset&order_by=username&sort=asc&per_page=2";
    let by_name = follow(&served, by_name, READER, "username").await;
    assert_eq!(by_name.0, ["ann", "bob", "ghost", "root"]);
    let broken = served.read("/users?pagination=keyset&cursor=garbage", READER).await;
    assert_eq!(broken.0, 500);
    let jobs = served.get("/projects/1/jobs?pagination=keyset", READER).await;
    assert_eq!((jobs.status().as_u16(), header(&jobs, "x-page")), (200, None));
}

#[tokio::test]
async fn the_anonymous_page_through_groups_by_name() {
    let public = |world: World, path: &str| world.with_group(path, |group| group.visibility(Visibility::Public));
    let served = serve(["cc", "aa", "bb"].iter().fold(World::new(), |world, path| public(world, path))).await;

    let keyset = "/groups?pagination=keyset&order_by=name&sort=asc&per_page=2";
    assert_eq!(follow(&served, keyset, "", "path").await.0, ["aa", "bb", "cc"]);
    assert_eq!(served.read("/groups?pagination=keyset&order_by=id", "").await, (405, json!({ "error": NO_KEYSET })));
    assert_eq!(served.read("/groups?per_page=100&page=501", "").await.0, 405);
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
