-- Environments and deployments, and how far the lists of a project were read that come after its merge requests.

-- Places that projects are deployed to, from GET /projects/:id/environments.
create table gitlab_environments (
  -- The connection that brought the row.
  source bigint not null,
  -- GitLab's id.
  id bigint not null,
  -- The project.
  project_id bigint not null,
  -- Its name, such as production or review/login.
  name text not null,
  -- production, staging, testing, development or other.
  tier text,
  -- available, stopping or stopped.
  state text,
  -- Where it is seen.
  external_url text,
  -- When it was made.
  created_at timestamptz,
  -- When it changed.
  updated_at timestamptz,
  -- When GitLab was read and told something new: the newest reading wins.
  synced_at timestamptz not null,
  -- Since when it is known to be deleted: its project's environments were readable then, and it was not there.
  gone_at timestamptz,
  primary key (source, id)
);
create index gitlab_environments_project on gitlab_environments (source, project_id);

-- Deployments, from GET /projects/:id/deployments.
create table gitlab_deployments (
  -- The connection that brought the row.
  source bigint not null,
  -- GitLab's id.
  id bigint not null,
  -- The number in its project.
  iid bigint not null,
  -- The project.
  project_id bigint not null,
  -- Where to.
  environment_id bigint,
  -- The branch or tag.
  ref text,
  -- Whether that is a tag. NULL where no job deployed.
  tag boolean,
  -- The commit.
  sha text,
  -- created, running, success, failed, canceled, skipped or blocked.
  status text,
  -- Who deployed; NULL when the account is gone.
  user_id bigint,
  -- The pipeline that deployed; NULL where it was made through the API.
  pipeline_id bigint,
  -- The job that deployed; NULL where it was made through the API.
  job_id bigint,
  -- When it was made.
  created_at timestamptz not null,
  -- GitLab's clock of the row: the newest wins.
  updated_at timestamptz not null,
  -- When its job ended; NULL where it was made through the API.
  finished_at timestamptz,
  -- When GitLab was read and told something new.
  synced_at timestamptz not null,
  -- Since when it is known to be deleted: its project's deployments were readable then, and it was not there.
  gone_at timestamptz,
  primary key (source, id)
);
create index gitlab_deployments_project on gitlab_deployments (source, project_id, id);
-- Those of which no pipeline tells that they changed.
create index gitlab_deployments_restless on gitlab_deployments (source, project_id)
  where job_id is null or status in ('created', 'running', 'blocked');

-- Lists of projects that are read after their merge requests: how far, and which GitLab does not give.
create table connector_lists (
  -- The connection.
  source bigint not null,
  -- The project.
  project_id bigint not null,
  -- deployments or pipelines.
  list text not null,
  -- read: stored to its end. off: switched off, or hidden from the tokens. failed: GitLab could not deliver it; each import
  -- tries again. missed: read before, and its project cannot be read at present.
  state text not null,
  -- GitLab's words, where it is not read.
  reason text,
  -- Since when it is in this state.
  since timestamptz not null,
  -- When an import last asked for it.
  tried_at timestamptz not null,
  -- Everything that changed before this is stored.
  watermark timestamptz,
  primary key (source, project_id, list)
);

-- When it is claimed: 0 merge requests, 1 deployments, 2 pipelines. The last two wait until no merge requests are left to read.
alter table connector_tasks add column turn bigint not null default 0;
alter table connector_tasks drop constraint if exists connector_tasks_run_id_project_id_key;
create unique index connector_tasks_once on connector_tasks (run_id, project_id, turn);
drop index if exists connector_tasks_open;
create index connector_tasks_open on connector_tasks (run_id, turn, expected desc, id) where state = 'open';
