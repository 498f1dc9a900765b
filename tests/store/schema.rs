//! The schema: the same in both databases, described, and safe to migrate from many processes.

use std::time::Duration;

use gitlab_connector::store::{Error, Migrated, Store, schema_document};

use super::{File, Home, homes};
use crate::support::postgres;

const POSTGRES_COLUMNS: &str = "select table_name || '.' || column_name from information_schema.columns
    where table_schema = 'public' order by 1";
const SQLITE_COLUMNS: &str = "select m.name || '.' || c.name from sqlite_schema m, pragma_table_info(m.name) c
    where m.type in ('table', 'view') and m.name not like 'sqlite_%' order by 1";
const UNDESCRIBED: &str = "select c.relname || '.' || a.attname from pg_class c
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'v') and c.relname <> 'connector_schema'
      and (obj_description(c.oid) is null or col_description(c.oid, a.attnum) is null)";

#[tokio::test]
async fn both_databases_have_the_same_tables_views_and_columns() {
    let [sqlite, postgres]: [Home; 2] = homes().await;

    let columns = sqlite.texts(SQLITE_COLUMNS).await;

    assert_eq!(columns, postgres.texts(POSTGRES_COLUMNS).await);
    assert!(columns.len() > 250, "{}", columns.len());
}

#[tokio::test]
async fn every_table_view_and_column_is_described_in_the_database() {
    let [_, postgres]: [Home; 2] = homes().await;

    assert_eq!(postgres.texts(UNDESCRIBED).await, Vec::<String>::new());
}

#[tokio::test]
async fn processes_that_migrate_at_once_do_no_harm() {
    let file = File::new();
    for url in [file.url(), postgres::database().await] {
        let migrations = (0..6).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&url).await.unwrap().migrate().await })
        });

        let mut fresh = 0;
        for migration in migrations.collect::<Vec<_>>() {
            let Migrated { from, to } = migration.await.unwrap().unwrap();
            fresh += i32::from(from == 0);
            assert!(to >= 2);
        }

        assert_eq!(fresh, 1);
    }
}

#[tokio::test]
async fn a_schema_that_is_up_to_date_needs_no_lock() {
    let [sqlite, postgres]: [Home; 2] = homes().await;
    // As long as another process migrates, or an administrator keeps everybody from it.
    postgres.change("select pg_advisory_lock(x'676c636f6e6e'::bigint)").await;

    for home in [&sqlite, &postgres] {
        let outcome = tokio::time::timeout(Duration::from_secs(5), home.store.migrate()).await.unwrap();

        assert!(matches!(outcome, Ok(Migrated { from: 2.., .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_left_alone() {
    for home in homes().await {
        home.texts("insert into connector_schema (version, applied_at) values (99, '') returning applied_at").await;

        let outcome = home.store.migrate().await;

        assert!(matches!(outcome, Err(Error::SchemaTooNew { found: 99, .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn rights_outlive_a_migration() {
    let home = Home::new(postgres::database().await, None).await;
    home.without_facts().await;
    let role = format!("reader_{:08x}", fastrand::u32(..));
    home.change("create view users as select source, id, username, 1 as not_any_more from gitlab_users").await;
    home.change("create view repos as select source, id, name from gitlab_projects").await;
    home.change(format!("create role {role}").leak()).await;
    home.change(format!("grant select on users to {role} with grant option").leak()).await;
    home.change(format!("grant select (name) on repos to {role}").leak()).await;
    home.change(format!("grant select on gitlab_labels to {role}").leak()).await;
    home.change(format!("grant select (not_any_more) on users to {role}").leak()).await;

    home.store.migrate().await.unwrap();

    let rights = format!(
        "select has_table_privilege('{role}', 'users', 'select with grant option')::text || ' ' || \
           has_table_privilege('{role}', 'gitlab_labels', 'select')::text || ' ' || \
           has_column_privilege('{role}', 'repos', 'name', 'select')::text || ' ' || \
           has_column_privilege('{role}', 'repos', 'id', 'select')::text"
    );
    assert_eq!(home.texts(rights.leak()).await, ["true true true false"]);
}

#[tokio::test]
async fn a_view_of_somebody_else_on_ours_is_not_dropped_but_named() {
    let home = Home::new(postgres::database().await, None).await;
    home.without_facts().await;
    home.change("create view users as select source, id, username from gitlab_users").await;
    home.change("create view payroll as select username from users").await;

    let error = home.store.migrate().await.unwrap_err();

    assert!(matches!(&error, Error::ViewsInUse(views) if views == "payroll"), "{error:?}");
    assert_eq!(home.texts("select cast(count(*) as text) from payroll").await, ["0"]);
    home.change("drop view payroll").await;
    assert!(home.store.migrate().await.is_ok());
}

/// SQLite looks up what a view reads when it is read, so such views stand in nobody's way.
#[tokio::test]
async fn a_view_of_somebody_else_in_a_file_outlives_a_migration() {
    let [home, _]: [Home; 2] = homes().await;
    home.without_facts().await;
    home.change("create view payroll as select number from pull_requests").await;

    home.store.migrate().await.unwrap();

    assert_eq!(home.texts("select cast(count(*) as text) from payroll").await, ["0"]);
}

#[tokio::test]
async fn nothing_of_a_connection_is_left_that_was_forgotten() {
    for home in homes().await {
        home.store.commit(home.source, &super::commit::everything()).await.unwrap();
        let tables = match home.store {
            Store::Postgres(_) => {
                "select table_name::text from information_schema.columns where column_name = 'source'
                   and table_name not in (select viewname from pg_views) and table_schema = current_schema() order by 1"
            }
            Store::Sqlite(_) => {
                "select m.name from sqlite_schema m, pragma_table_info(m.name) c
                 where m.type = 'table' and c.name = 'source' order by 1"
            }
        };
        let tables = home.texts(tables).await;
        assert!(tables.len() > 15, "{tables:?}");

        home.store.forget(home.source).await.unwrap();

        for table in tables {
            let left = format!("select cast(count(*) as text) from {table}");
            assert_eq!(home.texts(left.leak()).await, ["0"], "{table}");
        }
    }
}

#[test]
fn the_schema_document_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, schema_document()).unwrap();
    }

    let stored = std::fs::read_to_string(path).unwrap_or_default();

    assert!(stored == schema_document(), "docs/schema.md is stale: run `UPDATE=1 cargo test schema_document`");
}
