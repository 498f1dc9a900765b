//! What has to change so that a target carries exactly one hook of ours. Pure.

use std::fmt;

use url::Url;

use crate::{
    api::{Adopt, Events},
    gitlab::model::Hook,
};

/// The one hook that a target is to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Identity of the connection: the last segment of the hook's URL.
    pub uid: String,
    /// Where deliveries go, with that segment.
    pub url: Url,
    /// Which hooks that exist are ours.
    pub adopt: Adopt,
    /// What GitLab tells us of.
    pub events: Events,
    /// Whether GitLab checks the receiver's certificate.
    pub ssl_verification: bool,
    /// Whether this GitLab keeps name and description (17.1 and up).
    pub named: bool,
    /// Name and namespace of the connection, for the description.
    pub connection: String,
    /// The hook that is known to hold the present secret.
    pub up_to_date: Option<i64>,
}

/// One step towards the one hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is none of ours: make it.
    Create,
    /// It is ours and not as wanted.
    Update(i64, Vec<Drift>),
    /// It is ours and one too many.
    Remove(i64),
    /// It is ours, and GitLab has switched it off.
    Enable(i64),
    /// It is as wanted.
    Keep(i64),
}

/// What is not as wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// The URL.
    Url,
    /// Name or description.
    Mark,
    /// What GitLab tells us of.
    Events,
    /// Checking the receiver's certificate.
    SslVerification,
    /// The secret is another one, or nobody knows which.
    Secret,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "URL",
            Self::Mark => "name",
            Self::Events => "events",
            Self::SslVerification => "SSL verification",
            Self::Secret => "secret",
        })
    }
}

/// Name of every hook of ours, where GitLab keeps names.
pub const NAME: &str = "gitlab-connector";

/// URL of the hook of one connection below the receiver's URL.
#[must_use]
pub fn hook_url(receiver: &Url, uid: &str) -> Url {
    let mut url = receiver.clone();
    if last_segment(&url) != Some(uid)
        && let Ok(mut segments) = url.path_segments_mut()
    {
        segments.pop_if_empty().push(uid);
    }
    url
}

/// What has to change; nothing but [`Change::Keep`] when all is well. Hooks of others are not even mentioned.
///
/// Of several hooks of ours the one with the lowest id stays, so that two who clean up at once agree.
#[must_use]
pub fn plan(wanted: &Wanted, existing: &[Hook]) -> Vec<Change> {
    let mut ours: Vec<_> = existing.iter().filter_map(|hook| Some((wanted.claim(hook)?, hook))).collect();
    ours.sort_by_key(|(claim, hook)| (*claim, hook.id));
    let mut ours = ours.into_iter().map(|(_, hook)| hook);

    let Some(survivor) = ours.next() else {
        return vec![Change::Create];
    };
    let mut changes = Vec::new();
    let drift = wanted.drift(survivor);
    if !drift.is_empty() {
        changes.push(Change::Update(survivor.id, drift));
    }
    if is_disabled(survivor) {
        changes.push(Change::Enable(survivor.id));
    }
    if changes.is_empty() {
        changes.push(Change::Keep(survivor.id));
    }
    changes.extend(ours.map(|hook| Change::Remove(hook.id)));
    changes
}

/// Why a hook counts as ours; what carries our mark comes before what is merely adopted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    Marked,
    SameReceiver,
}

impl Wanted {
    /// The description that marks a hook as ours, where GitLab keeps descriptions.
    #[must_use]
    pub fn description(&self) -> String {
        format!("Managed by gitlab-connector for {} ({}). Changes are undone.", self.connection, self.uid)
    }

    fn claim(&self, hook: &Hook) -> Option<Claim> {
        is_marked(&self.uid, hook).then_some(Claim::Marked).or_else(|| self.adopts(hook).then_some(Claim::SameReceiver))
    }

    /// Points at our receiver, but at no connection in particular.
    fn adopts(&self, hook: &Hook) -> bool {
        let receiver = self.url.as_str().trim_end_matches(&self.uid).trim_end_matches('/');
        self.adopt == Adopt::ByURL && hook.url.trim_end_matches('/') == receiver
    }

    fn drift(&self, hook: &Hook) -> Vec<Drift> {
        // What an older GitLab does not report cannot be told to be wrong.
        let is = |reported: Option<bool>, wanted: bool| reported.is_none_or(|reported| reported == wanted);
        let mark = hook.name.as_deref() == Some(NAME) && hook.description.as_deref() == Some(&self.description());
        let events = is(hook.merge_requests_events, self.events.merge_requests)
            && is(hook.note_events, self.events.comments)
            && is(hook.confidential_note_events, false)
            && is(hook.push_events, false)
            && is(hook.tag_push_events, false)
            && is(hook.repository_update_events, false);
        let secret = self.up_to_date == Some(hook.id) && hook.token_present != Some(false);
        let kept = [
            (hook.url == self.url.as_str(), Drift::Url),
            (mark || !self.named, Drift::Mark),
            (events, Drift::Events),
            (is(hook.enable_ssl_verification, self.ssl_verification), Drift::SslVerification),
            (secret, Drift::Secret),
        ];
        kept.into_iter().filter(|(kept, _)| !kept).map(|(_, drift)| drift).collect()
    }
}

/// Whether a hook carries the mark of a connection, in its URL or, where a person has edited that, in its description.
#[must_use]
pub fn is_marked(uid: &str, hook: &Hook) -> bool {
    let in_url = Url::parse(&hook.url).is_ok_and(|url| last_segment(&url) == Some(uid));
    let described = hook
        .description
        .as_deref()
        .is_some_and(|text| text.starts_with("Managed by gitlab-connector for ") && text.contains(&format!("({uid})")));
    in_url || described
}

fn last_segment(url: &Url) -> Option<&str> {
    url.path_segments()?.rfind(|segment| !segment.is_empty())
}

fn is_disabled(hook: &Hook) -> bool {
    matches!(hook.alert_status.as_deref(), Some("disabled" | "temporarily_disabled"))
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::vec,
        option,
        prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest},
    };

    use super::*;

    const URL: &str = "https://hooks.example.com/webhooks/gitlab/uid-1";

    fn wanted() -> Wanted {
        Wanted {
            uid: "uid-1".into(),
            url: URL.parse().unwrap(),
            adopt: Adopt::Marked,
            events: Events::default(),
            ssl_verification: true,
            named: true,
            connection: "metrics/acme".into(),
            up_to_date: Some(7),
        }
    }

    fn hook(id: i64, url: &str) -> Hook {
        Hook {
            id,
            url: url.into(),
            name: None,
            description: None,
            created_at: None,
            merge_requests_events: Some(true),
            note_events: Some(true),
            confidential_note_events: Some(false),
            push_events: Some(false),
            tag_push_events: Some(false),
            repository_update_events: Some(false),
            enable_ssl_verification: Some(true),
            alert_status: Some("executable".into()),
            disabled_until: None,
            token_present: Some(true),
            signing_token_present: Some(false),
            custom_headers: Vec::new(),
        }
    }

    fn ours(id: i64) -> Hook {
        Hook { name: Some(NAME.into()), description: Some(wanted().description()), ..hook(id, URL) }
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table, and it reads as one")]
    fn each_state_has_its_plan() {
        use Change::{Create, Enable, Keep, Remove, Update};
        let rows = [
            ("nothing", vec![], vec![Create]),
            ("as wanted", vec![ours(7)], vec![Keep(7)]),
            ("only foreign ones", vec![hook(1, "https://ci.example.com/hook"), hook(2, "not a url")], vec![Create]),
            (
                "another connection of ours",
                vec![hook(1, "https://hooks.example.com/webhooks/gitlab/uid-2")],
                vec![Create],
            ),
            ("same receiver, no mark", vec![hook(1, "https://hooks.example.com/webhooks/gitlab")], vec![Create]),
            (
                "URL edited by hand",
                vec![Hook { url: "https://elsewhere.example.com/".into(), ..ours(7) }],
                vec![Update(7, vec![Drift::Url])],
            ),
            (
                "receiver moved",
                vec![Hook { url: "http://old.example.com/webhooks/gitlab/uid-1".into(), ..ours(7) }],
                vec![Update(7, vec![Drift::Url])],
            ),
            (
                "events edited by hand",
                vec![Hook { note_events: Some(false), push_events: Some(true), ..ours(7) }],
                vec![Update(7, vec![Drift::Events])],
            ),
            (
                "confidential comments switched on",
                vec![Hook { confidential_note_events: Some(true), ..ours(7) }],
                vec![Update(7, vec![Drift::Events])],
            ),
            (
                "SSL switched off",
                vec![Hook { enable_ssl_verification: Some(false), ..ours(7) }],
                vec![Update(7, vec![Drift::SslVerification])],
            ),
            ("mark lost", vec![Hook { name: None, ..ours(7) }], vec![Update(7, vec![Drift::Mark])]),
            (
                "secret removed by hand",
                vec![Hook { token_present: Some(false), ..ours(7) }],
                vec![Update(7, vec![Drift::Secret])],
            ),
            ("secret unknown", vec![ours(8)], vec![Update(8, vec![Drift::Secret])]),
            ("duplicates", vec![ours(9), ours(7), ours(8)], vec![Keep(7), Remove(8), Remove(9)]),
            ("disabled", vec![Hook { alert_status: Some("temporarily_disabled".into()), ..ours(7) }], vec![Enable(7)]),
            (
                "disabled and edited",
                vec![Hook { alert_status: Some("disabled".into()), note_events: Some(false), ..ours(7) }],
                vec![Update(7, vec![Drift::Events]), Enable(7)],
            ),
        ];
        for (state, existing, changes) in rows {
            assert_eq!(plan(&wanted(), &existing), changes, "{state}");
        }
    }

    #[test]
    fn adoption_by_url_takes_what_points_at_the_receiver_and_at_no_other_connection() {
        let wanted = Wanted { adopt: Adopt::ByURL, ..wanted() };
        let bare = |id| hook(id, "https://hooks.example.com/webhooks/gitlab/");
        let other = hook(1, "https://hooks.example.com/webhooks/gitlab/uid-2");

        let adopted = plan(&wanted, &[other.clone(), bare(3), bare(4)]);
        let beside = plan(&wanted, &[bare(3), ours(7)]);

        let drift = vec![Drift::Url, Drift::Mark, Drift::Secret];
        assert_eq!(adopted, [Change::Update(3, drift), Change::Remove(4)]);
        assert_eq!(beside, [Change::Keep(7), Change::Remove(3)]);
    }

    #[test]
    fn an_old_gitlab_that_keeps_no_names_is_not_corrected_for_ever() {
        let wanted = Wanted { named: false, ..wanted() };

        let old = Hook { token_present: None, confidential_note_events: None, alert_status: None, ..hook(7, URL) };

        assert_eq!(plan(&wanted, &[old]), [Change::Keep(7)]);
    }

    #[test]
    fn the_url_ends_in_the_uid_once() {
        let url = |text: &str| hook_url(&text.parse().unwrap(), "uid-1").to_string();

        assert_eq!(url("https://h/webhooks/gitlab"), "https://h/webhooks/gitlab/uid-1");
        assert_eq!(url("https://h/webhooks/gitlab/"), "https://h/webhooks/gitlab/uid-1");
        assert_eq!(url("https://h/base/webhooks/gitlab/uid-1"), "https://h/base/webhooks/gitlab/uid-1");
    }

    /// Applies a plan to hooks as GitLab would.
    fn apply(wanted: &Wanted, changes: &[Change], existing: &mut Vec<Hook>) -> Option<i64> {
        let mut survivor = None;
        for change in changes {
            match change {
                Change::Create => {
                    let id = existing.iter().map(|hook| hook.id).max().unwrap_or(0) + 1;
                    existing.push(Hook { id, url: wanted.url.to_string(), ..ours(id) });
                    survivor = Some(id);
                }
                Change::Update(id, _) => {
                    let hook = existing.iter_mut().find(|hook| hook.id == *id).unwrap();
                    *hook = Hook { alert_status: hook.alert_status.clone(), url: wanted.url.to_string(), ..ours(*id) };
                    survivor = Some(*id);
                }
                Change::Enable(id) => {
                    existing.iter_mut().find(|hook| hook.id == *id).unwrap().alert_status = Some("executable".into());
                }
                Change::Remove(id) => existing.retain(|hook| hook.id != *id),
                Change::Keep(id) => survivor = Some(*id),
            }
        }
        survivor.or(wanted.up_to_date)
    }

    fn some_hook() -> impl Strategy<Value = Hook> {
        let url = prop_oneof![
            Just(URL.to_owned()),
            Just("https://hooks.example.com/webhooks/gitlab/".to_owned()),
            Just("https://hooks.example.com/webhooks/gitlab/uid-2".to_owned()),
            Just("https://old.example.com/webhooks/gitlab/uid-1".to_owned()),
            "[a-z:/.]{0,20}",
        ];
        let described = prop_oneof![Just(None), Just(Some(wanted().description())), Just(Some("CI".to_owned()))];
        let flags = (option::of(any::<bool>()), option::of(any::<bool>()), option::of(any::<bool>()));
        let status = option::of(prop_oneof![Just("executable".to_owned()), Just("disabled".to_owned())]);
        (url, described, flags, status).prop_map(|(url, description, (notes, pushes, token), alert_status)| Hook {
            description,
            note_events: notes,
            push_events: pushes,
            token_present: token,
            alert_status,
            ..hook(0, &url)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_plan_carried_out_leaves_nothing_to_do_one_hook_of_ours_and_all_foreign_ones(
            hooks in vec(some_hook(), 0..8),
            by_url in any::<bool>(),
        ) {
            let adopt = if by_url { Adopt::ByURL } else { Adopt::Marked };
            let mut wanted = Wanted { adopt, ..wanted() };
            let mut existing: Vec<_> = (1..).zip(hooks).map(|(id, hook)| Hook { id, ..hook }).collect();
            let foreign: Vec<_> = existing.iter().filter(|hook| wanted.claim(hook).is_none()).cloned().collect();

            let changes = plan(&wanted, &existing);
            wanted.up_to_date = apply(&wanted, &changes, &mut existing);

            let [Change::Keep(survivor)] = plan(&wanted, &existing)[..] else { panic!("{existing:#?}") };
            let left: Vec<_> = existing.iter().filter(|hook| hook.id != survivor).cloned().collect();
            assert_eq!(left, foreign);
        }
    }
}
