//! Databases that do not give a session of its own to everything that happens at once.

use gitlab_connector::importer::refresh;
use gitlab_connector::store::{self, Batch, Store};
use gitlab_simulator::Simulator;

use super::equality::comment_on_all;
use super::{Place, assert_same, client, company, import, serve, small};
use crate::support::pgbouncer::Pooler;
use crate::support::postgres;

/// An import, and a refresh of everything.
async fn import_and_refresh(gitlab: &Simulator, place: &Place) {
    let settings = place.settings("first");
    assert_eq!(import(gitlab, place, &settings).await.unwrap().exit_code(), 0);
    let due = comment_on_all(gitlab);
    place.store.commit(place.source, &Batch { refresh: due, ..Batch::default() }).await.unwrap();
    assert_eq!(refresh::once(&client(gitlab), &place.store, &settings).await.unwrap(), 36);
}

/// What there is to be found in the end.
async fn expected(gitlab: &Simulator) -> Vec<String> {
    let place = Place::postgres().await;
    import(gitlab, &place, &place.settings("first")).await.unwrap();
    place.rows().await
}

#[tokio::test]
async fn an_import_and_a_refresh_through_a_pooler_bring_everything() {
    let gitlab = serve(company(1, small())).await;
    let database = postgres::database().await;
    let pooler = Pooler::before(&database, 2).await;
    let place = Place::of(Store::open(&pooler.url).await.unwrap(), database, None).await;

    import_and_refresh(&gitlab, &place).await;

    assert_same(&place.rows().await, &expected(&gitlab).await);
}

/// Whoever holds a connection never waits for another one.
#[tokio::test]
async fn an_import_and_a_refresh_make_do_with_one_connection() {
    let gitlab = serve(company(1, small())).await;
    let database = postgres::database().await;
    let url = postgres::limited_to(1, &database);
    let store = Store::open_at(&store::Place { max_connections: 1, ..url.into() }).await.unwrap();
    let place = Place::of(store, database, None).await;

    import_and_refresh(&gitlab, &place).await;

    assert_same(&place.rows().await, &expected(&gitlab).await);
}
