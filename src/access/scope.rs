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

/// The merge requests of a project; `None` where nobody asks for them.
type Newest = Option<Result<Vec<IgnoredAny>, Error>>;

impl Prober<'_> {
    /// Puts into a report what came of the scope.
    pub(super) fn gather(&self, report: &mut Report, parts: Vec<Part>) {
        for part in parts {
            let wanted = |entry: &Entry| self.reads || entry.what.need() == Need::Hooks;
            report.entries.extend(part.entries.into_iter().filter(wanted));
            report.groups.extend(part.group);
            report.projects.extend(part.project);
        }
    }

    /// What the token can do with each part of the scope.
    pub(super) async fn parts(&self, token: &TokenAccess) -> Vec<Part> {
        let mut parts = Vec::new();
        if !(self.reads || self.manages_hooks) {
            return parts;
        }
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
        let (groups, projects) =
            join(self.ask::<Vec<Group>>(&Probe::Groups), self.ask::<Vec<Project>>(&Probe::Projects)).await;
        self.record(&mut part, What::Groups, "", Facts::default(), (&Probe::Groups, &seen(&groups)));
        self.record(&mut part, What::Projects, "", Facts::default(), (&Probe::Projects, &seen(&projects)));
        if let Some(sample) = projects.ok().and_then(|projects| self.sample(projects)) {
            self.look_at(&mut part, sample, token).await;
        }
        part
    }

    /// A group, its projects, and one of them as a sample: roles are inherited, so what holds there holds below.
    async fn group(&self, reference: String, token: &TokenAccess) -> Part {
        let mut part = Part::default();
        let probe = Probe::Group(reference.clone());
        let below = Probe::GroupProjects { group: reference.clone(), include_subgroups: self.scope.include_subgroups };
        let (found, projects) = join(self.ask::<Group>(&probe), self.ask::<Vec<Project>>(&below)).await;
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
        self.record(&mut part, What::GroupProjects, &subject, Facts::default(), (&below, &seen(&projects)));
        let sample = match projects.ok().and_then(|projects| self.sample(projects)) {
            Some(sample) => Some(self.look_at(&mut part, sample, token).await),
            None => None,
        };
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
                let newest = self.newest(project.id).await;
                self.merge_requests(&mut part, &project, newest, token).await;
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

    /// Reads merge requests of a project that a list told of, beside the project itself: lists leave out what the token's user
    /// is in it.
    async fn look_at(&self, part: &mut Part, sample: Project, token: &TokenAccess) -> Project {
        let probe = Probe::Project(sample.id.to_string());
        let (whole, newest) = join(self.ask::<Project>(&probe), self.newest(sample.id)).await;
        let project = whole.unwrap_or(sample);
        self.merge_requests(part, &project, newest, token).await;
        project
    }

    /// The newest merge requests of a project, where the token is one that reads.
    async fn newest(&self, project: i64) -> Newest {
        if self.reads { Some(self.ask(&Probe::MergeRequests(project)).await) } else { None }
    }

    async fn merge_requests(&self, part: &mut Part, project: &Project, newest: Newest, token: &TokenAccess) {
        let Some(answer) = newest else { return };
        let private = project.visibility.as_deref() == Some("private");
        let role = match (project.own_access_level(), token.user_id) {
            (None, Some(user)) if private => {
                self.client.member(project.id, user).await.ok().and_then(|member| member.access_level)
            }
            (role, _) => role,
        };
        let facts = Facts { role, private, merge_requests_off: project.merge_requests_disabled(), ..Facts::default() };
        let probe = Probe::MergeRequests(project.id);
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
