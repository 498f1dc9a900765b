// What every script is given: where the simulator is, two tokens, and what there is in its World.
//
// Usage: SCRIPT URL TOKEN ADMIN_TOKEN < FACTS

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { Gitlab } from "@gitbeaker/rest";

export const [host, token, adminToken] = process.argv.slice(2);
export const facts = JSON.parse(readFileSync(0, "utf8"));
export const api = new Gitlab({ host, token });
export const admin = new Gitlab({ host, token: adminToken });

export const groups = Object.fromEntries(facts.groups.map((group) => [group.path, group]));
// The project that the scripts look at most.
export const place = facts.projects[0];
export const mergeRequests = place.merge_requests;

export const same = assert.deepEqual;
export const ids = (items) => items.map((item) => item.id);
export const sorted = (items) => [...items].sort((left, right) => left - right);

// What is done is refused by GitLab, in these words.
export async function refused(doing, status, description) {
  await assert.rejects(doing, (refusal) => {
    same([refusal.constructor.name, refusal.cause.response.status, refusal.message], ["GitbeakerRequestError", status, description]);
    return true;
  });
}

// The last word of a script that went through.
export const done = () => console.log(basename(process.argv[1]), "is done");
