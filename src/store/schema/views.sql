-- Views for people who ask questions: vendor-neutral names, and metrics whose definitions stand beside them.
-- Comments above a view describe it; lines of the form `name: text` describe its columns.

-- People and bots.
-- source: The connection.
-- id: GitLab's id.
-- username: The @-name.
-- name: Display name.
-- state: active, blocked, deactivated …
-- is_bot: GitLab's flag, or a username that matches connector_bot_patterns. After a change of patterns the next import, or
--   `gitlab-connector migrate`, makes this and all figures anew.
-- email: The address that the person shows to everybody.
-- external_url: Address in the browser.
create view users as
select u.source, u.id, u.username, u.name, u.state,
  coalesce(u.kind = 'bot', false) as is_bot,
  nullif(u.public_email, '') as email, u.web_url as external_url
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
select p.source, p.id, p.name, {head(p.path_with_namespace)} as organization, p.path_with_namespace as full_path,
  p.default_branch, p.visibility, p.archived, p.created_at as created, p.web_url as external_url
from gitlab_projects p
where p.deleted_at is null and p.out_of_scope_at is null and p.excluded_at is null;

-- Reviews: GitLab has no such object, so each comment, approval and withdrawn approval counts as one. Everybody's are
-- here, also bots' and the author's own; is_bot and is_own tell them apart. Those of merge requests that are deleted or of
-- projects that are not followed are left out.
-- source: The connection.
-- merge_request_id: Id (not iid) of the merge request.
-- project_id: The project.
-- note_id: The note that records the review; NULL for an approval of which only the fact is known.
-- user_id: The reviewer; NULL when the account is gone.
-- review_type: approved, unapproved, requested_changes or commented.
-- approved: Whether it is an approval.
-- created_at: When; NULL for an approval of which nobody recorded the time.
-- requested_at: When the reviewer was last asked for a review before this; when no such request is recorded, the creation of
--   the merge request.
-- request_recorded: Whether requested_at is a recorded request.
-- time_since_request: Seconds from requested_at to created_at, at least 0.
-- is_bot: Whether the reviewer is a bot; NULL when the account is gone.
-- is_own: Whether the reviewer is the merge request's author. Accounts that are gone are never told to be.
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
                      and n.action = 'approved' and n.author_id = a.user_id and n.gone_at is null)
),
requested as (
  select e.*, f.project_id, f.author_id, f.author_kind, f.created_at as opened_at,
    (select max(q.created_at) from gitlab_notes q
     cross join {texts(q.requested_reviewers)} r
     join gitlab_usernames k on k.source = q.source and k.username = r.value and k.user_id = e.user_id
     where q.source = e.source and q.merge_request_id = e.merge_request_id
       and q.action = 'review_requested' and q.gone_at is null and q.created_at <= e.created_at) as request_at
  from events e
  join connector_facts f on f.source = e.source and f.merge_request_id = e.merge_request_id
  where {followed(f.source, f.project_id)}
)
select e.source, e.merge_request_id, e.project_id, e.note_id, case when u.kind = 'ghost' then null else e.user_id end as user_id,
  e.review_type, e.review_type = 'approved' as approved, e.created_at,
  coalesce(e.request_at, e.opened_at) as requested_at, e.request_at is not null as request_recorded,
  {seconds(coalesce(e.request_at, e.opened_at), e.created_at)} as time_since_request,
  case when u.kind <> 'ghost' then u.kind = 'bot' end as is_bot,
  e.user_id = e.author_id and e.author_kind <> 'ghost' as is_own
from requested e
left join gitlab_users u on u.source = e.source and u.id = e.user_id;

-- Merge requests, but for deleted ones and those of projects that are not followed.
-- Intervals are in seconds and at least 0; open_ counts from creation, ready_ from ready_for_review.
-- Reviews and approvals are those of people other than the author, until the merge; bots, and accounts that are gone, are no
-- people. All that is told of them is NULL where reviews are not stored to their end. A draft is never ready.
-- source: The connection.
-- id: GitLab's id of the merge request.
-- repo_id: The project.
-- number: The number that people use (GitLab's iid).
-- title: Title.
-- state: opened, closed, merged or locked.
-- draft: Whether it is a draft now.
-- user_id: The author; NULL when the account is gone.
-- bot_authored: Whether the author is a bot; NULL when the account is gone.
-- merged_by_user_id: Who merged it.
-- base_ref: The branch to merge into.
-- head_ref: The branch to merge.
-- merge_commit_sha: The merge commit.
-- additions: Lines added.
-- deletions: Lines deleted.
-- changed_files: Files changed.
-- commit_count: Commits.
-- comment_count: Comments of people, the author's too, at any time.
-- review_count: Comments, approvals and requests for changes.
-- reviewer_count: People who gave them.
-- approval_count: People who approved, also where it was taken back.
-- created: When it was opened.
-- updated: When GitLab last touched it.
-- ready_for_review: When it last stopped being a draft, else its creation; NULL while it is a draft.
-- merged: When it was merged.
-- closed: When it was closed without merging.
-- first_commit: When its oldest commit was written; NULL where commits are not stored to their end.
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
select m.source, m.id, m.project_id as repo_id, m.iid as number, m.title, m.state, m.draft,
  case when f.author_kind = 'ghost' then null else f.author_id end as user_id,
  case when f.author_kind <> 'ghost' then f.author_kind = 'bot' end as bot_authored, m.merge_user_id as merged_by_user_id,
  m.target_branch as base_ref, m.source_branch as head_ref, m.merge_commit_sha, m.additions, m.deletions, m.changed_files,
  m.commit_count, f.comment_count, f.review_count, f.reviewer_count, f.approval_count, f.created_at as created,
  m.updated_at as updated, f.ready_at as ready_for_review, f.merged_at as merged, m.closed_at as closed,
  f.first_commit_at as first_commit, f.first_review_at as first_review, f.first_approval_at as first_approval,
  {seconds(f.created_at, f.merged_at)} as open_to_merge,
  {seconds(f.ready_at, f.merged_at)} as ready_to_merge,
  {seconds(f.ready_at, f.first_review_at)} as ready_to_first_review,
  {seconds(f.ready_at, f.first_approval_at)} as ready_to_first_approval,
  {seconds(f.created_at, f.first_review_at)} as open_to_first_review,
  {seconds(f.created_at, f.first_approval_at)} as open_to_first_approval,
  {business(f.ready_at, f.merged_at)} as ready_to_merge_business,
  m.web_url as external_url
from connector_facts f
join gitlab_merge_requests m on m.source = f.source and m.id = f.merge_request_id
where {followed(f.source, f.project_id)};

-- Reviews under vendor-neutral names.
-- source: The connection.
-- pull_request_id: The merge request.
-- repo_id: The project.
-- user_id: The reviewer.
-- created: When.
-- review_type: approved, unapproved, requested_changes or commented.
-- approved: Whether it is an approval.
-- requested: When the reviewer was last asked for a review before this; when no such request is recorded, the creation of the
--   merge request.
-- time_since_request: Seconds from requested to created, at least 0.
-- is_bot: Whether the reviewer is a bot.
-- is_own: Whether the reviewer is the author.
-- external_id: The note that records the review.
create view pull_request_reviews as
select r.source, r.merge_request_id as pull_request_id, r.project_id as repo_id, r.user_id, r.created_at as created,
  r.review_type, r.approved, r.requested_at as requested, r.time_since_request, r.is_bot, r.is_own,
  r.note_id as external_id
from gitlab_reviews r;

-- Places that projects that are followed are deployed to, but for deleted ones.
-- source: The connection.
-- id: GitLab's id.
-- repo_id: The project.
-- name: Its name, such as production or review/login.
-- tier: production, staging, testing, development or other.
-- production: Whether it counts as production: GitLab's tier says so, or spec.analysis.productionEnvironments; where a server tells
--   no tier, an environment named production, prod or live.
-- state: available, stopping or stopped.
-- created: When it was made.
-- external_url: Where it is seen.
create view environments as
select e.source, e.id, e.project_id as repo_id, e.name, e.tier,
  {production(e)} as production,
  e.state, e.created_at as created, e.external_url
from gitlab_environments e
where e.gone_at is null and {followed(e.source, e.project_id)};

-- Deployments of projects that are followed, but for deleted ones.
-- source: The connection.
-- id: GitLab's id.
-- repo_id: The project.
-- repo: Path of the project.
-- number: The number in its project (GitLab's iid).
-- environment_id: Where to.
-- environment: Its name, such as production; NULL where it is not stored.
-- tier: The environment's tier: production, staging, testing, development or other.
-- status: created, running, success, failed, canceled, skipped or blocked.
-- ref: The branch or tag.
-- tag: Whether that is a tag; NULL where no job deployed.
-- sha: The commit.
-- user_id: Who deployed; NULL when the account is gone.
-- username: Their @-name.
-- pipeline_id: The pipeline that deployed; NULL where it was made through the API.
-- job_id: The job that deployed; NULL where it was made through the API.
-- created: When it was made.
-- updated: When GitLab last touched it.
-- finished: When its job ended; NULL where it was made through the API.
-- deployed: When it was there: the end of its job, else the last change of one that succeeded. NULL for all that did not succeed.
-- production: Whether its environment counts as production, as environments tells it; NULL where it is not stored.
-- pull_requests_known: Whether GitLab told which merge requests it brought: deployment_pull_requests has them.
create view deployments as
select d.source, d.id, d.project_id as repo_id, p.path_with_namespace as repo, d.iid as number, d.environment_id,
  e.name as environment, e.tier, d.status, d.ref, d.tag, d.sha, d.user_id, u.username, d.pipeline_id, d.job_id,
  d.created_at as created, d.updated_at as updated, d.finished_at as finished,
  case when d.status = 'success' then coalesce(d.finished_at, d.updated_at) end as deployed,
  {production(e)} as production,
  coalesce(d.carries = 'told', false) as pull_requests_known
from gitlab_deployments d
join gitlab_projects p on p.source = d.source and p.id = d.project_id
  and p.deleted_at is null and p.out_of_scope_at is null and p.excluded_at is null
left join gitlab_environments e on e.source = d.source and e.id = d.environment_id
left join gitlab_users u on u.source = d.source and u.id = d.user_id
where d.gone_at is null;

-- Which merge requests went out with which deployment. GitLab links each once for each environment, to the first deployment that
-- succeeded and has it: a roll-back brings nothing, and what it took away is not brought again. The first deployment of an
-- environment brings all that was merged into its branch before, which says little of how long that waited: is_first tells it
-- apart. Of environments in folders, whose names have a slash, GitLab tells nothing.
-- source: The connection.
-- deployment_id: The deployment.
-- pull_request_id: The merge request.
-- repo_id: The project.
-- environment_id: Where to.
-- production: Whether that counts as production, as environments tells it.
-- is_first: Whether no earlier deployment to the environment that is stored succeeded.
-- deployed: When the deployment was there.
create view deployment_pull_requests as
select b.source, b.deployment_id, b.merge_request_id as pull_request_id, d.project_id as repo_id, d.environment_id,
  {production(e)} as production, not {later(d)} as is_first,
  coalesce(d.finished_at, d.updated_at) as deployed
from gitlab_deployment_merge_requests b
join connector_facts f on f.source = b.source and f.merge_request_id = b.merge_request_id
join gitlab_deployments d on d.source = b.source and d.id = b.deployment_id and d.status = 'success' and d.gone_at is null
left join gitlab_environments e on e.source = d.source and e.id = d.environment_id
where {followed(d.source, d.project_id)};

-- Pipelines of projects that are followed, but for deleted ones.
-- source: The connection.
-- id: GitLab's id.
-- repo_id: The project.
-- repo: Path of the project.
-- number: The number in its project (GitLab's iid).
-- name: What its configuration calls it; NULL before GitLab 17.2.
-- status: success, failed, running and the like.
-- started_by: What started it: push, web, schedule, merge_request_event, parent_pipeline …
-- ref: The branch or tag, or refs/merge-requests/<number>/….
-- sha: The commit.
-- user_id: Who started it; NULL when the account is gone.
-- username: Their @-name.
-- pull_request: Number of the merge request that it ran for, as far as GitLab or the ref tells.
-- upstream_id: The pipeline whose bridge started it.
-- created: When it was made.
-- updated: When GitLab last touched it.
-- started: When it began.
-- finished: When it ended.
-- duration: Seconds that it ran, by GitLab's count.
-- queued: Seconds that it waited before it ran.
-- coverage: Test coverage in percent.
-- jobs_complete: Whether its jobs are stored to their end.
create view pipeline_runs as
select r.source, r.id, r.project_id as repo_id, p.path_with_namespace as repo, r.iid as number, r.name, r.status, r.started_by,
  r.ref, r.sha, r.user_id, u.username, r.merge_request_iid as pull_request, r.upstream_id, r.created_at as created,
  r.updated_at as updated, r.started_at as started, r.finished_at as finished, r.duration, r.queued_duration as queued,
  r.coverage, r.jobs_complete
from gitlab_pipelines r
join gitlab_projects p on p.source = r.source and p.id = r.project_id
  and p.deleted_at is null and p.out_of_scope_at is null and p.excluded_at is null
left join gitlab_users u on u.source = r.source and u.id = r.user_id
where r.gone_at is null;

-- Jobs and bridges of the pipelines of pipeline_runs, also those that were tried again.
-- source: The connection.
-- id: GitLab's id.
-- pipeline_id: The pipeline.
-- repo_id: The project.
-- kind: build, or bridge for one that starts another pipeline.
-- name: Its name.
-- stage: Its stage.
-- status: success, failed, running and the like.
-- allow_failure: Whether the pipeline may succeed without it.
-- retried: Whether a later job of this name took its place.
-- manual: Whether somebody has to start it.
-- failure_reason: Why it failed, such as script_failure or runner_system_failure.
-- runner_id: The runner, where GitLab shows it to the tokens.
-- runner: What the runner is called.
-- downstream_id: The pipeline that a bridge started.
-- coverage: Test coverage in percent.
-- created: When it was made.
-- queued_since: When a runner could take it.
-- started: When it began.
-- finished: When it ended.
-- duration: Seconds that it ran.
-- queued: Seconds that it waited for a runner.
create view pipeline_jobs as
select j.source, j.id, j.pipeline_id, j.project_id as repo_id, j.kind, j.name, j.stage, j.status, j.allow_failure, j.retried,
  j.manual, j.failure_reason, j.runner_id, j.runner, j.downstream_id, j.coverage, j.created_at as created,
  j.queued_at as queued_since, j.started_at as started, j.finished_at as finished, j.duration, j.queued_duration as queued
from gitlab_jobs j
join gitlab_pipelines r on r.source = j.source and r.id = j.pipeline_id and r.gone_at is null
where {followed(j.source, j.project_id)};

-- Who was asked for a review, by whom and when: a row for each person and request. People of whom no name is stored are left out.
-- source: The connection.
-- pull_request_id: The merge request.
-- repo_id: The project.
-- user_id: Who was asked.
-- requested_by_user_id: Who asked; NULL when the account is gone.
-- requested: When.
create view pull_request_review_requests as
select q.source, q.merge_request_id as pull_request_id, f.project_id as repo_id, k.user_id, q.author_id as requested_by_user_id,
  q.created_at as requested
from gitlab_notes q
join connector_facts f on f.source = q.source and f.merge_request_id = q.merge_request_id
cross join {texts(q.requested_reviewers)} r
join gitlab_usernames k on k.source = q.source and k.username = r.value
where q.action = 'review_requested' and q.gone_at is null
  -- Who had the name then: the last who was seen with it before the request, else the first.
  and not exists (select 1 from gitlab_usernames o
    where o.source = k.source and o.username = k.username and o.user_id <> k.user_id
      and case when k.first_seen_at <= q.created_at
        then o.first_seen_at > k.first_seen_at and o.first_seen_at <= q.created_at else o.first_seen_at < k.first_seen_at end)
  and {followed(f.source, f.project_id)};

-- Threads that can be resolved. One that was resolved without a change of its merge request is told with the next full import,
-- or with a comment.
-- source: The connection.
-- pull_request_id: The merge request.
-- repo_id: The project.
-- thread_id: GitLab's name of the thread.
-- started: When its first comment was written.
-- last_comment: When its last comment was written.
-- comments: How many comments it has.
-- people: How many accounts wrote them.
-- resolved: Whether it is resolved.
create view pull_request_threads as
select n.source, n.merge_request_id as pull_request_id, f.project_id as repo_id, n.discussion_id as thread_id,
  min(n.created_at) as started, max(n.created_at) as last_comment, count(*) as comments,
  count(distinct n.author_id) as people, count(case when n.resolved then 1 end) = count(*) as resolved
from gitlab_notes n
join connector_facts f on f.source = n.source and f.merge_request_id = n.merge_request_id
where n.resolvable and n.discussion_id is not null and not n.system and n.gone_at is null
  and {followed(f.source, f.project_id)}
group by n.source, n.merge_request_id, f.project_id, n.discussion_id;

-- Labels as a project that is followed sees them: its own, and those of the groups above it.
-- source: The connection.
-- repo_id: The project.
-- label_id: GitLab's id.
-- name: The label's text.
-- color: Colour such as #d9534f.
-- description: What the label is for.
-- inherited: Whether it belongs to a group that is followed.
create view repo_labels as
with recursive above (source, group_id, above_id) as (
  select g.source, g.id, g.id from gitlab_groups g where g.deleted_at is null and g.out_of_scope_at is null
  union
  select a.source, a.group_id, g.parent_id
  from above a join gitlab_groups g on g.source = a.source and g.id = a.above_id
  where g.parent_id is not null
),
seen as (
  select p.source, p.id as repo_id, l.id as label_id, l.name, l.color, l.description, false as inherited, l.synced_at
  from gitlab_projects p
  join gitlab_labels l on l.source = p.source and l.kind = 'project' and l.holder_id = p.id and l.gone_at is null
  where p.deleted_at is null and p.out_of_scope_at is null and p.excluded_at is null
  union all
  select p.source, p.id, l.id, l.name, l.color, l.description, true, l.synced_at
  from gitlab_projects p
  join above a on a.source = p.source and a.group_id = p.namespace_id
  join gitlab_groups g on g.source = a.source and g.id = a.above_id and g.deleted_at is null and g.out_of_scope_at is null
  join gitlab_labels l on l.source = g.source and l.kind = 'group' and l.holder_id = g.id and l.gone_at is null
  where p.deleted_at is null and p.out_of_scope_at is null and p.excluded_at is null
)
-- What was told of several holders, as after a change of the scope, is there once, as it was told last.
select source, repo_id, label_id, name, color, description, inherited
from (select s.*, row_number() over (partition by s.source, s.repo_id, s.label_id order by s.synced_at desc, s.inherited) as place
  from seen s) s
where place = 1;

-- What the metrics are made of: one row for each merged merge request. Bots' merge requests, deleted ones and those of
-- projects that are not followed are left out. Intervals are those of pull_requests.
-- source: The connection.
-- repo_id: The project.
-- pull_request_id: The merge request.
-- user_id: The author; NULL when the account is gone.
-- week: Monday of the ISO week (UTC) in which it was merged.
-- ready_to_merge: Seconds from ready for review to merged.
-- ready_to_merge_business: The same in business hours.
-- open_to_merge: Seconds from creation to merged.
-- ready_to_first_review: Seconds from ready for review to the first review; NULL where there is none or none is known.
-- ready_to_first_approval: Seconds from ready for review to the first approval; NULL where there is none or none is known.
-- reviewed: Whether anybody reviewed it before it was merged; NULL where reviews are not stored to their end.
-- lines: Lines added and deleted; NULL until GitLab has counted them.
-- files: Files changed; NULL until GitLab has counted them.
create view metrics_merged as
select f.source, f.project_id as repo_id, f.merge_request_id as pull_request_id,
  case when f.author_kind = 'person' then f.author_id end as user_id, f.merged_week as week,
  {seconds(f.ready_at, f.merged_at)} as ready_to_merge,
  {business(f.ready_at, f.merged_at)} as ready_to_merge_business,
  {seconds(f.created_at, f.merged_at)} as open_to_merge,
  {seconds(f.ready_at, f.first_review_at)} as ready_to_first_review,
  {seconds(f.ready_at, f.first_approval_at)} as ready_to_first_approval,
  f.review_count > 0 as reviewed, {real(f.lines)} as lines, {real(f.files)} as files
from connector_facts f
where f.merged_week is not null and f.author_kind is distinct from 'bot'
  and {followed(f.source, f.project_id)};

-- The same as one row for each measure, for percentiles of your own. A measure that is unknown has no row.
-- source: The connection.
-- repo_id: The project.
-- pull_request_id: The merge request.
-- week: Monday of the ISO week (UTC) in which it was merged.
-- measure: ready_to_merge, ready_to_merge_business, open_to_merge, ready_to_first_review, ready_to_first_approval
--   (seconds), lines (additions and deletions) or files.
-- value: The measure.
create view metrics_samples as
select source, repo_id, pull_request_id, week, 'ready_to_merge' as measure, ready_to_merge as value from metrics_merged where ready_to_merge is not null
union all
select source, repo_id, pull_request_id, week, 'ready_to_merge_business', ready_to_merge_business from metrics_merged where ready_to_merge_business is not null
union all
select source, repo_id, pull_request_id, week, 'open_to_merge', open_to_merge from metrics_merged where open_to_merge is not null
union all
select source, repo_id, pull_request_id, week, 'ready_to_first_review', ready_to_first_review from metrics_merged where ready_to_first_review is not null
union all
select source, repo_id, pull_request_id, week, 'ready_to_first_approval', ready_to_first_approval from metrics_merged where ready_to_first_approval is not null
union all
select source, repo_id, pull_request_id, week, 'lines', lines from metrics_merged where lines is not null
union all
select source, repo_id, pull_request_id, week, 'files', files from metrics_merged where files is not null;

-- Cycle time by week of merging: the median merge request, from ready for review (not a draft any more) to merged.
-- Bots' merge requests are left out. A week in which nothing was merged has no row.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- merge_requests: Merged in the week.
-- cycle_time_hours: Median hours from ready to merged.
-- cycle_time_business_hours: The same in business hours, Monday to Friday, 08:00 to 18:00 UTC.
-- open_to_merge_hours: Median hours from creation to merged, draft time included.
create view metrics_cycle_time_weekly as
with gathered as (
  select source, week, count(*) as merge_requests, {gathered(ready_to_merge)} as cycle,
    {gathered(ready_to_merge_business)} as business, {gathered(open_to_merge)} as open
  from metrics_merged group by source, week
)
select source, week, merge_requests, {median(cycle)} / 3600 as cycle_time_hours,
  {median(business)} / 3600 as cycle_time_business_hours, {median(open)} / 3600 as open_to_merge_hours
from gathered;

-- How long merge requests wait for people, by week of merging. Bots' merge requests, bots' reviews and the author's own
-- comments are left out, and so is what came after the merge. No review is no sample, not 0. A week in which nothing was merged
-- has no row.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- merge_requests: Merged in the week.
-- first_review_hours: Median hours from ready to the first comment, approval or request for changes.
-- first_approval_hours: Median hours from ready to the first approval.
-- reviews_known: Merged in the week, with reviews that are stored to their end: what the next two are made of.
-- merged_unreviewed: Merged without any review by another person; NULL where no reviews are known.
-- merged_unreviewed_share: The same as a share of those whose reviews are known, 0 to 1.
create view metrics_review_latency_weekly as
with gathered as (
  select source, week, count(*) as merge_requests, {gathered(ready_to_first_review)} as review,
    {gathered(ready_to_first_approval)} as approval, count(reviewed) as known,
    nullif(count(reviewed), 0) - count(case when reviewed then 1 end) as unreviewed
  from metrics_merged group by source, week
)
select source, week, merge_requests, {median(review)} / 3600 as first_review_hours,
  {median(approval)} / 3600 as first_approval_hours, known as reviews_known, unreviewed as merged_unreviewed,
  {real(unreviewed)} / known as merged_unreviewed_share
from gathered;

-- Size of merge requests by week of merging. Those of which GitLab has not counted the lines are left out; 0 is a size. A week
-- in which nothing was merged has no row.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- merge_requests: Merged in the week and counted.
-- median_lines: Median of additions and deletions together.
-- median_files: Median of files changed.
create view metrics_size_weekly as
with gathered as (
  select source, week, count(lines) as merge_requests, {gathered(lines)} as lines, {gathered(files)} as files
  from metrics_merged group by source, week
)
select source, week, merge_requests, {median(lines)} as median_lines, {median(files)} as median_files
from gathered where merge_requests > 0;

-- The weeks of a connection, from that of its first merge request to the last in which anything happened. Figures that count
-- several things of a week look each up by it: no database hands a condition through a sum over several parts.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
create view weeks as
with recursive every (source, week, last) as (
  select c.id, (select min(f.created_week) from connector_facts f where f.source = c.id), (select max(l.week) from (
      select max(f.created_week) as week from connector_facts f where f.source = c.id
      union all
      select max(f.merged_week) from connector_facts f where f.source = c.id and f.merged_week is not null
      union all
      select max(f.closed_week) from connector_facts f where f.source = c.id and f.closed_week is not null
    ) l)
  from gitlab_connections c
  union all
  select e.source, {weeks_before(e.week, -1)}, e.last from every e where e.week < e.last
)
select source, week from every where week is not null;

-- Throughput by week: merge requests merged for each engineer at work. Without team data an engineer is a person who
-- authored a merge request that was opened or merged in the week; bots do not count, and accounts that are gone are nobody. A
-- week in which nothing was opened or merged has no row.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- merged: Merge requests merged in the week.
-- engineers: People who authored a merge request that was opened or merged in the week.
-- merged_per_engineer: The quotient.
create view metrics_throughput_weekly as
with counted as (
  select distinct w.source, w.week,
    (select count(*) from connector_facts f
     where f.source = w.source and f.created_week = w.week and f.author_kind is distinct from 'bot'
       and {followed(f.source, f.project_id)}) as opened,
    (select count(*) from connector_facts f
     where f.source = w.source and f.merged_week = w.week and f.author_kind is distinct from 'bot'
       and {followed(f.source, f.project_id)}) as merged,
    (select count(distinct a.user_id) from (
       select f.author_id as user_id from connector_facts f
       where f.source = w.source and f.created_week = w.week and f.author_kind = 'person'
         and {followed(f.source, f.project_id)}
       union all
       select f.author_id from connector_facts f
       where f.source = w.source and f.merged_week = w.week and f.author_kind = 'person'
         and {followed(f.source, f.project_id)}
     ) a) as engineers
  from weeks w
)
select source, week, merged, engineers, {real(merged)} / nullif(engineers, 0) as merged_per_engineer
from counted where opened + merged > 0;

-- Review load by week: who reviews how much. Bots, accounts that are gone and the author's own comments are left out, and
-- merge requests whose reviews are not stored to their end.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- user_id: The reviewer.
-- username: The reviewer's @-name.
-- merge_requests: Merge requests reviewed.
-- approvals: Approvals given.
-- comments: Comments written.
create view metrics_review_load_weekly as
with loads as (
  select p.source, p.week, p.user_id, count(*) as merge_requests, sum(p.approvals) as approvals, sum(p.comments) as comments
  from connector_participants p
  where p.kind = 'person' and not p.is_own
    and {followed(p.source, p.project_id)}
  group by p.source, p.week, p.user_id
)
select l.source, l.week, l.user_id, u.username, l.merge_requests, {whole(l.approvals)} as approvals, {whole(l.comments)} as comments
from loads l
left join gitlab_users u on u.source = l.source and u.id = l.user_id;

-- Merge requests that waited longest for a first review by another person, slowest first. Bots' are left out. Asking for a
-- range of first_review and for a limited number makes it quick.
-- source: The connection.
-- repo: Path of the project.
-- number: The number that people use.
-- title: Title.
-- author: The author's @-name; NULL when the account is gone.
-- ready_for_review: Since when it waited.
-- first_review: When it was reviewed.
-- waited_hours: The hours between.
-- external_url: Address in the browser.
create view slowest_reviews as
select f.source,
  (select p.path_with_namespace from gitlab_projects p where p.source = f.source and p.id = f.project_id) as repo,
  (select m.iid from gitlab_merge_requests m where m.source = f.source and m.id = f.merge_request_id) as number,
  (select m.title from gitlab_merge_requests m where m.source = f.source and m.id = f.merge_request_id) as title,
  (select u.username from gitlab_users u
   where u.source = f.source and u.id = f.author_id and f.author_kind = 'person') as author,
  f.ready_at as ready_for_review, f.first_review_at as first_review,
  {seconds(f.ready_at, f.first_review_at)} / 3600 as waited_hours,
  (select m.web_url from gitlab_merge_requests m where m.source = f.source and m.id = f.merge_request_id) as external_url
from connector_facts f
where f.first_review_at is not null and f.ready_at is not null and f.author_kind is distinct from 'bot'
  and {followed(f.source, f.project_id)}
order by waited_hours desc;

-- Merge requests opened, merged and closed by week, bots' included. A week in which nothing happened has no row.
-- source: The connection.
-- week: Monday of the ISO week (UTC).
-- opened: Opened in the week.
-- merged: Merged in the week.
-- closed: Closed without merging in the week.
create view merge_requests_per_week as
with counted as (
  select distinct w.source, w.week,
    (select count(*) from connector_facts f where f.source = w.source and f.created_week = w.week
       and {followed(f.source, f.project_id)}) as opened,
    (select count(*) from connector_facts f where f.source = w.source and f.merged_week = w.week
       and {followed(f.source, f.project_id)}) as merged,
    (select count(*) from connector_facts f where f.source = w.source and f.closed_week = w.week
       and {followed(f.source, f.project_id)}) as closed
  from weeks w
)
select source, week, opened, merged, closed from counted where opened + merged + closed > 0;

-- Cycle time by project, of what was merged in the last 26 weeks of the connection: those up to the week of its latest merge.
-- As in metrics_cycle_time_weekly and metrics_review_latency_weekly.
-- source: The connection.
-- repo: Path of the project.
-- merge_requests: Merged, bots' left out.
-- cycle_time_hours: Median hours from ready to merged.
-- first_review_hours: Median hours from ready to the first review by another person.
-- median_lines: Median of additions and deletions together.
create view cycle_time_by_project as
with gathered as (
  select c.id as source, m.repo_id, count(*) as merge_requests, {gathered(m.ready_to_merge)} as cycle,
    {gathered(m.ready_to_first_review)} as review, {gathered(m.lines)} as lines
  from gitlab_connections c
  join metrics_merged m on m.source = c.id and m.week > (
    select {weeks_before(max(f.merged_week), 26)} from connector_facts f where f.source = c.id and f.merged_week is not null)
  group by c.id, m.repo_id
)
select g.source, p.path_with_namespace as repo, g.merge_requests, {median(g.cycle)} / 3600 as cycle_time_hours,
  {median(g.review)} / 3600 as first_review_hours, {median(g.lines)} as median_lines
from gathered g
left join gitlab_projects p on p.source = g.source and p.id = g.repo_id;

-- Deployment frequency by week and project: deployments to production, as environments tells it. A week in which none ended has no row.
-- source: The connection.
-- repo_id: The project.
-- repo: Path of the project.
-- week: Monday of the ISO week (UTC) in which they ended.
-- deployments: Those that succeeded.
-- deploy_days: Days of the week on which one succeeded.
-- failed: Those that failed.
-- failed_share: The same as a share of both, 0 to 1. It says that a deployment did not succeed, and not that a change did harm.
create view metrics_deployment_frequency_weekly as
with ended as (
  select d.source, d.repo_id, d.repo, coalesce(d.finished, d.updated) as at, d.status = 'success' as succeeded
  from deployments d
  where d.status in ('success', 'failed') and d.production
)
select source, repo_id, repo, {week(at)} as week, count(case when succeeded then 1 end) as deployments,
  count(distinct case when succeeded then {day(at)} end) as deploy_days, count(case when not succeeded then 1 end) as failed,
  {real(count(case when not succeeded then 1 end))} / count(*) as failed_share
from ended group by source, repo_id, repo, {week(at)};

-- How merge requests reached production: one row for each merged merge request that a deployment to production brought, and that was
-- not among those of an environment's first deployment, which say nothing of how long they waited. Bots' merge requests, deleted
-- ones and those of projects that are not followed are left out; so are environments in folders, of which GitLab tells nothing.
-- source: The connection.
-- repo_id: The project.
-- pull_request_id: The merge request.
-- user_id: The author; NULL when the account is gone.
-- week: Monday of the ISO week (UTC) of the last deployment.
-- first_deployed: When the first deployment to production that brought it was there.
-- last_deployed: When the last one was, where it went to several environments.
-- merge_to_first: Seconds from merged to the first deployment.
-- merge_to_last: Seconds from merged to the last deployment.
-- open_to_last: Seconds from creation to the last deployment.
create view metrics_delivered as
with brought as (
  select b.source, b.pull_request_id, min(b.deployed) as first_deployed, max(b.deployed) as last_deployed
  from deployment_pull_requests b
  where b.production and not b.is_first
  group by b.source, b.pull_request_id
)
select f.source, f.project_id as repo_id, f.merge_request_id as pull_request_id,
  case when f.author_kind = 'person' then f.author_id end as user_id, {week(b.last_deployed)} as week,
  b.first_deployed, b.last_deployed, {seconds(f.merged_at, b.first_deployed)} as merge_to_first,
  {seconds(f.merged_at, b.last_deployed)} as merge_to_last, {seconds(f.created_at, b.last_deployed)} as open_to_last
from brought b
join connector_facts f on f.source = b.source and f.merge_request_id = b.pull_request_id
where f.merged_at is not null and f.author_kind is distinct from 'bot' and {followed(f.source, f.project_id)};

-- Lead time by week and project: one sample for each deployment to production, from the first of the merge requests that it
-- brought. Left out: as of metrics_delivered, and deployments that brought nothing or of which GitLab has not told. A week
-- without a sample has no row.
-- source: The connection.
-- repo_id: The project.
-- repo: Path of the project.
-- week: Monday of the ISO week (UTC) of the deployment.
-- deployments: Deployments that brought merge requests: the samples.
-- merge_requests: Merge requests that they brought.
-- open_to_deploy_hours: Median hours from the creation of the first to the deployment.
-- merge_to_deploy_hours: Median hours from the first merge to the deployment.
-- merge_to_deploy_hours_p75: The hours within which three of four were there.
-- merge_to_deploy_hours_p90: The hours within which nine of ten were there.
create view metrics_lead_time_weekly as
with samples as (
  select b.source, b.repo_id, b.deployment_id, b.deployed, min(f.created_at) as opened, min(f.merged_at) as merged,
    count(*) as merge_requests
  from deployment_pull_requests b
  join connector_facts f on f.source = b.source and f.merge_request_id = b.pull_request_id
  where b.production and not b.is_first and f.merged_at is not null and f.author_kind is distinct from 'bot'
  group by b.source, b.repo_id, b.deployment_id, b.deployed
),
timed as (
  select source, repo_id, {week(deployed)} as week, merge_requests, {seconds(opened, deployed)} as open_to_deploy,
    {seconds(merged, deployed)} as merge_to_deploy
  from samples
),
gathered as (
  select source, repo_id, week, count(*) as deployments, {whole(sum(merge_requests))} as merge_requests,
    {spread(open_to_deploy)} as open_to_deploy, {spread(merge_to_deploy)} as merge_to_deploy
  from timed group by source, repo_id, week
)
select g.source, g.repo_id, p.path_with_namespace as repo, g.week, g.deployments, g.merge_requests,
  {within(50, open_to_deploy)} / 3600 as open_to_deploy_hours, {within(50, merge_to_deploy)} / 3600 as merge_to_deploy_hours,
  {within(75, merge_to_deploy)} / 3600 as merge_to_deploy_hours_p75, {within(90, merge_to_deploy)} / 3600 as merge_to_deploy_hours_p90
from gathered g
left join gitlab_projects p on p.source = g.source and p.id = g.repo_id;

-- Lead time by week and author: one sample for each merge request, from merged to the last deployment to production that brought
-- it. Left out: as of metrics_delivered, and authors whose account is gone.
-- source: The connection.
-- user_id: The author.
-- username: The author's username.
-- week: Monday of the ISO week (UTC) of the last deployment.
-- merge_requests: The samples.
-- merge_to_deploy_hours: Median hours from merged to deployed.
-- merge_to_deploy_hours_p75: The hours within which three of four were there.
-- merge_to_deploy_hours_p90: The hours within which nine of ten were there.
create view metrics_lead_time_by_author_weekly as
with gathered as (
  select d.source, d.user_id, d.week, count(*) as merge_requests, {spread(d.merge_to_last)} as waited
  from metrics_delivered d
  where d.user_id is not null
  group by d.source, d.user_id, d.week
)
select g.source, g.user_id, u.username, g.week, g.merge_requests, {within(50, waited)} / 3600 as merge_to_deploy_hours,
  {within(75, waited)} / 3600 as merge_to_deploy_hours_p75, {within(90, waited)} / 3600 as merge_to_deploy_hours_p90
from gathered g
left join gitlab_users u on u.source = g.source and u.id = g.user_id;

-- The stages of merge requests by week of merging. Bots' merge requests are left out; a stage that is unknown, or that a merge
-- request did not go through, is no sample. Stages overlap: approval_to_merge is a part of review.
-- source: The connection.
-- week: Monday of the ISO week (UTC) in which they were merged.
-- place: 1 to 5, the order of the stages.
-- stage: coding (first commit to creation), pickup (ready to the first review), review (first review to merged), approval_to_merge
--   (first approval to merged) or to_production (merged to the first deployment to production, as of metrics_delivered).
-- merge_requests: The samples.
-- hours: Median hours.
-- hours_p75: The hours within which three of four were through.
-- hours_p90: The hours within which nine of ten were through.
create view metrics_stages_weekly as
with merged as (
  select f.* from connector_facts f
  where f.merged_week is not null and f.author_kind is distinct from 'bot' and {followed(f.source, f.project_id)}
),
stages as (
  select m.source, m.merged_week as week, 1 as place, 'coding' as stage, {seconds(m.first_commit_at, m.created_at)} as value
  from merged m where m.first_commit_at is not null
  union all
  select m.source, m.merged_week, 2, 'pickup', {seconds(m.ready_at, m.first_review_at)}
  from merged m where m.ready_at is not null and m.first_review_at is not null
  union all
  select m.source, m.merged_week, 3, 'review', {seconds(m.first_review_at, m.merged_at)}
  from merged m where m.first_review_at is not null
  union all
  select m.source, m.merged_week, 4, 'approval_to_merge', {seconds(m.first_approval_at, m.merged_at)}
  from merged m where m.first_approval_at is not null
  union all
  select d.source, {week(f.merged_at)}, 5, 'to_production', d.merge_to_first
  from metrics_delivered d
  join connector_facts f on f.source = d.source and f.merge_request_id = d.pull_request_id
),
gathered as (
  select source, week, place, stage, count(*) as merge_requests, {spread(value)} as took
  from stages group by source, week, place, stage
)
select source, week, place, stage, merge_requests, {within(50, took)} / 3600 as hours,
  {within(75, took)} / 3600 as hours_p75, {within(90, took)} / 3600 as hours_p90
from gathered;

-- How pipelines go, by week and project: those that succeeded or failed. Pipelines that others started are part of these, and
-- skipped and canceled ones say nothing. A week in which none ended has no row.
-- source: The connection.
-- repo_id: The project.
-- repo: Path of the project.
-- week: Monday of the ISO week (UTC) in which they ended.
-- pipelines: Those that succeeded or failed.
-- failed: Those that failed.
-- success_share: Those that succeeded, as a share of both, 0 to 1.
-- duration_minutes: Median minutes that they ran, by GitLab's count. NULL where none is known.
-- queued_minutes: Median minutes that they waited before. NULL where none is known.
create view metrics_pipelines_weekly as
with ended as (
  select r.source, r.repo_id, r.repo, {week(r.finished)} as week, r.status, {real(r.duration)} as ran, r.queued
  from pipeline_runs r
  where r.status in ('success', 'failed') and r.finished is not null and coalesce(r.started_by, '') <> 'parent_pipeline'
),
gathered as (
  select source, repo_id, repo, week, count(*) as pipelines, count(case when status = 'failed' then 1 end) as failed,
    {gathered(ran)} as duration, {gathered(queued)} as queued
  from ended group by source, repo_id, repo, week
)
select source, repo_id, repo, week, pipelines, failed, {real(pipelines - failed)} / pipelines as success_share,
  {median(duration)} / 60 as duration_minutes, {median(queued)} / 60 as queued_minutes
from gathered;

-- Flaky jobs by week, project and name: of the pipelines in which a job of the name ended, those in which it failed, was tried
-- again on the same commit and passed. A job that never did has no row.
-- source: The connection.
-- repo_id: The project.
-- name: The job's name.
-- week: Monday of the ISO week (UTC) in which its last try ended.
-- pipelines: Pipelines in which it ended.
-- flaky: Those in which it failed and then passed.
-- flaky_share: The same as a share, 0 to 1.
-- lost_minutes: Minutes of the tries that failed in these.
create view metrics_flaky_jobs_weekly as
with tried as (
  select j.source, j.repo_id, j.name, j.pipeline_id, max(j.finished) as ended,
    max(case when j.status = 'success' and j.retried is not true then 1 else 0 end) as passed,
    max(case when j.status = 'failed' and j.retried then 1 else 0 end) as failed_before,
    sum(case when j.status = 'failed' and j.retried then j.duration else 0 end) as lost
  from pipeline_jobs j
  where j.kind = 'build' and j.name is not null and j.finished is not null and j.status in ('success', 'failed')
  group by j.source, j.repo_id, j.name, j.pipeline_id
),
counted as (
  select source, repo_id, name, {week(ended)} as week, count(*) as pipelines, {whole(sum(passed * failed_before))} as flaky,
    sum(passed * failed_before * lost) as lost
  from tried group by source, repo_id, name, {week(ended)}
)
select source, repo_id, name, week, pipelines, flaky, {real(flaky)} / pipelines as flaky_share,
  {real(lost)} / 60 as lost_minutes
from counted where flaky > 0;

-- What jobs take of runners, by week and project. Bridges take none.
-- source: The connection.
-- repo_id: The project.
-- week: Monday of the ISO week (UTC) in which they ended.
-- jobs: Jobs that ran.
-- minutes: Minutes that they ran.
-- retried_minutes: Of these, minutes of jobs that were tried again.
-- failed_minutes: Of these, minutes of jobs that failed.
-- queued_minutes: Median minutes that they waited for a runner. NULL where none is known.
create view metrics_job_minutes_weekly as
with gathered as (
  select j.source, j.repo_id, {week(j.finished)} as week, count(*) as jobs, sum(j.duration) as seconds,
    sum(case when j.retried then j.duration else 0 end) as retried,
    sum(case when j.status = 'failed' then j.duration else 0 end) as failed, {gathered(j.queued)} as queued
  from pipeline_jobs j
  where j.kind = 'build' and j.finished is not null and j.duration is not null
  group by j.source, j.repo_id, {week(j.finished)}
)
select source, repo_id, week, jobs, {real(seconds)} / 60 as minutes, {real(retried)} / 60 as retried_minutes,
  {real(failed)} / 60 as failed_minutes, {median(queued)} / 60 as queued_minutes
from gathered;
