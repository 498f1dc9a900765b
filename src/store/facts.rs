//! Connections, the small facts kept for them, and what there is in all.

use std::collections::HashMap;

use jiff::Timestamp;
use url::Url;

use super::database::{Arg, Sql};
use super::durability::Durability;
use super::merge::document;
use super::{Connection, Error, KnownProject, Refresh, Registered, Source, Store};

impl Store {
    /// Finds or makes the row of a connection.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn register(&self, connection: &Connection) -> Result<Registered, Error> {
        const REGISTER: Sql = Sql::both(
            "insert into gitlab_connections as c (uid, namespace, name, url, created_at)
             values (coalesce($1, $2), $3, $4, $5, $6)
             on conflict (namespace, name, url) do update set uid = coalesce($1, c.uid)
             returning id, uid",
        );
        // One GitLab is one source however its URL is spelled: letters of the host, its usual port, a slash at the end.
        let root = Url::parse(&connection.url).map_or_else(|_| connection.url.clone(), String::from);
        let root = format!("{}/", root.trim_end_matches('/'));
        let args = vec![
            Arg::MaybeText(connection.uid.clone()),
            Arg::Text(new_uid()),
            Arg::text(&connection.namespace),
            Arg::text(&connection.name),
            Arg::Text(root),
            Arg::Time(Timestamp::now()),
        ];
        let rows = self.execute_returning(REGISTER, args).await?;
        let row = rows.first().ok_or_else(|| Error::Other("the connection was not stored".to_owned()))?;
        Ok(Registered { source: Source(row.int(0)), uid: row.text(1) })
    }

    /// Removes everything that is stored for a connection, and the connection itself.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn forget(&self, source: Source) -> Result<(), Error> {
        const FORGET: [&str; 31] = [
            "delete from connector_deliveries where source = $1",
            "delete from connector_met where task_id in (select id from connector_tasks where source = $1)",
            "delete from connector_tasks where source = $1",
            "delete from connector_unreadable where source = $1",
            "delete from connector_audit_differences where audit_id in (select id from connector_audits where source = $1)",
            "delete from connector_audits where source = $1",
            "delete from connector_facts where source = $1",
            "delete from connector_participants where source = $1",
            "delete from connector_recounts where source = $1",
            "delete from gitlab_users where source = $1",
            "delete from gitlab_usernames where source = $1",
            "delete from gitlab_groups where source = $1",
            "delete from gitlab_projects where source = $1",
            "delete from gitlab_labels where source = $1",
            "delete from gitlab_members where source = $1",
            "delete from gitlab_merge_requests where source = $1",
            "delete from gitlab_notes where source = $1",
            "delete from gitlab_approvals where source = $1",
            "delete from gitlab_merge_request_commits where source = $1",
            "delete from gitlab_environments where source = $1",
            "delete from gitlab_deployment_merge_requests where source = $1",
            "delete from gitlab_deployments where source = $1",
            "delete from gitlab_pipelines where source = $1",
            "delete from gitlab_jobs where source = $1",
            "delete from connector_lists where source = $1",
            "delete from connector_production_environments where source = $1",
            "delete from connector_refreshes where source = $1",
            "delete from connector_checkpoints where source = $1",
            "delete from connector_runs where source = $1",
            "delete from connector_state where source = $1",
            "delete from gitlab_connections where id = $1",
        ];
        let mut tx = self.begin(Durability::Disk).await?;
        for sql in FORGET {
            tx.execute(Sql::both(sql), vec![Arg::Int(source.0)]).await?;
        }
        tx.commit().await
    }

    /// A small fact kept for a connection.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn state(&self, source: Source, key: &str) -> Result<Option<String>, Error> {
        const STATE: Sql = Sql::both("select value from connector_state where source = $1 and key = $2");
        let rows = self.fetch(STATE, vec![Arg::Int(source.0), Arg::text(key)]).await?;
        Ok(rows.first().map(|row| row.text(0)))
    }

    /// Keeps a small fact for a connection.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn set_state(&self, source: Source, key: &str, value: &str) -> Result<(), Error> {
        const SET: Sql = Sql::both(
            "insert into connector_state (source, key, value) values ($1, $2, $3)
             on conflict (source, key) do update set value = excluded.value",
        );
        self.execute(SET, vec![Arg::Int(source.0), Arg::text(key), Arg::text(value)]).await.map(drop)
    }

    /// Keeps a small fact, and tells whether it was news: of several that say the same at once, one is told so.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn change_state(&self, source: Source, key: &str, value: &str) -> Result<bool, Error> {
        const CHANGE: Sql = Sql::both(
            "insert into connector_state as s (source, key, value) values ($1, $2, $3)
             on conflict (source, key) do update set value = excluded.value where s.value <> excluded.value",
        );
        Ok(self.execute(CHANGE, vec![Arg::Int(source.0), Arg::text(key), Arg::text(value)]).await? > 0)
    }

    /// Merge requests to read again, the longest waiting first.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn pending_refreshes(&self, source: Source, limit: i64) -> Result<Vec<Refresh>, Error> {
        const PENDING: Sql = Sql::both(
            "select r.project_id, coalesce(p.path_with_namespace, r.project_path), r.iid, r.mark
             from connector_refreshes r
             left join gitlab_projects p on p.source = r.source and p.id = r.project_id
             where r.source = $1 order by r.marked_at, r.project_id, r.iid limit $2",
        );
        let rows = self.fetch(PENDING, vec![Arg::Int(source.0), Arg::Int(limit)]).await?;
        let refresh = rows.iter().map(|row| Refresh {
            project_id: row.int(0),
            project_path: row.text(1),
            iid: row.int(2),
            mark: row.int(3),
        });
        Ok(refresh.collect())
    }

    /// The projects stored, with their checkpoints, in the order of their ids.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn known_projects(&self, source: Source) -> Result<Vec<KnownProject>, Error> {
        const KNOWN: Sql = Sql::both(
            "select p.id, p.path_with_namespace, p.archived, c.watermark, c.full_at,
               p.deleted_at is null and p.excluded_at is null and p.out_of_scope_at is null, p.unreadable_at is not null,
               c.project_id is null or exists (
                 select 1 from connector_unreadable u where u.source = p.source and u.project_id = p.id)
             from gitlab_projects p
             left join connector_checkpoints c on c.source = p.source and c.project_id = p.id
             where p.source = $1 order by p.id",
        );
        let rows = self.fetch(KNOWN, vec![Arg::Int(source.0)]).await?;
        let project = rows.iter().map(|row| KnownProject {
            id: row.int(0),
            path: row.text(1),
            archived: row.maybe_int(2).map(|flag| flag != 0),
            since: row.time(3),
            full_at: row.time(4),
            followed: row.flag(5),
            unreadable: row.flag(6),
            open: row.flag(7),
        });
        Ok(project.collect())
    }

    /// How many merge requests are stored of each project that has any, without those that are gone.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn stored_counts(&self, source: Source) -> Result<HashMap<i64, i64>, Error> {
        const COUNTS: Sql = Sql::both(
            "select project_id, count(*) from gitlab_merge_requests where source = $1 and deleted_at is null group by project_id",
        );
        let rows = self.fetch(COUNTS, vec![Arg::Int(source.0)]).await?;
        Ok(rows.iter().map(|row| (row.int(0), row.int(1))).collect())
    }

    /// The paths of those of the projects `ids` that are stored and followed.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn project_paths(&self, source: Source, ids: &[i64]) -> Result<Vec<(i64, String)>, Error> {
        const PATHS: Sql = Sql {
            postgres: "select id, path_with_namespace from gitlab_projects where source = $1
                and id in (select value::bigint from json_array_elements_text($2::text::json))
                and deleted_at is null and out_of_scope_at is null and excluded_at is null order by id",
            sqlite: "select id, path_with_namespace from gitlab_projects where source = $1
                and id in (select value from json_each($2))
                and deleted_at is null and out_of_scope_at is null and excluded_at is null order by id",
        };
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.fetch(PATHS, vec![Arg::Int(source.0), Arg::Text(document(ids)?)]).await?;
        Ok(rows.iter().map(|row| (row.int(0), row.text(1))).collect())
    }

    /// Rows per raw table, without those of what is gone.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn overview(&self, source: Source) -> Result<Vec<(&'static str, i64)>, Error> {
        const TABLES: [&str; 13] = [
            "gitlab_groups",
            "gitlab_projects",
            "gitlab_labels",
            "gitlab_members",
            "gitlab_users",
            "gitlab_merge_requests",
            "gitlab_notes",
            "gitlab_approvals",
            "gitlab_merge_request_commits",
            "gitlab_environments",
            "gitlab_deployments",
            "gitlab_pipelines",
            "gitlab_jobs",
        ];
        const COUNTS: Sql = Sql::both(
            "select (select count(*) from gitlab_groups where source = $1 and deleted_at is null),
               (select count(*) from gitlab_projects where source = $1 and deleted_at is null),
               (select count(*) from gitlab_labels where source = $1 and gone_at is null),
               (select count(*) from gitlab_members where source = $1 and gone_at is null),
               (select count(*) from gitlab_users where source = $1),
               (select count(*) from gitlab_merge_requests where source = $1 and deleted_at is null),
               (select count(*) from gitlab_notes where source = $1 and gone_at is null),
               (select count(*) from gitlab_approvals where source = $1 and gone_at is null),
               (select count(*) from gitlab_merge_request_commits where source = $1 and gone_at is null),
               (select count(*) from gitlab_environments where source = $1 and gone_at is null),
               (select count(*) from gitlab_deployments where source = $1 and gone_at is null),
               (select count(*) from gitlab_pipelines where source = $1 and gone_at is null),
               (select count(*) from gitlab_jobs where source = $1 and pipeline_id not in (
                 select id from gitlab_pipelines where source = $1 and gone_at is not null))",
        );
        let rows = self.fetch(COUNTS, vec![Arg::Int(source.0)]).await?;
        let counts =
            |row: &super::answer::Row| TABLES.iter().enumerate().map(|(at, table)| (*table, row.int(at))).collect();
        Ok(rows.first().map(counts).unwrap_or_default())
    }

    /// When the last authentic delivery arrived.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn last_delivery(&self, source: Source) -> Result<Option<Timestamp>, Error> {
        const LAST: Sql = Sql::both("select max(received_at) from connector_deliveries where source = $1");
        Ok(self.fetch(LAST, vec![Arg::Int(source.0)]).await?.first().and_then(|row| row.time(0)))
    }
}

/// An identity in the form of a Kubernetes UID. It is no secret: it only has to be unique.
fn new_uid() -> String {
    let random = fastrand::u128(..);
    let (a, b, c) = ((random >> 96) as u32, (random >> 80) as u16, (random >> 68) as u16 & 0x0fff);
    let (d, e) = ((random >> 48) as u16 & 0x3fff | 0x8000, random & 0xffff_ffff_ffff);
    format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
}
