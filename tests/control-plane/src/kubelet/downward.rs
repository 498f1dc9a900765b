//! What a pod may learn of itself: the downward API, for variables and for files.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, ResourceFieldSelector};

/// Every pod's address: the network is the machine's.
pub(super) const ADDRESS: &str = "127.0.0.1";
/// The one node that there is.
pub(super) const NODE: &str = "local";

/// The value of a `fieldRef`.
pub(super) fn field(pod: &Pod, path: &str) -> Result<String, String> {
    let metadata = &pod.metadata;
    let value = match path {
        "metadata.name" => metadata.name.clone(),
        "metadata.namespace" => metadata.namespace.clone(),
        "metadata.uid" => metadata.uid.clone(),
        "metadata.labels" => Some(lines(metadata.labels.as_ref())),
        "metadata.annotations" => Some(lines(metadata.annotations.as_ref())),
        "spec.nodeName" => Some(NODE.to_owned()),
        "spec.serviceAccountName" => pod.spec.as_ref().and_then(|spec| spec.service_account_name.clone()),
        "status.podIP" | "status.podIPs" | "status.hostIP" | "status.hostIPs" => Some(ADDRESS.to_owned()),
        _ => match subscript(path) {
            Some(("metadata.labels", key)) => metadata.labels.as_ref().and_then(|labels| labels.get(key)).cloned(),
            Some(("metadata.annotations", key)) => {
                metadata.annotations.as_ref().and_then(|annotations| annotations.get(key)).cloned()
            }
            _ => return Err(format!("unsupported fieldPath: {path}")),
        },
    };
    Ok(value.unwrap_or_default())
}

/// The value of a `resourceFieldRef`: a request, a limit, or what the machine has where no limit is set.
pub(super) fn resource(container: &Container, selector: &ResourceFieldSelector) -> Result<String, String> {
    let path = selector.resource.as_str();
    let (kind, name) = path.split_once('.').ok_or_else(|| format!("unsupported container resource: {path}"))?;
    let resources = container.resources.clone().unwrap_or_default();
    let amounts = match kind {
        "limits" => resources.limits,
        "requests" => resources.requests,
        _ => return Err(format!("unsupported container resource: {path}")),
    };
    let amount = match (amounts.as_ref().and_then(|amounts| amounts.get(name)), kind, name) {
        (Some(quantity), ..) => quantity_of(&quantity.0)?,
        (None, "limits", "cpu") => std::thread::available_parallelism().map_or(1.0, |cpus| cpus.get() as f64),
        (None, "limits", "memory") => f64::from(1_u32 << 30),
        _ => 0.0,
    };
    let divisor = match selector.divisor.as_ref().map(|divisor| divisor.0.as_str()) {
        None | Some("" | "0") => 1.0,
        Some(text) => quantity_of(text)?,
    };
    Ok(format!("{:.0}", (amount / divisor).ceil()))
}

/// `path['key']` in its two parts.
fn subscript(path: &str) -> Option<(&str, &str)> {
    let (name, rest) = path.split_once("['")?;
    Some((name, rest.strip_suffix("']")?))
}

/// Labels and annotations as the downward API writes them to a file.
fn lines(entries: Option<&BTreeMap<String, String>>) -> String {
    let lines: Vec<String> = entries.into_iter().flatten().map(|(key, value)| format!("{key}={value:?}")).collect();
    lines.join("\n")
}

fn quantity_of(text: &str) -> Result<f64, String> {
    let end = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let unit = match suffix {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => return Err(format!("unsupported quantity: {text}")),
    };
    number.parse::<f64>().map(|number| number * unit).map_err(|_| format!("unsupported quantity: {text}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_learns_its_name_its_labels_and_single_annotations() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": "one", "labels": {"a": "x", "b": "say \"y\""}, "annotations": {"ex.org/run": "7"}},
        }))
        .unwrap();

        let values = ["metadata.name", "metadata.labels", "metadata.annotations['ex.org/run']", "metadata.labels['c']"]
            .map(|path| field(&pod, path).unwrap());

        assert_eq!(values, ["one", "a=\"x\"\nb=\"say \\\"y\\\"\"", "7", ""]);
        assert_eq!(field(&pod, "status.phase"), Err("unsupported fieldPath: status.phase".to_owned()));
    }

    #[test]
    fn a_limit_is_rounded_up_to_the_divisor() {
        let container: Container = serde_json::from_value(
            json!({"name": "main", "resources": {"limits": {"cpu": "1500m", "memory": "64Mi"}}}),
        )
        .unwrap();
        let selector = |resource: &str, divisor: &str| -> ResourceFieldSelector {
            serde_json::from_value(json!({"resource": resource, "divisor": divisor})).unwrap()
        };

        assert_eq!(resource(&container, &selector("limits.cpu", "1")), Ok("2".to_owned()));
        assert_eq!(resource(&container, &selector("limits.memory", "1Mi")), Ok("64".to_owned()));
    }
}
