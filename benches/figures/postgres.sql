-- Facts of :merge_requests merge requests of seventeen connections in five years: one has a fifth of them, the others a
-- twentieth each. Rows lie as imports leave them, project by project, so that those of one week are everywhere.
-- usage: psql -v merge_requests=10000000 -f benches/figures/postgres.sql DATABASE   (migrated, and empty)
set synchronous_commit = off;
set maintenance_work_mem = '1GB';
select setseed(0.5);

insert into gitlab_connections (uid, namespace, name, url, created_at)
select 'u' || s, 'bench', 'c' || s, 'https://gitlab' || s || '.test/', now() from generate_series(1, 17) s;
insert into gitlab_projects (source, id, path_with_namespace, synced_at, excluded_at)
select s, p, 'acme/p' || p, now(), case when p % 100 = 0 then now() end from generate_series(1, 17) s, generate_series(1, 2000) p;
insert into gitlab_users (source, id, username, kind, synced_at)
select s, u, 'u' || u || case when u % 20 = 0 then '-bot' else '' end, case when u % 20 = 0 then 'bot' else 'person' end, now()
from generate_series(1, 17) s, generate_series(1, 3000) u;

-- Indexes are quicker to make at the end.
create temporary table later as select indexdef from pg_indexes
where tablename in ('connector_facts', 'connector_participants') and indexname not like '%_pkey';
select format('drop index %I', indexname) from pg_indexes
where tablename in ('connector_facts', 'connector_participants') and indexname not like '%_pkey' \gexec
alter table connector_facts drop constraint connector_facts_pkey;
alter table connector_participants drop constraint connector_participants_pkey;

insert into connector_facts (source, merge_request_id, project_id, author_id, author_kind, created_at, created_week, ready_at,
  merged_at, merged_week, closed_week, first_commit_at, first_review_at, first_approval_at, review_count, reviewer_count,
  approval_count, comment_count, lines, files)
select source, i, 1 + i * 2000 / :merge_requests % 2000, author, case when author % 20 = 0 then 'bot' else 'person' end, created,
  date_trunc('week', created at time zone 'UTC')::date, created + (ended - created) * 0.2,
  case when i % 10 > 1 then ended end, case when i % 10 > 1 then date_trunc('week', ended at time zone 'UTC')::date end,
  case when i % 10 = 1 then date_trunc('week', ended at time zone 'UTC')::date end, created,
  case when i % 7 > 0 then created + (ended - created) * 0.4 end, case when i % 5 > 0 then created + (ended - created) * 0.6 end,
  i % 7, 1, 1, 2, i * 7919 % 700, 1 + i % 20
from (
  select i, case when i % 20 < 4 then 1 else 2 + i / 20 % 16 end as source, 1 + i * 7 % 3000 as author, created,
    created + interval '6 days' * (i * 104729 % 1000) / 1000 as ended
  from (select i, timestamptz '2021-12-01' + interval '1825 days' * random() as created
        from generate_series(1, :merge_requests::bigint) i) x
) x;
insert into connector_participants (source, merge_request_id, user_id, week, project_id, kind, is_own, comments, approvals,
  reviews, approved, first_review_at, first_approval_at)
select source, merge_request_id, 1 + (author_id + k * 31) % 3000, coalesce(merged_week, created_week), project_id,
  case when (1 + (author_id + k * 31) % 3000) % 20 = 0 then 'bot' else 'person' end, k = 2, 1, k % 2, 1, k = 1,
  first_review_at, case when k = 1 then first_review_at end
from connector_facts, generate_series(1, 2) k;

alter table connector_facts add primary key (source, merge_request_id);
alter table connector_participants add primary key (source, merge_request_id, user_id, week);
select indexdef from later \gexec
vacuum analyze connector_facts;
vacuum analyze connector_participants;
vacuum analyze gitlab_projects;
vacuum analyze gitlab_users;
