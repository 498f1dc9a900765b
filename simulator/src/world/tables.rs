//! The World's tables: looking things up, and putting them in with their indexes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::{
    Clock, Deployment, Environment, Group, Hook, Label, LabelOwner, MergeRequest, Namespace,
    Pipeline, Project, Settings, Token, User, UserKind, UserState, World,
};

/// What makes a project's merge requests quick to find.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProjectIndex {
    /// By number.
    pub(crate) by_iid: BTreeMap<i64, i64>,
    /// By (updated_at, id): the order of GraphQL's `UPDATED_ASC`.
    pub(crate) by_updated: BTreeSet<(Timestamp, i64)>,
    /// Ids of pipelines, oldest first.
    pub(crate) pipelines: Vec<i64>,
    /// Ids of deployments, oldest first.
    pub(crate) deployments: Vec<i64>,
}

impl Default for World {
    fn default() -> World {
        World::new()
    }
}

impl World {
    /// An empty GitLab, with `root` (an administrator) and the ghost.
    #[must_use]
    pub fn new() -> World {
        let mut world = World {
            settings: Settings::default(),
            clock: Clock::Real(SignedDuration::ZERO),
            next_id: HashMap::new(),
            users: BTreeMap::new(),
            users_by_name: HashMap::new(),
            groups: BTreeMap::new(),
            groups_by_path: HashMap::new(),
            subgroups: HashMap::new(),
            projects: BTreeMap::new(),
            projects_by_path: HashMap::new(),
            moved_paths: HashMap::new(),
            projects_of_group: HashMap::new(),
            project_index: HashMap::new(),
            labels: BTreeMap::new(),
            merge_requests: BTreeMap::new(),
            merge_request_of_note: HashMap::new(),
            pipelines: BTreeMap::new(),
            environments: BTreeMap::new(),
            deployments: BTreeMap::new(),
            tokens: BTreeMap::new(),
            tokens_by_secret: HashMap::new(),
            hooks: BTreeMap::new(),
            outbox: Vec::new(),
            webhook_calls: HashMap::new(),
            hook_tests: HashMap::new(),
        };
        let long_ago = "2020-01-01T00:00:00Z"
            .parse()
            .unwrap_or(Timestamp::UNIX_EPOCH);
        for (username, kind, admin) in [
            ("root", UserKind::Human, true),
            ("ghost", UserKind::Ghost, false),
        ] {
            let id = world.next_id("user");
            world.insert_user(User {
                id,
                username: username.to_owned(),
                name: if admin { "Administrator" } else { "Ghost User" }.to_owned(),
                email: format!("{username}@example.com"),
                public_email: None,
                state: UserState::Active,
                kind,
                admin,
                created_at: long_ago,
                last_activity_on: None,
            });
        }
        world
    }

    /// The next free id of a kind of thing.
    pub(crate) fn next_id(&mut self, kind: &'static str) -> i64 {
        let id = self.next_id.entry(kind).or_insert(0);
        *id += 1;
        *id
    }

    /// Lets the ids of a kind of thing start higher, beyond 2^31 for instance.
    ///
    /// Kinds: `user`, `namespace` (groups), `project`, `merge_request`, `note`, `label`, `hook`, `hook_event`, `token`, `pipeline`,
    /// `job`, `environment`, `deployment`.
    pub fn start_ids_at(&mut self, kind: &'static str, first: i64) {
        self.next_id.insert(kind, first - 1);
    }

    /// A user.
    #[must_use]
    pub fn user(&self, id: i64) -> Option<&User> {
        self.users.get(&id)
    }

    /// A user by name, whatever its case.
    #[must_use]
    pub fn user_by_name(&self, username: &str) -> Option<&User> {
        self.user(*self.users_by_name.get(&username.to_lowercase())?)
    }

    /// All users, by id.
    pub fn users(&self) -> impl DoubleEndedIterator<Item = &User> {
        self.users.values()
    }

    /// A user, for editing.
    pub fn user_mut(&mut self, id: i64) -> Option<&mut User> {
        self.users.get_mut(&id)
    }

    /// Puts a user in, or replaces it.
    pub fn insert_user(&mut self, user: User) {
        self.users_by_name
            .insert(user.username.to_lowercase(), user.id);
        self.users.insert(user.id, user);
    }

    /// A group.
    #[must_use]
    pub fn group(&self, id: i64) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// A group by its full path, whatever its case.
    #[must_use]
    pub fn group_by_path(&self, path: &str) -> Option<&Group> {
        self.group(*self.groups_by_path.get(&path.to_lowercase())?)
    }

    /// All groups, by id.
    pub fn groups(&self) -> impl DoubleEndedIterator<Item = &Group> {
        self.groups.values()
    }

    /// A group, for editing (not its path nor its place).
    pub fn group_mut(&mut self, id: i64) -> Option<&mut Group> {
        self.groups.get_mut(&id)
    }

    /// Ids of the groups right below a group.
    #[must_use]
    pub fn subgroups(&self, group: i64) -> &[i64] {
        self.subgroups.get(&group).map_or(&[], Vec::as_slice)
    }

    /// Ids of all groups below a group, depth first.
    #[must_use]
    pub fn descendant_groups(&self, group: i64) -> Vec<i64> {
        let mut found = Vec::new();
        for id in self.subgroups(group) {
            found.push(*id);
            found.extend(self.descendant_groups(*id));
        }
        found
    }

    /// Ids of the projects right in a group.
    #[must_use]
    pub fn projects_of_group(&self, group: i64) -> &[i64] {
        self.projects_of_group
            .get(&group)
            .map_or(&[], Vec::as_slice)
    }

    /// Puts a group in.
    pub fn insert_group(&mut self, group: Group) {
        self.groups_by_path
            .insert(group.full_path.to_lowercase(), group.id);
        if let Some(parent) = group.parent {
            self.subgroups.entry(parent).or_default().push(group.id);
        }
        self.groups.insert(group.id, group);
    }

    /// A project.
    #[must_use]
    pub fn project(&self, id: i64) -> Option<&Project> {
        self.projects.get(&id)
    }

    /// A project by its full path, whatever its case. Old paths of moved projects do not count.
    #[must_use]
    pub fn project_by_path(&self, path: &str) -> Option<&Project> {
        self.project(*self.projects_by_path.get(&path.to_lowercase())?)
    }

    /// The project that once had this path.
    #[must_use]
    pub fn project_by_old_path(&self, path: &str) -> Option<&Project> {
        self.project(*self.moved_paths.get(&path.to_lowercase())?)
    }

    /// All projects, by id.
    pub fn projects(&self) -> impl DoubleEndedIterator<Item = &Project> {
        self.projects.values()
    }

    /// A project, for editing (not its path nor its place).
    pub fn project_mut(&mut self, id: i64) -> Option<&mut Project> {
        self.projects.get_mut(&id)
    }

    /// Puts a project in.
    pub fn insert_project(&mut self, project: Project) {
        self.projects_by_path
            .insert(project.full_path.to_lowercase(), project.id);
        if let Some(group) = project.group() {
            self.projects_of_group
                .entry(group)
                .or_default()
                .push(project.id);
        }
        self.project_index
            .insert(project.id, ProjectIndex::default());
        self.projects.insert(project.id, project);
    }

    pub(crate) fn index(&self, project: i64) -> Option<&ProjectIndex> {
        self.project_index.get(&project)
    }

    /// A label.
    #[must_use]
    pub fn label(&self, id: i64) -> Option<&Label> {
        self.labels.get(&id)
    }

    /// All labels, by id.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &Label> {
        self.labels.values()
    }

    /// Labels that a project can use: its own and those of the groups above it.
    pub fn labels_of_project(&self, project: &Project) -> impl Iterator<Item = &Label> {
        let above = self.ancestry(project.group());
        let id = project.id;
        self.labels.values().filter(move |label| match label.owner {
            LabelOwner::Project(owner) => owner == id,
            LabelOwner::Group(owner) => above.contains(&owner),
        })
    }

    /// Ids of a group and the groups above it, from below.
    #[must_use]
    pub fn ancestry(&self, group: Option<i64>) -> Vec<i64> {
        std::iter::successors(group, |id| self.group(*id)?.parent).collect()
    }

    /// Puts a label in.
    pub fn insert_label(&mut self, label: Label) {
        self.labels.insert(label.id, label);
    }

    /// A merge request by its global id.
    #[must_use]
    pub fn merge_request(&self, id: i64) -> Option<&MergeRequest> {
        self.merge_requests.get(&id)
    }

    /// A merge request by project and number.
    #[must_use]
    pub fn merge_request_by_iid(&self, project: i64, iid: i64) -> Option<&MergeRequest> {
        self.merge_request(*self.index(project)?.by_iid.get(&iid)?)
    }

    /// The merge request that owns a note.
    #[must_use]
    pub fn merge_request_of_note(&self, note: i64) -> Option<&MergeRequest> {
        self.merge_request(*self.merge_request_of_note.get(&note)?)
    }

    /// All merge requests, by id.
    pub fn merge_requests(&self) -> impl DoubleEndedIterator<Item = &MergeRequest> {
        self.merge_requests.values()
    }

    /// A project's merge requests, by number.
    pub fn merge_requests_of(
        &self,
        project: i64,
    ) -> impl DoubleEndedIterator<Item = &MergeRequest> {
        let ids = self
            .index(project)
            .into_iter()
            .flat_map(|index| index.by_iid.values());
        ids.filter_map(|id| self.merge_request(*id))
    }

    /// A project's merge requests by (updated_at, id), from a place in that order on.
    pub fn merge_requests_updated_from(
        &self,
        project: i64,
        from: (Timestamp, i64),
    ) -> impl DoubleEndedIterator<Item = &MergeRequest> {
        let index = self.index(project).into_iter();
        let ids = index.flat_map(move |index| index.by_updated.range(from..));
        ids.filter_map(|(_, id)| self.merge_request(*id))
    }

    /// Puts a merge request in, with its notes.
    pub fn insert_merge_request(&mut self, merge_request: MergeRequest) {
        let index = self.project_index.entry(merge_request.project).or_default();
        index.by_iid.insert(merge_request.iid, merge_request.id);
        index
            .by_updated
            .insert((merge_request.updated_at, merge_request.id));
        for note in &merge_request.notes {
            self.merge_request_of_note.insert(note.id, merge_request.id);
        }
        self.merge_requests.insert(merge_request.id, merge_request);
    }

    /// Edits a merge request and keeps the indexes right. Nothing is touched, nothing is fired: verbs do that.
    pub fn edit_merge_request<R>(
        &mut self,
        id: i64,
        edit: impl FnOnce(&mut MergeRequest) -> R,
    ) -> Option<R> {
        let merge_request = self.merge_requests.get_mut(&id)?;
        let before = merge_request.updated_at;
        let result = edit(merge_request);
        let index = self.project_index.entry(merge_request.project).or_default();
        if before != merge_request.updated_at {
            index.by_updated.remove(&(before, id));
            index.by_updated.insert((merge_request.updated_at, id));
        }
        for note in &merge_request.notes {
            self.merge_request_of_note.insert(note.id, id);
        }
        Some(result)
    }

    /// Removes a merge request, silently as GitLab does.
    pub fn delete_merge_request(&mut self, id: i64) -> Option<MergeRequest> {
        let merge_request = self.merge_requests.remove(&id)?;
        let index = self.project_index.entry(merge_request.project).or_default();
        index.by_iid.remove(&merge_request.iid);
        index.by_updated.remove(&(merge_request.updated_at, id));
        for note in &merge_request.notes {
            self.merge_request_of_note.remove(&note.id);
        }
        Some(merge_request)
    }

    /// A pipeline.
    #[must_use]
    pub fn pipeline(&self, id: i64) -> Option<&Pipeline> {
        self.pipelines.get(&id)
    }

    /// A project's pipelines, oldest first.
    pub fn pipelines_of(&self, project: i64) -> impl DoubleEndedIterator<Item = &Pipeline> {
        let ids = self
            .index(project)
            .into_iter()
            .flat_map(|index| index.pipelines.iter());
        ids.filter_map(|id| self.pipeline(*id))
    }

    /// Puts a pipeline in.
    pub fn insert_pipeline(&mut self, pipeline: Pipeline) {
        self.project_index
            .entry(pipeline.project)
            .or_default()
            .pipelines
            .push(pipeline.id);
        self.pipelines.insert(pipeline.id, pipeline);
    }

    /// An environment.
    #[must_use]
    pub fn environment(&self, id: i64) -> Option<&Environment> {
        self.environments.get(&id)
    }

    /// All environments, by id.
    pub fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.environments.values()
    }

    /// Puts an environment in.
    pub fn insert_environment(&mut self, environment: Environment) {
        self.environments.insert(environment.id, environment);
    }

    /// A deployment.
    #[must_use]
    pub fn deployment(&self, id: i64) -> Option<&Deployment> {
        self.deployments.get(&id)
    }

    /// A project's deployments, oldest first.
    pub fn deployments_of(&self, project: i64) -> impl DoubleEndedIterator<Item = &Deployment> {
        let ids = self
            .index(project)
            .into_iter()
            .flat_map(|index| index.deployments.iter());
        ids.filter_map(|id| self.deployment(*id))
    }

    /// Puts a deployment in.
    pub fn insert_deployment(&mut self, deployment: Deployment) {
        self.project_index
            .entry(deployment.project)
            .or_default()
            .deployments
            .push(deployment.id);
        self.deployments.insert(deployment.id, deployment);
    }

    /// A token by its id.
    #[must_use]
    pub fn token(&self, id: i64) -> Option<&Token> {
        self.tokens.get(&id)
    }

    /// A token by its secret.
    #[must_use]
    pub fn token_by_secret(&self, secret: &str) -> Option<&Token> {
        self.token(*self.tokens_by_secret.get(secret)?)
    }

    /// All tokens, by id.
    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.values()
    }

    /// A token, for editing (not its secret).
    pub fn token_mut(&mut self, id: i64) -> Option<&mut Token> {
        self.tokens.get_mut(&id)
    }

    /// Puts a token in.
    pub fn insert_token(&mut self, token: Token) {
        self.tokens_by_secret.insert(token.secret.clone(), token.id);
        self.tokens.insert(token.id, token);
    }

    /// A webhook.
    #[must_use]
    pub fn hook(&self, id: i64) -> Option<&Hook> {
        self.hooks.get(&id)
    }

    /// All webhooks, by id.
    pub fn hooks(&self) -> impl Iterator<Item = &Hook> {
        self.hooks.values()
    }

    /// A webhook, for editing.
    pub fn hook_mut(&mut self, id: i64) -> Option<&mut Hook> {
        self.hooks.get_mut(&id)
    }

    /// Puts a webhook in.
    pub fn insert_hook(&mut self, hook: Hook) {
        self.hooks.insert(hook.id, hook);
    }

    /// Removes a webhook.
    pub fn delete_hook(&mut self, id: i64) -> Option<Hook> {
        self.hooks.remove(&id)
    }

    pub(super) fn forget_note(&mut self, note: i64) {
        self.merge_request_of_note.remove(&note);
    }

    pub(super) fn forget_user(&mut self, user: i64) {
        if let Some(user) = self.users.remove(&user) {
            self.users_by_name.remove(&user.username.to_lowercase());
        }
        for members in self.groups.values_mut().map(|group| &mut group.members) {
            members.retain(|member| member.user != user);
        }
        for members in self
            .projects
            .values_mut()
            .map(|project| &mut project.members)
        {
            members.retain(|member| member.user != user);
        }
    }

    pub(super) fn forget_project(&mut self, id: i64) {
        let Some(project) = self.projects.remove(&id) else {
            return;
        };
        self.projects_by_path
            .remove(&project.full_path.to_lowercase());
        self.moved_paths.retain(|_, target| *target != id);
        self.project_index.remove(&id);
        for siblings in self.projects_of_group.values_mut() {
            siblings.retain(|sibling| *sibling != id);
        }
        for merge_request in self.merge_requests.values_mut() {
            if merge_request.source_project == Some(id) {
                merge_request.source_project = None;
            }
        }
    }

    /// Gives a project another path or place; the old path leads to it.
    pub(super) fn move_project(&mut self, id: i64, namespace: Namespace, path: &str) -> Option<()> {
        let (above_path, above_name) = match namespace {
            Namespace::Group(group) => self
                .group(group)
                .map(|group| (group.full_path.clone(), group.full_name.clone()))?,
            Namespace::User(user) => self
                .user(user)
                .map(|user| (user.username.clone(), user.name.clone()))?,
        };
        let now = self.now();
        let project = self.projects.get_mut(&id)?;
        let old = std::mem::replace(&mut project.full_path, format!("{above_path}/{path}"))
            .to_lowercase();
        project.full_name = format!("{above_name} / {}", project.name);
        path.clone_into(&mut project.path);
        project.updated_at = now;
        project.namespace = namespace;
        let new = project.full_path.to_lowercase();
        self.projects_by_path.remove(&old);
        self.moved_paths.insert(old, id);
        self.moved_paths.remove(&new);
        self.projects_by_path.insert(new, id);
        for siblings in self.projects_of_group.values_mut() {
            siblings.retain(|sibling| *sibling != id);
        }
        if let Namespace::Group(group) = namespace {
            self.projects_of_group.entry(group).or_default().push(id);
        }
        Some(())
    }
}
