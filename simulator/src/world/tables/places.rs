//! Users, groups and projects.

use super::ProjectIndex;
use crate::world::{Group, Namespace, Project, User, World};

impl World {
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
        self.users_by_name.insert(user.username.to_lowercase(), user.id);
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
        self.projects_of_group.get(&group).map_or(&[], Vec::as_slice)
    }

    /// Puts a group in.
    pub fn insert_group(&mut self, group: Group) {
        self.groups_by_path.insert(group.full_path.to_lowercase(), group.id);
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
        self.projects_by_path.insert(project.full_path.to_lowercase(), project.id);
        if let Some(group) = project.group() {
            self.projects_of_group.entry(group).or_default().push(project.id);
        }
        self.project_index.insert(project.id, ProjectIndex::default());
        self.projects.insert(project.id, project);
    }

    pub(crate) fn index(&self, project: i64) -> Option<&ProjectIndex> {
        self.project_index.get(&project)
    }

    pub(in crate::world) fn forget_user(&mut self, user: i64) {
        self.archive.forget_user(user);
        if let Some(user) = self.users.remove(&user) {
            self.users_by_name.remove(&user.username.to_lowercase());
        }
        self.subscriptions.retain(|(_, known), _| *known != user);
        for stars in self.projects.values_mut().map(|project| &mut project.stars) {
            stars.retain(|star| star.user != user);
        }
        for members in self.groups.values_mut().map(|group| &mut group.members) {
            members.retain(|member| member.user != user);
        }
        for members in self.projects.values_mut().map(|project| &mut project.members) {
            members.retain(|member| member.user != user);
        }
    }

    pub(in crate::world) fn forget_project(&mut self, id: i64) {
        let Some(project) = self.projects.remove(&id) else {
            return;
        };
        self.archive.forget_project(id);
        self.projects_by_path.remove(&project.full_path.to_lowercase());
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
    pub(in crate::world) fn move_project(&mut self, id: i64, namespace: Namespace, path: &str) -> Option<()> {
        let (above_path, above_name) = match namespace {
            Namespace::Group(group) => {
                self.group(group).map(|group| (group.full_path.clone(), group.full_name.clone()))?
            }
            Namespace::User(user) => self.user(user).map(|user| (user.username.clone(), user.name.clone()))?,
        };
        let now = self.now();
        let project = self.projects.get_mut(&id)?;
        let old = std::mem::replace(&mut project.full_path, format!("{above_path}/{path}")).to_lowercase();
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
