-- Audits hold what is stored against what GitLab says. Each leaves its counts here, the latest hundred of a connection.
create table connector_audits (
  -- Row id.
  id bigint generated always as identity primary key,
  -- The connection.
  source bigint not null,
  -- When the audit began.
  started_at timestamptz not null,
  -- When it ended.
  finished_at timestamptz not null,
  -- Projects whose merge requests were counted.
  projects bigint not null,
  -- Merge requests that were read anew and compared.
  merge_requests bigint not null,
  -- Merge requests of those that changed after the last import began, and differ: the next import brings them.
  behind bigint not null,
  -- Projects and merge requests of which GitLab shows these tokens nothing, so that nothing can be said.
  unreadable bigint not null,
  -- Differences in all: columns and rows that differ, and projects with another number of merge requests.
  differences bigint not null
);
create index connector_audits_source on connector_audits (source, id);

-- What an audit found to differ, the first thousand.
create table connector_audit_differences (
  -- The audit.
  audit_id bigint not null,
  -- Their order.
  place bigint not null,
  -- The project.
  project_id bigint not null,
  -- Number of the merge request in its project; NULL where the project's count differs.
  iid bigint,
  -- The table.
  table_name text not null,
  -- What tells the row apart among those of the merge request, such as the id of a comment.
  row_key text,
  -- missing: GitLab has it and it is not stored. extra: it is stored and GitLab does not have it. other: a value differs.
  -- count: another number of merge requests.
  kind text not null,
  -- The column that differs.
  column_name text,
  -- The value in the database.
  stored text,
  -- The value that GitLab gave.
  gitlab text,
  primary key (audit_id, place)
);
