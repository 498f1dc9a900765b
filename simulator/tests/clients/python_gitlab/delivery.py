"""Pipelines, jobs, environments, deployments."""

import gitlab.exceptions as errors

from given import done, ids, place, project, refused, same

# Everything that ran, newest first.
pipelines = place["pipelines"]
same(ids(project.pipelines.list(get_all=True, per_page=3)), ids(pipelines)[::-1])
failed = [one for one in pipelines if one["status"] == "failed"]
same(ids(project.pipelines.list(status="failed", get_all=True)), ids(failed)[::-1])
for one in pipelines:
    found = project.pipelines.get(one["id"])
    assert (found.sha, found.ref, found.status, found.source) == (one["sha"], one["ref"], one["status"], one["source"])
    current = [job for job in one["jobs"] if not job["retried"]]
    same(
        sorted((job.id, job.name, job.stage, job.status) for job in found.jobs.list(get_all=True)),
        sorted((job["id"], job["name"], job["stage"], job["status"]) for job in current),
    )
    same(sorted(ids(found.jobs.list(include_retried=True, get_all=True))), sorted(ids(one["jobs"])))
    same(found.bridges.list(get_all=True), [])
jobs = [job for one in pipelines for job in one["jobs"]]
same(sorted(ids(project.jobs.list(get_all=True))), sorted(ids(jobs)))
assert project.jobs.get(jobs[0]["id"]).name == jobs[0]["name"]
with refused(errors.GitlabGetError, 404, "404 Not found"):
    project.pipelines.get(999_999)

# A failed pipeline is tried again: its failed jobs get successors.
again = project.pipelines.get(failed[-1]["id"])
broken = {job["name"] for job in failed[-1]["jobs"] if job["status"] == "failed" and not job["retried"]}
again.retry()
successors = [job for job in project.pipelines.get(again.id).jobs.list(get_all=True) if job.id not in ids(jobs)]
same(sorted(job.name for job in successors), sorted(broken))

# A new one.
made = project.pipelines.create({"ref": place["default_branch"]})
assert (made.ref, made.source) == (place["default_branch"], "api") and made.id not in ids(pipelines)
assert project.pipelines.latest().id == made.id, "the head of the default branch has no other"
made.cancel()
assert project.pipelines.get(made.id).status == "canceled"
made.delete()
with refused(errors.GitlabGetError, 404, "404 Not found"):
    project.pipelines.get(made.id)

# Environments.
same(
    sorted((found.id, found.name, found.tier) for found in project.environments.list(get_all=True)),
    sorted((one["id"], one["name"], one["tier"]) for one in place["environments"]),
)
staging = project.environments.create({"name": "staging-eu", "external_url": "https://eu.example.com", "tier": "staging"})
same(ids(project.environments.list(name="staging-eu")), [staging.id])
staging.stop()
assert project.environments.get(staging.id).state == "stopped"
staging.delete()

# Deployments, each to an environment.
deployments = place["deployments"]
same(ids(project.deployments.list(get_all=True, order_by="id", sort="asc")), ids(deployments))
for one in deployments:
    found = project.deployments.get(one["id"])
    assert (found.iid, found.sha, found.status) == (one["iid"], one["sha"], one["status"])
    assert found.environment["id"] == one["environment"]
finished = [one for one in deployments if one["status"] == "success"]
same(ids(project.deployments.list(status="success", order_by="id", sort="asc", get_all=True)), ids(finished))
production = place["environments"][0]
made = project.deployments.create(
    {"environment": production["name"], "sha": finished[-1]["sha"], "ref": place["default_branch"], "tag": False, "status": "running"}
)
made.status = "success"
made.save()
assert project.deployments.get(made.id).status == "success"

done()
