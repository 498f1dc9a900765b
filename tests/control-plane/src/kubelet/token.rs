//! Tokens of a pod's ServiceAccount, bound to the pod and renewed before they end.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, PodSpec, ServiceAccount, ServiceAccountTokenProjection};
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};

/// What is asked for where the pod does not say: the kubelet's own default.
const LIFETIME_SECONDS: i64 = 3600;

#[derive(Clone)]
struct Token {
    value: String,
    renew: Timestamp,
}

/// The tokens of one pod, by volume and path.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<(String, String), Token>);

impl Tokens {
    /// Asks for each token that is missing or close to its end.
    pub(super) async fn renew(&mut self, client: &Client, pod: &Pod) -> Result<(), String> {
        for (volume, projection) in projections(pod) {
            let key = (volume.to_owned(), projection.path.clone());
            let due = self.0.get(&key).is_none_or(|token| token.renew <= Timestamp::now());
            if due {
                let token = request(client, pod, projection).await?;
                self.0.insert(key, token);
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, volume: &str, path: &str) -> Option<&str> {
        self.0.get(&(volume.to_owned(), path.to_owned())).map(|token| token.value.as_str())
    }

    /// How long until one of them is to be renewed.
    pub(super) fn next(&self) -> Option<Duration> {
        let first = self.0.values().map(|token| token.renew).min()?;
        Some(Duration::try_from(first.duration_since(Timestamp::now())).unwrap_or_default())
    }
}

fn projections(pod: &Pod) -> impl Iterator<Item = (&str, &ServiceAccountTokenProjection)> {
    pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()).flat_map(|volume| {
        let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
        sources.filter_map(|source| Some((volume.name.as_str(), source.service_account_token.as_ref()?)))
    })
}

async fn request(client: &Client, pod: &Pod, projection: &ServiceAccountTokenProjection) -> Result<Token, String> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
    let asked = TokenRequest {
        spec: TokenRequestSpec {
            audiences: projection.audience.iter().cloned().collect(),
            expiration_seconds: Some(projection.expiration_seconds.unwrap_or(LIFETIME_SECONDS)),
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
            }),
        },
        ..TokenRequest::default()
    };
    let name = account(pod.spec.as_ref());
    let failed = |why: &dyn std::fmt::Display| format!("cannot get a token of ServiceAccount {name:?}: {why}");
    let answer = accounts.create_token_request(name, &PostParams::default(), &asked).await;
    let status = answer.map_err(|error| failed(&error))?.status.ok_or_else(|| failed(&"the answer has none"))?;
    Ok(Token { renew: renewal(Timestamp::now(), status.expiration_timestamp.0), value: status.token })
}

fn account(spec: Option<&PodSpec>) -> &str {
    spec.and_then(|spec| spec.service_account_name.as_deref()).unwrap_or("default")
}

/// After four fifths of the token's life, as the kubelet does.
fn renewal(now: Timestamp, end: Timestamp) -> Timestamp {
    let life = end.duration_since(now);
    now.saturating_add(SignedDuration::from_millis_i128(life.as_millis() * 4 / 5)).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_after_four_fifths_of_its_life() {
        let now = Timestamp::UNIX_EPOCH;
        let end = now + SignedDuration::from_secs(600);

        assert_eq!(renewal(now, end), now + SignedDuration::from_secs(480));
    }
}
