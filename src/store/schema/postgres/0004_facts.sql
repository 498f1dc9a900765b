-- Figures are made of facts that are kept beside each merge request, in the transaction that changes it. They stand in
-- narrow tables of their own: a figure reads a tenth of what the rows of the merge requests take, most of it from an index.

-- person, bot (GitLab's flag, or a username that matches connector_bot_patterns) or ghost (GitLab's one account for all that
-- are deleted), as last looked at.
alter table gitlab_users add column kind text;

-- What the figures of a merge request are made of. Deleted ones have no row.
create table connector_facts (
  -- The connection.
  source bigint not null,
  -- Id (not iid) of the merge request.
  merge_request_id bigint not null,
  -- The project that the merge request goes into.
  project_id bigint not null,
  -- Who opened it; NULL when the account is gone.
  author_id bigint,
  -- What the author is: person, bot or ghost; NULL when the account is gone.
  author_kind text,
  -- When it was opened.
  created_at timestamptz not null,
  -- Monday of the ISO week (UTC) of opening.
  created_week date not null,
  -- When it last stopped being a draft, else its creation; NULL while it is a draft.
  ready_at timestamptz,
  -- When it was merged.
  merged_at timestamptz,
  -- Monday of the ISO week (UTC) of merging.
  merged_week date,
  -- Monday of the ISO week (UTC) of closing; NULL where it was merged.
  closed_week date,
  -- When its oldest commit was written; NULL where its commits are not stored to their end.
  first_commit_at timestamptz,
  -- The first review, not later than the merge. This and what follows counts people other than the author, and is NULL where
  -- reviews are not stored to their end.
  first_review_at timestamptz,
  -- The first approval, not later than the merge.
  first_approval_at timestamptz,
  -- Comments, approvals and requests for changes until the merge.
  review_count bigint,
  -- People who gave them.
  reviewer_count bigint,
  -- People who approved until the merge.
  approval_count bigint,
  -- Comments of people, the author's too, at any time.
  comment_count bigint,
  -- Lines added and deleted; NULL until GitLab has counted them.
  lines bigint,
  -- Files changed; NULL until GitLab has counted them.
  files bigint,
  primary key (source, merge_request_id)
);
create index connector_facts_merged on connector_facts (source, merged_week)
  include (project_id, author_id, author_kind, created_at, ready_at, merged_at, first_review_at, first_approval_at, review_count,
    lines, files)
  where merged_week is not null;
create index connector_facts_created on connector_facts (source, created_week) include (project_id, author_id, author_kind);
create index connector_facts_closed on connector_facts (source, closed_week) include (project_id) where closed_week is not null;
create index connector_facts_reviewed on connector_facts (source, first_review_at)
  include (merge_request_id, project_id, author_id, author_kind, ready_at) where first_review_at is not null;
create index connector_facts_author on connector_facts (source, author_id);

-- Who commented on a merge request, approved it or requested changes, and in which week. Only of merge requests whose
-- reviews are stored to their end.
create table connector_participants (
  -- The connection.
  source bigint not null,
  -- Id (not iid) of the merge request.
  merge_request_id bigint not null,
  -- Who took part.
  user_id bigint not null,
  -- Monday of the ISO week (UTC). An approval of which nobody recorded the time counts in the week of merging, else of opening.
  week date not null,
  -- The project that the merge request goes into.
  project_id bigint not null,
  -- person, bot or ghost.
  kind text not null,
  -- Whether it is the author. All that are deleted share one account: that one never is.
  is_own boolean not null,
  -- Comments in the week.
  comments bigint not null,
  -- Approvals in the week.
  approvals bigint not null,
  -- Comments, approvals and requests for changes in the week, until the merge.
  reviews bigint not null,
  -- Whether there is an approval among them.
  approved boolean not null,
  -- The first of them; NULL where the time is unknown.
  first_review_at timestamptz,
  -- The first approval among them; NULL where the time is unknown.
  first_approval_at timestamptz,
  primary key (source, merge_request_id, user_id, week)
);
create index connector_participants_week on connector_participants (source, week)
  include (user_id, project_id, kind, is_own, comments, approvals);
create index connector_participants_user on connector_participants (source, user_id);

-- Users who became something else: the facts that name them are made anew, and then the row goes.
create table connector_recounts (
  -- The connection.
  source bigint not null,
  -- The user; 0 for all facts of the connection.
  user_id bigint not null,
  -- Grows with every change of the user: tells whether there was another while the facts were made.
  mark bigint not null default 1,
  primary key (source, user_id)
);
insert into connector_recounts (source, user_id) select id, 0 from gitlab_connections;

-- What views leave out, which is little.
create index gitlab_projects_left on gitlab_projects (source, id)
  where deleted_at is not null or out_of_scope_at is not null or excluded_at is not null;
