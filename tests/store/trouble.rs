//! What goes wrong is said, by name and without secrets.

use gitlab_connector::store::{Batch, Error, Place, Store};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::Connection as _;

use super::{File, connection, homes, merge_request};
use crate::support::postgres;

fn says(error: &Error) -> String {
    format!("{error} {error:?}")
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_printed() {
    let error = Store::open(&postgres::url_with_wrong_password().await).await.unwrap_err();

    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(error.reason(), "DatabaseRefused");
    assert!(!error.is_transient());
    assert!(!says(&error).contains(postgres::PASSWORD));
}

#[tokio::test]
async fn a_server_that_is_away_is_unreachable_and_worth_another_try() {
    let url = format!("postgres://someone:{}@127.0.0.1:1/db", postgres::PASSWORD).into();

    let error = Store::open(&url).await.unwrap_err();

    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    assert!(error.is_transient());
    assert!(!says(&error).contains(postgres::PASSWORD));
}

#[tokio::test]
async fn a_url_that_is_none_is_named_and_not_printed() {
    for url in ["mysql://root:hunter2-in-the-database@host/db", "postgres://u:hunter2-in-the-database@host:port/db"] {
        let error = Store::open(&SecretString::from(url)).await.unwrap_err();

        assert!(matches!(error, Error::Url(_)), "{error:?}");
        assert!(!says(&error).contains(postgres::PASSWORD));
    }
}

#[tokio::test]
async fn a_password_that_ends_the_host_of_a_url_is_to_be_encoded_and_no_part_of_it_is_looked_up_or_printed() {
    for url in [
        "postgres://user:hun#ter2@db.internal/rows",
        "postgres://user:hun/ter2@db.internal/rows",
        "postgres://user:hun?ter2@db.internal/rows",
        "postgres://user:5432#ter2@db.internal/rows",
        "postgres://user:5432/ter2@db.internal/rows",
        "postgres://user:5432?ter2@db.internal/rows",
        "postgres://user:5432?host=ter2@db.internal/rows",
        "postgres://user:hun@ter2/word@db.internal/rows",
    ] {
        let error = Store::open(&SecretString::from(url)).await.unwrap_err();

        assert!(matches!(error, Error::Url(_)), "{url} {error:?}");
        assert!(says(&error).contains("percent-encode"), "{url} {error}");
        assert!(!says(&error).contains("ter2") && !says(&error).contains("hun"), "{error}");
    }
    let encoded = "postgres://user:hun%23%2F%3Fter2@127.0.0.1:1/rows?application_name=me@work";
    let error = Store::open(&SecretString::from(encoded)).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn several_hosts_are_refused_and_a_wish_for_the_primary_is_what_we_want_too() {
    for url in ["postgres://u:p@one:5432,two:5432/db", "postgres://u:p@one,two/db", "postgres:///db?host=one,two"] {
        let error = Store::open(&SecretString::from(url)).await.unwrap_err();
        assert!(matches!(error, Error::Url(_)) && says(&error).contains("several hosts"), "{error}");
    }
    let database = postgres::database().await;
    let wishing = |wish: &str| format!("{}&target_session_attrs={wish}", database.expose_secret()).into();

    Store::open(&wishing("read-write")).await.unwrap();
    let error = Store::open(&wishing("standby")).await.unwrap_err();

    assert!(matches!(error, Error::Url(_)) && says(&error).contains("target_session_attrs"), "{error}");
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused_in_one_sentence() {
    let error = Store::open(&postgres::encoded_in("LATIN1").await).await.unwrap_err();

    assert!(matches!(error, Error::Encoding(_)) && !error.is_transient(), "{error:?}");
    assert!(says(&error).contains("LATIN1") && says(&error).contains("UTF8"), "{error}");
}

#[tokio::test]
async fn an_empty_database_says_that_it_is_not_migrated() {
    let file = File::new();
    for url in [file.url(), postgres::database().await] {
        let store = Store::open(&url).await.unwrap();

        let error = store.register(&connection("acme")).await.unwrap_err();

        assert!(matches!(error, Error::NotMigrated), "{error:?}");
    }
}

#[tokio::test]
async fn a_read_only_sqlite_says_so() {
    let file = File::new();
    let store = Store::open(&file.url()).await.unwrap();
    store.migrate().await.unwrap();
    let source = store.register(&connection("acme")).await.unwrap().source;
    store.close().await;
    let url = format!("{}?mode=ro", secrecy::ExposeSecret::expose_secret(&file.url())).into();

    let outcome = match Store::open(&url).await {
        Ok(store) => {
            store.commit(source, &Batch { merge_requests: vec![merge_request(1, 1)], ..Batch::default() }).await
        }
        Err(error) => Err(error),
    };

    assert!(matches!(outcome, Err(Error::ReadOnly(_))), "{outcome:?}");
}

#[tokio::test]
async fn what_fails_in_the_middle_leaves_nothing_behind() {
    for home in homes().await {
        // The database refuses the second table of the batch.
        let broken = Batch {
            merge_requests: vec![merge_request(1, 1)],
            plan: vec![gitlab_connector::store::NewTask { project_id: 1, expected: 1, tokens: Vec::new(), read: None }],
            ..Batch::default()
        };

        home.store.commit(home.source, &broken).await.unwrap_err();

        assert_eq!(home.dump().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_commit_that_is_cut_off_leaves_all_or_nothing() {
    for home in homes().await {
        for patience in [1, 2, 4, 8, 16, 32, 64] {
            let rows: Vec<_> = (0..300).map(|id| merge_request(id, patience)).collect();
            let batch = Batch { merge_requests: rows, ..Batch::default() };
            let patience = std::time::Duration::from_millis(patience.unsigned_abs());

            let _cut_off = tokio::time::timeout(patience, home.store.commit(home.source, &batch)).await;

            let versions = home.texts("select distinct title from gitlab_merge_requests").await;
            let rows = home.rows("gitlab_merge_requests").await.len();
            assert!(versions.len() <= 1 && [0, 300].contains(&rows), "{versions:?} {rows}");
        }
        let after = Batch { merge_requests: vec![merge_request(1, 100)], ..Batch::default() };
        home.store.commit(home.source, &after).await.unwrap();
    }
}

#[tokio::test]
async fn a_role_that_may_have_no_more_connections_is_told_in_the_servers_words() {
    let database = postgres::database().await;
    let url = postgres::limited_to(1, &database);
    let store = Store::open_at(&Place { max_connections: 1, ..url.clone().into() }).await.unwrap();
    store.migrate().await.unwrap();
    let mut administrator = sqlx::PgConnection::connect(database.expose_secret()).await.unwrap();
    let cut = "select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query(cut).execute(&mut administrator).await.unwrap();
    let _the_only_one = sqlx::PgConnection::connect(url.expose_secret()).await.unwrap();

    let (newcomer, meanwhile) = tokio::join!(Store::open(&url), async { store.register(&connection("acme")).await });

    for error in [newcomer.unwrap_err(), meanwhile.unwrap_err()] {
        assert!(says(&error).contains("too many connections for role"), "{error}");
        assert!(says(&error).contains("maxConnections") && error.is_transient(), "{error}");
    }
}

#[tokio::test]
async fn connections_that_the_server_closed_are_replaced() {
    let [_, home] = homes().await;
    let others = "select pg_terminate_backend(pid)::text from pg_stat_activity
        where pid <> pg_backend_pid() and datname = current_database()";
    home.texts(others).await;

    let batch = Batch { merge_requests: vec![merge_request(1, 1)], ..Batch::default() };

    home.store.commit(home.source, &batch).await.unwrap();
}

/// A failover, and what managed databases do before they are full: sessions live on, and may only read.
#[tokio::test]
async fn a_server_that_takes_no_writes_for_a_while_is_written_to_as_soon_as_it_does() {
    let url = postgres::database().await;
    let store = Store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    let mut administrator = sqlx::PgConnection::connect(url.expose_secret()).await.unwrap();
    let mut say = async |sql: &'static str| {
        sqlx::query(sql).execute(&mut administrator).await.unwrap();
    };
    let only_reads = "do $$ begin execute format('alter database %I set default_transaction_read_only = on',
        current_database()); end $$";
    let writes = "do $$ begin execute format('alter database %I reset default_transaction_read_only',
        current_database()); end $$";
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";

    say(only_reads).await;
    say(cut).await;
    let meanwhile = store.register(&connection("acme")).await.unwrap_err();
    let newcomer = Store::open(&url).await.unwrap_err();
    say("set default_transaction_read_only = off").await;
    say(writes).await;
    let after = store.register(&connection("acme")).await;

    for error in [meanwhile, newcomer] {
        assert!(error.is_transient(), "{error:?}");
    }
    assert!(after.is_ok(), "{after:?}");
}

#[tokio::test]
async fn a_closed_sqlite_file_is_whole_and_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let (file, copy) = (File::new(), File::new());
    let store = Store::open(&file.url()).await.unwrap();
    store.migrate().await.unwrap();
    let source = store.register(&connection("acme")).await.unwrap().source;
    let batch = Batch { merge_requests: vec![merge_request(1, 1)], ..Batch::default() };
    store.commit(source, &batch).await.unwrap();
    store.close().await;

    std::fs::copy(&file.0, &copy.0).unwrap();
    let copied = Store::open(&copy.url()).await.unwrap();

    assert!(copied.overview(source).await.unwrap().contains(&("gitlab_merge_requests", 1)));
    assert_eq!(std::fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
}
