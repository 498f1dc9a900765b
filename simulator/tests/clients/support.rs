//! A served World, and scripts that are let loose on it.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use gitlab_simulator::world::{Role, Scope};
use gitlab_simulator::{Options, Simulator, Size, World};

use crate::facts::facts;

/// A group token with scope `api` whose bot owns `acme`.
pub(crate) const TOKEN: &str = "glpat-client";
/// A token of an administrator.
pub(crate) const ADMIN: &str = "glpat-admin";

/// A company with tokens for the clients.
pub(crate) fn company() -> World {
    furnished(Size { projects: 4, merge_requests: 30, ..Size::default() })
}

/// A company of any size, with plans and a release in its first project, and tokens for the clients.
pub(crate) fn furnished(size: Size) -> World {
    World::generate(1, size)
        .with_group("acme", |group| group.milestone("Autumn", |_| {}))
        .with_project("acme/web", |project| {
            let planned = project.milestone("Sprint 1", |_| {}).issue("Logins fail", |_| {});
            planned.incident("Nobody can log in", |_| {}).release("v0.9", |_| {})
        })
        .with_group_token(TOKEN, "acme", Role::Owner, &[Scope::Api])
        .with_token(ADMIN, |token| token.user("root"))
}

/// Serves a World.
pub(crate) async fn serve(world: World) -> Simulator {
    Simulator::start(world, Options::default()).await.unwrap()
}

/// Runs a script, which is told where the simulator is and, on its standard input, what there is in its World.
pub(crate) async fn run_script(mut program: Command, simulator: &Simulator) -> String {
    let given = simulator.read(facts).to_string();
    program.args([simulator.url(), TOKEN, ADMIN]);
    run(program, given).await
}

/// Runs a program until it ends. It must end well; what it said is given back.
pub(crate) async fn run(program: Command, given: String) -> String {
    let output = tokio::task::spawn_blocking(move || talk(program, &given)).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let last = said.get(said.len().saturating_sub(2_000)..).unwrap_or(&said);
    assert!(output.status.success(), "{last}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn talk(mut program: Command, given: &str) -> Output {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
