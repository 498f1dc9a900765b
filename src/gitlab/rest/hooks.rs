//! Webhooks of groups, projects and the instance. Writes address their target by numeric id, because GitLab refuses writes
//! to the old path of a moved project.

use reqwest::Method;
use serde::de::IgnoredAny;

use crate::gitlab::model::{Hook, HookBody, HookEvent};
use crate::gitlab::pages::PER_PAGE;
use crate::gitlab::request::Request;
use crate::gitlab::{Client, Error, Pages};

/// What a hook hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A group: its projects and those of its subgroups. Premium and above.
    Group(i64),
    /// One project.
    Project(i64),
    /// The whole instance. Administrators only.
    System,
}

impl Target {
    fn request<const N: usize>(self, operation: &'static str, method: Method, tail: [&str; N]) -> Request {
        let tail = tail.iter().copied();
        match self {
            Target::Group(id) => {
                Request::at(operation, method, ["groups", &id.to_string(), "hooks"].into_iter().chain(tail))
            }
            Target::Project(id) => {
                Request::at(operation, method, ["projects", &id.to_string(), "hooks"].into_iter().chain(tail))
            }
            Target::System => Request::at(operation, method, ["hooks"].into_iter().chain(tail)),
        }
    }
}

impl Target {
    pub(super) fn list(self) -> Request {
        self.request("hooks", Method::GET, [])
    }
}

impl Client {
    /// All hooks of the target, ours and others'.
    pub fn hooks(&self, target: Target) -> Pages<Hook> {
        Pages::new(self, target.list().with("per_page", PER_PAGE))
    }

    /// Makes a hook. GitLab accepts duplicates, so list before.
    ///
    /// # Errors
    /// `Forbidden` or `InsufficientScope` without the right, `NotFound` where the edition has no hooks of that kind, `Rejected`
    /// (422) for a URL it will not call and for one hook too many. After any error that leaves open whether GitLab did it,
    /// list again: this is never sent twice.
    pub async fn create_hook(&self, target: Target, body: &HookBody) -> Result<Hook, Error> {
        let request = target.request("create_hook", Method::POST, []);
        self.fetch(&holding(request, body)?).await
    }

    /// Changes a hook.
    ///
    /// # Errors
    /// As [`Client::create_hook`].
    pub async fn update_hook(&self, target: Target, hook: i64, body: &HookBody) -> Result<Hook, Error> {
        let request = target.request("update_hook", Method::PUT, [&hook.to_string()]);
        self.fetch(&holding(request, body)?).await
    }

    /// Removes a hook.
    ///
    /// # Errors
    /// `NotFound` if it is gone already.
    pub async fn delete_hook(&self, target: Target, hook: i64) -> Result<(), Error> {
        let request = target.request("delete_hook", Method::DELETE, [&hook.to_string()]);
        self.fetch::<IgnoredAny>(&request).await.map(|_| ())
    }

    /// The calls of a hook in the last seven days, the newest first. From 17.3.
    pub fn hook_events(&self, target: Target, hook: i64) -> Pages<HookEvent> {
        // GitLab refuses larger pages.
        Pages::new(self, target.request("hook_events", Method::GET, [&hook.to_string(), "events"]).with("per_page", 20))
    }

    /// Makes GitLab deliver a test event now, which also re-enables a disabled hook if it is received. Five a minute.
    ///
    /// # Errors
    /// `Rejected` (422) where GitLab finds nothing to make the event of, or the receiver refuses it.
    pub async fn test_hook(&self, target: Target, hook: i64, trigger: &str) -> Result<(), Error> {
        let hook = hook.to_string();
        let request = match target {
            Target::System => target.request("test_hook", Method::POST, [&hook]),
            _ => target.request("test_hook", Method::POST, [&hook, "test", trigger]),
        };
        self.fetch::<IgnoredAny>(&request).await.map(|_| ())
    }
}

/// The request with this body, whose secrets no message may quote.
fn holding(request: Request, body: &HookBody) -> Result<Request, Error> {
    let request = request.json(body)?;
    Ok(request.keeping(body.token.as_ref()).keeping(body.signing_token.as_ref()))
}

impl Client {
    /// The address of a target's hooks, for commands that people run themselves.
    pub fn hooks_address(&self, target: Target) -> url::Url {
        target.list().url(self.root())
    }
}
