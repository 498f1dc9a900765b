//! Where the programs are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;

/// The programs of a control plane, by name.
pub(crate) struct Binaries(BTreeMap<String, PathBuf>);

impl Binaries {
    /// Asks `build`, which alone knows in which order places are searched.
    pub(crate) fn find() -> Result<Binaries, Error> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("build");
        let output = Command::new(&script)
            .arg("--where")
            .stdin(Stdio::null())
            .output()
            .map_err(Error::machine(format!("cannot run {}", script.display())))?;
        if !output.status.success() {
            return Err(Error::Missing(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let pair = |line: &str| line.split_once('=').map(|(name, path)| (name.to_owned(), PathBuf::from(path)));
        Ok(Binaries(lines.lines().filter_map(pair).collect()))
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Path, Error> {
        let missing = || Error::Missing(format!("no {name}: run tests/control-plane/build"));
        self.0.get(name).map(PathBuf::as_path).ok_or_else(missing)
    }
}
