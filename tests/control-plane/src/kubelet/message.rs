//! The last words of a container: its termination message, or the end of its log where the pod asks for that.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const MESSAGE_BYTES: usize = 4096;
const LOG_BYTES: u64 = 2048;

/// Makes the empty file that the container writes its message to.
pub(super) fn prepare(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // A new file each time: the one before may still be mounted.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::write(path, "")?,
    }
    fs::set_permissions(path, Permissions::from_mode(0o666))
}

/// What the container wrote, cut to what the kubelet keeps.
pub(super) fn read(path: &Path) -> Option<String> {
    let mut content = fs::read(path).unwrap_or_default();
    content.truncate(MESSAGE_BYTES);
    (!content.is_empty()).then(|| String::from_utf8_lossy(&content).into_owned())
}

/// The end of what `log` says since `start`.
pub(super) fn tail(log: &Path, start: u64) -> Option<String> {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(start.max(length.saturating_sub(LOG_BYTES))))?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok(content)
    };
    let content = read().unwrap_or_default();
    (!content.is_empty()).then(|| String::from_utf8_lossy(&content).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_and_a_log_is_read_from_its_end() {
        let directory = std::env::temp_dir().join(format!("kubelet-message-{}", std::process::id()));
        let path = directory.join("message");

        prepare(&path).unwrap();
        let nothing = read(&path);
        fs::write(&path, "x".repeat(5000)).unwrap();

        assert_eq!(nothing, None);
        assert_eq!(read(&path).unwrap().len(), 4096);
        assert_eq!(tail(&path, 0).unwrap().len(), 2048);
        assert_eq!(tail(&path, 4990).unwrap().len(), 10);
        fs::remove_dir_all(&directory).unwrap();
    }
}
