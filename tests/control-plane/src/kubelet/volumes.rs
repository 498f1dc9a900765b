//! The volumes of one pod on disk.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Volume};
use kube::{Client, ResourceExt};

use super::files::{self, Files};
use super::payload::Sources;
use super::references::{self, References};
use super::security;
use super::token::Tokens;

pub(super) struct Volumes {
    directory: PathBuf,
    /// What each volume shows now.
    shown: BTreeMap<String, Files>,
    tokens: Tokens,
}

impl Volumes {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, shown: BTreeMap::new(), tokens: Tokens::default() }
    }

    /// Brings each volume to what its Secrets, ConfigMaps, fields and tokens are now, or says what is in the way.
    pub(super) async fn refresh(&mut self, client: &Client, pod: &Pod) -> Result<(), String> {
        let Some(spec) = &pod.spec else { return Ok(()) };
        self.tokens.renew(client, pod).await?;
        let namespace = pod.namespace().unwrap_or_default();
        let references = References::read(client, &namespace, references::in_volumes(spec))
            .await
            .map_err(|error| format!("cannot read what the volumes name: {error}"))?;
        for volume in spec.volumes.iter().flatten() {
            self.show(pod, volume, &references)?;
        }
        Ok(())
    }

    /// How long until a token has to be renewed.
    pub(super) fn next(&self) -> Option<Duration> {
        self.tokens.next()
    }

    fn show(&mut self, pod: &Pod, volume: &Volume, references: &References) -> Result<(), String> {
        let failed = |error: io::Error| format!("MountVolume.SetUp failed for volume {:?}: {error}", volume.name);
        let refused = |error: String| format!("MountVolume.SetUp failed for volume {:?}: {error}", volume.name);
        let group = pod.spec.as_ref().and_then(security::fs_group).and_then(|group| u32::try_from(group).ok());
        let directory = self.directory.join(&volume.name);
        let files = Sources { pod, references, tokens: &self.tokens }.files(volume).map_err(refused)?;
        let Some(files) = files else { return scratch(&directory, group).map_err(failed) };
        if self.shown.get(&volume.name) == Some(&files) {
            return Ok(());
        }
        files::write(&directory, &files, group, Timestamp::now()).map_err(failed)?;
        self.shown.insert(volume.name.clone(), files);
        Ok(())
    }
}

/// An empty directory that anybody may write to, and that belongs to the pod's group.
fn scratch(directory: &Path, group: Option<u32>) -> io::Result<()> {
    if directory.exists() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    chown(directory, None, group)?;
    let mode = if group.is_some() { 0o2777 } else { 0o777 };
    fs::set_permissions(directory, Permissions::from_mode(mode))
}
