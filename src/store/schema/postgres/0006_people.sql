-- Who was asked for a review, in which thread a comment stands, and labels once for the group or project that has them.

-- The @-names of the people whom a system note of the action review_requested asks, a JSON array.
alter table gitlab_notes add column requested_reviewers jsonb;

-- Names by which people are known, or were before they were renamed. Notes name people so.
create table gitlab_usernames (
  -- The connection that brought the row.
  source bigint not null,
  -- An @-name.
  username text not null,
  -- Whose it is, or was: a name that was given up may be taken by somebody else.
  user_id bigint not null,
  -- When GitLab first told it.
  first_seen_at timestamptz not null,
  primary key (source, username, user_id)
);
insert into gitlab_usernames (source, username, user_id, first_seen_at)
  select source, username, id, synced_at from gitlab_users;

-- GitLab's answers never tell it.
alter table gitlab_members drop column state;

-- Labels of groups were stored once for each project.
drop table gitlab_labels;
-- Labels of groups and projects. What a project inherits is in the view repo_labels.
create table gitlab_labels (
  -- The connection that brought the row.
  source bigint not null,
  -- Whether holder_id names a group or a project.
  kind text not null,
  -- The group or project. The highest group that is followed holds the labels of the groups above it as well, and so does a
  -- project that is followed without its group.
  holder_id bigint not null,
  -- GitLab's id.
  id bigint not null,
  -- The label's text.
  name text not null,
  -- Colour such as #d9534f.
  color text,
  -- What the label is for.
  description text,
  -- When GitLab was read and told something new: the newest reading wins.
  synced_at timestamptz not null,
  -- Since when GitLab no longer lists it.
  gone_at timestamptz,
  primary key (source, kind, holder_id, id)
);

-- All this is read of everything with the next import, also where one is under way.
update connector_state set value = 'before labels had owners' where key = 'import-kinds';
update connector_state set value = jsonb_set(value::jsonb, '{kinds}', '"before labels had owners"')::text where key = 'import-kinds-begun';

comment on table connector_state is 'Small facts kept for a connection, such as how its webhooks were left. Never a secret.';
