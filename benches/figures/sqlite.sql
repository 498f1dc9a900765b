-- The same for SQLite, with a million merge requests: four connections, of which one has two fifths of them.
-- usage: sqlite3 FILE < benches/figures/sqlite.sql   (migrated, and empty)
pragma journal_mode = off;
pragma synchronous = off;
pragma cache_size = -500000;

insert into gitlab_connections (id, uid, namespace, name, url, created_at)
select value, 'u' || value, 'bench', 'c' || value, 'https://gitlab' || value || '.test/', '2026-01-01T00:00:00.000Z'
from json_each('[1, 2, 3, 4]');
insert into gitlab_projects (source, id, path_with_namespace, synced_at, excluded_at)
with recursive p(id) as (select 1 union all select id + 1 from p where id < 2000)
select c.id, p.id, 'acme/p' || p.id, c.created_at, case when p.id % 100 = 0 then c.created_at end from gitlab_connections c, p;
insert into gitlab_users (source, id, username, kind, synced_at)
with recursive u(id) as (select 1 union all select id + 1 from u where id < 3000)
select c.id, u.id, 'u' || u.id, case when u.id % 20 = 0 then 'bot' else 'person' end, c.created_at from gitlab_connections c, u;

insert into connector_facts (source, merge_request_id, project_id, author_id, author_kind, created_at, created_week, ready_at,
  merged_at, merged_week, closed_week, first_commit_at, first_review_at, first_approval_at, review_count, reviewer_count,
  approval_count, comment_count, lines, files)
with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000),
randomly as materialized (
  select i, 1638316800 + abs(random()) % 157680000 as created, 518400 * (i * 104729 % 1000) / 1000 as lasted, 1 + i * 7 % 3000 as author
  from n
),
timed as materialized (
  select i, author, strftime('%Y-%m-%dT%H:%M:%fZ', created, 'unixepoch') as created,
    strftime('%Y-%m-%dT%H:%M:%fZ', created + lasted * 2 / 10, 'unixepoch') as ready,
    strftime('%Y-%m-%dT%H:%M:%fZ', created + lasted * 4 / 10, 'unixepoch') as reviewed,
    strftime('%Y-%m-%dT%H:%M:%fZ', created + lasted, 'unixepoch') as ended
  from randomly
)
select case when i % 5 < 2 then 1 else 2 + i / 5 % 3 end, i, 1 + i * 2000 / 1000000 % 2000, author,
  case when author % 20 = 0 then 'bot' else 'person' end, created, date(created, 'weekday 0', '-6 days'), ready,
  case when i % 10 > 1 then ended end, case when i % 10 > 1 then date(ended, 'weekday 0', '-6 days') end,
  case when i % 10 = 1 then date(ended, 'weekday 0', '-6 days') end, created, case when i % 7 > 0 then reviewed end,
  case when i % 5 > 0 then reviewed end, i % 7, 1, 1, 2, i * 7919 % 700, 1 + i % 20
from timed;
insert into connector_participants (source, merge_request_id, user_id, week, project_id, kind, is_own, comments, approvals,
  reviews, approved, first_review_at, first_approval_at)
select source, merge_request_id, 1 + (author_id + value * 31) % 3000, coalesce(merged_week, created_week), project_id,
  case when (1 + (author_id + value * 31) % 3000) % 20 = 0 then 'bot' else 'person' end, value = 2, 1, value % 2, 1, value = 1,
  first_review_at, case when value = 1 then first_review_at end
from connector_facts, json_each('[1, 2]');
analyze;
