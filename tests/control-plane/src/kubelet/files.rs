//! The files of a volume on disk, replaced all at once as the kubelet does: readers see the old set or the new one.
//!
//! The files stand in a directory of their own, `..data` is a link to it, and each name a link through `..data`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use jiff::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) content: Vec<u8>,
    pub(super) mode: u32,
    pub(super) uid: Option<u32>,
}

/// The files of a volume by their paths in it.
pub(super) type Files = BTreeMap<String, File>;

/// Makes `directory` show exactly `files`, from now on.
pub(super) fn write(directory: &Path, files: &Files, group: Option<u32>, now: Timestamp) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let name = format!("..{}", now.as_nanosecond());
    let fresh = directory.join(&name);
    make_directory(&fresh, group)?;
    for (path, file) in files {
        let target = fresh.join(path);
        let parents: Vec<&Path> = Path::new(path).ancestors().skip(1).collect();
        for parent in parents.iter().rev() {
            make_directory(&fresh.join(parent), group)?;
        }
        fs::write(&target, &file.content)?;
        chown(&target, file.uid, group)?;
        // A group that owns the volume may read it whatever the mode says.
        let for_group = if group.is_some() { 0o440 } else { 0 };
        fs::set_permissions(&target, Permissions::from_mode(file.mode | for_group))?;
    }

    let before = fs::read_link(directory.join("..data")).ok();
    let link = directory.join("..data_tmp");
    symlink(&name, &link)?;
    fs::rename(&link, directory.join("..data"))?;

    let shown: BTreeSet<&str> = files.keys().filter_map(|path| path.split('/').next()).collect();
    for name in &shown {
        match symlink(format!("..data/{name}"), directory.join(name)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let stale = name.to_str().is_some_and(|name| !name.starts_with("..") && !shown.contains(name));
        if stale {
            fs::remove_file(entry.path())?;
        }
    }
    match before {
        Some(before) => fs::remove_dir_all(directory.join(before)),
        None => Ok(()),
    }
}

fn make_directory(path: &Path, group: Option<u32>) -> io::Result<()> {
    fs::create_dir_all(path)?;
    chown(path, None, group)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(entries: &[(&str, &str)]) -> Files {
        let file = |content: &str| File { content: content.as_bytes().to_vec(), mode: 0o400, uid: None };
        entries.iter().map(|(path, content)| ((*path).to_owned(), file(content))).collect()
    }

    #[test]
    fn a_new_set_of_files_takes_the_place_of_the_old_one_whole() {
        let directory = std::env::temp_dir().join(format!("kubelet-files-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);

        write(&directory, &files(&[("token", "one"), ("deep/er", "x"), ("gone", "y")]), None, Timestamp::UNIX_EPOCH)
            .unwrap();
        let link = fs::read_link(directory.join("token")).unwrap();
        let first = fs::read_to_string(directory.join("deep/er")).unwrap();
        write(&directory, &files(&[("token", "two"), ("deep/er", "x")]), None, Timestamp::MAX).unwrap();

        let mut names: Vec<String> =
            fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(link, Path::new("..data/token"));
        assert_eq!(first, "x");
        assert_eq!(fs::read_to_string(directory.join("token")).unwrap(), "two");
        assert_eq!(names, [format!("..{}", Timestamp::MAX.as_nanosecond()).as_str(), "..data", "deep", "token"]);
        assert_eq!(fs::metadata(directory.join("token")).unwrap().permissions().mode() & 0o777, 0o400);
        fs::remove_dir_all(&directory).unwrap();
    }
}
