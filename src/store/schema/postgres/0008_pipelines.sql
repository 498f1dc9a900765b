-- Pipelines and their jobs.

-- Pipelines, from project.pipelines of GraphQL; before GitLab 17.2 what started them is from GET /projects/:id/pipelines.
create table gitlab_pipelines (
  -- The connection that brought the row.
  source bigint not null,
  -- GitLab's id.
  id bigint not null,
  -- The number in its project.
  iid bigint not null,
  -- The project.
  project_id bigint not null,
  -- What its configuration calls it. NULL before GitLab 17.2.
  name text,
  -- success, failed, running, pending, created, canceled, skipped, manual, scheduled and the like.
  status text not null,
  -- What started it: push, web, schedule, merge_request_event, parent_pipeline and the like.
  started_by text,
  -- The branch or tag, or refs/merge-requests/<number>/head and the like.
  ref text,
  -- The commit.
  sha text,
  -- Who started it; NULL when the account is gone.
  user_id bigint,
  -- Number of the merge request that it ran for, as far as GitLab or the ref tells.
  merge_request_iid bigint,
  -- The pipeline whose bridge started it.
  upstream_id bigint,
  -- When it was made.
  created_at timestamptz not null,
  -- GitLab's clock of the row: the newest wins.
  updated_at timestamptz not null,
  -- When it began.
  started_at timestamptz,
  -- When it ended.
  finished_at timestamptz,
  -- Seconds that it ran, by GitLab's count.
  duration bigint,
  -- Seconds that it waited before it ran.
  queued_duration double precision,
  -- Test coverage in percent.
  coverage double precision,
  -- Whether its jobs are stored to their end.
  jobs_complete boolean not null,
  -- When GitLab was read and told something new.
  synced_at timestamptz not null,
  -- Since when it is known to be deleted: its project's pipelines were readable then, and it was not there.
  gone_at timestamptz,
  primary key (source, id)
);
create index gitlab_pipelines_project on gitlab_pipelines (source, project_id, id);

-- Jobs and bridges of pipelines, also those that were tried again, from pipeline.jobs of GraphQL; why jobs failed is from
-- GET /projects/:id/jobs.
create table gitlab_jobs (
  -- The connection that brought the row.
  source bigint not null,
  -- GitLab's id.
  id bigint not null,
  -- The pipeline.
  pipeline_id bigint not null,
  -- The project.
  project_id bigint not null,
  -- build, or bridge for one that starts another pipeline.
  kind text not null,
  -- Its name.
  name text,
  -- Its stage.
  stage text,
  -- As for pipelines.
  status text,
  -- Whether the pipeline may succeed without it.
  allow_failure boolean,
  -- Whether a later job of this name took its place.
  retried boolean,
  -- Whether somebody has to start it.
  manual boolean,
  -- Why it failed, such as script_failure or runner_system_failure. NULL where it is not known yet: of old jobs that changed, and
  -- of many that failed at once, it comes with the next pass over everything.
  failure_reason text,
  -- The runner, where GitLab shows it to the tokens: of all jobs from GitLab 17.2 on, of those that failed before.
  runner_id bigint,
  -- What the runner is called.
  runner text,
  -- The pipeline that a bridge started.
  downstream_id bigint,
  -- Test coverage in percent.
  coverage double precision,
  -- When it was made.
  created_at timestamptz,
  -- When a runner could take it.
  queued_at timestamptz,
  -- When it began.
  started_at timestamptz,
  -- When it ended.
  finished_at timestamptz,
  -- Seconds that it ran.
  duration bigint,
  -- Seconds that it waited for a runner.
  queued_duration double precision,
  -- When GitLab was read and told something new: the newest reading wins.
  synced_at timestamptz not null,
  primary key (source, id)
);
create index gitlab_jobs_pipeline on gitlab_jobs (source, pipeline_id);
