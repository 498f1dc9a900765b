//! Which files a volume is to show.

use k8s_openapi::api::core::v1::{Container, DownwardAPIVolumeFile, KeyToPath, Pod, Volume, VolumeProjection};

use super::downward;
use super::files::{File, Files};
use super::references::{Name, References};
use super::security;
use super::token::Tokens;

const DEFAULT_MODE: i32 = 0o644;

/// What a volume is made of at one moment.
pub(super) struct Sources<'a> {
    pub(super) pod: &'a Pod,
    pub(super) references: &'a References,
    pub(super) tokens: &'a Tokens,
}

impl Sources<'_> {
    /// The files of `volume`; nothing for one that is the container's to fill.
    pub(super) fn files(&self, volume: &Volume) -> Result<Option<Files>, String> {
        if volume.empty_dir.is_some() {
            return Ok(None);
        }
        let mut files = Files::new();
        if let Some(secret) = &volume.secret {
            let name = Name::Secret(secret.secret_name.clone().unwrap_or_default());
            let mode = secret.default_mode.unwrap_or(DEFAULT_MODE);
            files = self.keys(&name, secret.items.as_deref(), secret.optional == Some(true), mode)?;
        } else if let Some(map) = &volume.config_map {
            let name = Name::ConfigMap(map.name.clone());
            let mode = map.default_mode.unwrap_or(DEFAULT_MODE);
            files = self.keys(&name, map.items.as_deref(), map.optional == Some(true), mode)?;
        } else if let Some(downward) = &volume.downward_api {
            let mode = downward.default_mode.unwrap_or(DEFAULT_MODE);
            files = self.fields(downward.items.as_deref(), mode)?;
        } else if let Some(projected) = &volume.projected {
            let mode = projected.default_mode.unwrap_or(DEFAULT_MODE);
            for source in projected.sources.iter().flatten() {
                files.extend(self.projection(&volume.name, source, mode)?);
            }
        } else {
            return Err(format!("volume {:?} is of a kind that this kubelet does not know", volume.name));
        }
        Ok(Some(files))
    }

    fn projection(&self, volume: &str, source: &VolumeProjection, mode: i32) -> Result<Files, String> {
        if let Some(secret) = &source.secret {
            let name = Name::Secret(secret.name.clone());
            return self.keys(&name, secret.items.as_deref(), secret.optional == Some(true), mode);
        }
        if let Some(map) = &source.config_map {
            let name = Name::ConfigMap(map.name.clone());
            return self.keys(&name, map.items.as_deref(), map.optional == Some(true), mode);
        }
        if let Some(downward) = &source.downward_api {
            return self.fields(downward.items.as_deref(), mode);
        }
        let Some(projection) = &source.service_account_token else {
            return Err(format!("volume {volume:?} projects what this kubelet does not know"));
        };
        let token = self.tokens.get(volume, &projection.path).unwrap_or_default();
        Ok(Files::from([(projection.path.clone(), self.token_file(token, mode))]))
    }

    /// A token is for its user alone where the pod says who that is, as the kubelet has it.
    fn token_file(&self, token: &str, mode: i32) -> File {
        let spec = self.pod.spec.as_ref();
        let user = spec.and_then(security::shared_user);
        let group = spec.and_then(security::fs_group);
        let mode = if user.is_some() || group.is_some() { 0o600 } else { mode };
        File { content: token.as_bytes().to_vec(), mode: bits(mode), uid: user.and_then(|uid| u32::try_from(uid).ok()) }
    }

    fn keys(&self, name: &Name, items: Option<&[KeyToPath]>, optional: bool, mode: i32) -> Result<Files, String> {
        let Some(data) = self.references.data(name, optional)? else { return Ok(Files::new()) };
        let file = |content: &[u8], mode: i32| File { content: content.to_vec(), mode: bits(mode), uid: None };
        let items = items.unwrap_or_default();
        if items.is_empty() {
            return Ok(data.iter().map(|(key, content)| (key.clone(), file(content, mode))).collect());
        }

        let mut files = Files::new();
        for item in items {
            if let Some(content) = self.references.key(name, &item.key, optional)? {
                files.insert(item.path.clone(), file(content, item.mode.unwrap_or(mode)));
            }
        }
        Ok(files)
    }

    fn fields(&self, items: Option<&[DownwardAPIVolumeFile]>, mode: i32) -> Result<Files, String> {
        let mut files = Files::new();
        for item in items.unwrap_or_default() {
            let content = match (&item.field_ref, &item.resource_field_ref) {
                (Some(field), _) => downward::field(self.pod, &field.field_path)?,
                (None, Some(resource)) => {
                    downward::resource(&self.container(resource.container_name.as_deref())?, resource)?
                }
                (None, None) => return Err(format!("no field is named for {:?}", item.path)),
            };
            let mode = bits(item.mode.unwrap_or(mode));
            files.insert(item.path.clone(), File { content: content.into_bytes(), mode, uid: None });
        }
        Ok(files)
    }

    fn container(&self, name: Option<&str>) -> Result<Container, String> {
        let containers = self.pod.spec.iter().flat_map(|spec| &spec.containers);
        let found = containers.into_iter().find(|container| Some(container.name.as_str()) == name);
        found.cloned().ok_or_else(|| format!("no container is named {:?}", name.unwrap_or_default()))
    }
}

fn bits(mode: i32) -> u32 {
    mode.unsigned_abs() & 0o777
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn shown(volume: serde_json::Value) -> Result<Vec<(String, String, u32)>, String> {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": "one", "namespace": "here"},
            "spec": {"containers": [{"name": "main", "securityContext": {"runAsUser": 1000}}]},
        }))
        .unwrap();
        let data = BTreeMap::from([("a".to_owned(), b"x".to_vec()), ("b".to_owned(), b"y".to_vec())]);
        let references = References(BTreeMap::from([(Name::Secret("password".to_owned()), data)]));
        let volume = serde_json::from_value(volume).unwrap();
        let sources = Sources { pod: &pod, references: &references, tokens: &Tokens::default() };
        let files = sources.files(&volume)?.unwrap_or_default();
        Ok(files.into_iter().map(|(path, file)| (path, String::from_utf8(file.content).unwrap(), file.mode)).collect())
    }

    fn file(path: &str, content: &str, mode: u32) -> (String, String, u32) {
        (path.to_owned(), content.to_owned(), mode)
    }

    #[test]
    fn a_secret_shows_each_key_or_the_named_items() {
        let all = shown(json!({"name": "v", "secret": {"secretName": "password", "defaultMode": 0o400}}));
        let items = shown(json!({"name": "v", "secret": {"secretName": "password",
            "items": [{"key": "b", "path": "deep/b", "mode": 0o440}]}}));

        assert_eq!(all, Ok(vec![file("a", "x", 0o400), file("b", "y", 0o400)]));
        assert_eq!(items, Ok(vec![file("deep/b", "y", 0o440)]));
    }

    #[test]
    fn a_projected_volume_joins_its_sources_and_keeps_tokens_to_their_user() {
        let files = shown(json!({"name": "v", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token"}},
            {"secret": {"name": "absent", "optional": true}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
        ]}}));

        assert_eq!(files, Ok(vec![file("namespace", "here", 0o644), file("token", "", 0o600)]));
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let object = shown(json!({"name": "v", "secret": {"secretName": "absent"}}));
        let key = shown(json!({"name": "v", "secret": {"secretName": "password",
            "items": [{"key": "c", "path": "c"}]}}));
        let kind = shown(json!({"name": "v", "hostPath": {"path": "/"}}));

        assert_eq!(object, Err("secret \"absent\" not found".to_owned()));
        assert_eq!(key, Err("couldn't find key c in secret \"password\"".to_owned()));
        assert_eq!(kind, Err("volume \"v\" is of a kind that this kubelet does not know".to_owned()));
    }
}
