-- Nothing is deleted because GitLab is silent about it: rows keep what became of them, and since when. What is seen again
-- loses these marks again.

-- Since when it is known to be deleted, or to be waiting for its deletion.
alter table gitlab_groups add column deleted_at timestamptz;
-- Since when it belongs to no group that the connection follows.
alter table gitlab_groups add column out_of_scope_at timestamptz;
-- Since when it is archived, as far as an import saw it.
alter table gitlab_groups add column archived_at timestamptz;
-- Since when no token may see it; it may be hidden or deleted.
alter table gitlab_groups add column unreadable_at timestamptz;

-- Since when it is known to be deleted, or to be waiting for its deletion.
alter table gitlab_projects add column deleted_at timestamptz;
-- Since when it is in no group and no list that the connection follows.
alter table gitlab_projects add column out_of_scope_at timestamptz;
-- Since when the connection excludes it.
alter table gitlab_projects add column excluded_at timestamptz;
-- Since when it is archived, as far as an import saw it.
alter table gitlab_projects add column archived_at timestamptz;
-- Since when no token may see it; it may be hidden or deleted.
alter table gitlab_projects add column unreadable_at timestamptz;

-- Since when GitLab no longer lists it.
alter table gitlab_labels add column gone_at timestamptz;

-- Since when GitLab no longer lists the membership.
alter table gitlab_members add column gone_at timestamptz;

-- The last run that met a merge request is told by connector_met, and only while that run lasts.
alter table gitlab_merge_requests drop column synced_run;

-- Whether notes and approvals are stored to their ends; where not, what is missing is unknown. NULL: never asked for.
alter table gitlab_merge_requests add column reviews_complete boolean;
-- Whether its commits are stored to their end. NULL: never asked for.
alter table gitlab_merge_requests add column commits_complete boolean;
-- Since when it is known to be deleted: its project was readable then, and it was not there.
alter table gitlab_merge_requests add column deleted_at timestamptz;
-- Since when GitLab hides it while its project is readable: that of an author who is banned, for one.
alter table gitlab_merge_requests add column unreadable_at timestamptz;

-- Leaves room beside each row, so that a change stays on its page and no index is touched.
alter table gitlab_merge_requests set (fillfactor = 85);

-- Since when GitLab no longer lists it. Internal notes keep NULL where only tokens looked that see none.
alter table gitlab_notes add column gone_at timestamptz;

-- Since when it is no longer in force.
alter table gitlab_approvals add column gone_at timestamptz;

-- Since when it is no longer part of the merge request, as after a rebase.
alter table gitlab_merge_request_commits add column gone_at timestamptz;

-- Merge requests that a full pass has met so far. What it has not met at its end is asked for one by one.
create table connector_met (
  -- The task of the pass.
  task_id bigint not null,
  -- Id (not iid) of the merge request.
  merge_request_id bigint not null,
  primary key (task_id, merge_request_id)
);

-- Whether changes were read group by group: then all projects without a task are read as well.
alter table connector_runs add column by_group boolean;

-- Names of the tokens to read with, a JSON array; NULL where all of them see the same.
alter table connector_tasks add column tokens text;

-- What GitLab could not deliver while everything around it was read. Each import tries again; what comes leaves the list.
create table connector_unreadable (
  -- The connection.
  source bigint not null,
  -- The project.
  project_id bigint not null,
  -- The merge request's number in the project; 0 for the project itself.
  iid bigint not null,
  -- GitLab's words.
  reason text not null,
  -- Since when.
  since timestamptz not null,
  -- When it was last tried.
  tried_at timestamptz not null,
  primary key (source, project_id, iid)
);
