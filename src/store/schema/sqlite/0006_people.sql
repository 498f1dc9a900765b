-- Who was asked for a review, in which thread a comment stands, and labels once for the group or project that has them.

-- The @-names of the people whom a system note of the action review_requested asks, a JSON array.
alter table gitlab_notes add column requested_reviewers text;

-- Names by which people are known, or were before they were renamed. Notes name people so.
create table gitlab_usernames (
  -- The connection that brought the row.
  source integer not null,
  -- An @-name.
  username text not null,
  -- Whose it is, or was: a name that was given up may be taken by somebody else.
  user_id integer not null,
  -- When GitLab first told it.
  first_seen_at text not null,
  primary key (source, username, user_id)
) strict;
insert into gitlab_usernames (source, username, user_id, first_seen_at)
  select source, username, id, synced_at from gitlab_users;

-- GitLab's answers never tell the state of a membership. To drop a column or rename a table, SQLite reads all views, also those
-- that others made of ours, which are not there now: so the table is made anew.
create table kept_members as
  select source, kind, holder_id, user_id, access_level, created_at, expires_at, synced_at, gone_at from gitlab_members;
drop table gitlab_members;
create table gitlab_members(
  source integer not null, kind text not null, holder_id integer not null, user_id integer not null,
  access_level integer not null, created_at text, expires_at text, synced_at text not null, gone_at text,
  primary key (source, kind, holder_id, user_id)
) strict;
insert into gitlab_members select * from kept_members;
drop table kept_members;

-- Labels of groups were stored once for each project.
drop table gitlab_labels;
-- Labels of groups and projects. What a project inherits is in the view repo_labels.
create table gitlab_labels (
  -- The connection that brought the row.
  source integer not null,
  -- Whether holder_id names a group or a project.
  kind text not null,
  -- The group or project. The highest group that is followed holds the labels of the groups above it as well, and so does a
  -- project that is followed without its group.
  holder_id integer not null,
  -- GitLab's id.
  id integer not null,
  -- The label's text.
  name text not null,
  -- Colour such as #d9534f.
  color text,
  -- What the label is for.
  description text,
  -- When GitLab was read and told something new: the newest reading wins.
  synced_at text not null,
  -- Since when GitLab no longer lists it.
  gone_at text,
  primary key (source, kind, holder_id, id)
) strict;

-- All this is read of everything with the next import, also where one is under way.
update connector_state set value = 'before labels had owners' where key = 'import-kinds';
update connector_state set value = json_set(value, '$.kinds', 'before labels had owners') where key = 'import-kinds-begun';
