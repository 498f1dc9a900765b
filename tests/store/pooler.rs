//! A pooler before PostgreSQL that lends a session for one transaction, and then to somebody else.

use gitlab_connector::store::{Batch, Store};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, Row as _};

use super::{Home, connection, merge_request};
use crate::support::pgbouncer::Pooler;
use crate::support::postgres;

/// The first row that a simple query answers, which needs nothing of the session.
async fn asked(url: &SecretString, sql: &'static str) -> Vec<String> {
    let options: sqlx::postgres::PgConnectOptions = url.expose_secret().parse().unwrap();
    let mut bystander = sqlx::PgConnection::connect_with(&options.extra_float_digits(None)).await.unwrap();
    let row = sqlx::raw_sql(sql).fetch_one(&mut bystander).await.unwrap();
    bystander.close().await.unwrap();
    (0..row.len()).map(|at| row.get(at)).collect()
}

fn rows(ids: std::ops::Range<i64>) -> Batch {
    Batch { merge_requests: ids.map(|id| merge_request(id, 1)).collect(), ..Batch::default() }
}

#[tokio::test]
async fn many_write_at_once_through_a_pooler_that_has_fewer_sessions() {
    let database = postgres::database().await;
    let pooler = Pooler::before(&database, 2).await;
    let stores = [Store::open(&pooler.url).await.unwrap(), Store::open(&pooler.url).await.unwrap()];
    stores[0].migrate().await.unwrap();
    let source = stores[1].register(&connection("acme")).await.unwrap().source;

    let writers = (0..40).map(|number| {
        let store = stores[number % 2].clone();
        let first = i64::try_from(number).unwrap() * 10;
        async move { store.commit(source, &rows(first..first + 10)).await }
    });
    let written = futures::future::join_all(writers).await;

    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert!(stores[0].overview(source).await.unwrap().contains(&("gitlab_merge_requests", 400)));
}

#[tokio::test]
async fn other_programs_of_a_pooler_find_nothing_of_ours_on_its_sessions() {
    const SET: &str = "select current_setting('statement_timeout'), current_setting('lock_timeout'),
        current_setting('idle_in_transaction_session_timeout'), current_setting('enable_seqscan'),
        current_setting('enable_hashjoin'), current_setting('enable_mergejoin'), current_setting('jit'),
        (select count(*) from pg_prepared_statements)::text";
    let database = postgres::database().await;
    for pooler in [Pooler::before(&database, 1).await, Pooler::lenient(&database, 1).await] {
        let before = asked(&pooler.url, SET).await;

        let store = Store::open(&pooler.url).await.unwrap();
        store.migrate().await.unwrap();
        let source = store.register(&connection("acme")).await.unwrap().source;
        store.commit(source, &rows(0..10)).await.unwrap();
        store.overview(source).await.unwrap();

        assert_eq!(asked(&pooler.url, SET).await, before);
    }
}

/// Without them, plans that were made while tables were empty read them whole ever after.
#[tokio::test]
async fn statements_run_with_the_limits_and_plans_that_we_count_on_however_the_database_is_reached() {
    const WATCH: &str = "create table seen (scan text, patience text, prepared bool);
        create function watch() returns trigger language plpgsql as $$ begin
          insert into seen values (current_setting('enable_seqscan'), current_setting('statement_timeout'),
            exists (select 1 from pg_prepared_statements));
          return null; end $$;
        create trigger watch after insert on gitlab_merge_requests execute function watch();
        create trigger watch after insert on connector_runs execute function watch()";
    let database = postgres::database().await;
    let home = Home::new(database.clone(), None).await;
    let pooler = Pooler::before(&database, 1).await;
    let pooled = Store::open(&pooler.url).await.unwrap();
    let wished = format!("{}&statement-cache-capacity=0", database.expose_secret()).into();
    let unprepared = Store::open(&wished).await.unwrap();
    let mut administrator = sqlx::PgConnection::connect(database.expose_secret()).await.unwrap();
    sqlx::raw_sql(WATCH).execute(&mut administrator).await.unwrap();

    for (number, store) in (1_i64..).zip([&home.store, &pooled, &unprepared]) {
        store.commit(home.source, &rows(number..number + 1)).await.unwrap();
        store.open_run(home.source, &number.to_string(), false).await.unwrap();
    }

    let seen = home.texts("select scan || ' ' || patience || ' ' || prepared from seen").await;
    let (kept, nothing) = ("off 1min true", "off 1min false");
    assert_eq!(seen, [kept, kept, nothing, nothing, nothing, nothing]);
}
