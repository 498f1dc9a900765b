//! Asks GitLab, one token after the other's introduction, and turns each answer into a line of the matrix.

use std::sync::{Mutex, PoisonError};

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{Call, Entry, Facts, InstanceFacts, Needs, Outcome, Seen, TokenAccess, What, reason};
use crate::api::Scope;
use crate::gitlab::model::{Group, Metadata, Project, TokenSelf, User};
use crate::gitlab::{Client, Error, Probe, Target};

/// Groups and projects of one token that are probed at the same time.
const AT_ONCE: usize = 4;

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
struct Prober<'a> {
    client: Client,
    name: String,
    scope: &'a Scope,
    excluded: &'a GlobSet,
    reads: bool,
    manages_hooks: bool,
    /// GitLab as a whole is in trouble: no use in asking for the rest.
    trouble: Mutex<Option<Error>>,
}

/// What came of one group or project of the scope.
#[derive(Default)]
struct Part {
    entries: Vec<Entry>,
    group: Option<Group>,
    project: Option<Project>,
}

pub(super) async fn probe_all(client: &Client, scope: &Scope, needs: &Needs) -> Vec<Report> {
    let excluded = globs(&scope.exclude_projects);
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
    if let Some(first) = reports
        .iter()
        .position(|report| report.token.valid == Some(true))
    {
        let (instance, entry) = probers[first].instance().await;
        reports[first].instance = instance;
        reports[first].entries.push(entry);
    }
    join_all(
        probers
            .iter()
            .zip(&mut reports)
            .map(|(prober, report)| prober.probe_scope(report)),
    )
    .await;
    reports
}

impl Prober<'_> {
    /// Who are you, and what may you do?
    async fn introduce(&self) -> Report {
        let about = self.ask::<TokenSelf>(&Probe::TokenSelf).await;
        // Old servers and tokens of other kinds cannot say; then their user can.
        let user = match &about {
            Ok(_)
            | Err(
                Error::NotFound { .. } | Error::InsufficientScope { .. } | Error::Forbidden { .. },
            ) => Some(self.ask::<User>(&Probe::CurrentUser).await),
            Err(_) => None,
        };
        let (probe, answer) = match (&about, &user) {
            (Ok(_), _) => (Probe::TokenSelf, Ok(Seen::Something)),
            (Err(_), Some(Ok(_) | Err(Error::InsufficientScope { .. }))) => {
                (Probe::CurrentUser, Ok(Seen::Something))
            }
            (Err(_), Some(Err(Error::NotFound { message, .. }))) => {
                // GitLab knows at least one of the two.
                (
                    Probe::CurrentUser,
                    Err(Error::NotGitLab {
                        status: 404,
                        message: message.clone(),
                    }),
                )
            }
            (Err(_), Some(Err(error))) => (Probe::CurrentUser, Err(error.clone())),
            (Err(error), None) => (Probe::TokenSelf, Err(error.clone())),
        };
        let user = user.and_then(Result::ok);
        let about = about.ok();
        if let Some(id) = about
            .as_ref()
            .map(|about| about.user_id)
            .or(user.as_ref().map(|user| user.id))
        {
            self.client.learn_user(id);
        }
        let entry = self.entry(What::Token, "", Facts::default(), (&probe, &answer));
        let valid = match entry.finding.outcome {
            Outcome::Ok => Some(true),
            Outcome::Denied
                if matches!(
                    answer,
                    Err(Error::Unauthorized { .. } | Error::Forbidden { .. })
                ) =>
            {
                Some(false)
            }
            Outcome::Denied | Outcome::Unknown => None,
        };
        let token = TokenAccess {
            name: self.name.clone(),
            user_id: about
                .as_ref()
                .map(|about| about.user_id)
                .or(user.as_ref().map(|user| user.id)),
            user: user.and_then(|user| user.username),
            scopes: about
                .as_ref()
                .map(|about| about.scopes.clone())
                .unwrap_or_default(),
            expires_at: about.and_then(|about| about.expires_at),
            valid,
            rate_limit: self.client.rate_limit(),
        };
        Report {
            token,
            reads: self.reads,
            entries: vec![entry],
            groups: vec![],
            projects: vec![],
            instance: None,
        }
    }

    async fn instance(&self) -> (Option<InstanceFacts>, Entry) {
        let answer: Result<Metadata, Error> = self.client.metadata().await;
        let seen = answer
            .as_ref()
            .map(|_| Seen::Something)
            .map_err(Clone::clone);
        let entry = self.entry(
            What::Instance,
            "",
            Facts::default(),
            (&Probe::Metadata, &seen),
        );
        let facts = answer.ok().map(|metadata| InstanceFacts {
            enterprise: metadata.is_enterprise(),
            version: metadata.version,
        });
        (facts, entry)
    }

    async fn probe_scope(&self, report: &mut Report) {
        if report.token.valid != Some(true) || !(self.reads || self.manages_hooks) {
            return;
        }
        let token = &report.token;
        let mut parts = Vec::new();
        if self.scope.groups.is_empty() && self.scope.projects.is_empty() {
            parts.push(self.anything(token).await);
        }
        let groups = stream::iter(&self.scope.groups)
            .map(|reference| self.group(reference.to_string(), token));
        parts.extend(groups.buffered(AT_ONCE).collect::<Vec<_>>().await);
        let projects = stream::iter(&self.scope.projects)
            .map(|reference| self.project(reference.to_string(), token));
        parts.extend(projects.buffered(AT_ONCE).collect::<Vec<_>>().await);

        for part in parts {
            let wanted = |entry: &Entry| self.reads || entry.what.need() == super::Need::Hooks;
            report
                .entries
                .extend(part.entries.into_iter().filter(wanted));
            report.groups.extend(part.group);
            report.projects.extend(part.project);
        }
    }

    /// No scope is named: whatever the token's user is a member of.
    async fn anything(&self, token: &TokenAccess) -> Part {
        let mut part = Part::default();
        let groups = self.ask::<Vec<Group>>(&Probe::Groups).await;
        self.record(
            &mut part,
            What::Groups,
            "",
            Facts::default(),
            (&Probe::Groups, &seen(&groups)),
        );
        let projects = self.ask::<Vec<Project>>(&Probe::Projects).await;
        self.record(
            &mut part,
            What::Projects,
            "",
            Facts::default(),
            (&Probe::Projects, &seen(&projects)),
        );
        if let Some(sample) = projects.ok().and_then(|projects| self.sample(projects)) {
            let sample = self
                .ask::<Project>(&Probe::Project(sample.id.to_string()))
                .await
                .unwrap_or(sample);
            self.merge_requests(&mut part, &sample, token).await;
        }
        part
    }

    /// A group, its projects, and one of them as a sample: roles are inherited, so what holds there holds below.
    async fn group(&self, reference: String, token: &TokenAccess) -> Part {
        let mut part = Part::default();
        let probe = Probe::Group(reference.clone());
        let found = self.ask::<Group>(&probe).await;
        let subject = match &found {
            Ok(group) => format!("group {}", group.full_path),
            Err(_) => format!("group {reference}"),
        };
        self.record(
            &mut part,
            What::Group,
            &subject,
            Facts::default(),
            (&probe, &one(&found)),
        );
        let group = match found {
            Ok(group) => group,
            Err(error) => {
                if self.manages_hooks {
                    self.record(
                        &mut part,
                        What::GroupHooks,
                        &subject,
                        Facts::default(),
                        (&probe, &Err(error)),
                    );
                }
                return part;
            }
        };
        let probe = Probe::GroupProjects {
            group: group.id,
            include_subgroups: self.scope.include_subgroups,
        };
        let projects = self.ask::<Vec<Project>>(&probe).await;
        self.record(
            &mut part,
            What::GroupProjects,
            &subject,
            Facts::default(),
            (&probe, &seen(&projects)),
        );
        let sample = match projects.ok().and_then(|projects| self.sample(projects)) {
            // Lists leave out what the token's user is in the project.
            Some(sample) => Some(
                self.ask::<Project>(&Probe::Project(sample.id.to_string()))
                    .await
                    .unwrap_or(sample),
            ),
            None => None,
        };
        if let Some(sample) = &sample {
            self.merge_requests(&mut part, sample, token).await;
        }
        if self.manages_hooks {
            let group_hooks = self
                .hooks(
                    &mut part,
                    What::GroupHooks,
                    &subject,
                    Target::Group(group.id),
                    token,
                )
                .await;
            if let Some(sample) = sample.as_ref().filter(|_| group_hooks != Outcome::Ok) {
                self.project_hooks(&mut part, sample, token).await;
            }
        }
        part.group = Some(group);
        part
    }

    async fn project(&self, reference: String, token: &TokenAccess) -> Part {
        let mut part = Part::default();
        let probe = Probe::Project(reference.clone());
        let found = self.ask::<Project>(&probe).await;
        let subject = match &found {
            Ok(project) => subject_of(project),
            Err(_) => format!("project {reference}"),
        };
        self.record(
            &mut part,
            What::Project,
            &subject,
            Facts::default(),
            (&probe, &one(&found)),
        );
        match found {
            Ok(project) => {
                self.merge_requests(&mut part, &project, token).await;
                if self.manages_hooks {
                    self.project_hooks(&mut part, &project, token).await;
                }
                part.project = Some(project);
            }
            Err(error) if self.manages_hooks => {
                self.record(
                    &mut part,
                    What::ProjectHooks,
                    &subject,
                    Facts::default(),
                    (&probe, &Err(error)),
                );
            }
            Err(_) => {}
        }
        part
    }

    async fn merge_requests(&self, part: &mut Part, project: &Project, token: &TokenAccess) {
        if !self.reads {
            return;
        }
        let private = project.visibility.as_deref() == Some("private");
        let role = match (project.own_access_level(), token.user_id) {
            (None, Some(user)) if private => self
                .client
                .member(project.id, user)
                .await
                .ok()
                .and_then(|member| member.access_level),
            (role, _) => role,
        };
        let facts = Facts {
            role,
            private,
            merge_requests_off: project.merge_requests_disabled(),
            ..Facts::default()
        };
        let probe = Probe::MergeRequests(project.id);
        let answer = self.ask::<Vec<IgnoredAny>>(&probe).await;
        self.record(
            part,
            What::MergeRequests,
            &subject_of(project),
            facts,
            (&probe, &seen(&answer)),
        );
    }

    async fn project_hooks(&self, part: &mut Part, project: &Project, token: &TokenAccess) {
        self.hooks(
            part,
            What::ProjectHooks,
            &subject_of(project),
            Target::Project(project.id),
            token,
        )
        .await;
    }

    async fn hooks(
        &self,
        part: &mut Part,
        what: What,
        subject: &str,
        target: Target,
        token: &TokenAccess,
    ) -> Outcome {
        let probe = Probe::Hooks(target);
        let answer = self.ask::<Vec<IgnoredAny>>(&probe).await;
        let without_api_scope =
            !token.scopes.is_empty() && !token.scopes.iter().any(|scope| scope == "api");
        let facts = Facts {
            without_api_scope,
            ..Facts::default()
        };
        self.record(part, what, subject, facts, (&probe, &seen(&answer)))
    }

    /// A project that stands for its group: one in scope, best a private one with merge requests, where a small role shows.
    fn sample(&self, projects: Vec<Project>) -> Option<Project> {
        let in_scope = |project: &Project| {
            let archived = project.archived == Some(true) && !self.scope.include_archived;
            !archived && !self.excluded.is_match(&project.path_with_namespace)
        };
        let fitness = |project: &Project| {
            let private = project.visibility.as_deref() == Some("private");
            (
                !project.merge_requests_disabled(),
                private,
                project.archived != Some(true),
            )
        };
        projects.into_iter().filter(in_scope).max_by_key(fitness)
    }

    async fn ask<T: DeserializeOwned>(&self, probe: &Probe) -> Result<T, Error> {
        if let Some(error) = self
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
        {
            return Err(error);
        }
        let answer = self.client.probe(probe).await;
        if let Err(error) = &answer
            && concerns_everything(error)
        {
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        }
        answer
    }

    fn record(
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

    fn entry(&self, what: What, subject: &str, facts: Facts, (probe, answer): Probed<'_>) -> Entry {
        let finding = reason(
            &Call {
                what,
                token: &self.name,
                subject,
                facts,
            },
            answer,
        );
        Entry {
            token: self.name.clone(),
            what,
            subject: subject.to_owned(),
            finding,
            curl: self.client.curl(probe),
        }
    }
}

/// A question and its answer.
type Probed<'a> = (&'a Probe, &'a Result<Seen, Error>);

/// Asking for the rest would bring the same, only later.
fn concerns_everything(error: &Error) -> bool {
    match error {
        Error::Server { status } => matches!(status, 502..=504),
        Error::Tls { .. } | Error::Unauthorized { .. } => true,
        error => error.is_transient(),
    }
}

fn one<T>(answer: &Result<T, Error>) -> Result<Seen, Error> {
    answer
        .as_ref()
        .map(|_| Seen::Something)
        .map_err(Clone::clone)
}

fn seen<T>(answer: &Result<Vec<T>, Error>) -> Result<Seen, Error> {
    let seen = |list: &Vec<T>| {
        if list.is_empty() {
            Seen::Nothing
        } else {
            Seen::Something
        }
    };
    answer.as_ref().map(seen).map_err(Clone::clone)
}

fn subject_of(project: &Project) -> String {
    format!(
        "project {} (id {})",
        project.path_with_namespace, project.id
    )
}

/// `*` stays within one level of a path. A pattern that cannot be read matches nothing.
fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        if let Ok(glob) = GlobBuilder::new(pattern).literal_separator(true).build() {
            set.add(glob);
        }
    }
    set.build().unwrap_or_else(|_| GlobSet::empty())
}
