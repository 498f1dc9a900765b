//! HTTP as GitLab speaks it: tags, ids, compression, budgets.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::GzDecoder;
use gitlab_simulator::world::{Role, Scope};
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::{OWNER, READER, Served, serve, small};

const LIST: &str = "/projects/acme%2Fweb/merge_requests";

async fn get(served: &Served, path: &str, headers: &[(&str, &str)]) -> Response {
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let mut request = client.get(format!("{}/api/v4{path}", served.simulator.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

// Rack::ETag and Rack::ConditionalGet: a weak tag of 32 hexadecimal digits, and 304 without a body for who sends it back.
#[tokio::test]
async fn an_answer_that_is_known_already_is_not_sent_again() {
    let served = serve(small()).await;
    let first = get(&served, LIST, &[("PRIVATE-TOKEN", READER)]).await;
    let tag = header(&first, "etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag.len() == "W/\"\"".len() + 32, "{tag}");
    assert_eq!(header(&first, "cache-control"), "max-age=0, private, must-revalidate");

    let again = get(&served, LIST, &[("PRIVATE-TOKEN", READER), ("If-None-Match", &tag)]).await;
    assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, tag.as_str()));
    assert_eq!(header(&again, "x-total"), "1", "headers come all the same");
    assert_eq!(again.text().await.unwrap(), "");

    served.simulator.world(|world| world.comment(1, "bob", "hello"));
    let changed = get(&served, LIST, &[("PRIVATE-TOKEN", READER), ("If-None-Match", &tag)]).await;
    assert_eq!(changed.status(), 200);
}

#[tokio::test]
async fn a_failure_has_no_tag_and_is_not_cached() {
    let served = serve(small()).await;

    let missing = get(&served, "/projects/77", &[("PRIVATE-TOKEN", READER)]).await;
    assert_eq!((header(&missing, "etag"), header(&missing, "cache-control")), ("", "no-cache"));
}

// As a self-managed GitLab behind its own nginx answers: ids in Crockford's digits, the same in both headers.
#[tokio::test]
async fn every_request_has_an_id_of_its_own() {
    let served = serve(small()).await;
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let answer = get(&served, "/version", &[("PRIVATE-TOKEN", READER)]).await;
        let id = header(&answer, "x-request-id").to_owned();
        let meta: Value = serde_json::from_str(header(&answer, "x-gitlab-meta")).unwrap();
        assert_eq!((id.len(), &meta), (26, &json!({ "correlation_id": id, "version": "1" })));
        assert!(header(&answer, "x-runtime").parse::<f64>().unwrap() >= 0.0);
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(header(&answer, "x-frame-options"), "SAMEORIGIN");
        assert_eq!(header(&answer, "content-type"), "application/json");
        assert_eq!(header(&answer, "strict-transport-security"), "", "that is for HTTPS");
        seen.insert(id);
    }
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn whoever_accepts_gzip_gets_it() {
    let served = serve(small()).await;
    let plain = get(&served, LIST, &[("PRIVATE-TOKEN", READER)]).await;
    let vary: Vec<_> = plain.headers().get_all("vary").iter().map(|value| value.to_str().unwrap().to_owned()).collect();
    assert_eq!(
        (header(&plain, "content-encoding"), vary),
        ("", vec!["Origin".to_owned(), "Accept-Encoding".to_owned()])
    );
    let plain = plain.bytes().await.unwrap();

    let packed = get(&served, LIST, &[("PRIVATE-TOKEN", READER), ("Accept-Encoding", "br, gzip")]).await;
    assert_eq!((header(&packed, "content-encoding"), header(&packed, "transfer-encoding")), ("gzip", "chunked"));
    let mut unpacked = Vec::new();
    GzDecoder::new(packed.bytes().await.unwrap().as_ref()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);

    let refused = get(&served, LIST, &[("PRIVATE-TOKEN", READER), ("Accept-Encoding", "gzip;q=0")]).await;
    assert_eq!(header(&refused, "content-encoding"), "");
}

#[tokio::test]
async fn bearer_is_read_in_any_case() {
    let served = serve(small()).await;

    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = get(&served, "/version", &[("Authorization", &format!("{scheme} {READER}"))]).await;
        assert_eq!(answer.status(), 200, "{scheme}");
    }
}

#[tokio::test]
async fn the_anonymous_are_counted_by_address() {
    let mut world = small().with_time("2026-01-16T06:00:30Z");
    world.settings.anonymous_rate_limit = Some(1);
    let served = serve(world).await;

    let first = get(&served, "/projects", &[("X-Forwarded-For", "203.0.113.7")]).await;
    assert_eq!((first.status().as_u16(), header(&first, "ratelimit-name")), (200, "throttle_unauthenticated_api"));
    assert_eq!(get(&served, "/projects", &[("X-Forwarded-For", "203.0.113.8")]).await.status(), 200);
    assert_eq!(get(&served, "/projects", &[("X-Forwarded-For", "203.0.113.7, 10.0.0.1")]).await.status(), 429);
    assert_eq!(
        get(&served, "/projects", &[("PRIVATE-TOKEN", READER)]).await.status(),
        200,
        "a user has another budget"
    );
}

#[tokio::test]
async fn an_address_has_a_budget_for_all_its_users() {
    let mut world = small().with_time("2026-01-16T06:00:30Z");
    world.settings.address_rate_limit = Some(2);
    let served = serve(world).await;

    assert_eq!(served.read("/version", READER).await.0, 200);
    assert_eq!(served.read("/version", OWNER).await.0, 200);
    assert_eq!(served.read("/version", READER).await.0, 429);
}

#[tokio::test]
async fn rest_and_graphql_share_a_users_budget() {
    let mut world = small().with_time("2026-01-16T06:00:30Z");
    world.settings.rate_limit = Some(2);
    let served = serve(world).await;
    let query = json!({ "query": "{ metadata { version } }" });

    assert_eq!(served.read("/version", READER).await.0, 200);
    let second = served.ask("POST", "/api/graphql", READER, query.clone()).await;
    assert_eq!((second.status().as_u16(), header(&second, "ratelimit-remaining")), (200, "0"));
    assert_eq!(served.ask("POST", "/api/graphql", READER, query).await.status(), 429);
}

#[tokio::test]
async fn a_user_who_is_renamed_keeps_the_budget() {
    let mut world = small()
        .with_group_token("glpat-other", "acme", Role::Developer, &[Scope::ReadApi])
        .with_time("2026-01-16T06:00:30Z");
    world.settings.rate_limit = Some(1);
    let served = serve(world).await;

    assert_eq!(served.read("/version", READER).await.0, 200);
    served.simulator.world(|world| {
        let bob = world.user_by_name("bob").unwrap().id;
        world.user_mut(bob).unwrap().username = "robert".to_owned();
    });
    assert_eq!(served.read("/version", READER).await.0, 429);
    assert_eq!(served.read("/version", "glpat-other").await.0, 200);
}

// present_cached in lib/api/merge_requests.rs: eight hours, with a key that no count of notes and no name is part of.
#[tokio::test]
async fn a_projects_list_shows_what_it_showed_before_where_nothing_of_the_key_has_changed() {
    let served = serve(small().with_time("2026-01-16T06:00:00Z")).await;
    let name = async |path: &str| served.read(path, READER).await.1[0]["author"]["name"].clone();
    let before = name(LIST).await;
    served.simulator.world(|world| {
        let author = world.merge_request(1).unwrap().author.unwrap();
        world.user_mut(author).unwrap().name = "Renamed".to_owned();
    });

    assert_eq!(name(LIST).await, before, "stale");
    assert_eq!(name("/groups/acme/merge_requests").await, "Renamed", "a group's list is not cached");
    assert_eq!(served.read(&format!("{LIST}/1"), READER).await.1["author"]["name"], "Renamed");
    assert_eq!(
        served.read(LIST, OWNER).await.1[0]["author"]["name"],
        "Renamed",
        "each caller has entries of their own"
    );
    served.simulator.world(|world| world.advance(jiff::SignedDuration::from_hours(8)));
    assert_eq!(name(LIST).await, "Renamed");
}

#[tokio::test]
async fn the_cache_of_lists_can_be_switched_off() {
    let mut world = small();
    world.settings.cache_lists = false;
    let served = serve(world).await;
    served.read(LIST, READER).await;
    served.simulator.world(|world| {
        let author = world.merge_request(1).unwrap().author.unwrap();
        world.user_mut(author).unwrap().name = "Renamed".to_owned();
    });

    assert_eq!(served.read(LIST, READER).await.1[0]["author"]["name"], "Renamed");
}
