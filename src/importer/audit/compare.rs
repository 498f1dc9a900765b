//! Reads merge requests anew and compares them, field by field.

use std::collections::{BTreeSet, HashMap};

use crate::importer::context::Patience;
use crate::importer::refresh::{Reading, in_parts, read_anew};
use crate::importer::{Error, absence};
use crate::store::{Absent, Audited, Batch, Difference, Finding, Noted};

use super::{Auditor, number};

/// What came of comparing some merge requests of a project.
#[derive(Default)]
pub(super) struct Compared {
    /// Numbers that were asked for.
    pub(super) asked: u64,
    /// Merge requests that there are, in GitLab or in the database.
    pub(super) merge_requests: i64,
    /// Those that differ and changed after the last import began.
    pub(super) behind: i64,
    /// Those that are stored, and that GitLab shows to no token.
    pub(super) unreadable: i64,
    /// What differs.
    pub(super) noted: Vec<Noted>,
}

/// One look at some merge requests.
#[derive(Default)]
struct Look {
    merge_requests: i64,
    behind: BTreeSet<i64>,
    unreadable: i64,
    noted: Vec<Noted>,
}

impl Auditor<'_> {
    /// Compares merge requests of a project, in ever smaller parts where reading them fails.
    pub(super) async fn compare(&self, project: &Audited, iids: Vec<i64>) -> Result<Compared, Error> {
        let mut patience = Patience::new();
        loop {
            let part = in_parts(self.ctx, &iids, false, |some| self.look_twice(project, some)).await;
            if let Some(trouble) = part.trouble {
                let may_pass = match &trouble {
                    Error::GitLab(error) => error.is_transient(),
                    _ => false,
                };
                if !may_pass || !patience.wait(self.ctx).await? {
                    return Err(trouble);
                }
                continue;
            }
            let failed: Vec<i64> = part.failed.iter().map(|(iid, _)| **iid).collect();
            let mut compared = Compared { asked: iids.len() as u64, ..Compared::default() };
            compared.unreadable += number(self.stored(project, &failed).await?.len());
            for (_, look) in part.read {
                compared.merge_requests += look.merge_requests;
                compared.behind += number(look.behind.len());
                compared.unreadable += look.unreadable;
                compared.noted.extend(look.noted);
            }
            return Ok(compared);
        }
    }

    /// Looks once, and again at what differs: something may have been stored between reading and comparing.
    async fn look_twice(&self, project: &Audited, iids: &[i64]) -> Result<Look, Error> {
        let mut look = self.look(project, iids.to_vec()).await?;
        let differing: BTreeSet<i64> =
            look.noted.iter().map(|one| one.iid).chain(look.behind.iter().copied()).collect();
        if !differing.is_empty() {
            let again = self.look(project, differing.into_iter().collect()).await?;
            look.noted = again.noted;
            look.behind = again.behind;
        }
        Ok(look)
    }

    async fn look(&self, project: &Audited, iids: Vec<i64>) -> Result<Look, Error> {
        let (ctx, source) = (self.ctx, self.ctx.settings.source);
        let Reading { rows, unmet } = read_anew(ctx, (project.id, &project.path), iids).await?;
        let batch = self.meant_to_be(rows.into_batch());
        let found = ctx.patiently(|| ctx.store.differences(source, &batch)).await?;
        let read: HashMap<i64, (i64, bool)> =
            batch.merge_requests.iter().map(|row| (row.id, (row.iid, row.updated_at > self.until))).collect();

        let mut look = Look { merge_requests: number(read.len()), ..Look::default() };
        let note = |iid, difference| Noted { project_id: project.id, path: project.path.clone(), iid, difference };
        let missing: BTreeSet<i64> =
            found.iter().filter(|one| is_missing(one)).map(|one| one.merge_request_id).collect();
        for difference in found {
            let Some((iid, is_late)) = read.get(&difference.merge_request_id).copied() else { continue };
            if is_late {
                look.behind.insert(iid);
            } else if is_missing(&difference) || !missing.contains(&difference.merge_request_id) {
                look.noted.push(note(iid, difference));
            }
        }
        let stored = self.stored(project, &unmet).await?;
        if !stored.is_empty() {
            look.merge_requests += number(stored.len());
            let count = stored.len();
            match absence::prove(ctx, project.id, stored, &mut HashMap::new()).await? {
                None => look.unreadable += number(count),
                Some(proof) => {
                    look.unreadable += number(count - proof.deleted.len());
                    look.noted.extend(proof.deleted.into_iter().map(|one| note(one.iid, extra(one.id))));
                }
            }
        }
        Ok(look)
    }

    /// Those of some numbers of which something is stored.
    async fn stored(&self, project: &Audited, iids: &[i64]) -> Result<Vec<Absent>, Error> {
        let (ctx, source) = (self.ctx, self.ctx.settings.source);
        ctx.patiently(|| ctx.store.stored_of(source, project.id, iids)).await
    }

    /// The batch without what is too old for the connection.
    fn meant_to_be(&self, mut batch: Batch) -> Batch {
        let Some(since) = self.ctx.settings.since else { return batch };
        batch.merge_requests.retain(|row| row.updated_at >= since);
        let meant: BTreeSet<i64> = batch.merge_requests.iter().map(|row| row.id).collect();
        batch.complete.retain(|set| meant.contains(&set.merge_request_id));
        batch.notes.retain(|row| meant.contains(&row.merge_request_id));
        batch.approvals.retain(|row| meant.contains(&row.merge_request_id));
        batch.commits.retain(|row| meant.contains(&row.merge_request_id));
        batch
    }
}

/// Whether the merge request as a whole is not stored.
fn is_missing(difference: &Difference) -> bool {
    difference.row.is_none() && difference.finding == Finding::Missing
}

/// That a merge request is stored and GitLab does not have it.
fn extra(id: i64) -> Difference {
    Difference { merge_request_id: id, table: "gitlab_merge_requests", row: None, finding: Finding::Extra }
}
