//! `gitlab-connector import`: one worker of an import Job.
//!
//! It knows nothing of Kubernetes. Tokens and the database's URL are files, the verdict is an exit code and a short
//! message in a file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::gitlab::{Client, Instance, Metrics, Token};
use crate::store::{Connection, Place, Store, Trouble};
use crate::verdict::{ProjectFailure, Projects, RunVerdict};

use super::{Auditing, Error, Progress, Resources, Scope, Settings, Summary, audit};

/// Where Kubernetes looks for a container's last words.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// Kinds of rows as the API names them.
const KINDS: [&str; 8] =
    ["mergeRequests", "reviews", "commits", "labels", "members", "users", "deployments", "pipelines"];

/// The options of an import worker.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Root of the GitLab, such as https://gitlab.com/.
    #[arg(long)]
    pub url: Url,

    /// A file that holds a token, and the token's name in messages. May be repeated.
    #[arg(long = "token-file", value_name = "NAME=PATH", value_parser = name_and_path)]
    pub token_files: Vec<(String, PathBuf)>,

    /// A directory of files that each hold a token; the file's name is the token's.
    #[arg(long, value_name = "DIRECTORY")]
    pub tokens_dir: Option<PathBuf>,

    /// A file that holds the database's URL: postgres://… or sqlite:path.
    #[arg(long, value_name = "PATH")]
    pub database_url_file: PathBuf,

    /// Certificates to check the database's against beside the system's, in PEM.
    #[arg(long, value_name = "PATH")]
    pub database_ca_bundle_file: Option<PathBuf>,

    /// The most connections to the database at once.
    #[arg(long, value_name = "N", default_value_t = Place::CONNECTIONS, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub database_connections: u32,

    /// UID of the connection.
    #[arg(long, value_name = "UID")]
    pub connection_uid: Option<String>,

    /// Namespace of the connection.
    #[arg(long, default_value = "default")]
    pub namespace: String,

    /// Name of the connection.
    #[arg(long)]
    pub name: String,

    /// What makes the run unique within the connection: the schedule's tick or the request.
    #[arg(long, value_name = "KEY")]
    pub run: String,

    /// Name of this worker. After a restart it takes up again what it held.
    #[arg(long, env = "JOB_COMPLETION_INDEX", default_value = "0")]
    pub worker: String,

    /// A group to follow, by full path or numeric id. May be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,

    /// A project to follow, by full path or numeric id. May be repeated.
    #[arg(long = "project", value_name = "PROJECT")]
    pub projects: Vec<String>,

    /// Projects to leave out: a glob on full paths. May be repeated.
    #[arg(long = "exclude-project", value_name = "GLOB")]
    pub exclude_projects: Vec<String>,

    /// Follow the projects of subgroups too.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub include_subgroups: bool,

    /// Follow archived projects too.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub include_archived: bool,

    /// Leave out merge requests that have not changed since: a time, or a date.
    #[arg(long, value_name = "TIME", value_parser = time_or_date)]
    pub since: Option<Timestamp>,

    /// Leave out merge requests that have not changed for longer than this, such as 180d.
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "since")]
    pub lookback: Option<SignedDuration>,

    /// Read everything again, also what has not changed.
    #[arg(long)]
    pub full: bool,

    /// Read everything again where the last time is longer ago than this, such as 7d. Default: never.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub resync_interval: Option<SignedDuration>,

    /// Look for projects that came, moved or went where the last time is longer ago than this.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "24h")]
    pub walk_interval: SignedDuration,

    /// Hold the database against GitLab at the end where the last time is longer ago than this, such as 7d. Default: never.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub audit_interval: Option<SignedDuration>,

    /// How many merge requests to read anew then.
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub audit_sample: u64,

    /// Keep descriptions and the bodies of comments.
    #[arg(long)]
    pub text: bool,

    /// Kinds of rows, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = KINDS, default_value = "mergeRequests,reviews,commits,labels,members,users,deployments,pipelines")]
    pub resources: Vec<String>,

    /// How many projects to read at once.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub concurrency: usize,

    /// How long to wait for a GitLab or a database that is away, such as 10m.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10m")]
    pub patience: SignedDuration,

    /// Certificates to trust beside the system's, in PEM.
    #[arg(long, value_name = "PATH")]
    pub ca_bundle_file: Option<PathBuf>,

    /// Accept any certificate. For tests.
    #[arg(long)]
    pub insecure_skip_verify: bool,

    /// A file that holds the URL of a proxy.
    #[arg(long, value_name = "PATH")]
    pub proxy_file: Option<PathBuf>,

    /// The URL of a proxy, where it holds no secret.
    #[arg(long, value_name = "URL", conflicts_with = "proxy_file")]
    pub proxy: Option<String>,

    /// A header to add to every request, and the file that holds its value. May be repeated.
    #[arg(long = "header-file", value_name = "NAME=PATH", value_parser = name_and_path)]
    pub header_files: Vec<(String, PathBuf)>,

    /// A header to add to every request, and its value, where that is no secret. May be repeated.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub headers: Vec<(String, String)>,

    /// Where to leave the verdict. Default: /dev/termination-log, where it exists.
    #[arg(long, value_name = "PATH")]
    pub termination_message_file: Option<PathBuf>,
}

/// Why a worker could not begin.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// A file that an option names.
    #[error("cannot read {path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error(transparent)]
    Import(#[from] Error),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Failure::File { .. } => 1,
            Failure::Import(error) => error.exit_code(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Failure::File { .. } => "FileNotReadable",
            Failure::Import(error) => error.reason(),
        }
    }
}

/// Runs one worker. Returns the process's exit code: 0 done, 42 this share cannot succeed, 43 credentials refused,
/// 1 try again.
pub async fn execute(args: &Args, stop: CancellationToken) -> u8 {
    let (code, verdict) = match import(args, stop).await {
        Ok(summary) => (summary.exit_code(), verdict(&summary)),
        Err(failure) => {
            tracing::error!(reason = failure.reason(), "{failure}");
            let (reason, message) = (failure.reason().to_owned(), failure.to_string());
            (failure.exit_code(), RunVerdict { reason, message, ..RunVerdict::default() })
        }
    };
    let message = verdict.to_message();
    tracing::info!(code, "{message}");
    leave(args.termination_message_file.as_deref(), &message);
    code
}

async fn import(args: &Args, stop: CancellationToken) -> Result<Summary, Failure> {
    let clear = args.headers.iter().map(|(name, value)| (name.clone(), SecretString::from(value.as_str())));
    let instance = Instance {
        url: args.url.clone(),
        ca_bundle: args.ca_bundle_file.as_deref().map(bytes).transpose()?,
        insecure_skip_verify: args.insecure_skip_verify,
        proxy: match &args.proxy_file {
            Some(file) => Some(secret(file)?),
            None => args.proxy.clone().map(SecretString::from),
        },
        headers: named_secrets(&args.header_files)?.into_iter().chain(clear).collect(),
    };
    let mut tokens = named_secrets(&args.token_files)?;
    if let Some(directory) = &args.tokens_dir {
        tokens.extend(named_secrets(&files_of(directory)?)?);
    }
    let tokens = tokens.into_iter().map(|(name, secret)| Token { name, secret }).collect();
    let client = Client::new(&instance, tokens, &Metrics::default()).map_err(Error::from)?;
    let store = open(args, &stop).await?;
    let connection = Connection {
        namespace: args.namespace.clone(),
        name: args.name.clone(),
        url: args.url.to_string(),
        uid: args.connection_uid.clone(),
    };
    let registered = store.register(&connection).await.map_err(Error::from)?;
    let settings = Settings {
        source: registered.source,
        run_key: args.run.clone(),
        worker: args.worker.clone(),
        full: args.full,
        resync_interval: args.resync_interval,
        walk_interval: args.walk_interval,
        audit: args.audit_interval.map(|interval| Auditing { interval, sample: args.audit_sample }),
        scope: Scope {
            groups: args.groups.clone(),
            projects: args.projects.clone(),
            exclude_projects: args.exclude_projects.clone(),
            include_subgroups: args.include_subgroups,
            include_archived: args.include_archived,
        },
        since: args.since,
        lookback: args.lookback,
        resources: Resources::from_names(args.resources.iter().map(String::as_str)),
        text: args.text,
        concurrency: args.concurrency,
        patience: args.patience,
    };
    Ok(super::run(&client, &store, &settings, &Progress::default(), stop).await?)
}

/// Opens the database, and waits for one that is away.
async fn open(args: &Args, stop: &CancellationToken) -> Result<Store, Failure> {
    let place = Place {
        url: secret(&args.database_url_file)?,
        ca_bundle: args.database_ca_bundle_file.as_deref().map(bytes).transpose()?,
        max_connections: args.database_connections,
    };
    let patience = Duration::try_from(args.patience).unwrap_or_default();
    let begun = std::time::Instant::now();
    let ready = async || -> Result<Store, crate::store::Error> {
        let store = Store::open_at(&place).await?;
        store.migrate().await?;
        Ok(store)
    };
    loop {
        let error = match ready().await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        if !error.is_transient() || begun.elapsed() >= patience {
            return Err(Error::Store(error).into());
        }
        tracing::warn!(%error, "the database is away, trying again");
        tokio::select! {
            () = stop.cancelled() => return Err(Error::Stopped.into()),
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// What a finished worker has to say.
fn verdict(summary: &Summary) -> RunVerdict {
    let (run, progress) = (&summary.run.run, &summary.run.progress);
    let failure = |trouble: &Trouble| ProjectFailure {
        project: trouble.project_path.clone(),
        failed: trouble.failed,
        reason: trouble.reason.clone(),
    };
    RunVerdict {
        reason: summary.reason().to_owned(),
        message: summary.message(),
        run_ended: run.finished(),
        full: run.full,
        projects: Projects {
            total: progress.tasks,
            done: progress.done,
            skipped: progress.skipped,
            failed: progress.failed,
        },
        merge_requests: progress.merge_requests,
        missing: summary.missing.clone(),
        failures: summary.run.troubles.iter().take(10).map(failure).collect(),
        audit: summary.audit.as_ref().map(audit::verdict),
    }
}

/// Leaves the verdict where the Job's owner looks for it.
fn leave(file: Option<&Path>, message: &str) {
    let default = Path::new(TERMINATION_LOG);
    let Some(path) = file.or_else(|| default.exists().then_some(default)) else {
        return;
    };
    if let Err(error) = std::fs::write(path, message) {
        tracing::warn!(%error, "cannot write {}", path.display());
    }
}

fn named_secrets(files: &[(String, PathBuf)]) -> Result<Vec<(String, SecretString)>, Failure> {
    files.iter().map(|(name, path)| Ok((name.clone(), secret(path)?))).collect()
}

/// The files of a mounted Secret, by name. Kubernetes keeps its own bookkeeping there, in names that begin with a dot.
fn files_of(directory: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let failure = |error| Failure::File { path: directory.display().to_string(), error };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failure)? {
        let entry = entry.map_err(failure)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && entry.path().is_file() {
            files.push((name, entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

fn secret(path: &Path) -> Result<SecretString, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    Ok(text.trim().to_owned().into())
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    Failure::File { path: path.display().to_string(), error }
}

fn name_and_path(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("expected NAME=PATH".to_owned()),
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// A day has 24 hours here, as it has in a `GitLabConnection`.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let span = text.parse::<Span>().map_err(|error| error.to_string())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())?;
    if duration.is_negative() { Err("must not be below zero".to_owned()) } else { Ok(duration) }
}

fn time_or_date(text: &str) -> Result<Timestamp, String> {
    let date = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let time = text.parse().ok().or_else(|| date().map(|midnight| midnight.timestamp()));
    time.ok_or_else(|| "expected a time such as 2025-01-01T00:00:00Z, or a date".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn parse(more: &[&str]) -> Result<Args, clap::Error> {
        let needed = ["import", "--url", "https://gitlab.example/", "--name", "acme", "--run", "tick"];
        let words = needed.iter().chain(&["--database-url-file", "/db"]).chain(more);
        Command::try_parse_from(words).map(|command| command.args)
    }

    #[test]
    fn options_that_a_job_passes_are_understood() {
        let args = parse(&[
            "--token-file",
            "a=/t/a",
            "--group",
            "acme",
            "--since",
            "2025-01-01",
            "--include-archived",
            "false",
            "--resync-interval",
            "7d",
            "--header",
            "X-Team=a=b",
        ]);

        let args = args.unwrap();
        assert_eq!(args.token_files, [("a".to_owned(), PathBuf::from("/t/a"))]);
        assert_eq!(args.since, "2025-01-01T00:00:00Z".parse().ok());
        assert!(args.include_subgroups && !args.include_archived);
        assert_eq!(args.patience, SignedDuration::from_mins(10));
        assert_eq!(args.resync_interval, Some(SignedDuration::from_hours(7 * 24)));
        assert_eq!(args.headers, [("X-Team".to_owned(), "a=b".to_owned())]);
        assert_eq!(Resources::from_names(args.resources.iter().map(String::as_str)), Resources::ALL);
    }

    #[test]
    fn malformed_options_are_refused() {
        assert!(parse(&["--token-file", "a"]).is_err());
        assert!(parse(&["--since", "lately"]).is_err());
        assert!(parse(&["--lookback", "-1d"]).is_err());
        assert!(parse(&["--header", "=value"]).is_err());
        assert!(parse(&["--url", "gitlab"]).is_err());
        assert!(parse(&["--resources", "reviews,comits"]).is_err());
    }
}
