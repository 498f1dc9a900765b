//! What resolvers share: the World, who asks, and what they may see.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use crate::world::{Caller, Feature, Group, MergeRequest, Note, Project, Role, User, World};

use super::schema::Level;
use super::value::{Object, Person, Value};

/// What the caller may read in a project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    pub(crate) role: Role,
    pub(crate) project: bool,
    pub(crate) merge_requests: bool,
    pub(crate) code: bool,
    pub(crate) builds: bool,
}

/// What resolvers share.
pub(crate) struct Context<'w> {
    pub(crate) world: &'w World,
    pub(crate) caller: &'w Caller,
    pub(crate) level: Level,
    pub(crate) score: i64,
    pub(crate) limit: i64,
    /// A page asks for the same few projects again and again.
    rights: RefCell<HashMap<i64, Rights>>,
    latest: Cell<Option<(i64, Rights)>>,
    emails: OnceCell<HashMap<&'w str, &'w User>>,
}

impl<'w> Context<'w> {
    pub(crate) fn new(world: &'w World, caller: &'w Caller, score: i64, limit: i64) -> Context<'w> {
        Context {
            world,
            caller,
            level: Level::of(world.settings.version),
            score,
            limit,
            rights: RefCell::default(),
            latest: Cell::default(),
            emails: OnceCell::new(),
        }
    }

    /// Whether the caller acts as administrator.
    pub(crate) fn admin(&self) -> bool {
        self.world.is_admin(self.caller)
    }

    /// What the caller may read in a project.
    pub(crate) fn rights(&self, project: &Project) -> Rights {
        if let Some((id, rights)) = self.latest.get()
            && id == project.id
        {
            return rights;
        }
        let mut known = self.rights.borrow_mut();
        let rights = *known.entry(project.id).or_insert_with(|| Rights {
            role: self.world.caller_role(self.caller, project),
            project: self.world.sees_project(self.caller, project),
            merge_requests: self.world.reads_merge_requests(self.caller, project),
            code: self.world.reads_code(self.caller, project),
            builds: self.world.reads_builds(self.caller, project),
        });
        self.latest.set(Some((project.id, rights)));
        rights
    }

    /// A project, if the caller sees it.
    pub(crate) fn project(&self, id: Option<i64>) -> Option<&'w Project> {
        let project = self.world.project(id?)?;
        self.rights(project).project.then_some(project)
    }

    /// A group, if the caller sees it.
    pub(crate) fn group(&self, id: Option<i64>) -> Option<&'w Group> {
        let group = self.world.group(id?)?;
        self.world.sees_group(self.caller, group).then_some(group)
    }

    /// A merge request, if the caller sees it.
    pub(crate) fn merge_request(&self, found: Option<&'w MergeRequest>) -> Value<'w> {
        let readable = |merge_request: &&MergeRequest| {
            let project = self.world.project(merge_request.project);
            let readable = project.is_some_and(|project| self.rights(project).merge_requests);
            readable && (self.admin() || !self.world.hidden(merge_request))
        };
        Value::object(found.filter(readable).map(Object::MergeRequest))
    }

    /// A user.
    pub(crate) fn user(&self, id: Option<i64>) -> Value<'w> {
        Value::object(self.person(id, None))
    }

    /// A user, perhaps as someone who takes part in a merge request.
    pub(crate) fn person(&self, id: Option<i64>, of: Option<&'w MergeRequest>) -> Option<Object<'w>> {
        let user = self.world.user(id?)?;
        Some(Object::User(Person { user, of }))
    }

    /// The id of the user of that name.
    pub(crate) fn user_id(&self, username: &str) -> Option<i64> {
        self.world.user_by_name(username).map(|user| user.id)
    }

    /// The user with that e-mail address: how a commit knows its author.
    pub(crate) fn user_by_email(&self, email: &str) -> Option<&'w User> {
        let emails = self.emails.get_or_init(|| self.world.users().map(|user| (user.email.as_str(), user)).collect());
        emails.get(email).copied()
    }

    /// The notes of a merge request that the caller sees, oldest first.
    pub(crate) fn notes(&self, merge_request: &'w MergeRequest) -> impl Iterator<Item = &'w Note> + use<'w> {
        let role = self.role(merge_request.project);
        merge_request.notes.iter().filter(move |note| World::sees_note(role, note))
    }

    /// Whether merge requests are on for the caller, which is less than being allowed to read them: a Guest of a private
    /// project has them on and finds none (`feature_available?` in GitLab's source; members-only means Reporter upwards).
    pub(crate) fn merge_requests_enabled(&self, project: &Project) -> bool {
        match project.merge_requests_access {
            Feature::Disabled => false,
            Feature::Private => self.rights(project).role >= Role::Reporter,
            Feature::Enabled => true,
        }
    }

    /// The caller's role in a project.
    pub(crate) fn role(&self, project: i64) -> Role {
        self.world.project(project).map_or(Role::None, |project| self.rights(project).role)
    }

    /// The beginning of a day.
    pub(crate) fn day(&self, day: Option<Date>) -> Option<Timestamp> {
        Offset::UTC.to_timestamp(day?.to_datetime(Time::midnight())).ok()
    }

    /// A time as a client spells it.
    pub(crate) fn time(&self, text: Option<&str>) -> Option<Timestamp> {
        super::literals::time(text?)
    }
}
