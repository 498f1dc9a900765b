//! Databases that do not give a session of its own to everything that happens at once.

use gitlab_connector::importer::refresh;
use gitlab_connector::store::Batch;
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
    let mut place = Place::at(pooler.url.clone(), None).await;
    // The test itself looks past the pooler.
    place.url = database;

    import_and_refresh(&gitlab, &place).await;

    assert_same(&place.rows().await, &expected(&gitlab).await);
}
