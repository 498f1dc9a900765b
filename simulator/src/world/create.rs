//! New things with GitLab's defaults. What hangs on webhooks is in the verbs.

use jiff::Timestamp;

use super::{
    Feature, Group, Label, Member, Namespace, Owner, Project, Role, Scope, Sha, Token, TokenKind, User, UserKind,
    UserState, Visibility, World,
};

impl World {
    /// The id of the user with this name, made a person where there is none yet.
    pub fn user_named(&mut self, username: &str) -> i64 {
        if let Some(user) = self.user_by_name(username) {
            return user.id;
        }
        self.create_user(username, UserKind::Human)
    }

    /// A new active user.
    pub fn create_user(&mut self, username: &str, kind: UserKind) -> i64 {
        let id = self.next_id("user");
        let created_at = self.now();
        self.insert_user(User {
            id,
            username: username.to_owned(),
            name: titled(username),
            email: format!("{username}@example.com"),
            public_email: None,
            state: UserState::Active,
            kind,
            admin: false,
            created_at,
            last_activity_on: None,
            provisioned_by: None,
        });
        id
    }

    /// A new private group, at the top or in another one.
    pub fn create_group(&mut self, parent: Option<i64>, path: &str) -> i64 {
        let id = self.next_id("namespace");
        let above = parent.and_then(|parent| self.group(parent));
        let name = titled(path);
        let group = Group {
            id,
            parent,
            full_path: above.map_or_else(|| path.to_owned(), |above| format!("{}/{path}", above.full_path)),
            full_name: above.map_or_else(|| name.clone(), |above| format!("{} / {name}", above.full_name)),
            name,
            path: path.to_owned(),
            description: String::new(),
            visibility: Visibility::Private,
            archived: false,
            marked_for_deletion_on: None,
            created_at: self.now(),
            members: Vec::new(),
            shared_with: Vec::new(),
        };
        self.insert_group(group);
        id
    }

    /// A new private project with a repository, without firing anything.
    pub fn create_project(&mut self, namespace: Namespace, path: &str) -> i64 {
        let id = self.next_id("project");
        let now = self.now();
        let (above_path, above_name) = match namespace {
            Namespace::Group(group) => {
                self.group(group).map(|group| (group.full_path.clone(), group.full_name.clone()))
            }
            Namespace::User(user) => self.user(user).map(|user| (user.username.clone(), user.name.clone())),
        }
        .unwrap_or_default();
        let name = titled(path);
        self.insert_project(Project {
            id,
            namespace,
            full_path: format!("{above_path}/{path}"),
            full_name: format!("{above_name} / {name}"),
            name,
            path: path.to_owned(),
            description: None,
            visibility: Visibility::Private,
            archived: false,
            default_branch: Some("main".to_owned()),
            created_at: now,
            updated_at: now,
            last_activity_at: now,
            marked_for_deletion_on: None,
            topics: Vec::new(),
            forked_from: None,
            stars: Vec::new(),
            merge_requests_access: Feature::Enabled,
            repository_access: Feature::Enabled,
            builds_access: Feature::Enabled,
            issues_access: Feature::Enabled,
            reset_approvals_on_push: true,
            resolve_outdated: false,
            approval_rules: Vec::new(),
            members: Vec::new(),
            shared_with: Vec::new(),
            commits: Vec::new(),
            branches: Vec::new(),
            tags: Vec::new(),
            releases: Vec::new(),
        });
        id
    }

    /// A new label.
    pub fn create_label(&mut self, owner: Owner, title: &str) -> i64 {
        let id = self.next_id("label");
        let now = self.now();
        let [red, green, blue, ..] = Sha::from_seed(id.unsigned_abs()).0;
        self.insert_label(Label {
            id,
            owner,
            title: title.to_owned(),
            description: None,
            color: format!("#{red:02x}{green:02x}{blue:02x}"),
            created_at: now,
            updated_at: now,
        });
        id
    }

    /// The label with this title that a project can use, made in the project where there is none yet.
    pub fn label_named(&mut self, project: i64, title: &str) -> i64 {
        let usable = self.project(project).into_iter().flat_map(|project| self.labels_of_project(project));
        let known = usable.filter(|label| label.title == title).map(|label| label.id).next();
        known.unwrap_or_else(|| self.create_label(Owner::Project(project), title))
    }

    /// Makes a user a member of a group, or changes their role.
    pub fn add_group_member(&mut self, group: i64, user: i64, role: Role) {
        let created_at = self.now();
        if let Some(group) = self.group_mut(group) {
            set_role(&mut group.members, user, role, created_at);
        }
    }

    /// Makes a user a member of a project, or changes their role.
    pub fn add_project_member(&mut self, project: i64, user: i64, role: Role) {
        let created_at = self.now();
        if let Some(project) = self.project_mut(project) {
            set_role(&mut project.members, user, role, created_at);
        }
    }

    /// A new personal token.
    pub fn create_token(&mut self, secret: &str, user: i64, scopes: &[Scope]) -> i64 {
        let id = self.next_id("token");
        let now = self.now();
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        self.insert_token(Token {
            id,
            name: "importer".to_owned(),
            description: None,
            secret: secret.to_owned(),
            user,
            scopes: scopes.to_vec(),
            kind: TokenKind::Personal,
            expires_at: today.checked_add(jiff::Span::new().days(300)).ok(),
            revoked: false,
            created_at: now,
            last_used_at: None,
            family: id,
        });
        id
    }

    /// A new group token with a bot of its own, who is a member of the group.
    pub fn create_group_token(&mut self, secret: &str, group: i64, role: Role, scopes: &[Scope]) -> i64 {
        let bot = self.create_bot(&format!("group_{group}"));
        self.add_group_member(group, bot, role);
        self.create_bot_token(secret, bot, scopes, TokenKind::Group(group))
    }

    /// A new project token with a bot of its own, who is a member of the project.
    pub fn create_project_token(&mut self, secret: &str, project: i64, role: Role, scopes: &[Scope]) -> i64 {
        let bot = self.create_bot(&format!("project_{project}"));
        self.add_project_member(project, bot, role);
        self.create_bot_token(secret, bot, scopes, TokenKind::Project(project))
    }

    /// A bot with a random name, as `UsernameAndEmailGenerator` makes them: no two tokens share one.
    pub(super) fn create_bot(&mut self, place: &str) -> i64 {
        let seed = self.users().next_back().map_or(0, |last| last.id.unsigned_abs());
        let hex = Sha::from_seed(seed ^ 0x424f_5400).to_string();
        self.create_user(&format!("{place}_bot_{}", &hex[..32]), UserKind::ProjectBot)
    }

    fn create_bot_token(&mut self, secret: &str, bot: i64, scopes: &[Scope], kind: TokenKind) -> i64 {
        let id = self.create_token(secret, bot, scopes);
        if let Some(token) = self.token_mut(id) {
            token.kind = kind;
        }
        id
    }
}

fn set_role(members: &mut Vec<Member>, user: i64, role: Role, created_at: Timestamp) {
    members.retain(|member| member.user != user);
    members.push(Member::joining(members, user, role, created_at));
}

/// `data-platform` becomes `Data Platform`.
fn titled(path: &str) -> String {
    let words = path.split(['-', '_', '.']).filter(|word| !word.is_empty());
    let titled = words.map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    });
    titled.collect::<Vec<_>>().join(" ")
}
