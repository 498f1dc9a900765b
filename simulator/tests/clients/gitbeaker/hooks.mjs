// Webhooks, tokens, members, labels: made, changed, removed. Bodies go as JSON with names as GitLab spells them.

import { createServer } from "node:http";

import { Gitlab } from "@gitbeaker/rest";

import { admin, api, done, facts, host, ids, place, refused, same } from "./given.mjs";

// A receiver of webhooks: the next delivery is there for whoever waits for it.
const waiting = [];
const receiver = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  response.writeHead(receiver.status).end();
  waiting.shift()({ headers: request.headers, body: JSON.parse(Buffer.concat(pieces)) });
});
receiver.status = 200;
const next = () => new Promise((resolve) => waiting.push(resolve));
await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${receiver.address().port}/webhooks`;

const hook = await api.ProjectHooks.add(place.id, url, { mergeRequestsEvents: true, pushEvents: false, noteEvents: true, token: "secret" });
same([hook.url, hook.push_events, hook.merge_requests_events, hook.note_events], [url, false, true, true]);
const delivery = next();
const note = await api.MergeRequestNotes.create(place.id, place.merge_requests[0].iid, "Please have a look");
const { headers, body } = await delivery;
same([headers["x-gitlab-event"], headers["x-gitlab-token"]], ["Note Hook", "secret"]);
same([body.object_attributes.id, body.merge_request.id], [note.id, place.merge_requests[0].id]);
const edited = await api.ProjectHooks.edit(place.id, hook.id, url, { noteEvents: false });
same([edited.note_events, edited.merge_requests_events], [false, true]);
same(ids(await api.ProjectHooks.all(place.id)), [hook.id]);
await api.ProjectHooks.remove(place.id, hook.id);
await refused(api.ProjectHooks.show(place.id, hook.id), 404, "404 Not found");
await refused(api.ProjectHooks.add(place.id, "ftp://receiver.example.com"), 422, "Invalid url given");
const groupHook = await api.GroupHooks.add("acme", url, { subgroupEvents: true });
same(groupHook.subgroup_events, true);
await api.GroupHooks.remove("acme", groupHook.id);
same(await api.GroupHooks.all("acme"), []);
receiver.close();

// A token for somebody else's tool, renewed, and taken back.
const soon = new Date(Date.now() + 30 * 24 * 3600 * 1000).toISOString().slice(0, 10);
const made = await admin.GroupAccessTokens.create("acme", "exporter", ["read_api"], soon, { accessLevel: 20 });
const theirs = new Gitlab({ host, token: made.token });
same((await theirs.Users.showCurrentUser()).bot, true);
await refused(theirs.ProjectLabels.create(place.id, "never", "#123456"), 403, "insufficient_scope");
const renewed = await admin.GroupAccessTokens.rotate("acme", made.id, { expiresAt: soon });
await refused(theirs.Users.showCurrentUser(), 401, "invalid_token");
await admin.GroupAccessTokens.revoke("acme", renewed.id);
await refused(new Gitlab({ host, token: renewed.token }).Users.showCurrentUser(), 401, "invalid_token");

// A label and a member come and go.
const label = await api.ProjectLabels.create(place.id, "later", "#ff8800");
same((await api.ProjectLabels.edit(place.id, label.id, { color: "#00ff88" })).color, "#00ff88");
await refused(api.ProjectLabels.create(place.id, "later", "#ff8800"), 409, "Label already exists");
await api.ProjectLabels.remove(place.id, "later");
const bot = facts.users.find((user) => user.username === "renovate");
same((await api.ProjectMembers.add(place.id, 20, { userId: bot.id })).access_level, 20);
same((await api.ProjectMembers.edit(place.id, bot.id, 30)).access_level, 30);
await api.ProjectMembers.remove(place.id, bot.id);
await refused(api.ProjectMembers.show(place.id, bot.id), 404, "404 Not found");

done();
