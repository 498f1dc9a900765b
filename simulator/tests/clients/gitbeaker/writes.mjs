// A merge request from its branch to its merge.

import { admin, api, done, facts, ids, place, refused, same } from "./given.mjs";

const ada = facts.users.find((user) => !user.bot && !["root", "ghost"].includes(user.username));
const root = facts.users.find((user) => user.username === "root");

await api.Branches.create(place.id, "add-login", place.default_branch);
const made = await api.MergeRequests.create(place.id, "add-login", place.default_branch, "Draft: Add login", {
  description: "As wished",
  labels: "from outside,urgent",
  reviewerIds: [ada.id],
});
same([made.state, made.draft, made.labels.sort(), ids(made.reviewers)], ["opened", true, ["from outside", "urgent"], [ada.id]]);
const of = [place.id, made.iid];
const ready = await api.MergeRequests.edit(...of, { title: "Add login", removeLabels: "urgent" });
same([ready.title, ready.draft, ready.labels], ["Add login", false, ["from outside"]]);

const note = await api.MergeRequestNotes.create(...of, "A first look");
same((await api.MergeRequestNotes.edit(...of, note.id, { body: "A second look" })).body, "A second look");
await api.MergeRequestNotes.remove(...of, note.id);
await refused(api.MergeRequestNotes.show(...of, note.id), 404, "404 Not found");

const thread = await admin.MergeRequestDiscussions.create(...of, "Why not reuse the session?");
await api.MergeRequestDiscussions.addNote(...of, thread.id, "It would outlive the tab");
same((await api.MergeRequestDiscussions.show(...of, thread.id)).notes.length, 2);
await api.MergeRequestDiscussions.resolve(...of, thread.id, true);
same((await api.MergeRequestDiscussions.show(...of, thread.id)).notes.map((note) => note.resolved), [true, true]);

await admin.MergeRequestApprovals.approve(...of);
const approvals = await api.MergeRequestApprovals.showConfiguration(place.id, { mergerequestIId: made.iid });
same(approvals.approved_by.map((given) => given.user.id), [root.id]);
await admin.MergeRequestApprovals.unapprove(...of);
await admin.MergeRequestApprovals.approve(...of);
const merged = await api.MergeRequests.merge(...of, { shouldRemoveSourceBranch: true });
same([merged.state, merged.title], ["merged", "Add login"]);
await refused(api.MergeRequests.merge(...of), 405, "405 Method Not Allowed");
await refused(api.Branches.show(place.id, "add-login"), 404, "404 Branch Not Found");

done();
