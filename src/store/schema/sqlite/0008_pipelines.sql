-- Pipelines and their jobs.

-- Pipelines, from project.pipelines of GraphQL; before GitLab 17.2 what started them is from GET /projects/:id/pipelines.
create table gitlab_pipelines (
  -- The connection that brought the row.
  source integer not null,
  -- GitLab's id.
  id integer not null,
  -- The number in its project.
  iid integer not null,
  -- The project.
  project_id integer not null,
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
  user_id integer,
  -- Number of the merge request that it ran for, as far as GitLab or the ref tells.
  merge_request_iid integer,
  -- The pipeline whose bridge started it.
  upstream_id integer,
  -- When it was made.
  created_at text not null,
  -- GitLab's clock of the row: the newest wins.
  updated_at text not null,
  -- When it began.
  started_at text,
  -- When it ended.
  finished_at text,
  -- Seconds that it ran, by GitLab's count.
  duration integer,
  -- Seconds that it waited before it ran.
  queued_duration real,
  -- Test coverage in percent.
  coverage real,
  -- Whether its jobs are stored to their end.
  jobs_complete integer not null,
  -- When GitLab was read and told something new.
  synced_at text not null,
  -- Since when it is known to be deleted: its project's pipelines were readable then, and it was not there.
  gone_at text,
  primary key (source, id)
) strict;
create index gitlab_pipelines_project on gitlab_pipelines (source, project_id, id);

-- Jobs and bridges of pipelines, also those that were tried again, from pipeline.jobs of GraphQL; why jobs failed is from
-- GET /projects/:id/jobs.
create table gitlab_jobs (
  -- The connection that brought the row.
  source integer not null,
  -- GitLab's id.
  id integer not null,
  -- The pipeline.
  pipeline_id integer not null,
  -- The project.
  project_id integer not null,
  -- build, or bridge for one that starts another pipeline.
  kind text not null,
  -- Its name.
  name text,
  -- Its stage.
  stage text,
  -- As for pipelines.
  status text,
  -- Whether the pipeline may succeed without it.
  allow_failure integer,
  -- Whether a later job of this name took its place.
  retried integer,
  -- Whether somebody has to start it.
  manual integer,
  -- Why it failed, such as script_failure or runner_system_failure. NULL where it is not known yet: of old jobs that changed, and
  -- of many that failed at once, it comes with the next pass over everything.
  failure_reason text,
  -- The runner, where GitLab shows it to the tokens: of all jobs from GitLab 17.2 on, of those that failed before.
  runner_id integer,
  -- What the runner is called.
  runner text,
  -- The pipeline that a bridge started.
  downstream_id integer,
  -- Test coverage in percent.
  coverage real,
  -- When it was made.
  created_at text,
  -- When a runner could take it.
  queued_at text,
  -- When it began.
  started_at text,
  -- When it ended.
  finished_at text,
  -- Seconds that it ran.
  duration integer,
  -- Seconds that it waited for a runner.
  queued_duration real,
  -- When GitLab was read and told something new: the newest reading wins.
  synced_at text not null,
  primary key (source, id)
) strict;
create index gitlab_jobs_pipeline on gitlab_jobs (source, pipeline_id);
