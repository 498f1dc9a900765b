-- Raw tables keep GitLab's names; keys are (source, GitLab's id). What is unknown is NULL, never 0.
-- Times are UTC texts of one width, so that they sort; truth values are 1 and 0.
-- The comment lines above tables and columns stay in the database and become docs/schema.md.

-- One row for every GitLab that a connection named: `source` of all other tables.
create table gitlab_connections (
  -- Row id, the `source` of all other tables.
  id integer primary key,
  -- Identity of the connection in hook URLs: the Kubernetes UID, or one generated here.
  uid text not null,
  -- Namespace of the GitLabConnection.
  namespace text not null,
  -- Name of the GitLabConnection.
  name text not null,
  -- Root of the GitLab. Another URL is another source, because ids mean something else there.
  url text not null,
  -- When the connection was first seen.
  created_at text not null,
  unique (namespace, name, url)
) strict;

-- Groups and subgroups.
create table gitlab_groups (
  -- The connection that brought the row.
  source integer not null,
  -- GitLab's id.
  id integer not null,
  -- The group above; NULL for a top-level group.
  parent_id integer,
  -- Display name.
  name text,
  -- Path from the root, such as acme/platform.
  full_path text not null,
  -- private, internal or public.
  visibility text,
  -- Whether the group is archived.
  archived integer,
  -- Address in the browser.
  web_url text,
  -- When the group was created.
  created_at text,
  -- When GitLab was read and told something new: the newest reading wins.
  synced_at text not null,
  primary key (source, id)
) strict;

-- Projects.
create table gitlab_projects (
  -- The connection that brought the row.
  source integer not null,
  -- GitLab's id; stays when the project is renamed or moved.
  id integer not null,
  -- Id of the namespace: a group, or a person's own namespace.
  namespace_id integer,
  -- Display name.
  name text,
  -- Path from the root, such as acme/platform/api.
  path_with_namespace text not null,
  -- The branch that others merge into; NULL while the repository is empty.
  default_branch text,
  -- private, internal or public.
  visibility text,
  -- Whether the project is archived.
  archived integer,
  -- Whether merge requests are switched on.
  merge_requests_enabled integer,
  -- The project this one was forked from.
  forked_from_project_id integer,
  -- Address in the browser.
  web_url text,
  -- When the project was created.
  created_at text,
  -- GitLab's (hourly) idea of the last activity.
  last_activity_at text,
  -- When GitLab was read and told something new: the newest reading wins.
  synced_at text not null,
  primary key (source, id)
) strict;

-- Labels as projects see them: a group's label appears once for every project that can use it.
create table gitlab_labels (
  -- The connection that brought the row.
  source integer not null,
  -- The project in whose list the label was seen.
  project_id integer not null,
  -- GitLab's id.
  id integer not null,
  -- The label's text.
  name text not null,
  -- Colour such as #d9534f.
  color text,
  -- What the label is for.
  description text,
  -- False for a label inherited from a group.
  is_project_label integer,
  -- When GitLab was read and told something new: the newest reading wins.
  synced_at text not null,
  primary key (source, project_id, id)
) strict, without rowid;

-- Members of groups and projects.
create table gitlab_members (
  -- The connection that brought the row.
  source integer not null,
  -- Whether holder_id names a group or a project.
  kind text not null,
  -- The group or project.
  holder_id integer not null,
  -- The member.
  user_id integer not null,
  -- GitLab's number for the role: 10 Guest, 20 Reporter, 30 Developer, 40 Maintainer, 50 Owner.
  access_level integer not null,
  -- active, awaiting or invited, where GitLab says so.
  state text,
  -- When the membership began.
  created_at text,
  -- The day on which the membership ends, YYYY-MM-DD.
  expires_at text,
  -- When GitLab was read and told something new: the newest reading wins.
  synced_at text not null,
  primary key (source, kind, holder_id, user_id)
) strict, without rowid;

-- People and bots, as GitLab names them.
create table gitlab_users (
  -- The connection that brought the row.
  source integer not null,
  -- GitLab's id.
  id integer not null,
  -- The @-name.
  username text not null,
  -- Display name.
  name text,
  -- active, blocked, deactivated …
  state text,
  -- GitLab's own bot flag, where an answer carried it. View users adds what usernames tell.
  bot integer,
  -- Address in the browser.
  web_url text,
  -- The e-mail address that the person shows to everybody.
  public_email text,
  -- When the account was created.
  created_at text,
  -- When GitLab was read and told something new: the newest reading wins.
  synced_at text not null,
  primary key (source, id)
) strict, without rowid;

-- Merge requests. Between a webhook and the refresh that follows it a row may be partial.
create table gitlab_merge_requests (
  -- The connection that brought the row.
  source integer not null,
  -- GitLab's id, unique in the instance.
  id integer not null,
  -- The number that people use, unique in the project.
  iid integer not null,
  -- The project that the merge request goes into.
  project_id integer not null,
  -- Title.
  title text,
  -- Description; NULL unless the connection asks for text.
  description text,
  -- opened, closed, merged or locked.
  state text,
  -- Whether it is a draft now.
  draft integer,
  -- Who opened it; NULL when the account is gone.
  author_id integer,
  -- Who merged it.
  merge_user_id integer,
  -- The project that the branch lives in; NULL when a fork was deleted.
  source_project_id integer,
  -- The branch to merge.
  source_branch text,
  -- The branch to merge into.
  target_branch text,
  -- Texts of the labels, a JSON array.
  labels text,
  -- User ids of the assignees, a JSON array.
  assignee_ids text,
  -- User ids of the reviewers, a JSON array.
  reviewer_ids text,
  -- Lines added; NULL until GitLab has counted them.
  additions integer,
  -- Lines deleted; NULL until GitLab has counted them.
  deletions integer,
  -- Files changed; NULL until GitLab has counted them.
  changed_files integer,
  -- Commits in the merge request.
  commit_count integer,
  -- Comments by people.
  user_notes_count integer,
  -- Head of the source branch.
  sha text,
  -- The merge commit.
  merge_commit_sha text,
  -- Address in the browser.
  web_url text,
  -- When it was opened.
  created_at text not null,
  -- GitLab's clock of the row: the newest wins.
  updated_at text not null,
  -- When GitLab had the diff ready.
  prepared_at text,
  -- When it last stopped being a draft; NULL when it never was one or nobody recorded it.
  ready_at text,
  -- When it was merged.
  merged_at text,
  -- When it was closed without merging.
  closed_at text,
  -- When the row was read from GitLab: decides between two rows of one updated_at.
  synced_at text not null,
  -- The last run that saw the merge request; NULL while only events and refreshes did.
  synced_run integer,
  primary key (source, id)
) strict;
create index gitlab_merge_requests_project on gitlab_merge_requests (source, project_id, iid);

-- Comments on merge requests, and the notes in which GitLab records what people did.
create table gitlab_notes (
  -- The connection that brought the row.
  source integer not null,
  -- Id (not iid) of the merge request.
  merge_request_id integer not null,
  -- GitLab's id, unique in the instance.
  id integer not null,
  -- The project of the merge request.
  project_id integer not null,
  -- Who wrote it or acted; NULL when the account is gone.
  author_id integer,
  -- Whether GitLab wrote it to record an action.
  system integer not null,
  -- For system notes, what happened: approved, unapproved, ready, draft, review_requested …
  action text,
  -- Only visible to members.
  internal integer,
  -- DiffNote or DiscussionNote; NULL for a plain comment or when GitLab did not say.
  note_type text,
  -- The thread that the note belongs to.
  discussion_id text,
  -- Whether the thread can be resolved.
  resolvable integer,
  -- Whether the thread is resolved.
  resolved integer,
  -- Text; NULL unless the connection asks for text.
  body text,
  -- When it was written.
  created_at text not null,
  -- GitLab's clock of the row: the newest wins.
  updated_at text not null,
  -- When the row was read from GitLab: decides between two rows of one updated_at.
  synced_at text not null,
  primary key (source, merge_request_id, id)
) strict, without rowid;

-- Approvals in force. One that was taken back is gone from here; its story is in the system notes.
create table gitlab_approvals (
  -- The connection that brought the row.
  source integer not null,
  -- Id (not iid) of the merge request.
  merge_request_id integer not null,
  -- Who approved.
  user_id integer not null,
  -- When, if any answer or note said so.
  approved_at text,
  primary key (source, merge_request_id, user_id)
) strict, without rowid;

-- Commits of merge requests.
create table gitlab_merge_request_commits (
  -- The connection that brought the row.
  source integer not null,
  -- Id (not iid) of the merge request.
  merge_request_id integer not null,
  -- The commit.
  sha text not null,
  -- First line of the message.
  title text,
  -- The GitLab account of the author, if GitLab matched one.
  author_id integer,
  -- Name in the commit.
  author_name text,
  -- E-mail address in the commit.
  author_email text,
  -- When it was written.
  authored_at text,
  -- When it was last rebased or amended.
  committed_at text,
  primary key (source, merge_request_id, sha)
) strict, without rowid;

-- Imports. A run is done once; a key that is there already names the same run.
create table connector_runs (
  -- Row id.
  id integer primary key,
  -- The connection.
  source integer not null,
  -- What makes the run unique within the connection: the schedule's tick or the request.
  key text not null,
  -- Whether everything is read again, not only what changed.
  full_pass integer not null,
  -- The worker that plans.
  planner text,
  -- Until when nobody else may plan.
  plan_lease_until text,
  -- When all tasks were known.
  planned_at text,
  -- When the run began.
  started_at text not null,
  -- When the last task ended and a worker noticed.
  finished_at text,
  unique (source, key)
) strict;

-- One project's share of a run, claimed by one worker at a time.
create table connector_tasks (
  -- Row id.
  id integer primary key,
  -- The run.
  run_id integer not null,
  -- The connection.
  source integer not null,
  -- The project.
  project_id integer not null,
  -- Merge requests that GitLab says there are to read: the largest task is claimed first.
  expected integer not null,
  -- Number of the last claim; work done under an older one is refused.
  claim integer not null default 0,
  -- Who holds the claim.
  worker text,
  -- Until when the claim holds without a sign of life.
  lease_until text,
  -- How long a sign of life lasts.
  lease_seconds real,
  -- Where the next claim goes on.
  cursor text,
  -- Everything updated before this is stored.
  watermark text,
  -- Merge requests stored.
  merge_requests integer not null default 0,
  -- open, done, skipped or failed.
  state text not null default 'open',
  -- Why it was skipped or failed.
  reason text,
  unique (run_id, project_id)
) strict;
create index connector_tasks_open on connector_tasks (run_id, expected desc, id) where state = 'open';

-- Where the next incremental import of a project begins.
create table connector_checkpoints (
  -- The connection.
  source integer not null,
  -- The project.
  project_id integer not null,
  -- Everything updated before this is stored.
  watermark text,
  -- When a pass over the project last ended.
  finished_at text not null,
  -- When a pass that read everything last ended.
  full_at text,
  primary key (source, project_id)
) strict, without rowid;

-- Webhook deliveries seen, so that one that comes twice counts once.
create table connector_deliveries (
  -- The connection.
  source integer not null,
  -- What makes it unique within the connection.
  id text not null,
  -- The kind of event, such as merge_request.
  event text not null,
  -- The project that it speaks of.
  project_id integer,
  -- The merge request (iid) that it speaks of.
  iid integer,
  -- What became of it, such as stored or ignored.
  outcome text not null,
  -- When it arrived.
  received_at text not null,
  primary key (source, id)
) strict;
create index connector_deliveries_received on connector_deliveries (source, received_at);

-- Merge requests to read again soon, because an event named them.
create table connector_refreshes (
  -- The connection.
  source integer not null,
  -- The project.
  project_id integer not null,
  -- The merge request's number in the project.
  iid integer not null,
  -- Path of the project as the event named it.
  project_path text not null,
  -- Grows with every mark: tells whether it was marked again while it was being read.
  mark integer not null,
  -- Since when it waits.
  marked_at text not null,
  primary key (source, project_id, iid)
) strict, without rowid;

-- Small facts kept for a connection, such as how its webhooks were left. Never a secret.
create table connector_state (
  -- The connection.
  source integer not null,
  -- Name of the fact.
  key text not null,
  -- The fact.
  value text not null,
  primary key (source, key)
) strict, without rowid;
