//! Other people's clients, installed once for all tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Two tests that need the same client wait for each other.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Where a client's scripts and its lock file are.
pub(crate) fn sources(client: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(client)
}

/// The directory of the programs of a virtual environment with a client from PyPI.
pub(crate) fn from_pypi(client: &str) -> PathBuf {
    let lock = sources(client).join("requirements.txt");
    let home = once(client, &lock, |home| {
        run(
            Command::new("python3").args(["-m", "venv", "--clear"]).arg(home),
            "this test needs Python with venv: `apt-get install python3 python3-venv`",
        );
        let mut install = Command::new(home.join("bin/python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&lock);
        run(&mut install, &format!("pip could not install {}", lock.display()));
    });
    home.join("bin")
}

/// A directory with a client from npm, in which scripts find it.
pub(crate) fn from_npm(client: &str) -> PathBuf {
    let sources = sources(client);
    once(client, &sources.join("package-lock.json"), |home| {
        drop(fs::remove_dir_all(home));
        fs::create_dir_all(home).unwrap();
        for file in ["package.json", "package-lock.json"] {
            fs::copy(sources.join(file), home.join(file)).unwrap();
        }
        let mut install = Command::new("npm");
        install.args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(home);
        run(&mut install, "this test needs Node.js 18.20 or later with npm: `apt-get install nodejs npm`");
    })
}

/// The home of a client, made anew when its lock file has changed.
fn once(client: &str, lock: &Path, install: impl FnOnce(&Path)) -> PathBuf {
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(client);
    let ready = home.join("ready");
    let wanted = fs::read_to_string(lock).unwrap();
    if fs::read_to_string(&ready).is_ok_and(|installed| installed == wanted) {
        return home;
    }
    install(&home);
    fs::write(&ready, wanted).unwrap();
    home
}

fn run(command: &mut Command, otherwise: &str) {
    let done = command.status();
    assert!(done.as_ref().is_ok_and(std::process::ExitStatus::success), "{otherwise} ({done:?})");
}
