// What hangs on a merge request, who works there, what ran: one by one.

import { admin, api, done, facts, groups, ids, mergeRequests, place, refused, same, sorted, token } from "./given.mjs";

same((await api.Metadata.show()).version, facts.version);
const mine = facts.tokens.find((one) => one.secret === token);
same((await api.Users.showCurrentUser()).id, mine.user);
same((await api.PersonalAccessTokens.show()).id, mine.id);

for (const one of mergeRequests.slice(0, 12)) {
  const of = [place.id, one.iid];
  const found = await api.MergeRequests.show(...of);
  same([found.id, found.title, found.state, found.labels.sort()], [one.id, one.title, one.state, one.labels.sort()]);
  const notes = await api.MergeRequestNotes.all(...of, { orderBy: "created_at", sort: "asc", perPage: 2 });
  same(notes.map((note) => [note.id, note.body, note.system]), one.notes.map((note) => [note.id, note.body, note.system]));
  const threads = await api.MergeRequestDiscussions.all(...of, { perPage: 2 });
  same(sorted(threads.flatMap((thread) => ids(thread.notes))), sorted(ids(one.notes)));
  same((await api.MergeRequests.allCommits(...of, { perPage: 1 })).map((commit) => commit.id), one.commits);
  const changes = await api.MergeRequests.showChanges(...of);
  same(changes.changes.map((change) => change.new_path).sort(), [...one.files].sort());
  const state = await api.MergeRequestApprovals.showApprovalState(...of);
  same(state.rules.flatMap((rule) => ids(rule.approved_by)).every((user) => one.approved_by.includes(user)), true);
  const approvals = await api.MergeRequestApprovals.showConfiguration(place.id, { mergerequestIId: one.iid });
  same(approvals.approved_by.map((given) => given.user.id), one.approved_by);
  const states = await api.MergeRequestStateEvents.all(...of);
  same(states.map((event) => [event.id, event.state]), one.state_events.map((event) => [event.id, event.state]));
  const labels = await api.MergeRequestLabelEvents.all(...of);
  same(labels.map((event) => [event.id, event.action]), one.label_events.map((event) => [event.id, event.action]));
  same(ids(await api.MergeRequestAwardEmojis.all(...of)), ids(one.awards));
  const participants = ids(await api.MergeRequests.allParticipants(...of));
  if (one.author) same(participants.includes(one.author), true);
}

// People.
const members = await api.GroupMembers.all("acme", { perPage: 5 });
same(
  members.map((member) => [member.id, member.access_level]),
  [...groups.acme.members].sort((left, right) => left.user - right.user).map((member) => [member.user, member.access_level]),
);
const first = groups.acme.members[0];
same((await api.ProjectMembers.show(place.id, first.user, { includeInherited: true })).access_level, first.access_level);
const user = facts.users.find((one) => one.id === first.user);
same(ids(await api.Users.all({ username: user.username })), [user.id]);
same((await api.Users.show(user.id)).username, user.username);
same(sorted(ids(await admin.Users.all({ perPage: 5 }))), sorted(ids(facts.users)));

// What ran, and where it went.
same(ids(await api.Pipelines.all(place.id, { perPage: 3 })), ids(place.pipelines).reverse());
const pipeline = place.pipelines[0];
same((await api.Pipelines.show(place.id, pipeline.id)).sha, pipeline.sha);
same(sorted(ids(await api.Jobs.all(place.id, { pipelineId: pipeline.id }))), sorted(ids(pipeline.jobs.filter((job) => !job.retried))));
same(await api.Jobs.allPipelineBridges(place.id, pipeline.id), []);
same((await api.Jobs.show(place.id, pipeline.jobs[0].id)).name, pipeline.jobs[0].name);
same(ids(await api.Deployments.all(place.id, { orderBy: "id", sort: "asc", perPage: 2 })), ids(place.deployments));
same(sorted(ids(await api.Environments.all(place.id))), sorted(ids(place.environments)));
const labels = await api.ProjectLabels.all(place.id, { perPage: 3 });
same(labels.map((label) => label.name).sort(), [...groups.acme.labels, ...place.labels].map((label) => label.title).sort());

// What is not there.
await refused(api.Projects.show("acme/nothing"), 404, "404 Project Not Found");
await refused(api.MergeRequests.show(place.id, 999_999), 404, "404 Not found");
await refused(api.Pipelines.show(place.id, 999_999), 404, "404 Not found");

done();
