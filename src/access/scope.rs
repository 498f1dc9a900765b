//! What one token finds in the scope: groups, projects, merge requests, webhooks.

use futures::future::join;
use futures::stream::{self, StreamExt};
use serde::de::IgnoredAny;

use super::probes::{Part, Prober, Report};
use super::{Entry, Facts, Need, Outcome, Seen, TokenAccess, What};
use crate::gitlab::model::{Group, Project};
use crate::gitlab::{Error, Probe, Target};

/// Groups and projects of one token that are probed at the same time.
const AT_ONCE: usize = 4;

impl Prober<'_> {
    /// What the token can do there, beside whether it is `supported` what GraphQL would be asked.
    pub(super) async fn probe_scope(&self, report: &mut Report, supported: &Result<(), Error>) {
        if report.token.valid != Some(true) || !(self.reads || self.manages_hooks) {
            return;
        }
        let token = &report.token;
        let (graphql, parts) = join(self.graphql(token, supported), self.parts(token)).await;
        report.entries.extend(graphql);
        for part in parts {
            let wanted = |entry: &Entry| self.reads || entry.what.need() == Need::Hooks;
            report.entries.extend(part.entries.into_iter().filter(wanted));
            report.groups.extend(part.group);
            report.projects.extend(part.project);
        }
    }

    async fn parts(&self, token: &TokenAccess) -> Vec<Part> {
        let mut parts = Vec::new();
        if self.scope.groups.is_empty() && self.scope.projects.is_empty() {
            parts.push(self.anything(token).await);
        }
        // Collected first: a stream that holds the closure could not move between threads.
        let groups: Vec<_> =
            self.scope.groups.iter().map(|reference| self.group(reference.to_string(), token)).collect();
        parts.extend(stream::iter(groups).buffered(AT_ONCE).collect::<Vec<_>>().await);
        let projects: Vec<_> =
            self.scope.projects.iter().map(|reference| self.project(reference.to_string(), token)).collect();
        parts.extend(stream::iter(projects).buffered(AT_ONCE).collect::<Vec<_>>().await);
        parts
    }

    /// No scope is named: whatever the token's user is a member of.
    async fn anything(&self, token: &TokenAccess) -> Part {
        let mut part = Part::default();
        let groups = self.ask::<Vec<Group>>(&Probe::Groups).await;
        self.record(&mut part, What::Groups, "", Facts::default(), (&Probe::Groups, &seen(&groups)));
        let projects = self.ask::<Vec<Project>>(&Probe::Projects).await;
        self.record(&mut part, What::Projects, "", Facts::default(), (&Probe::Projects, &seen(&projects)));
        if let Some(sample) = projects.ok().and_then(|projects| self.sample(projects)) {
            let sample = self.ask::<Project>(&Probe::Project(sample.id.to_string())).await.unwrap_or(sample);
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
        self.record(&mut part, What::Group, &subject, Facts::default(), (&probe, &one(&found)));
        let group = match found {
            Ok(group) => group,
            Err(error) => {
                if self.manages_hooks {
                    self.record(&mut part, What::GroupHooks, &subject, Facts::default(), (&probe, &Err(error)));
                }
                return part;
            }
        };
        let probe = Probe::GroupProjects { group: group.id, include_subgroups: self.scope.include_subgroups };
        let projects = self.ask::<Vec<Project>>(&probe).await;
        self.record(&mut part, What::GroupProjects, &subject, Facts::default(), (&probe, &seen(&projects)));
        let sample = match projects.ok().and_then(|projects| self.sample(projects)) {
            // Lists leave out what the token's user is in the project.
            Some(sample) => Some(self.ask::<Project>(&Probe::Project(sample.id.to_string())).await.unwrap_or(sample)),
            None => None,
        };
        if let Some(sample) = &sample {
            self.merge_requests(&mut part, sample, token).await;
        }
        if self.manages_hooks {
            let group_hooks = self.hooks(&mut part, What::GroupHooks, &subject, Target::Group(group.id), token).await;
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
        self.record(&mut part, What::Project, &subject, Facts::default(), (&probe, &one(&found)));
        match found {
            Ok(project) => {
                self.merge_requests(&mut part, &project, token).await;
                if self.manages_hooks {
                    self.project_hooks(&mut part, &project, token).await;
                }
                part.project = Some(project);
            }
            Err(error) if self.manages_hooks => {
                self.record(&mut part, What::ProjectHooks, &subject, Facts::default(), (&probe, &Err(error)));
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
            (None, Some(user)) if private => {
                self.client.member(project.id, user).await.ok().and_then(|member| member.access_level)
            }
            (role, _) => role,
        };
        let facts = Facts { role, private, merge_requests_off: project.merge_requests_disabled(), ..Facts::default() };
        let probe = Probe::MergeRequests(project.id);
        let answer = self.ask::<Vec<IgnoredAny>>(&probe).await;
        self.record(part, What::MergeRequests, &subject_of(project), facts, (&probe, &seen(&answer)));
    }

    async fn project_hooks(&self, part: &mut Part, project: &Project, token: &TokenAccess) {
        self.hooks(part, What::ProjectHooks, &subject_of(project), Target::Project(project.id), token).await;
    }

    async fn hooks(&self, part: &mut Part, what: What, subject: &str, target: Target, token: &TokenAccess) -> Outcome {
        let probe = Probe::Hooks(target);
        let answer = self.ask::<Vec<IgnoredAny>>(&probe).await;
        let without_api_scope = !token.scopes.is_empty() && !token.scopes.iter().any(|scope| scope == "api");
        let facts = Facts { without_api_scope, ..Facts::default() };
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
            (!project.merge_requests_disabled(), private, project.archived != Some(true))
        };
        projects.into_iter().filter(in_scope).max_by_key(fitness)
    }
}

fn one<T>(answer: &Result<T, Error>) -> Result<Seen, Error> {
    answer.as_ref().map(|_| Seen::Something).map_err(Clone::clone)
}

fn seen<T>(answer: &Result<Vec<T>, Error>) -> Result<Seen, Error> {
    let seen = |list: &Vec<T>| {
        if list.is_empty() { Seen::Nothing } else { Seen::Something }
    };
    answer.as_ref().map(seen).map_err(Clone::clone)
}

fn subject_of(project: &Project) -> String {
    format!("project {} (id {})", project.path_with_namespace, project.id)
}
