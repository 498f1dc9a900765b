// Lists: pages followed by Link, by numbers and by keyset; names in camels; filters.

import { Gitlab } from "@gitbeaker/rest";

import { api, done, facts, groups, host, ids, mergeRequests, place, same, sorted, token } from "./given.mjs";

// Each page is asked for with the whole query of `Link`, so that nothing of the first question may be lost there.
const created = await api.MergeRequests.all({ projectId: place.path, perPage: 7, orderBy: "created_at", sort: "asc" });
same(ids(created), ids([...mergeRequests].sort((left, right) => left.created_at.localeCompare(right.created_at) || left.id - right.id)));
const merged = await api.MergeRequests.all({ projectId: place.id, state: "merged", perPage: 3, authorId: mergeRequests[0].author });
same(
  sorted(ids(merged)),
  sorted(ids(mergeRequests.filter((one) => one.state === "merged" && one.author === mergeRequests[0].author))),
);
const some = await api.MergeRequests.all({ projectId: place.id, iids: [3, 5, 8], perPage: 1 });
same(sorted(some.map((one) => one.iid)), [3, 5, 8]);
const others = await api.MergeRequests.all({ projectId: place.id, perPage: 50, not: { authorId: mergeRequests[0].author } });
same(sorted(ids(others)), sorted(ids(mergeRequests.filter((one) => one.author !== mergeRequests[0].author))));
const everywhere = await api.MergeRequests.all({ groupId: "acme", perPage: 50 });
same(sorted(ids(everywhere)), sorted(ids(facts.projects.flatMap((project) => project.merge_requests))));

// Totals, and an end after so many pages.
const expanded = await api.MergeRequests.all({ projectId: place.id, perPage: 7, page: 2, showExpanded: true });
const { total, next, current, previous, perPage, totalPages } = expanded.paginationInfo;
same([total, next, current, previous, perPage, totalPages], [mergeRequests.length, 3, 2, 1, 7, Math.ceil(mergeRequests.length / 7)]);
same(expanded.data.length, 7);
same((await api.MergeRequests.all({ projectId: place.id, perPage: 7, maxPages: 2 })).length, 14);

// Keyset.
const projects = sorted(ids(facts.projects));
same(ids(await api.Projects.all({ pagination: "keyset", orderBy: "id", sort: "asc", perPage: 1 })), projects);
same(ids(await api.Projects.all({ pagination: "keyset", orderBy: "id", perPage: 3 })), projects.reverse());

// Groups and what is in them.
same((await api.Groups.all()).map((group) => group.full_path).sort(), Object.keys(groups).sort());
same(sorted(ids(await api.Groups.allProjects("acme", { includeSubgroups: true }))), sorted(projects));
same(sorted(ids(await api.Groups.allProjects("acme"))), sorted(groups.acme.projects));
const below = facts.groups.filter((group) => group.path.startsWith("acme/"));
same(sorted(ids(await api.Groups.allDescendantGroups("acme"))), sorted(ids(below)));
same(sorted(ids(await api.Groups.allSubgroups("acme"))), sorted(ids(below.filter((group) => group.parent === groups.acme.id))));

// A client that wants its names in camels gets every field of every row so.
const camels = new Gitlab({ host, token, camelize: true });
for (const found of await camels.MergeRequests.all({ projectId: place.id, perPage: 100 })) {
  const one = mergeRequests.find((candidate) => candidate.id === found.id);
  same(
    [found.iid, found.title, found.state, found.draft, found.createdAt, found.updatedAt, found.mergedAt],
    [one.iid, one.title, one.state, one.draft, one.created_at, one.updated_at, one.merged_at],
  );
  same([found.author?.id ?? null, found.mergeUser?.id ?? null], [one.author, one.merge_user]);
  same(found.userNotesCount, one.notes.filter((note) => !note.system).length);
}

done();
