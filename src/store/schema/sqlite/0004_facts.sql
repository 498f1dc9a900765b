-- Figures are made of facts that are kept beside each merge request, in the transaction that changes it. They stand in
-- narrow tables of their own: a figure reads a tenth of what the rows of the merge requests take, most of it from an index.

-- person, bot (GitLab's flag, or a username that matches connector_bot_patterns) or ghost (GitLab's one account for all that
-- are deleted), as last looked at.
alter table gitlab_users add column kind text;

-- What the figures of a merge request are made of. Deleted ones have no row.
create table connector_facts (
  -- The connection.
  source integer not null,
  -- Id (not iid) of the merge request.
  merge_request_id integer not null,
  -- The project that the merge request goes into.
  project_id integer not null,
  -- Who opened it; NULL when the account is gone.
  author_id integer,
  -- What the author is: person, bot or ghost; NULL when the account is gone.
  author_kind text,
  -- When it was opened.
  created_at text not null,
  -- Monday of the ISO week (UTC) of opening.
  created_week text not null,
  -- When it last stopped being a draft, else its creation; NULL while it is a draft.
  ready_at text,
  -- When it was merged.
  merged_at text,
  -- Monday of the ISO week (UTC) of merging.
  merged_week text,
  -- Monday of the ISO week (UTC) of closing; NULL where it was merged.
  closed_week text,
  -- When its oldest commit was written; NULL where its commits are not stored to their end.
  first_commit_at text,
  -- The first review, not later than the merge. This and what follows counts people other than the author, and is NULL where
  -- reviews are not stored to their end.
  first_review_at text,
  -- The first approval, not later than the merge.
  first_approval_at text,
  -- Comments, approvals and requests for changes until the merge.
  review_count integer,
  -- People who gave them.
  reviewer_count integer,
  -- People who approved until the merge.
  approval_count integer,
  -- Comments of people, the author's too, at any time.
  comment_count integer,
  -- Lines added and deleted; NULL until GitLab has counted them.
  lines integer,
  -- Files changed; NULL until GitLab has counted them.
  files integer,
  primary key (source, merge_request_id)
) strict;
create index connector_facts_merged on connector_facts (source, merged_week, project_id, author_id, author_kind, created_at, ready_at, merged_at, first_review_at, first_approval_at, review_count,
    lines, files)
  where merged_week is not null;
create index connector_facts_created on connector_facts (source, created_week, project_id, author_id, author_kind);
create index connector_facts_closed on connector_facts (source, closed_week, project_id) where closed_week is not null;
create index connector_facts_reviewed on connector_facts (source, first_review_at, merge_request_id, project_id, author_id, author_kind, ready_at) where first_review_at is not null;
create index connector_facts_author on connector_facts (source, author_id);

-- Who commented on a merge request, approved it or requested changes, and in which week. Only of merge requests whose
-- reviews are stored to their end.
create table connector_participants (
  -- The connection.
  source integer not null,
  -- Id (not iid) of the merge request.
  merge_request_id integer not null,
  -- Who took part.
  user_id integer not null,
  -- Monday of the ISO week (UTC). An approval of which nobody recorded the time counts in the week of merging, else of opening.
  week text not null,
  -- The project that the merge request goes into.
  project_id integer not null,
  -- person, bot or ghost.
  kind text not null,
  -- Whether it is the author. All that are deleted share one account: that one never is.
  is_own integer not null,
  -- Comments in the week.
  comments integer not null,
  -- Approvals in the week.
  approvals integer not null,
  -- Comments, approvals and requests for changes in the week, until the merge.
  reviews integer not null,
  -- Whether there is an approval among them.
  approved integer not null,
  -- The first of them; NULL where the time is unknown.
  first_review_at text,
  -- The first approval among them; NULL where the time is unknown.
  first_approval_at text,
  primary key (source, merge_request_id, user_id, week)
) strict;
create index connector_participants_week on connector_participants (source, week, user_id, project_id, kind, is_own, comments, approvals);
create index connector_participants_user on connector_participants (source, user_id);

-- Users who became something else: the facts that name them are made anew, and then the row goes.
create table connector_recounts (
  -- The connection.
  source integer not null,
  -- The user; 0 for all facts of the connection.
  user_id integer not null,
  -- Grows with every change of the user: tells whether there was another while the facts were made.
  mark integer not null default 1,
  primary key (source, user_id)
) strict;
insert into connector_recounts (source, user_id) select id, 0 from gitlab_connections;

-- What views leave out, which is little.
create index gitlab_projects_left on gitlab_projects (source, id)
  where deleted_at is not null or out_of_scope_at is not null or excluded_at is not null;
