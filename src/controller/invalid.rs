//! Connections that cannot be followed as they stand: stored before a rule existed, or by hand past the rules. They are
//! told so in the words of the rule, and stop nobody else.

use std::sync::LazyLock;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
    core::ApiResource,
    runtime::{controller::Action, events::EventType},
};
use serde_json::{Value, json};

use super::{Context, Error, answers::Known, cleanup, events, status};
use crate::{
    access::Verdict,
    api::{FINALIZER, GitLabConnection, GitLabConnectionStatus, conditions::reason},
    cluster::{ConnectionRef, is_gone, timely},
    manifest::Rules,
    status::{Verdicts, cluster_conditions},
};

/// How an API server answers a change of an object that it cannot hold to the schema.
const NEVER: [u16; 2] = [422, 500];

static RULES: LazyLock<Rules> = LazyLock::new(Rules::of_connections);

/// Holds a connection to the rules, once for each generation.
///
/// # Errors
/// The sentence of the first rule that it breaks.
pub(super) fn hold(connection: &GitLabConnection, known: &mut Known) -> Result<(), String> {
    let generation = connection.metadata.generation;
    if known.valid.is_some() && known.valid == generation {
        return Ok(());
    }
    let spec = serde_json::to_value(&connection.spec).unwrap_or_default();
    if let Some(sentence) = broken(&spec) {
        return Err(sentence);
    }
    known.valid = generation;
    Ok(())
}

/// The first rule that a spec breaks, in its words.
fn broken(spec: &Value) -> Option<String> {
    RULES.sentences(json!({ "spec": spec })).into_iter().next()
}

/// Says of a connection that it cannot be followed, and why. Nothing is tried until it changes. Also says whether it wrote.
///
/// # Errors
/// When the API server does not take it.
pub(super) async fn say(
    at: &ConnectionRef,
    meta: &ObjectMeta,
    before: Option<&GitLabConnectionStatus>,
    sentence: &str,
    ctx: &Context,
) -> Result<(Action, bool), Error> {
    ctx.queue.call_off(&at.uid);
    let waiting = Verdict::unknown(reason::WAITING, "waits until the spec can be followed");
    let verdicts = Verdicts { credentials: Verdict::bad(reason::INVALID_SPEC, sentence), ..Verdicts::all(&waiting) };
    let old = before.cloned().unwrap_or_default();
    let conditions = cluster_conditions(&verdicts, &old.conditions, meta.generation, Timestamp::now());
    let after = status::ours(GitLabConnectionStatus { observed_generation: meta.generation, conditions, ..old });
    let wrote = status::publish(at, before, &after, ctx).await?;
    Ok((Action::await_change(), wrote))
}

/// Does what can be done for a connection that cannot be read: says why, or lets it go.
///
/// # Errors
/// When Kubernetes cannot be asked.
pub(super) async fn unreadable(
    at: &ConnectionRef,
    error: &str,
    known: &mut Known,
    ctx: &Context,
) -> Result<(Action, bool), Error> {
    known.round = None;
    let kind = ApiResource::erase::<GitLabConnection>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(ctx.kube.client.clone(), &at.namespace, &kind);
    let object = match timely(api.get(&at.name)).await {
        Ok(object) => object,
        Err(error) if is_gone(&error) => return Ok((Action::await_change(), false)),
        Err(error) => return Err(error.into()),
    };
    // Another one of the same name is another look's.
    if object.metadata.uid.as_ref() != Some(&at.uid) {
        return Ok((Action::await_change(), false));
    }
    let finalizers = object.metadata.finalizers.clone().unwrap_or_default();
    if object.metadata.deletion_timestamp.is_some() {
        if finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
            cleanup::tell_of_orphans(at, "its spec cannot be read", ctx).await;
            let rest: Vec<_> = finalizers.into_iter().filter(|finalizer| finalizer != FINALIZER).collect();
            // With the version that was read: another finalizer that came or went meanwhile is not ours to decide on.
            let version = object.metadata.resource_version;
            let patch = json!({ "metadata": { "finalizers": rest, "resourceVersion": version } });
            timely(api.patch(&at.name, &PatchParams::default(), &Patch::Merge(patch))).await?;
            ctx.kube.metrics.kube.wrote("GitLabConnection", "patch");
        }
        ctx.queue.call_off(&at.uid);
        known.gone = true;
        return Ok((Action::await_change(), false));
    }
    let sentence = broken(&object.data["spec"]).unwrap_or_else(|| error.to_owned());
    let before = object.data.get("status").cloned().and_then(|status| serde_json::from_value(status).ok());
    match say(at, &object.metadata, before.as_ref(), &sentence, ctx).await {
        // What has not even the types of the schema takes no status: the API server refuses every change but its correction.
        Err(Error::Kube(kube::Error::Api(refusal))) if NEVER.contains(&refusal.code) => {
            let note = format!("the spec cannot be followed: {sentence}");
            tracing::warn!(sentence, "the spec cannot be followed, and the API server takes no status of it");
            ctx.kube.tell(at, &events::warn_or_tell(EventType::Warning, "Validate", reason::INVALID_SPEC, &note)).await;
            Ok((Action::await_change(), false))
        }
        said => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_past_the_rules_is_refused_in_the_words_of_the_rule() {
        let good = json!({"url": "https://gitlab.example/", "scope": {"groups": ["acme"]},
                          "credentials": [{"name": "a", "secretRef": {"name": "s", "key": "k"}}]});
        let mut bad = good.clone();
        bad["import"] = json!({"since": "2025-01-01", "lookback": "180d"});

        assert_eq!(broken(&good), None);
        let sentence = broken(&bad).unwrap();
        assert!(sentence.contains("spec.import.since and spec.import.lookback are both set"), "{sentence}");
    }
}
