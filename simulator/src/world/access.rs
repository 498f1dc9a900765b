//! Who may see and do what. Pure reads of the World, the same for REST and GraphQL.

use super::World;
use super::group::Group;
use super::merge_request::MergeRequest;
use super::note::Note;
use super::project::{Namespace, Project};
use super::role::{Feature, Member, Role, Visibility};
use super::token::{Caller, Scope};
use super::user::UserState;

impl World {
    /// The highest role of a user in a group: direct, inherited or through an invited group.
    #[must_use]
    pub fn role_in_group(&self, user: i64, group: i64) -> Role {
        let ancestry = std::iter::successors(self.group(group), |group| self.group(group.parent?));
        ancestry.map(|group| self.own_role(user, group)).max().unwrap_or_default()
    }

    /// The highest role of a user in a project: direct, of its group, or through an invited group.
    #[must_use]
    pub fn role_in_project(&self, user: i64, project: &Project) -> Role {
        let inherited = match project.namespace {
            Namespace::Group(group) => self.role_in_group(user, group),
            Namespace::User(owner) if owner == user => Role::Owner,
            Namespace::User(_) => Role::None,
        };
        let shared = self.shared_role(user, &project.shared_with);
        member_role(&project.members, user).max(inherited).max(shared)
    }

    fn own_role(&self, user: i64, group: &Group) -> Role {
        member_role(&group.members, user).max(self.shared_role(user, &group.shared_with))
    }

    /// An invited group's members come with their own role, capped by the invitation.
    fn shared_role(&self, user: i64, shares: &[(i64, Role)]) -> Role {
        let capped = |(group, cap): &(i64, Role)| {
            let group = self.group(*group)?;
            Some(member_role(&group.members, user).min(*cap))
        };
        shares.iter().filter_map(capped).max().unwrap_or_default()
    }

    /// The caller's role in a group; an administrator's is Owner.
    #[must_use]
    pub fn caller_role_in_group(&self, caller: &Caller, group: i64) -> Role {
        match caller.user {
            Some(_) if self.is_admin(caller) => Role::Owner,
            Some(user) => self.role_in_group(user, group),
            None => Role::None,
        }
    }

    /// The caller's role in a project; an administrator's is Owner.
    #[must_use]
    pub fn caller_role(&self, caller: &Caller, project: &Project) -> Role {
        match caller.user {
            Some(_) if self.is_admin(caller) => Role::Owner,
            Some(user) => self.role_in_project(user, project),
            None => Role::None,
        }
    }

    /// Whether the caller acts as administrator: with Admin Mode on, only with its scope.
    #[must_use]
    pub fn is_admin(&self, caller: &Caller) -> bool {
        caller.admin && (!self.settings.admin_mode || caller.has(&[Scope::AdminMode]))
    }

    /// Whether the caller sees the group. Members of anything below see it too.
    #[must_use]
    pub fn sees_group(&self, caller: &Caller, group: &Group) -> bool {
        match group.visibility {
            Visibility::Public => return true,
            Visibility::Internal if !caller.anonymous() => return true,
            _ => {}
        }
        if self.caller_role_in_group(caller, group.id) > Role::None {
            return true;
        }
        caller.user.is_some_and(|user| self.member_below(user, group.id))
    }

    fn member_below(&self, user: i64, group: i64) -> bool {
        let in_project = |id: &i64| {
            let project = self.project(*id);
            project.is_some_and(|project| {
                member_role(&project.members, user) > Role::None
                    || self.shared_role(user, &project.shared_with) > Role::None
            })
        };
        if self.projects_of_group(group).iter().any(in_project) {
            return true;
        }
        let in_group = |id: &i64| {
            let group = self.group(*id);
            group.is_some_and(|group| self.own_role(user, group) > Role::None) || self.member_below(user, *id)
        };
        self.subgroups(group).iter().any(in_group)
    }

    /// Whether the caller sees the project.
    #[must_use]
    pub fn sees_project(&self, caller: &Caller, project: &Project) -> bool {
        match project.visibility {
            Visibility::Public => true,
            Visibility::Internal if !caller.anonymous() => true,
            _ => self.caller_role(caller, project) >= Role::Guest,
        }
    }

    /// Whether the caller reads merge requests: the feature is on, and in a private project from Reporter upwards.
    #[must_use]
    pub fn reads_merge_requests(&self, caller: &Caller, project: &Project) -> bool {
        self.reads_feature(caller, project, project.merge_requests_access)
            && project.repository_access != Feature::Disabled
    }

    /// Whether the caller reads code, so commits.
    #[must_use]
    pub fn reads_code(&self, caller: &Caller, project: &Project) -> bool {
        self.reads_feature(caller, project, project.repository_access)
    }

    /// Whether the caller reads pipelines and deployments.
    #[must_use]
    pub fn reads_builds(&self, caller: &Caller, project: &Project) -> bool {
        self.reads_feature(caller, project, project.builds_access)
    }

    fn reads_feature(&self, caller: &Caller, project: &Project, feature: Feature) -> bool {
        let open = project.visibility != Visibility::Private && feature == Feature::Enabled;
        match feature {
            Feature::Disabled => false,
            _ if open => self.sees_project(caller, project),
            _ => self.caller_role(caller, project) >= Role::Reporter,
        }
    }

    /// Whether the caller sees the merge request; those of banned authors are hidden from all but administrators.
    #[must_use]
    pub fn sees_merge_request(&self, caller: &Caller, merge_request: &MergeRequest) -> bool {
        let project = self.project(merge_request.project);
        let readable = project.is_some_and(|project| self.reads_merge_requests(caller, project));
        readable && (self.is_admin(caller) || !self.hidden(merge_request))
    }

    /// Whether the author is banned.
    #[must_use]
    pub fn hidden(&self, merge_request: &MergeRequest) -> bool {
        let author = merge_request.author.and_then(|id| self.user(id));
        author.is_some_and(|author| author.state == UserState::Banned)
    }

    /// Whether a caller with this role in the project sees the note: internal ones from Planner upwards.
    #[must_use]
    pub fn sees_note(role: Role, note: &Note) -> bool {
        !note.internal || role >= Role::Planner
    }

    /// Whether the caller administers the project, so its webhooks.
    #[must_use]
    pub fn administers_project(&self, caller: &Caller, project: &Project) -> bool {
        self.caller_role(caller, project) >= Role::Maintainer
    }

    /// Whether the caller owns the group, so its webhooks.
    #[must_use]
    pub fn owns_group(&self, caller: &Caller, group: &Group) -> bool {
        self.caller_role_in_group(caller, group.id) >= Role::Owner
    }
}

fn member_role(members: &[Member], user: i64) -> Role {
    let own = members.iter().filter(|member| member.user == user);
    own.map(|member| member.role).max().unwrap_or_default()
}
