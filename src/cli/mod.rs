//! The command line: one file a command.

mod audit;
mod check;
mod cluster;
mod controller;
mod crd;
mod matrix;
mod migrate;
mod progress;
mod receiver;
mod report;
mod status;
mod sync;
mod table;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{importer, telemetry};

/// All went well and all that is asked for is in place.
const DONE: u8 = 0;
/// Something failed on the way; trying again may help.
const FAILED: u8 = 1;
/// The manifest or the command line is wrong.
const BAD_INPUT: u8 = 2;
/// GitLab does not let us do what is asked for.
const ACCESS_MISSING: u8 = 3;

/// The database and GitLab differ.
const DIFFERENT: u8 = 4;

/// Somebody pressed Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Connections in files, and where their rows go.
#[derive(Debug, clap::Args)]
struct Given {
    /// Manifests of GitLabConnection, Secret and ConfigMap; `-` is standard input. May be given several times.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The database: postgres://… or sqlite:PATH. Default: the connection's store, else sqlite:gitlab-connector.db here.
    /// A password is better kept in the environment: others can see a command line.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database: Option<SecretString>,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Connects GitLab to a database you own: merge requests, reviews and repositories, kept fresh.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    telemetry: telemetry::Args,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole pipeline without a cluster: verify, ensure webhooks, import, report.
    Sync(Box<sync::Args>),
    /// What can these tokens do, what is missing, and how to mend it.
    Check(Box<check::Args>),
    /// Holds the database against GitLab: counts, and merge requests read anew, field by field.
    Audit(Box<audit::Args>),
    /// The connections of a cluster: are they Ready, and if not, why.
    Status(status::Args),
    /// Looks after the connections of a cluster.
    Controller(Box<crate::controller::Args>),
    /// Receives GitLab's webhooks for all connections of a cluster.
    Receiver(receiver::Args),
    /// One worker of an import.
    Import(Box<importer::args::Args>),
    /// Bring a database's schema up to date.
    Migrate(migrate::Args),
    /// Print the custom resource definition.
    Crd,
}

/// Runs the command that the process was started with.
pub async fn run() -> ExitCode {
    let Cli { telemetry, command } = parse();
    if let Err(error) = telemetry::start(&telemetry) {
        return end(BAD_INPUT, &error.to_string());
    }
    let outcome = match command {
        Command::Sync(args) => sync::run(*args).await,
        Command::Check(args) => check::run(*args).await,
        Command::Audit(args) => audit::run(*args).await,
        Command::Status(args) => status::run(args).await,
        Command::Controller(args) => controller::run(*args).await,
        Command::Receiver(args) => receiver::run(args).await,
        Command::Import(args) => return ExitCode::from(importer::args::execute(&args, stop_signal()).await),
        Command::Migrate(args) => migrate::run(&args).await,
        Command::Crd => crd::run(),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(Failure { code, message }) => end(code, &message),
    }
}

/// The name under which kubectl finds us as its plugin `kubectl gitlab-connector`.
const PLUGIN: &str = "kubectl-gitlab_connector";

/// Parses the command line; help names the command as it was called.
fn parse() -> Cli {
    let called = std::env::args_os().next().map(PathBuf::from);
    let command = match called.as_deref().and_then(Path::file_name) {
        Some(name) if name == PLUGIN => Cli::command().bin_name("kubectl gitlab-connector"),
        _ => Cli::command(),
    };
    Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

fn end(code: u8, message: &str) -> ExitCode {
    complain(message);
    ExitCode::from(code)
}

/// A command's end that the user has to read about.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
impl Failure {
    fn bad_input(error: impl ToString) -> Self {
        Self { code: BAD_INPUT, message: error.to_string() }
    }

    fn failed(error: impl ToString) -> Self {
        Self { code: FAILED, message: error.to_string() }
    }
}

/// Writes to standard output. A reader that went away, such as `head`, is no error of ours.
fn say(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Writes one line to standard error.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "gitlab-connector: {line}");
}

/// Writes one line about the course of things to standard error, where it does not disturb the result.
fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Cancelled by the first Ctrl-C or SIGTERM. The second ends the process at once.
fn stop_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    // Before there is a task to run: a signal that comes first would end the process without a word.
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return stop;
    };
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stopped.is_cancelled() {
                std::process::exit(i32::from(INTERRUPTED));
            }
            stopped.cancel();
        }
    });
    stop
}
