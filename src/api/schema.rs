//! The CustomResourceDefinition, generated from the types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde_json::json;

use super::GitLabConnection;

/// The CustomResourceDefinition of [`GitLabConnection`].
#[must_use]
pub fn crd() -> CustomResourceDefinition {
    let mut crd = GitLabConnection::crd();
    for version in &mut crd.spec.versions {
        let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) else {
            continue;
        };
        refuse_null(schema);
        if let Some(status) = schema.properties.as_mut().and_then(|fields| fields.get_mut("status")) {
            // Until the operator has looked, tools that wait for readiness must not take silence for success.
            status.default = Some(JSON(json!({"observedGeneration": -1})));
        }
    }
    crd
}

/// [`crd`] as YAML, which is what `crds/gitlabconnections.yaml` holds.
///
/// # Errors
/// None in practice: the definition is data that YAML can hold.
pub fn crd_yaml() -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&crd())
}

/// Absent is the one way to leave a field out: with null as a second way, each CEL rule would have to think of both.
fn refuse_null(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    for field in schema.properties.iter_mut().flat_map(|fields| fields.values_mut()) {
        refuse_null(field);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        refuse_null(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        refuse_null(values);
    }
}
