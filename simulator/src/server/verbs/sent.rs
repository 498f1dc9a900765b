//! What came along with a verb: names that are looked up in the World, with words for those that are not there.

use serde_json::Value;

use crate::world::{Owner, World};

/// What came along with a verb.
pub(super) struct Sent<'s>(pub(super) &'s Value);

impl Sent<'_> {
    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<&str, String> {
        self.optional(name).ok_or_else(|| format!("{name:?} is missing"))
    }

    /// A text that may be missing.
    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Result<i64, String> {
        self.0.get(name).and_then(Value::as_i64).ok_or_else(|| format!("{name:?} is missing, or no number"))
    }

    /// Whether a property was sent.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&self, name: &str, known: &[(&str, T)]) -> Result<T, String> {
        let text = self.text(name)?;
        let found = known.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            format!("{name:?} is one of {}", words.join(", "))
        })
    }

    /// The name of who does it: `root` where nobody is named.
    pub(super) fn actor(&self) -> &str {
        self.optional("user").unwrap_or("root")
    }

    /// A project's id, by its full path in `project`.
    pub(super) fn project(&self, world: &World) -> Result<i64, String> {
        let path = self.text("project")?;
        world.project_by_path(path).map(|project| project.id).ok_or_else(|| format!("there is no project {path:?}"))
    }

    /// A group's id, by its full path in a property.
    pub(super) fn group(&self, world: &World, name: &str) -> Result<i64, String> {
        let path = self.text(name)?;
        world.group_by_path(path).map(|group| group.id).ok_or_else(|| format!("there is no group {path:?}"))
    }

    /// A group, where `group` was sent, or else a project.
    pub(super) fn owner(&self, world: &World) -> Result<Owner, String> {
        if self.has("group") {
            return self.group(world, "group").map(Owner::Group);
        }
        self.project(world).map(Owner::Project)
    }

    /// A user's id, by the name in `user`.
    pub(super) fn user(&self, world: &World) -> Result<i64, String> {
        let name = self.text("user")?;
        world.user_by_name(name).map(|user| user.id).ok_or_else(|| format!("there is no user {name:?}"))
    }

    /// A merge request's id, by `project` and `iid`.
    pub(super) fn merge_request(&self, world: &World) -> Result<i64, String> {
        let (project, iid) = (self.project(world)?, self.number("iid")?);
        let found = world.merge_request_by_iid(project, iid);
        found.map(|found| found.id).ok_or_else(|| format!("there is no merge request {iid}"))
    }

    /// A token's id, by the secret or the name in `token`.
    pub(super) fn token(&self, world: &World) -> Result<i64, String> {
        let wanted = self.text("token")?;
        let named = || world.tokens().find(|token| token.name == wanted && !token.revoked);
        let found = world.token_by_secret(wanted).or_else(named);
        found.map(|token| token.id).ok_or_else(|| "there is no such token".to_owned())
    }

    /// A webhook's id, in `hook`.
    pub(super) fn hook(&self, world: &World) -> Result<i64, String> {
        let id = self.number("hook")?;
        world.hook(id).map(|hook| hook.id).ok_or_else(|| format!("there is no webhook {id}"))
    }
}

/// What a verb says that found nothing to do.
pub(super) fn nothing() -> String {
    "nothing done: it cannot happen to what is there".to_owned()
}
