//! What became of the groups and projects that are stored, after a walk of the scope. Not being met proves nothing by itself.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use crate::gitlab::Class;
use crate::store::{Batch, Kind, Known, Standing};

use super::Error;
use super::context::Context;
use super::plan::Verdict;

/// Questions to GitLab in flight.
const IN_FLIGHT: usize = 8;

/// What a walk of the scope has seen.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Full paths of the groups that were walked.
    pub(super) roots: Vec<String>,
    /// Whether what is in their subgroups was walked too.
    pub(super) subgroups: bool,
    /// References of the scope that were not found.
    pub(super) missing: Vec<String>,
    /// Groups met, and whether they are archived.
    pub(super) groups: HashMap<i64, Option<bool>>,
    /// Projects met, with what the scope says of them and whether they are archived.
    pub(super) projects: HashMap<i64, (Verdict, Option<bool>)>,
}

/// What is to be said of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Say {
    This(Standing),
    /// Only GitLab knows.
    Ask,
}

impl Walked {
    /// Whether a walk should have met what has this path.
    fn covers(&self, path: &str) -> bool {
        match path.rsplit_once('/') {
            Some((group, _)) if !self.subgroups => self.roots.iter().any(|root| root.eq_ignore_ascii_case(group)),
            _ => is_below(path, &self.roots),
        }
    }

    /// What became of a place that is stored, as far as the walk tells.
    fn judge(&self, known: &Known) -> Say {
        let was = known.standing;
        let followed = Standing::followed(was.kind, was.id);
        let met = match was.kind {
            Kind::Group => self.groups.get(&was.id).map(|archived| (Verdict::Read, *archived)),
            Kind::Project => self.projects.get(&was.id).copied(),
        };
        if let Some((verdict, archived)) = met {
            return Say::This(Standing {
                archived: archived.unwrap_or(was.archived),
                excluded: verdict == Verdict::Excluded,
                deleted: verdict == Verdict::Deleted,
                ..followed
            });
        }
        let archived = was.archived;
        if is_below(&known.path, &self.missing) {
            return Say::This(Standing { unreadable: true, ..was });
        }
        if was.deleted || was.out_of_scope || was.unreadable {
            return Say::This(was);
        }
        if self.missing.is_empty() && !self.covers(&known.path) {
            return Say::This(Standing { out_of_scope: true, archived, ..followed });
        }
        Say::Ask
    }
}

/// Says of all that is stored what became of it, and asks GitLab where only that helps. Writes what is new alone.
pub(super) async fn tell(ctx: &Context, walked: &Walked) -> Result<(), Error> {
    let (store, source) = (&ctx.store, ctx.settings.source);
    let as_of = Timestamp::now();
    let mut standings = Vec::new();
    let mut asked = Vec::new();
    for known in ctx.patiently(|| store.known(source)).await? {
        match walked.judge(&known) {
            Say::This(standing) if standing == known.standing => {}
            Say::This(standing) => standings.push(standing),
            Say::Ask => asked.push(ask(ctx, walked, known)),
        }
    }
    let answers: Vec<Option<Standing>> = stream::iter(asked).buffer_unordered(IN_FLIGHT).try_collect().await?;
    standings.extend(answers.into_iter().flatten());
    if standings.is_empty() {
        return Ok(());
    }
    ctx.commit(Batch { as_of: Some(as_of), standings, ..Batch::default() }).await
}

/// What became of a place by GitLab's word; nothing where the walk should have met it: then one token sees less than another.
async fn ask(ctx: &Context, walked: &Walked, known: Known) -> Result<Option<Standing>, Error> {
    let reference = known.standing.id.to_string();
    let path = match known.standing.kind {
        Kind::Group => ctx.persist(|| ctx.client.group(&reference)).await.map(|group| group.full_path),
        Kind::Project => {
            ctx.persist(|| ctx.client.project(&reference)).await.map(|project| project.path_with_namespace)
        }
    };
    match path {
        Ok(path) if walked.covers(&path) => Ok(None),
        Ok(_) => Ok(Some(Standing { out_of_scope: true, ..known.standing })),
        Err(Error::GitLab(error)) if error.class() == Class::Hidden => {
            Ok(Some(Standing { unreadable: true, ..known.standing }))
        }
        // One place that GitLab fails to tell of is no reason to stop: it stays what it was until the next walk.
        Err(Error::GitLab(error)) if error.class() != Class::Fatal => {
            tracing::warn!(path = known.path, %error, "GitLab cannot tell what became of it");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether a path is one of some others, or lies below it. GitLab's paths know no case.
fn is_below(path: &str, others: &[String]) -> bool {
    let path = path.to_lowercase();
    others.iter().any(|other| {
        let rest = path.strip_prefix(&other.to_lowercase());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: i64 = 1;

    fn known(path: &str) -> Known {
        Known { path: path.to_owned(), standing: Standing::followed(Kind::Project, WEB) }
    }

    fn walked() -> Walked {
        Walked { roots: vec!["acme".to_owned()], subgroups: true, ..Walked::default() }
    }

    fn met(verdict: Verdict, archived: bool) -> Walked {
        Walked { projects: HashMap::from([(WEB, (verdict, Some(archived)))]), ..walked() }
    }

    fn said(walked: &Walked, known: &Known) -> Standing {
        match walked.judge(known) {
            Say::This(standing) => standing,
            Say::Ask => panic!("GitLab is asked"),
        }
    }

    #[test]
    fn what_is_met_is_what_the_scope_says_and_lives_again() {
        let followed = Standing::followed(Kind::Project, WEB);
        let gone = Known { standing: Standing { deleted: true, unreadable: true, ..followed }, ..known("acme/web") };

        assert_eq!(said(&met(Verdict::Read, false), &gone), followed);
        assert_eq!(said(&met(Verdict::Note, true), &gone), Standing { archived: true, ..followed });
        assert_eq!(said(&met(Verdict::Excluded, false), &gone), Standing { excluded: true, ..followed });
        assert_eq!(said(&met(Verdict::Deleted, false), &gone), Standing { deleted: true, ..followed });
    }

    #[test]
    fn what_lies_below_a_group_that_was_walked_and_was_not_met_is_asked_for() {
        assert_eq!(walked().judge(&known("acme/web")), Say::Ask);
        assert_eq!(walked().judge(&known("Acme/deep/web")), Say::Ask);
    }

    #[test]
    fn what_lies_elsewhere_is_out_of_scope_once_all_of_the_scope_was_found() {
        assert!(said(&walked(), &known("acme-labs/web")).out_of_scope);

        let without_subgroups = Walked { subgroups: false, ..walked() };
        assert!(said(&without_subgroups, &known("acme/deep/web")).out_of_scope);
        assert_eq!(without_subgroups.judge(&known("acme/web")), Say::Ask);

        let some_missing = Walked { missing: vec!["renamed".to_owned()], ..walked() };
        assert_eq!(some_missing.judge(&known("acme-labs/web")), Say::Ask, "it may lie in what was not found");
    }

    #[test]
    fn what_lies_below_a_group_that_nobody_sees_is_unreadable_and_keeps_what_it_was() {
        let hidden = Walked { missing: vec!["acme/secret".to_owned()], ..walked() };
        let was = Standing { archived: true, ..Standing::followed(Kind::Project, WEB) };

        let said = said(&hidden, &Known { standing: was, ..known("acme/secret/web") });

        assert_eq!(said, Standing { unreadable: true, ..was });
    }

    #[test]
    fn what_is_known_to_be_away_is_not_asked_for_again() {
        let gone = Standing { deleted: true, ..Standing::followed(Kind::Project, WEB) };

        assert_eq!(said(&walked(), &Known { standing: gone, ..known("acme/web") }), gone);
    }
}
