//! A client that was written against the real GitLab works unchanged.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gitlab_simulator::world::{Role, Scope};
use gitlab_simulator::{Size, World};

use crate::support::serve;

const PYTHON_GITLAB: &str = "python-gitlab==8.6.0";

/// A virtual environment with python-gitlab, made once and kept under `target/`.
fn environment() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_gitlab-simulator")).parent().unwrap().join("python-gitlab-8.6.0");
    let python = target.join("bin/python");
    let ready = target.join("ready");
    if ready.exists() {
        return python;
    }
    let made = Command::new("python3").arg("-m").arg("venv").arg("--clear").arg(&target).status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "this test needs Python with venv: install it with `apt-get install python3 python3-venv`"
    );
    let installed = Command::new(&python).args(["-m", "pip", "install", "--quiet", PYTHON_GITLAB]).status();
    assert!(
        installed.is_ok_and(|status| status.success()),
        "this test needs {PYTHON_GITLAB} from PyPI, and pip could not install it"
    );
    std::fs::write(&ready, PYTHON_GITLAB).unwrap();
    python
}

#[tokio::test]
async fn python_gitlab_works_unchanged() {
    let python = tokio::task::spawn_blocking(environment).await.unwrap();
    let size = Size { projects: 4, merge_requests: 50, ..Size::default() };
    let world = World::generate(1, size).with_group_token("glpat-python", "acme", Role::Owner, &[Scope::Api]);
    let served = serve(world).await;

    let mut script = Command::new(python);
    script.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/python_gitlab.py"));
    script.args([served.simulator.url(), "glpat-python"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || script.output()).await.unwrap().unwrap();

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), "python-gitlab works unchanged");
}
