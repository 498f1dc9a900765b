//! What happens to the instance: its settings, its clock, its backups.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::sent::{Sent, nothing};
use super::verb::{Done, Verb, verb};
use crate::world::{Clock, Edition, Settings, Version, World};

pub(super) static VERBS: &[Verb] = &[
    verb("settings", "any of them, by name", "changes the instance: its version, edition, limits", set),
    verb("clock", "seconds, or at", "moves the clock by so many seconds, or stops it at a time", clock),
    verb("back-up", "name", "keeps all that is there", |world, sent| {
        world.back_up(sent.text("name")?);
        Ok(json!({}))
    }),
    verb("restore", "name", "goes back to a backup; ids given since are given again", |world, sent| {
        world.restore(sent.text("name")?).ok_or_else(nothing)?;
        Ok(json!({}))
    }),
];

/// A setting and how it is read.
type Setting = (&'static str, fn(&mut Settings, &Value) -> Option<()>);

/// The settings that can be changed while it runs. Null takes a limit away.
static SETTINGS: &[Setting] = &[
    ("version", |settings, value| {
        settings.version = Version::parse(value.as_str()?)?;
        Some(())
    }),
    ("edition", |settings, value| {
        settings.edition = Edition::from_name(value.as_str()?)?;
        Some(())
    }),
    ("maintenance", |settings, value| flag(&mut settings.maintenance, value)),
    ("cache_lists", |settings, value| flag(&mut settings.cache_lists, value)),
    ("linking_delay", |settings, value| {
        settings.linking_delay = SignedDuration::from_secs(i64::from(u32::try_from(value.as_u64()?).ok()?));
        Some(())
    }),
    ("auto_disable_webhooks", |settings, value| flag(&mut settings.auto_disable_webhooks, value)),
    ("allow_local_webhooks", |settings, value| flag(&mut settings.allow_local_webhooks, value)),
    ("duplicate_webhooks", |settings, value| flag(&mut settings.duplicate_webhooks, value)),
    ("shuffle_webhooks", |settings, value| flag(&mut settings.shuffle_webhooks, value)),
    ("require_expiry", |settings, value| flag(&mut settings.require_expiry, value)),
    ("admin_mode", |settings, value| flag(&mut settings.admin_mode, value)),
    ("rate_limit", |settings, value| limit(&mut settings.rate_limit, value)),
    ("anonymous_rate_limit", |settings, value| limit(&mut settings.anonymous_rate_limit, value)),
    ("address_rate_limit", |settings, value| limit(&mut settings.address_rate_limit, value)),
    ("webhook_rate_limit", |settings, value| limit(&mut settings.webhook_rate_limit, value)),
    ("rate_period", |settings, value| {
        settings.rate_period = u32::try_from(value.as_u64()?).ok()?;
        Some(())
    }),
    ("complexity_limit", |settings, value| limit(&mut settings.complexity_limit, value)),
    ("depth_limit", |settings, value| limit(&mut settings.depth_limit, value)),
    ("page_size_limit", |settings, value| limit(&mut settings.page_size_limit, value)),
    ("project_hook_limit", |settings, value| count(&mut settings.project_hook_limit, value)),
    ("group_hook_limit", |settings, value| count(&mut settings.group_hook_limit, value)),
    ("count_limit", |settings, value| count(&mut settings.count_limit, value)),
    ("offset_limit", |settings, value| count(&mut settings.offset_limit, value)),
];

fn flag(place: &mut bool, value: &Value) -> Option<()> {
    *place = value.as_bool()?;
    Some(())
}

fn limit<T: TryFrom<u64>>(place: &mut Option<T>, value: &Value) -> Option<()> {
    *place = match value {
        Value::Null => None,
        number => Some(T::try_from(number.as_u64()?).ok()?),
    };
    Some(())
}

fn count(place: &mut usize, value: &Value) -> Option<()> {
    *place = usize::try_from(value.as_u64()?).ok()?;
    Some(())
}

fn set(world: &mut World, sent: &Sent<'_>) -> Done {
    let wanted = sent.0.as_object().ok_or("settings are an object")?;
    let mut changed = world.settings.clone();
    for (name, value) in wanted {
        let known = SETTINGS.iter().find(|(known, _)| known == name);
        let (_, set) = known.ok_or_else(|| {
            let names: Vec<&str> = SETTINGS.iter().map(|(name, _)| *name).collect();
            format!("there is no setting {name:?}; there are {}", names.join(", "))
        })?;
        set(&mut changed, value).ok_or_else(|| format!("{value} is nothing for {name:?}"))?;
    }
    world.settings = changed;
    Ok(json!({ "version": world.settings.full_version() }))
}

fn clock(world: &mut World, sent: &Sent<'_>) -> Done {
    if let Some(at) = sent.optional("at") {
        let at: Timestamp = at.parse().map_err(|_| format!("{at:?} is not a time"))?;
        world.clock = Clock::Fixed(at);
    } else {
        world.advance(SignedDuration::from_secs(sent.number("seconds")?));
    }
    Ok(json!({ "now": world.now() }))
}
