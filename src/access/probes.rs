//! Asks GitLab, one token after the other's introduction, and turns each answer into a line of the matrix.

use std::sync::{Mutex, PoisonError};

use futures::future::{join, join_all};
use globset::GlobSet;
use serde::de::DeserializeOwned;

use super::{Call, Entry, Facts, InstanceFacts, Needs, Outcome, Seen, TokenAccess, What, reason};
use crate::api::Scope;
use crate::gitlab::model::{Group, Metadata, Project, TokenSelf, User};
use crate::gitlab::queries::Dialect;
use crate::gitlab::{self, Client, Error, Probe};

/// What one token found.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) token: TokenAccess,
    /// Whether this token is one of those that read.
    pub(super) reads: bool,
    pub(super) entries: Vec<Entry>,
    pub(super) groups: Vec<Group>,
    pub(super) projects: Vec<Project>,
    pub(super) instance: Option<InstanceFacts>,
}

/// One token and what it is for.
pub(super) struct Prober<'a> {
    pub(super) client: Client,
    pub(super) name: String,
    pub(super) scope: &'a Scope,
    pub(super) excluded: &'a GlobSet,
    pub(super) reads: bool,
    pub(super) manages_hooks: bool,
    /// GitLab as a whole is in trouble: no use in asking for the rest.
    trouble: Mutex<Option<Error>>,
}

/// What came of one group or project of the scope.
#[derive(Default)]
pub(super) struct Part {
    pub(super) entries: Vec<Entry>,
    pub(super) group: Option<Group>,
    pub(super) project: Option<Project>,
}

pub(super) async fn probe_all(client: &Client, scope: &Scope, needs: &Needs) -> Vec<Report> {
    let excluded = scope.excluded();
    let probers: Vec<_> = client
        .token_names()
        .into_iter()
        .map(|name| Prober {
            client: client.only(&name),
            reads: needs.readers.contains(&name),
            manages_hooks: needs.hook_managers.contains(&name),
            name,
            scope,
            excluded: &excluded,
            trouble: Mutex::new(None),
        })
        .collect();

    let mut reports = join_all(probers.iter().map(Prober::introduce)).await;
    let first = reports.iter().position(|report| report.token.valid == Some(true));
    let accepted = || probers.iter().zip(&reports).filter(|(_, report)| report.token.valid == Some(true));

    // What GraphQL is asked depends on the version; what REST is asked does not.
    let graphql = async {
        let told = match first {
            Some(first) => Some(probers[first].instance().await),
            None => None,
        };
        let supported = match &told {
            Some((Some(InstanceFacts { version, enterprise }), _)) => Dialect::of(version, *enterprise).map(drop),
            _ => Ok(()),
        };
        let asked = accepted().map(|(prober, report)| prober.graphql(&report.token, &supported));
        (told, join_all(asked).await)
    };
    let parts = join_all(accepted().map(|(prober, report)| prober.parts(&report.token)));
    let ((told, graphql), parts) = join(graphql, parts).await;

    if let (Some(first), Some((instance, entry))) = (first, told) {
        reports[first].instance = instance;
        reports[first].entries.push(entry);
    }
    let accepted = probers.iter().zip(&mut reports).filter(|(_, report)| report.token.valid == Some(true));
    for ((prober, report), (graphql, parts)) in accepted.zip(graphql.into_iter().zip(parts)) {
        report.entries.extend(graphql);
        prober.gather(report, parts);
    }
    reports
}

impl Prober<'_> {
    /// Who are you, and what may you do?
    async fn introduce(&self) -> Report {
        let (about, user) =
            join(self.client.probe::<TokenSelf>(&Probe::TokenSelf), self.client.probe::<User>(&Probe::CurrentUser))
                .await;
        // Old servers and tokens of other kinds cannot say; then their user can. GitLab 15.1 to 15.4 takes `self` for the id of
        // a token that does not exist, and answers 401.
        let user = match &about {
            Ok(_)
            | Err(
                Error::NotFound { .. }
                | Error::InsufficientScope { .. }
                | Error::WrongKind { .. }
                | Error::Forbidden { .. }
                | Error::Unauthorized { dialect: gitlab::Dialect::Plain, .. },
            ) => {
                if let Err(error) = &user {
                    self.remember(error);
                }
                Some(user)
            }
            Err(error) => {
                self.remember(error);
                None
            }
        };
        let (probe, answer) = match (&about, &user) {
            (Ok(_), _) => (Probe::TokenSelf, Ok(Seen::Something)),
            (Err(_), Some(Ok(_) | Err(Error::InsufficientScope { .. } | Error::WrongKind { .. }))) => {
                (Probe::CurrentUser, Ok(Seen::Something))
            }
            (Err(error @ Error::Unauthorized { .. }), Some(Err(Error::Unauthorized { .. }))) => {
                (Probe::TokenSelf, Err(error.clone()))
            }
            (Err(_), Some(Err(Error::NotFound { message, .. }))) => {
                // GitLab knows at least one of the two.
                (Probe::CurrentUser, Err(Error::NotGitLab { status: 404, message: message.clone() }))
            }
            (Err(_), Some(Err(error))) => (Probe::CurrentUser, Err(error.clone())),
            (Err(error), None) => (Probe::TokenSelf, Err(error.clone())),
        };
        let user = user.and_then(Result::ok);
        let about = about.ok();
        if let Some(id) = about.as_ref().map(|about| about.user_id).or(user.as_ref().map(|user| user.id)) {
            self.client.learn_user(id);
        }
        let entry = self.entry(What::Token, "", Facts::default(), (&probe, &answer));
        let valid = match entry.finding.outcome {
            Outcome::Ok => Some(true),
            Outcome::Denied if matches!(answer, Err(Error::Unauthorized { .. } | Error::Forbidden { .. })) => {
                Some(false)
            }
            Outcome::Denied | Outcome::Unknown => None,
        };
        let token = TokenAccess {
            name: self.name.clone(),
            user_id: about.as_ref().map(|about| about.user_id).or(user.as_ref().map(|user| user.id)),
            user: user.and_then(|user| user.username),
            scopes: about.as_ref().map(|about| about.scopes.clone()).unwrap_or_default(),
            expires_at: about.and_then(|about| about.expires_at),
            valid,
            rate_limit: self.client.rate_limit(),
        };
        Report { token, reads: self.reads, entries: vec![entry], groups: vec![], projects: vec![], instance: None }
    }

    async fn instance(&self) -> (Option<InstanceFacts>, Entry) {
        let answer: Result<Metadata, Error> = self.client.metadata().await;
        let seen = answer.as_ref().map(|_| Seen::Something).map_err(Clone::clone);
        let entry = self.entry(What::Instance, "", Facts::default(), (&Probe::Metadata, &seen));
        let facts = answer
            .ok()
            .map(|metadata| InstanceFacts { enterprise: metadata.is_enterprise(), version: metadata.version });
        (facts, entry)
    }

    pub(super) async fn ask<T: DeserializeOwned>(&self, probe: &Probe) -> Result<T, Error> {
        if let Some(error) = self.trouble() {
            return Err(error);
        }
        let answer = self.client.probe(probe).await;
        if let Err(error) = &answer {
            self.remember(error);
        }
        answer
    }

    /// What the rest would get too, once it is known.
    pub(super) fn trouble(&self) -> Option<Error> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers an answer that the rest would get too.
    fn remember(&self, error: &Error) {
        if concerns_everything(error) {
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        }
    }

    pub(super) fn record(
        &self,
        part: &mut Part,
        what: What,
        subject: &str,
        facts: Facts,
        probed: Probed<'_>,
    ) -> Outcome {
        let entry = self.entry(what, subject, facts, probed);
        let outcome = entry.finding.outcome;
        part.entries.push(entry);
        outcome
    }

    pub(super) fn entry(&self, what: What, subject: &str, facts: Facts, (probe, answer): Probed<'_>) -> Entry {
        let finding = reason(&Call { what, token: &self.name, subject, facts }, answer);
        Entry { token: self.name.clone(), what, subject: subject.to_owned(), finding, curl: self.client.curl(probe) }
    }
}

/// A question and its answer.
pub(super) type Probed<'a> = (&'a Probe, &'a Result<Seen, Error>);

/// Asking for the rest would bring the same, only later.
fn concerns_everything(error: &Error) -> bool {
    match error {
        Error::Server { status } => matches!(status, 502..=504),
        Error::Tls { .. } | Error::Unauthorized { .. } => true,
        error => error.is_transient(),
    }
}
