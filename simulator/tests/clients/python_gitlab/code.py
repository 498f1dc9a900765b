"""Branches, commits, tags, releases."""

import gitlab.exceptions as errors

from given import done, first, ids, place, project, refused, same

branch = place["default_branch"]

# Branches: one is the default, most belong to a merge request.
same(sorted(found.name for found in project.branches.list(get_all=True, per_page=7)), sorted(place["branches"]))
assert project.branches.get(branch).default
made = project.branches.create({"branch": "spike", "ref": branch})
assert made.commit["id"] == project.branches.get(branch).commit["id"]
same([found.name for found in project.branches.list(search="spike", get_all=True)], ["spike"])
with refused(errors.GitlabCreateError, 400, "Branch already exists"):
    project.branches.create({"branch": "spike", "ref": branch})
made.delete()
with refused(errors.GitlabGetError, 404, "404 Branch Not Found"):
    project.branches.get("spike")

# Commits of the default branch, newest first.
commits = project.commits.list(get_all=True, per_page=20)
same(ids(commits), place["commits"])
head = project.commits.get(branch)
assert head.id == commits[0].id and head.stats["total"] == head.stats["additions"] + head.stats["deletions"]
assert branch in [ref["name"] for ref in head.refs("branch")]
same(head.statuses.list(get_all=True), [])
merged = first(place["merge_requests"], lambda one: one["state"] == "merged")
landed = project.mergerequests.get(merged["iid"])
sha = landed.squash_commit_sha or landed.merge_commit_sha or landed.sha
assert merged["iid"] in [one["iid"] for one in project.commits.get(sha).merge_requests()]
with refused(errors.GitlabGetError, 404, "404 Commit Not Found"):
    project.commits.get("0123456789012345678901234567890123456789")

# A tag and its release.
tag = project.tags.create({"tag_name": "v1.0", "ref": head.id, "message": "The first one"})
assert (tag.name, tag.target, tag.message, tag.commit["id"]) == ("v1.0", tag.target, "The first one", head.id)
same([found.name for found in project.tags.list(get_all=True)], ["v1.0", *place["tags"]][:1] + place["tags"])
release = project.releases.create({"tag_name": "v1.0", "name": "One", "description": "Everything"})
assert (release.name, release.commit["id"]) == ("One", head.id)
release.name = "The one"
release.save()
assert project.releases.get("v1.0").name == "The one"
same([found.tag_name for found in project.releases.list(get_all=True)][0], "v1.0")
project.releases.delete("v1.0")
tag.delete()
with refused(errors.GitlabGetError, 404, "404 Tag Not Found"):
    project.tags.get("v1.0")

done()
