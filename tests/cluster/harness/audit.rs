//! What was asked of the API server, from its audit log.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use super::Cluster;

/// One request that was answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    /// Such as get, list, watch, create, update, patch, delete.
    pub(crate) verb: String,
    /// When it came.
    #[serde(rename = "requestReceivedTimestamp")]
    pub(crate) at: Timestamp,
    #[serde(default)]
    pub(crate) user_agent: String,
    pub(crate) user: User,
    /// None: a path that is no resource.
    #[serde(default)]
    pub(crate) object_ref: Object,
}

/// Who asked.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct User {
    pub(crate) username: String,
}

/// Of what.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Object {
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Request {
    /// Whether it was to change something.
    pub(crate) fn writes(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// A moment in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(u64);

impl Cluster {
    /// This moment.
    pub(crate) fn moment(&self) -> Moment {
        Moment(std::fs::metadata(self.audit_log()).unwrap().len())
    }

    /// What was answered since a moment, in the order of the answers. A watch is answered when it ends.
    pub(crate) fn requests_since(&self, moment: Moment) -> Vec<Request> {
        let mut text = String::new();
        let mut log = File::open(self.audit_log()).unwrap();
        log.seek(SeekFrom::Start(moment.0)).unwrap();
        log.read_to_string(&mut text).unwrap();
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    fn audit_log(&self) -> &Path {
        self.plane.audit_log().unwrap_or_else(|| panic!("{}", control_plane::Error::NotOurs))
    }
}
