"""Milestones, issues, incidents, events."""

import gitlab.exceptions as errors

from given import acme, client, done, ids, groups, place, project, refused, same

client.auth()

# Milestones, and the merge request and the issue that are to be done by then.
same(sorted(ids(project.milestones.list(get_all=True))), ids(place["milestones"]))
milestone = project.milestones.create({"title": "Spring", "due_date": "2027-04-01"})
assert (milestone.state, milestone.due_date, milestone.project_id) == ("active", "2027-04-01", place["id"])
one = project.mergerequests.get(place["merge_requests"][-1]["iid"])
one.milestone_id = milestone.id
one.save()
assert project.mergerequests.get(one.iid).milestone["title"] == "Spring"
same(ids(milestone.merge_requests()), [one.id])
same(ids(project.mergerequests.list(milestone="Spring", get_all=True)), [one.id])
assert one.id not in ids(project.mergerequests.list(milestone="None", get_all=True))
same([(event.action, event.milestone["id"]) for event in one.resourcemilestoneevents.list(get_all=True)], [("add", milestone.id)])
of_group = acme.milestones.create({"title": "Year's end"})
same(sorted(ids(acme.milestones.list(get_all=True))), [*ids(groups["acme"]["milestones"]), of_group.id])

# Issues; an incident is one of a kind.
known = place["issues"]
same(sorted(ids(project.issues.list(get_all=True))), sorted(ids(known)))
issue = project.issues.create({"title": "Logins fail", "milestone_id": milestone.id, "labels": "urgent"})
assert (issue.state, issue.author["id"], issue.issue_type, issue.labels) == ("opened", client.user.id, "issue", ["urgent"])
incident = project.issues.create({"title": "Nobody can log in", "issue_type": "incident"})
same(ids(project.issues.list(issue_type="incident", get_all=True))[0:1], [incident.id])
same(ids(milestone.issues()), [issue.id])
same(ids(project.issues.list(milestone="Spring", get_all=True)), [issue.id])
issue.state_event = "close"
issue.save()
assert project.issues.get(issue.iid).state == "closed"
assert issue.id not in ids(project.issues.list(state="opened", get_all=True))
assert {issue.id, incident.id} <= set(ids(acme.issues.list(get_all=True, scope="all")))
with refused(errors.GitlabGetError, 404, "404 Not found"):
    project.issues.get(999_999)

milestone.state_event = "close"
milestone.save()
assert project.milestones.get(milestone.id).state == "closed"

# What was done leaves events.
latest = project.events.list(get_all=False)
assert latest[0].author_id == client.user.id, latest[0].attributes
assert all(earlier.created_at <= later.created_at for later, earlier in zip(latest, latest[1:]))
assert ("closed", "Issue", issue.id) in [(event.action_name, event.target_type, event.target_id) for event in latest]

done()
