//! Connections with different databases, and with none, in one receiver.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::join_all};
use gitlab_connector::receiver::{Accepted, Destination, Reader, Route};
use reqwest::StatusCode;
use secrecy::SecretString;
use tokio::{sync::Notify, time::Instant};

use super::{
    FLIGHT,
    database::Database,
    hook, served,
    served::{SECRET, Served, answered},
    trouble::Lock,
};

/// A second connection in the receiver of `first`, which is the one of `second` with a secret of its own.
fn add(first: &Served, second: &Served) {
    let mut route = second.routes.borrow()[0].clone();
    route.accepted = Some(Accepted::of(&[SecretString::from("another secret")]));
    first.routes.send_modify(|routes| *routes = Arc::new(vec![routes[0].clone(), route]));
}

/// A delivery to the second connection of `first`.
fn to_second(first: &Served, second: &Served, id: &str) -> reqwest::RequestBuilder {
    let url = format!("{}/webhooks/gitlab/{}", first.url, second.uid);
    let request = first.http.post(url).header("x-gitlab-token", "another secret");
    request.header("x-gitlab-event", "Merge Request Hook").header("idempotency-key", id)
}

fn go_to(served: &Served, destination: &Destination) {
    served.routes.send_modify(|routes| {
        *routes = Arc::new(vec![Route { destination: destination.clone(), ..routes[0].clone() }]);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_connection_has_its_own_database() {
    let (first, second) = (served().await, Served::start(Database::postgres().await, &[FLIGHT]).await);
    add(&first, &second);
    let body = hook!("merge_request_open").to_string();

    let to_first = first.deliver("1", &hook!("merge_request_open")).await;
    let to_other = answered(to_second(&first, &second, "1").body(body.clone())).await;
    let url = format!("{}/webhooks/gitlab/{}", first.url, second.uid);
    let forged = answered(first.http.post(url).header("x-gitlab-token", SECRET).body(body)).await;

    assert_eq!((to_first.0, to_other.0), (StatusCode::OK, StatusCode::OK));
    assert_eq!(forged.0, StatusCode::UNAUTHORIZED);
    for served in [&first, &second] {
        assert_eq!(served.database.count("from gitlab_merge_requests").await, 1);
        assert_eq!(served.database.count("from connector_deliveries").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_holds_up_only_its_own_connections() {
    let (first, second) = (served().await, served().await);
    add(&first, &second);
    let lock = Lock::take(&second.database).await;
    let body = hook!("merge_request_open").to_string();
    // More than there are places for connections, at a rate that GitLab may well have.
    let crowd: Vec<_> = (0..1500)
        .map(|number: u32| {
            let request = to_second(&first, &second, &number.to_string()).body(body.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(2) * number).await;
                answered(request).await.0
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(4)).await;

    // Whoever is held up is answered 503 in the end.
    let answer = first.deliver("1", &hook!("merge_request_open")).await;
    lock.release().await;

    assert_eq!(answer, (StatusCode::OK, "stored".to_owned()));
    let answers: Vec<StatusCode> = join_all(crowd).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|status| [200, 503].contains(&status.as_u16())));
    assert!(answers.contains(&StatusCode::OK), "who waited is served once the database is back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_waits_for_a_database_that_is_not_open_yet() {
    let served = served().await;
    let place = served.routes.borrow()[0].destination.clone();
    go_to(&served, &Destination::Away);
    let delivery = served.delivery(Some("1"), hook!("merge_request_open").to_string());
    let delivery = tokio::spawn(answered(delivery));
    let forged = answered(served.bare("Merge Request Hook", "{}").header("x-gitlab-token", "a guess")).await;

    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!delivery.is_finished());
    go_to(&served, &place);

    assert_eq!(forged.0, StatusCode::UNAUTHORIZED);
    assert_eq!(delivery.await.unwrap(), (StatusCode::OK, "stored".to_owned()));
}

#[tokio::test]
async fn a_suspended_connection_answers_what_is_authentic_with_success_and_keeps_nothing() {
    let served = served().await;
    go_to(&served, &Destination::Nowhere("suspended"));

    let answer = served.deliver("1", &hook!("merge_request_open")).await;
    let forged = answered(served.bare("Merge Request Hook", "{}").header("x-gitlab-token", "a guess")).await;

    assert_eq!(answer, (StatusCode::OK, "suspended".to_owned()));
    assert_eq!(forged.0, StatusCode::UNAUTHORIZED);
    assert_eq!(served.database.count("from connector_deliveries").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_known_and_not_learnt_yet_is_waited_for_and_never_called_forged() {
    let served = served().await;
    let accepted = served.routes.borrow()[0].accepted.clone();
    let learn = |accepted: &Option<Accepted>| {
        served.routes.send_modify(|routes| {
            *routes = Arc::new(vec![Route { accepted: accepted.clone(), ..routes[0].clone() }]);
        });
    };
    learn(&None);

    let body = hook!("merge_request_open");
    let everybody = served.http.post(format!("{}/webhooks/gitlab", served.url)).header("x-gitlab-token", SECRET);
    let nameless = answered(everybody.body("{}")).await;
    let looking = served.routes.receiver_count();
    let (waited, ()) = tokio::join!(served.deliver("1", &body), async {
        // Who waits looks at the routes.
        while served.routes.receiver_count() <= looking {
            tokio::task::yield_now().await;
        }
        learn(&accepted);
    });

    assert_eq!(nameless.0, StatusCode::SERVICE_UNAVAILABLE, "{}", nameless.1);
    assert_eq!(waited.0, StatusCode::OK, "{}", waited.1);
    assert_eq!(served.database.count("from gitlab_merge_requests").await, 1);
}

/// A connection whose secrets were read so long ago, and what rings when they are to be read again.
fn read(served: &Served, ago: Duration) -> Arc<Notify> {
    let bell = Arc::new(Notify::new());
    let read_at = Instant::now().checked_sub(ago).unwrap();
    served.routes.send_modify(|routes| {
        let reader = Some(Reader::new(Arc::clone(&bell), read_at));
        *routes = Arc::new(vec![Route { reader, ..routes[0].clone() }]);
    });
    bell
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_changed_unheard_is_read_again_before_its_deliveries_are_called_forged() {
    let served = served().await;
    let bell = read(&served, Duration::from_secs(60));
    let body = hook!("merge_request_open").to_string();
    let request = || served.bare("Merge Request Hook", body.clone()).header("x-gitlab-token", "the next one");

    let (answer, ()) = tokio::join!(answered(request()), async {
        bell.notified().await;
        served.routes.send_modify(|routes| {
            let accepted = Some(Accepted::of(&["the next one".into()]));
            let reader = routes[0].reader.as_ref().map(Reader::again);
            *routes = Arc::new(vec![Route { accepted, reader, ..routes[0].clone() }]);
        });
    });
    let old = served.deliver("1", &hook!("merge_request_open")).await;

    assert_eq!(answer, (StatusCode::OK, "stored".to_owned()));
    assert_eq!(old.0, StatusCode::UNAUTHORIZED, "what was read a moment ago is believed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_have_secrets_read_again_once_in_a_while_and_are_refused_where_that_says_nothing_new() {
    let served = served().await;
    let bell = read(&served, Duration::from_secs(60));
    let guess = || answered(served.bare("Merge Request Hook", "{}").header("x-gitlab-token", "a guess"));

    let (first, ()) = tokio::join!(guess(), async {
        bell.notified().await;
        served.routes.send_modify(|routes| {
            let reader = routes[0].reader.as_ref().map(Reader::again);
            *routes = Arc::new(vec![Route { reader, ..routes[0].clone() }]);
        });
    });
    let second = guess().await;
    let without = answered(served.bare("Merge Request Hook", "{}")).await;

    for answer in [first, second, without] {
        assert_eq!(answer.0, StatusCode::UNAUTHORIZED, "{}", answer.1);
    }
    assert!(bell.notified().now_or_never().is_none(), "nobody was asked again");
}
