-- Views for people who ask questions: vendor-neutral names, and metrics whose definitions stand beside them.
-- Comments above a view describe it; lines of the form `name: text` describe its columns.

-- People and bots.
-- source: The connection.
-- id: GitLab's id.
-- username: The @-name.
-- name: Display name.
-- state: active, blocked, deactivated …
-- is_bot: GitLab's flag, or a username that matches connector_bot_patterns.
-- email: The address that the person shows to everybody.
-- external_url: Address in the browser.
create view users as
select u.source, u.id, u.username, u.name, u.state,
  case
    when exists (select 1 from connector_bot_patterns p
                 where not p.is_bot and lower(u.username) like p.pattern escape '!') then false
    when u.bot is true then true
    else exists (select 1 from connector_bot_patterns p
                 where p.is_bot and lower(u.username) like p.pattern escape '!')
  end as is_bot,
  u.public_email as email, u.web_url as external_url
from gitlab_users u;

-- Repositories that are followed: not those that are deleted, excluded or out of scope.
-- source: The connection.
-- id: GitLab's id of the project.
-- name: Display name.
-- organization: The top-level group or person.
-- full_path: Path from the root, such as acme/platform/api.
-- default_branch: The branch that others merge into.
-- visibility: private, internal or public.
-- archived: Whether the project is archived.
-- created: When the project was created.
-- external_url: Address in the browser.
create view repos as
select p.source, p.id, p.name, substr(p.path_with_namespace, 1, instr(p.path_with_namespace || '/', '/') - 1) as organization, p.path_with_namespace as full_path,
  p.default_branch, p.visibility, p.archived, p.created_at as created, p.web_url as external_url
from gitlab_projects p
where p.deleted_at is null and p.out_of_scope_at is null and p.excluded_at is null;

-- Reviews: GitLab has no such object, so each comment, approval and withdrawn approval counts as one. Everybody's are
-- here, also bots' and the author's own; is_bot and is_own tell them apart.
-- source: The connection.
-- merge_request_id: Id (not iid) of the merge request.
-- project_id: The project.
-- note_id: The note that records the review; NULL for an approval of which only the fact is known.
-- user_id: The reviewer; NULL when the account is gone.
-- review_type: approved, unapproved, requested_changes or commented.
-- approved: Whether it is an approval.
-- created_at: When; NULL for an approval of which nobody recorded the time.
-- requested_at: The last review request on the merge request before this; when none is recorded, its creation.
-- request_recorded: Whether requested_at is a recorded request.
-- time_since_request: Seconds from requested_at to created_at, at least 0.
-- is_bot: Whether the reviewer is a bot.
-- is_own: Whether the reviewer is the merge request's author.
create view gitlab_reviews as
with events as (
  select n.source, n.merge_request_id, n.id as note_id, n.author_id as user_id, n.created_at,
    case when n.system then n.action else 'commented' end as review_type
  from gitlab_notes n
  where n.gone_at is null and (not n.system or n.action in ('approved', 'unapproved', 'requested_changes'))
  union all
  select a.source, a.merge_request_id, null, a.user_id, a.approved_at, 'approved'
  from gitlab_approvals a
  where a.gone_at is null and not exists (select 1 from gitlab_notes n
                    where n.source = a.source and n.merge_request_id = a.merge_request_id
                      and n.action = 'approved' and n.author_id = a.user_id)
),
requested as (
  select e.*,
    (select max(q.created_at) from gitlab_notes q
     where q.source = e.source and q.merge_request_id = e.merge_request_id
       and q.action = 'review_requested' and q.gone_at is null and q.created_at <= e.created_at) as request_at
  from events e
)
select e.source, e.merge_request_id, m.project_id, e.note_id, e.user_id, e.review_type,
  e.review_type = 'approved' as approved, e.created_at,
  coalesce(e.request_at, m.created_at) as requested_at, e.request_at is not null as request_recorded,
  case when e.created_at < coalesce(e.request_at, m.created_at) then 0.0 else round((julianday(e.created_at) - julianday(coalesce(e.request_at, m.created_at))) * 86400.0, 3) end as time_since_request,
  u.is_bot, e.user_id = m.author_id as is_own
from requested e
join gitlab_merge_requests m on m.source = e.source and m.id = e.merge_request_id and m.deleted_at is null
left join users u on u.source = e.source and u.id = e.user_id;

-- Merge requests, but for deleted ones and those of projects that are not followed. Intervals are in seconds and at least 0; open_ counts from creation, ready_ from ready_for_review.
-- First reviews and approvals are those of people other than the author.
-- source: The connection.
-- id: GitLab's id of the merge request.
-- repo_id: The project.
-- number: The number that people use (GitLab's iid).
-- title: Title.
-- state: opened, closed, merged or locked.
-- draft: Whether it is a draft now.
-- user_id: The author.
-- bot_authored: Whether the author is a bot; NULL when the author is unknown.
-- merged_by_user_id: Who merged it.
-- base_ref: The branch to merge into.
-- head_ref: The branch to merge.
-- merge_commit_sha: The merge commit.
-- additions: Lines added.
-- deletions: Lines deleted.
-- changed_files: Files changed.
-- commit_count: Commits.
-- comment_count: Comments by people.
-- created: When it was opened.
-- updated: When GitLab last touched it.
-- ready_for_review: When it last stopped being a draft, else its creation; NULL while it is a draft.
-- merged: When it was merged.
-- closed: When it was closed without merging.
-- first_commit: When its oldest commit was written.
-- first_review: The first comment, approval or request for changes by a person who is not the author.
-- first_approval: The first approval by a person who is not the author.
-- open_to_merge: From created to merged.
-- ready_to_merge: From ready_for_review to merged: the cycle time.
-- ready_to_first_review: From ready_for_review to first_review; 0 when reviewed while it was a draft.
-- ready_to_first_approval: From ready_for_review to first_approval.
-- open_to_first_review: From created to first_review.
-- open_to_first_approval: From created to first_approval.
-- ready_to_merge_business: As ready_to_merge, counting Monday to Friday, 08:00 to 18:00 UTC only.
-- external_url: Address in the browser.
create view pull_requests as
with reviewed as (
  select r.source, r.merge_request_id,
    min(r.created_at) as first_review,
    min(case when r.approved then r.created_at end) as first_approval
  from gitlab_reviews r
  where r.review_type <> 'unapproved' and r.is_own is not true and r.is_bot is not true
  group by r.source, r.merge_request_id
),
noted as (
  select n.source, n.merge_request_id, max(n.created_at) as ready_at
  from gitlab_notes n where n.action = 'ready' and n.gone_at is null group by n.source, n.merge_request_id
),
committed as (
  select c.source, c.merge_request_id, min(c.authored_at) as first_commit
  from gitlab_merge_request_commits c where c.gone_at is null group by c.source, c.merge_request_id
),
timed as (
  select m.*, case when m.draft is true then null else coalesce(m.ready_at, n.ready_at, m.created_at) end as ready,
    r.first_review, r.first_approval, c.first_commit
  from gitlab_merge_requests m
  left join reviewed r on r.source = m.source and r.merge_request_id = m.id
  left join noted n on n.source = m.source and n.merge_request_id = m.id
  left join committed c on c.source = m.source and c.merge_request_id = m.id
  where m.deleted_at is null and not exists (
    select 1 from gitlab_projects p where p.source = m.source and p.id = m.project_id
      and (p.deleted_at is not null or p.out_of_scope_at is not null or p.excluded_at is not null))
)
select m.source, m.id, m.project_id as repo_id, m.iid as number, m.title, m.state, m.draft, m.author_id as user_id,
  u.is_bot as bot_authored, m.merge_user_id as merged_by_user_id, m.target_branch as base_ref,
  m.source_branch as head_ref, m.merge_commit_sha, m.additions, m.deletions, m.changed_files, m.commit_count,
  m.user_notes_count as comment_count, m.created_at as created, m.updated_at as updated, m.ready as ready_for_review,
  m.merged_at as merged, m.closed_at as closed, m.first_commit, m.first_review, m.first_approval,
  case when m.merged_at < m.created_at then 0.0 else round((julianday(m.merged_at) - julianday(m.created_at)) * 86400.0, 3) end as open_to_merge,
  case when m.merged_at < m.ready then 0.0 else round((julianday(m.merged_at) - julianday(m.ready)) * 86400.0, 3) end as ready_to_merge,
  case when m.first_review < m.ready then 0.0 else round((julianday(m.first_review) - julianday(m.ready)) * 86400.0, 3) end as ready_to_first_review,
  case when m.first_approval < m.ready then 0.0 else round((julianday(m.first_approval) - julianday(m.ready)) * 86400.0, 3) end as ready_to_first_approval,
  case when m.first_review < m.created_at then 0.0 else round((julianday(m.first_review) - julianday(m.created_at)) * 86400.0, 3) end as open_to_first_review,
  case when m.first_approval < m.created_at then 0.0 else round((julianday(m.first_approval) - julianday(m.created_at)) * 86400.0, 3) end as open_to_first_approval,
  case when m.merged_at < m.ready then 0 else ((((unixepoch(m.merged_at) / 86400 + 3) / 7 * 5 + min((unixepoch(m.merged_at) / 86400 + 3) % 7, 5)) * 36000 + case when (unixepoch(m.merged_at) / 86400 + 3) % 7 < 5 then min(max((unixepoch(m.merged_at) % 86400) - 28800, 0), 36000) else 0 end)
    - (((unixepoch(m.ready) / 86400 + 3) / 7 * 5 + min((unixepoch(m.ready) / 86400 + 3) % 7, 5)) * 36000 + case when (unixepoch(m.ready) / 86400 + 3) % 7 < 5 then min(max((unixepoch(m.ready) % 86400) - 28800, 0), 36000) else 0 end)) * 1.0 end as ready_to_merge_business,
  m.web_url as external_url
from timed m
left join users u on u.source = m.source and u.id = m.author_id;

-- Reviews under vendor-neutral names.
-- source: The connection.
-- pull_request_id: The merge request.
-- repo_id: The project.
-- user_id: The reviewer.
-- created: When.
-- review_type: approved, unapproved, requested_changes or commented.
-- approved: Whether it is an approval.
-- requested: The last review request on the merge request before this; when none is recorded, its creation.
-- time_since_request: Seconds from requested to created, at least 0.
-- is_bot: Whether the reviewer is a bot.
-- is_own: Whether the reviewer is the author.
-- external_id: The note that records the review.
create view pull_request_reviews as
select r.source, r.merge_request_id as pull_request_id, r.project_id as repo_id, r.user_id, r.created_at as created,
  r.review_type, r.approved, r.requested_at as requested, r.time_since_request, r.is_bot, r.is_own,
  r.note_id as external_id
from gitlab_reviews r;

-- What the weekly metrics are made of: one row for each merged merge request and measure. Bots' merge requests are left
-- out; a measure that is unknown has no row.
-- source: The connection.
-- repo_id: The project.
-- pull_request_id: The merge request.
-- week: Monday of the ISO week (UTC) in which it was merged.
-- measure: ready_to_merge, ready_to_merge_business, open_to_merge, ready_to_first_review, ready_to_first_approval
--   (seconds), lines (additions and deletions) or files.
-- value: The measure.
create view metrics_samples as
with merged as materialized (
  select p.*, date(p.merged, 'weekday 0', '-6 days') as week from pull_requests p
  where p.merged is not null and p.bot_authored is not true
),
measured as (
  select source, repo_id, id, week, 'ready_to_merge' as measure, ready_to_merge as value from merged
  union all
  select source, repo_id, id, week, 'ready_to_merge_business', ready_to_merge_business from merged
  union all
  select source, repo_id, id, week, 'open_to_merge', open_to_merge from merged
  union all
  select source, repo_id, id, week, 'ready_to_first_review', ready_to_first_review from merged
  union all
  select source, repo_id, id, week, 'ready_to_first_approval', ready_to_first_approval from merged
  union all
  select source, repo_id, id, week, 'lines', (additions + deletions) * 1.0 from merged
  union all
  select source, repo_id, id, week, 'files', (changed_files) * 1.0 from merged
)
select source, repo_id, id as pull_request_id, week, measure, value from measured where value is not null;

-- Medians of metrics_samples by week. The middle value, or the mean of the two middle ones.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- measure: As in metrics_samples.
-- samples: Merge requests that the median is made of.
-- median: The median.
create view metrics_medians_weekly as
with ranked as (
  select source, week, measure, value,
    row_number() over (partition by source, week, measure order by value) as place,
    count(*) over (partition by source, week, measure) as samples
  from metrics_samples
)
select source, week, measure, samples, avg(value) as median from ranked
where place in ((samples + 1) / 2, (samples + 2) / 2) group by source, week, measure, samples;

-- Medians of metrics_samples by project, over all time.
-- source: The connection.
-- repo_id: The project.
-- measure: As in metrics_samples.
-- samples: Merge requests that the median is made of.
-- median: The median.
create view metrics_medians_by_project as
with ranked as (
  select source, repo_id, measure, value,
    row_number() over (partition by source, repo_id, measure order by value) as place,
    count(*) over (partition by source, repo_id, measure) as samples
  from metrics_samples
)
select source, repo_id, measure, samples, avg(value) as median from ranked
where place in ((samples + 1) / 2, (samples + 2) / 2) group by source, repo_id, measure, samples;

-- Cycle time by week of merging: the median merge request, from ready for review (not a draft any more) to merged.
-- Bots' merge requests are left out.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- merge_requests: Merged in the week.
-- cycle_time_hours: Median hours from ready to merged.
-- cycle_time_business_hours: The same in business hours, Monday to Friday, 08:00 to 18:00 UTC.
-- open_to_merge_hours: Median hours from creation to merged, draft time included.
create view metrics_cycle_time_weekly as
select source, week,
  max(case when measure = 'open_to_merge' then samples end) as merge_requests,
  max(case when measure = 'ready_to_merge' then median end) / 3600 as cycle_time_hours,
  max(case when measure = 'ready_to_merge_business' then median end) / 3600 as cycle_time_business_hours,
  max(case when measure = 'open_to_merge' then median end) / 3600 as open_to_merge_hours
from metrics_medians_weekly group by source, week;

-- How long merge requests wait for people, by week of merging. Bots' merge requests, bots' reviews and the author's own
-- comments are left out. No review is no sample, not 0.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- merge_requests: Merged in the week.
-- first_review_hours: Median hours from ready to the first comment, approval or request for changes.
-- first_approval_hours: Median hours from ready to the first approval.
-- merged_unreviewed: Merged without any review by another person.
-- merged_unreviewed_share: The same as a share of all merged, 0 to 1.
create view metrics_review_latency_weekly as
select source, week,
  max(case when measure = 'open_to_merge' then samples end) as merge_requests,
  max(case when measure = 'ready_to_first_review' then median end) / 3600 as first_review_hours,
  max(case when measure = 'ready_to_first_approval' then median end) / 3600 as first_approval_hours,
  max(case when measure = 'open_to_merge' then samples end)
    - coalesce(max(case when measure = 'ready_to_first_review' then samples end), 0) as merged_unreviewed,
  1 - coalesce(max(case when measure = 'ready_to_first_review' then samples end), 0) * 1.0
    / max(case when measure = 'open_to_merge' then samples end) as merged_unreviewed_share
from metrics_medians_weekly group by source, week;

-- Size of merge requests by week of merging. Those of which GitLab has not counted the lines are left out; 0 is a size.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- merge_requests: Merged in the week and counted.
-- median_lines: Median of additions and deletions together.
-- median_files: Median of files changed.
create view metrics_size_weekly as
select source, week,
  max(case when measure = 'lines' then samples end) as merge_requests,
  max(case when measure = 'lines' then median end) as median_lines,
  max(case when measure = 'files' then median end) as median_files
from metrics_medians_weekly where measure in ('lines', 'files') group by source, week;

-- Throughput by week: merge requests merged for each engineer at work. Without team data an engineer is a person who
-- opened or merged-authored a merge request in the week; bots do not count.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- merged: Merge requests merged in the week.
-- engineers: People who authored a merge request that was opened or merged in the week.
-- merged_per_engineer: The quotient.
create view metrics_throughput_weekly as
with active as (
  select source, date(created, 'weekday 0', '-6 days') as week, user_id, 0 as merged from pull_requests where bot_authored is not true
  union all
  select source, date(merged, 'weekday 0', '-6 days'), user_id, 1 from pull_requests where merged is not null and bot_authored is not true
)
select source, week, sum(merged) as merged, count(distinct user_id) as engineers,
  sum(merged) * 1.0 / nullif(count(distinct user_id), 0) as merged_per_engineer
from active group by source, week;

-- Review load by week: who reviews how much. Bots and the author's own comments are left out.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- user_id: The reviewer.
-- username: The reviewer's @-name.
-- merge_requests: Merge requests reviewed.
-- approvals: Approvals given.
-- comments: Comments written.
create view metrics_review_load_weekly as
select r.source, date(r.created_at, 'weekday 0', '-6 days') as week, r.user_id, u.username,
  count(distinct r.merge_request_id) as merge_requests,
  count(case when r.review_type = 'approved' then 1 end) as approvals,
  count(case when r.review_type = 'commented' then 1 end) as comments
from gitlab_reviews r
left join users u on u.source = r.source and u.id = r.user_id
where r.created_at is not null and r.is_own is not true and r.is_bot is not true
group by r.source, date(r.created_at, 'weekday 0', '-6 days'), r.user_id, u.username;

-- Merge requests that waited longest for a first review by another person, slowest first. Bots' are left out.
-- source: The connection.
-- repo: Path of the project.
-- number: The number that people use.
-- title: Title.
-- author: The author's @-name.
-- ready_for_review: Since when it waited.
-- first_review: When it was reviewed.
-- waited_hours: The hours between.
-- external_url: Address in the browser.
create view slowest_reviews as
select p.source, g.path_with_namespace as repo, p.number, p.title, u.username as author, p.ready_for_review,
  p.first_review, p.ready_to_first_review / 3600 as waited_hours, p.external_url
from pull_requests p
left join gitlab_projects g on g.source = p.source and g.id = p.repo_id
left join gitlab_users u on u.source = p.source and u.id = p.user_id
where p.ready_to_first_review is not null and p.bot_authored is not true
order by p.ready_to_first_review desc;

-- Merge requests opened, merged and closed by week, bots' included.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- opened: Opened in the week.
-- merged: Merged in the week.
-- closed: Closed without merging in the week.
create view merge_requests_per_week as
with happened as (
  select source, date(created, 'weekday 0', '-6 days') as week, 1 as opened, 0 as merged, 0 as closed from pull_requests
  union all
  select source, date(merged, 'weekday 0', '-6 days'), 0, 1, 0 from pull_requests where merged is not null
  union all
  select source, date(closed, 'weekday 0', '-6 days'), 0, 0, 1 from pull_requests where closed is not null and merged is null
)
select source, week, sum(opened) as opened, sum(merged) as merged, sum(closed) as closed
from happened group by source, week;

-- Cycle time by project, over all time: as in metrics_cycle_time_weekly and metrics_review_latency_weekly.
-- source: The connection.
-- repo: Path of the project.
-- merge_requests: Merged, bots' left out.
-- cycle_time_hours: Median hours from ready to merged.
-- first_review_hours: Median hours from ready to the first review by another person.
-- median_lines: Median of additions and deletions together.
create view cycle_time_by_project as
select m.source, g.path_with_namespace as repo,
  max(case when m.measure = 'open_to_merge' then m.samples end) as merge_requests,
  max(case when m.measure = 'ready_to_merge' then m.median end) / 3600 as cycle_time_hours,
  max(case when m.measure = 'ready_to_first_review' then m.median end) / 3600 as first_review_hours,
  max(case when m.measure = 'lines' then m.median end) as median_lines
from metrics_medians_by_project m
left join gitlab_projects g on g.source = m.source and g.id = m.repo_id
group by m.source, g.path_with_namespace;
