"""Labels of a project and of the group above it. Saving one names it in the body, as GitLab had it before 12.4."""

import gitlab.exceptions as errors

from given import acme, done, groups, place, project, refused, same

above = groups["acme"]["labels"]
same(
    sorted((label.id, label.name, label.color) for label in project.labels.list(get_all=True)),
    sorted((label["id"], label["title"], label["color"]) for label in [*above, *place["labels"]]),
)
made = project.labels.create({"name": "later", "color": "#ff8800"})
assert made.is_project_label and made.id not in [label["id"] for label in above]
made.color = "#00ff88"
made.save()
assert project.labels.get("later").color == "#00ff88"
made.delete()
with refused(errors.GitlabGetError, 404, "404 Label Not Found"):
    project.labels.get("later")

top = acme.labels.create({"name": "everywhere", "color": "#123456"})
top.description = "Of all projects"
top.save()
found = project.labels.get("everywhere")
assert (found.id, found.description, found.is_project_label) == (top.id, "Of all projects", False)
acme.labels.delete("everywhere")
with refused(errors.GitlabDeleteError, 404, "404 Label Not Found"):
    acme.labels.delete("everywhere")

done()
