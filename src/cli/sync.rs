//! `gitlab-connector sync`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::future::join_all;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;

use super::{
    ACCESS_MISSING, DONE, FAILED, Failure, Given, INTERRUPTED, Output, note, progress, report, say, stop_signal,
};
use crate::{
    access::{self, Outcome, Verdict},
    api::{GitLabConnectionStatus, HumanDuration, conditions::reason},
    connection, gitlab,
    importer::Progress,
    local::{self, Import, Report, Settings, Stored, StoredError, Work},
    manifest, receiver, telemetry,
};

/// What is left of a second after Ctrl-C, before what is still under way is dropped.
const GRACE: Duration = Duration::from_millis(700);

/// Which connections, and what to do with them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,

    /// Keep going: import on schedule, look after webhooks, and serve the receiver.
    #[arg(long, conflicts_with = "remove_webhooks")]
    watch: bool,

    /// Where the receiver listens, with --watch.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8930")]
    listen: SocketAddr,

    /// Where /metrics is served for Prometheus, with --watch. Default: nowhere.
    #[arg(long, value_name = "ADDRESS", requires = "watch")]
    metrics_listen: Option<SocketAddr>,

    /// Read everything again, also what has not changed.
    #[arg(long)]
    full: bool,

    /// How long to wait for a database or a project that went away before the import ends, such as 60s.
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    patience: HumanDuration,

    /// Take our webhooks away, and do nothing else.
    #[arg(long)]
    remove_webhooks: bool,

    /// How the final status is printed.
    #[arg(short, long, default_value = "text")]
    output: Output,
}

pub(super) async fn run(args: Args) -> Result<u8, Failure> {
    let manifests = manifest::read(&args.given.files).map_err(Failure::bad_input)?;
    let mut registry = telemetry::registry();
    let (api, deliveries) = (gitlab::Metrics::register(&mut registry), receiver::Metrics::register(&mut registry));
    let works = manifests
        .connections
        .iter()
        .map(|given| Work::new(given, &manifests.references, &api))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::bad_input)?;
    let settings = Settings {
        database: args.given.database.clone(),
        receiver_url: args.watch.then(|| format!("http://{}/webhooks/gitlab", args.listen)),
        walk: true,
        full: args.full,
        patience: args.patience.get(),
    };
    if args.remove_webhooks {
        return remove_webhooks(&works, &settings).await;
    }

    let stop = stop_signal();
    let mut places = Vec::new();
    for work in &works {
        let opened = stop.run_until_cancelled(Stored::open(work, &settings)).await;
        places.push((work, opened.ok_or_else(interrupted)?));
    }
    if args.watch {
        if let Some(address) = args.metrics_listen {
            tokio::spawn(telemetry::serve(
                bind(address, "--metrics-listen").await?,
                registry,
                telemetry::Health::default(),
                stop.clone().cancelled_owned(),
            ));
        }
        return watch(&args, &places, &settings, deliveries, &stop).await;
    }
    let mut reports = Vec::new();
    for (work, stored) in &places {
        let Some(report) = first_pass((work, stored.as_ref()), &settings, &args, true, &stop).await else {
            return Err(interrupted());
        };
        reports.push(report);
    }
    if args.output == Output::Json {
        say(&report::json(&reports).map_err(Failure::failed)?);
    }
    if stop.is_cancelled() {
        return Err(interrupted());
    }
    Ok(reports.iter().map(exit_code).max().unwrap_or(DONE))
}

fn interrupted() -> Failure {
    Failure {
        code: INTERRUPTED,
        message: "stopped; what was imported is kept, and the same command goes on from there".to_owned(),
    }
}

/// One pass with its progress shown and its report printed; `None` when we are told to stop and it does not end in time.
///
/// Where several run at once, `alone` is false and none draws a bar.
async fn first_pass(
    (work, stored): (&Work<'_>, Result<&Stored, &StoredError>),
    settings: &Settings,
    args: &Args,
    alone: bool,
    stop: &CancellationToken,
) -> Option<Report> {
    let progress = Arc::new(Progress::default());
    let shown = progress::show(&work.name(), Arc::clone(&progress), work.client.clone(), alone);
    let pass = tokio::select! {
        pass = local::pass(work, stored, settings, Import::Due(&progress), stop) => pass,
        () = async { stop.cancelled().await; tokio::time::sleep(GRACE).await } => return None,
    };
    drop(shown);
    let next = if args.watch { local::next_import(work, &pass, 0, jiff::Timestamp::now()) } else { None };
    let report = local::report(work, stored.ok(), &pass, &GitLabConnectionStatus::default(), next).await;
    if args.output == Output::Text {
        say_aside(report::text(work, &report)).await;
    }
    Some(report)
}

async fn watch(
    args: &Args,
    places: &[(&Work<'_>, Result<Stored, StoredError>)],
    settings: &Settings,
    metrics: receiver::Metrics,
    stop: &CancellationToken,
) -> Result<u8, Failure> {
    let mut served = Vec::new();
    for (work, stored) in places {
        served.push((*work, stored.as_ref().map_err(Failure::failed)?));
    }
    let listener = bind(args.listen, "--listen").await?;
    let (sender, mut reports) = mpsc::channel(served.len());
    let alone = served.len() == 1;
    let round = async |work: &Work<'_>, stored: &Stored, sender| {
        let Some(first) = first_pass((work, Ok(stored)), settings, args, alone, stop).await else { return };
        if args.output == Output::Json {
            say_aside(report::json(std::slice::from_ref(&first)).unwrap_or_default()).await;
        }
        let name = work.name();
        note(&format!(
            "{name}: watching; deliveries are received on http://{}/webhooks/gitlab; Ctrl-C ends",
            args.listen
        ));
        local::watch((work, stored), settings, first, sender, stop).await;
    };
    let rounds = join_all(served.iter().map(|(work, stored)| round(work, stored, sender.clone())));
    drop(sender);
    let print = async {
        while let Some(report) = reports.recv().await {
            say_aside(match args.output {
                Output::Text => report::short(&report),
                Output::Json => report::json(&[report]).unwrap_or_default(),
            })
            .await;
        }
    };
    // Everything ends by itself once told to stop; what hangs longer than a moment is dropped.
    let all = async { tokio::join!(local::serve(listener, &served, metrics, stop), rounds, print).0 };
    tokio::select! {
        ended = all => ended.map_err(Failure::failed)?,
        () = async { stop.cancelled().await; tokio::time::sleep(GRACE).await } => {}
    }
    Ok(DONE)
}

/// Writes to standard output from a thread of its own: a pager that does not read must not keep deliveries waiting.
async fn say_aside(text: String) {
    let (done, told) = oneshot::channel();
    std::thread::spawn(move || {
        say(&text);
        let _ = done.send(());
    });
    let _ = told.await;
}

async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| Failure::failed(format!("{option} {address}: {error}; choose another address")))
}

async fn remove_webhooks(works: &[Work<'_>], settings: &Settings) -> Result<u8, Failure> {
    let mut code = DONE;
    for work in works {
        let stored = Stored::open(work, settings).await.map_err(Failure::failed)?;
        if let Some(missing) = work.observed.missing.first() {
            return Err(Failure { code: ACCESS_MISSING, message: format!("{}: {}", missing.field, missing.lookup) });
        }
        let access =
            access::verify(&work.client, &work.spec().scope, &connection::needs(work.spec(), &work.observed)).await;
        let removed = local::remove_webhooks(work, &access, &stored).await.map_err(Failure::failed)?;
        say(&report::removed(work, &removed));
        if !removed.left.is_empty() {
            code = ACCESS_MISSING;
        }
    }
    Ok(code)
}

/// What the conditions mean to whoever called us.
fn exit_code(report: &Report) -> u8 {
    let verdicts = &report.pass.verdicts;
    let all = [&verdicts.credentials, &verdicts.access, &verdicts.webhooks, &verdicts.import];
    let failed = [
        reason::FAILED,
        reason::PARTIALLY_FAILED,
        reason::RUNNING,
        reason::STORE_UNAVAILABLE,
        reason::GITLAB_UNREACHABLE,
        reason::TLS_FAILURE,
        reason::NOT_GITLAB,
        reason::RATE_LIMITED,
    ];
    // A page in the place of GraphQL may go again; other answers in its place need somebody.
    let is_away = |verdict: &Verdict| {
        verdict.outcome == Outcome::Unknown && verdict.reason == reason::GRAPHQL_UNAVAILABLE
            || verdict.outcome != Outcome::Ok && failed.contains(&verdict.reason)
    };
    if all.into_iter().any(is_away) {
        return FAILED;
    }
    // What the spec suspends is not asked for.
    if all.iter().any(|verdict| verdict.outcome != Outcome::Ok && verdict.reason != reason::SUSPENDED) {
        return ACCESS_MISSING;
    }
    DONE
}
