//! python-gitlab, the client of most Python tools.

use std::process::Command;

use gitlab_simulator::Simulator;

use crate::install::{from_pypi, sources};
use crate::support::{company, run_script, serve};

/// Lets one of its scripts run against the simulator.
async fn python(script: &str, simulator: &Simulator) {
    let programs = tokio::task::spawn_blocking(|| from_pypi("python_gitlab")).await.unwrap();
    let mut program = Command::new(programs.join("python"));
    program.arg(sources("python_gitlab").join(script));
    assert_eq!(run_script(program, simulator).await, format!("{script} is done"));
}

#[tokio::test]
async fn it_lists_everything_page_by_page() {
    python("lists.py", &serve(company()).await).await;
}
