//! The secret that GitLab sends along with each delivery, in a file of its owner's: the database is for those who analyse.

use std::{
    env, fs,
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use super::Work;
use crate::{
    api::Mode,
    store::{self, Registered, Store},
    webhooks::new_secret,
};

/// Key under which the database kept it once.
const KEPT_BEFORE: &str = "webhook-secret";

/// Why there is no secret for webhooks.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error(
        "the webhooks' secret cannot be kept in {}: {cause}; make that possible, or name a secret of your own in spec.webhooks.secretRef",
        file.display()
    )]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Nobody says where it is to be kept.
    #[error(
        "there is no place for the webhooks' secret: set HOME or XDG_STATE_HOME, or name a secret of your own in spec.webhooks.secretRef"
    )]
    NoPlace,
    /// The system gives no randomness.
    #[error("the system gives no randomness for a new webhook secret")]
    NoRandomness,
    /// The database says no.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The secret in force: the manifest's, else the one that is kept, else a new one. `None` where no webhooks are wanted.
///
/// One that the database kept once moves into the file, and nothing of it stays behind.
pub(super) async fn in_force(
    work: &Work<'_>,
    store: &Store,
    registered: &Registered,
) -> Result<Option<SecretString>, Error> {
    let before = store.state(registered.source, KEPT_BEFORE).await?.map(SecretString::from);
    let secret = match (&work.observed.hook_secret, &before) {
        (Some(given), _) => Some(given.clone()),
        (None, None) if work.spec().webhooks.mode == Mode::Disabled => None,
        (None, before) => match kept(store, &registered.uid, before.clone()) {
            Err(error) if before.is_some() => {
                // Webhooks carry it, so deliveries go on.
                tracing::warn!(%error, "the webhooks' secret stays in the database");
                return Ok(before.clone());
            }
            kept => Some(kept?),
        },
    };
    if before.is_some() {
        store.erase_state(registered.source, KEPT_BEFORE).await?;
    }
    Ok(secret)
}

/// The secret in the file, which is made where there is none: of `first`, or anew.
fn kept(store: &Store, uid: &str, first: Option<SecretString>) -> Result<SecretString, Error> {
    let directory = directory(store).ok_or(Error::NoPlace)?;
    let file = directory.join(file_name(uid));
    let failed = |cause| Error::File { file: file.clone(), cause };
    if let Some(secret) = read(&file).map_err(failed)? {
        return Ok(secret);
    }
    let secret = first.or_else(new_secret).ok_or(Error::NoRandomness)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
    write(&file, &secret).map_err(failed)?;
    // Whoever came first is right.
    read(&file).map_err(failed)?.ok_or_else(|| failed(ErrorKind::NotFound.into()))
}

/// Beside a database that is a file, else where programs keep what they must not lose.
fn directory(store: &Store) -> Option<PathBuf> {
    if let Some(mut beside) = store.file().map(PathBuf::into_os_string) {
        beside.push("-secrets");
        return Some(beside.into());
    }
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("gitlab-connector/secrets"))
}

/// A manifest may give a connection any UID.
fn file_name(uid: &str) -> String {
    uid.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

fn read(file: &Path) -> io::Result<Option<SecretString>> {
    match fs::read_to_string(file) {
        Ok(text) if !text.trim().is_empty() => Ok(Some(text.trim().into())),
        // Somebody blanked it.
        Ok(_) => fs::remove_file(file).map(|()| None),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes it as a whole or not at all, unless there is one.
fn write(file: &Path, secret: &SecretString) -> io::Result<()> {
    let draft = file.with_extension(format!("{:08x}", fastrand::u32(..)));
    let mut open = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = writeln!(open, "{}", secret.expose_secret()).and_then(|()| open.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&draft, file) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    });
    fs::remove_file(&draft).and(linked)
}
