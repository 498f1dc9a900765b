//! What figures are made by, beside what GitLab tells.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What figures are made by, beside what GitLab tells. A change changes figures at once, without another import.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// Names of environments that count as production beside those whose tier in GitLab is production, such as live-*; * stands
    /// for anything, and capitals do not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(min = 1, max = 255)))]
    pub production_environments: Vec<String>,
}
