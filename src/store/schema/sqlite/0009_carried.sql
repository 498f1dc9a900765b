-- Which merge requests went out with which deployment, and which environments count as production beside GitLab's tier.

-- Merge requests that a deployment brought: GitLab links each once for each environment, to the first deployment that succeeded
-- and has it. From project.mergeRequests(deploymentId:) of GraphQL; before GitLab 17.2, and where they are many, from
-- GET /projects/:id/deployments/:deployment_id/merge_requests. A row may name a merge request that is not stored.
create table gitlab_deployment_merge_requests (
  -- The connection that brought the row.
  source integer not null,
  -- The deployment.
  deployment_id integer not null,
  -- Id (not iid) of the merge request.
  merge_request_id integer not null,
  primary key (source, deployment_id, merge_request_id)
) strict;
create index gitlab_deployment_merge_requests_of on gitlab_deployment_merge_requests (source, merge_request_id);

-- Whether it is known which merge requests it brought. told: GitLab said so. never: GitLab tells of no deployment to an environment
-- whose name has a slash. NULL: it did not succeed, is not asked about yet, or GitLab may still be about to find out.
alter table gitlab_deployments add column carries text;
update gitlab_deployments set carries = 'never' where status = 'success' and (source, environment_id) in (
  select source, id from gitlab_environments where name like '%/%');
-- Those that are to be asked about.
create index gitlab_deployments_untold on gitlab_deployments (source, project_id, id)
  where status = 'success' and carries is null and gone_at is null;
-- What was where before what.
create index gitlab_deployments_there on gitlab_deployments (source, environment_id, id)
  where status = 'success' and gone_at is null;

-- Environments that count as production beside those of GitLab's tier: spec.analysis.productionEnvironments.
create table connector_production_environments (
  -- The connection.
  source integer not null,
  -- A LIKE pattern on the lower-case name; ! escapes.
  pattern text not null,
  primary key (source, pattern)
) strict;
