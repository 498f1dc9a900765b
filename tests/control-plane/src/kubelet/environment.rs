//! A container's variables and its command line, composed as the kubelet does.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource, Pod};

use super::downward;
use super::references::{Data, Name, References};

/// Variables in the order in which the process gets them; each name once.
pub(super) type Variables = BTreeMap<String, String>;

/// The variables of `container`: `inherited` ones, then `envFrom`, then `env`, the later before the earlier.
pub(super) fn variables(
    pod: &Pod,
    container: &Container,
    references: &References,
    inherited: &Variables,
) -> Result<Variables, String> {
    let mut all = inherited.clone();
    for source in container.env_from.iter().flatten() {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        if let Some(secret) = &source.secret_ref {
            let name = Name::Secret(secret.name.clone());
            all.extend(whole(prefix, references.data(&name, secret.optional == Some(true))?));
        }
        if let Some(map) = &source.config_map_ref {
            let name = Name::ConfigMap(map.name.clone());
            all.extend(whole(prefix, references.data(&name, map.optional == Some(true))?));
        }
    }

    // As in the kubelet, `$(NAME)` sees what stands earlier in `env` and what is inherited, but nothing of `envFrom`.
    let mut visible = inherited.clone();
    for variable in container.env.iter().flatten() {
        if let Some(value) = value(pod, container, references, variable, &visible)? {
            visible.insert(variable.name.clone(), value.clone());
            all.insert(variable.name.clone(), value);
        }
    }
    Ok(all)
}

/// What is run: `command` replaces the image's entry point, `args` its arguments, of which our images have none.
pub(super) fn command_line(container: &Container, entry_point: &str, variables: &Variables) -> Vec<String> {
    let command = container.command.clone().unwrap_or_default();
    let command = if command.is_empty() { vec![entry_point.to_owned()] } else { command };
    command.iter().chain(container.args.iter().flatten()).map(|word| expand(word, variables)).collect()
}

/// Replaces `$(NAME)` by the variable's value and `$$` by `$`; what names no variable stays as it is.
pub(super) fn expand(text: &str, variables: &Variables) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let name = tail.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        if let Some(after) = tail.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) = name {
            match variables.get(name) {
                Some(value) => expanded.push_str(value),
                None => expanded.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            expanded.push('$');
            rest = tail;
        }
    }
    expanded.push_str(rest);
    expanded
}

fn whole(prefix: &str, data: Option<&Data>) -> Variables {
    let entries = data.into_iter().flatten();
    entries.map(|(key, value)| (format!("{prefix}{key}"), String::from_utf8_lossy(value).into_owned())).collect()
}

fn value(
    pod: &Pod,
    container: &Container,
    references: &References,
    variable: &EnvVar,
    visible: &Variables,
) -> Result<Option<String>, String> {
    match &variable.value_from {
        None => Ok(Some(expand(variable.value.as_deref().unwrap_or_default(), visible))),
        Some(source) => from(pod, container, references, source),
    }
}

fn from(
    pod: &Pod,
    container: &Container,
    references: &References,
    source: &EnvVarSource,
) -> Result<Option<String>, String> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    if let Some(key) = &source.secret_key_ref {
        let name = Name::Secret(key.name.clone());
        return Ok(references.key(&name, &key.key, key.optional == Some(true))?.map(text));
    }
    if let Some(key) = &source.config_map_key_ref {
        let name = Name::ConfigMap(key.name.clone());
        return Ok(references.key(&name, &key.key, key.optional == Some(true))?.map(text));
    }
    if let Some(field) = &source.field_ref {
        return downward::field(pod, &field.field_path).map(Some);
    }
    if let Some(resource) = &source.resource_field_ref {
        return downward::resource(container, resource).map(Some);
    }
    Err("unsupported source of a variable".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(entries: &[(&str, &str)]) -> Variables {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn references() -> References {
        let data = |value: &str| BTreeMap::from([("key".to_owned(), value.as_bytes().to_vec())]);
        References(BTreeMap::from([
            (Name::Secret("password".to_owned()), data("hunter2")),
            (Name::ConfigMap("settings".to_owned()), data("blue")),
        ]))
    }

    fn variables_of(container: serde_json::Value) -> Result<Variables, String> {
        let pod = serde_json::from_value(json!({"metadata": {"name": "one"}})).unwrap();
        let container = serde_json::from_value(container).unwrap();
        variables(&pod, &container, &references(), &pairs(&[("HOME", "/")]))
    }

    #[test]
    fn a_reference_is_replaced_an_escaped_or_unknown_one_is_not() {
        let known = pairs(&[("A", "x"), ("EMPTY", "")]);

        let expanded =
            ["$(A)$(A)", "$$(A)", "$(B) $(EMPTY).", "$A 5$", "$(A", "$$$(A)"].map(|text| expand(text, &known));

        assert_eq!(expanded, ["xx", "$(A)", "$(B) .", "$A 5$", "$(A", "$x"]);
    }

    #[test]
    fn variables_come_from_text_objects_and_the_pod_itself() {
        let all = variables_of(json!({"name": "main", "envFrom": [
            {"prefix": "S_", "configMapRef": {"name": "settings"}},
            {"secretRef": {"name": "absent", "optional": true}},
        ], "env": [
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "password", "key": "key"}}},
            {"name": "URL", "value": "//$(PASSWORD)@$(S_key)$(HOME)"},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "NONE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "no", "optional": true}}},
        ]}));

        let expected = pairs(&[
            ("HOME", "/"),
            ("S_key", "blue"),
            ("PASSWORD", "hunter2"),
            ("URL", "//hunter2@$(S_key)/"),
            ("POD", "one"),
        ]);
        assert_eq!(all, Ok(expected));
    }

    #[test]
    fn what_is_missing_is_named() {
        let key = variables_of(json!({"name": "main", "env": [
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "password", "key": "no"}}},
        ]}));
        let object = variables_of(json!({"name": "main", "envFrom": [{"configMapRef": {"name": "absent"}}]}));

        assert_eq!(key, Err("couldn't find key no in secret \"password\"".to_owned()));
        assert_eq!(object, Err("configmap \"absent\" not found".to_owned()));
    }

    #[test]
    fn arguments_follow_the_entry_point_and_a_command_replaces_it() {
        let known = pairs(&[("WHO", "me")]);
        let line = |container: serde_json::Value| {
            command_line(&serde_json::from_value(container).unwrap(), "/bin/product", &known)
        };

        let arguments = line(json!({"name": "main", "args": ["--to", "$(WHO)"]}));
        let command = line(json!({"name": "main", "command": ["sh", "-c"], "args": ["echo"]}));

        assert_eq!(arguments, ["/bin/product", "--to", "me"]);
        assert_eq!(command, ["sh", "-c", "echo"]);
    }
}
