//! `gitlab-connector audit`.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    ACCESS_MISSING, DIFFERENT, DONE, Failure, Given, INTERRUPTED, Output, complain, progress, say, stop_signal,
    table::Table,
};
use crate::{
    api::HumanDuration,
    asked, gitlab,
    importer::{
        self, Progress,
        audit::{self, Sample},
    },
    local::{Settings, Stored, Work, spoken},
    manifest,
    store::{Audit, Finding, Miscount, Noted},
};

/// Differences that are printed for people.
const SHOWN: usize = 50;
/// Characters of a value that are printed for people.
const LONGEST: usize = 40;

/// Which connections, and how much of each.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,

    /// How many merge requests to read anew and compare, drawn at random.
    #[arg(long, value_name = "N", default_value_t = 500)]
    sample: u64,

    /// Read all of them anew.
    #[arg(long, conflicts_with = "sample")]
    all: bool,

    /// How long to wait for a GitLab or a database that is away, such as 60s.
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    patience: HumanDuration,

    /// How the answer is printed.
    #[arg(short, long, default_value = "text")]
    output: Output,
}

pub(super) async fn run(args: Args) -> Result<u8, Failure> {
    let manifests = manifest::read(&args.given.files).map_err(Failure::bad_input)?;
    let settings = Settings {
        database: args.given.database.clone(),
        receiver_url: None,
        walk: false,
        full: false,
        patience: args.patience.get(),
    };
    let sample = if args.all { Sample::All } else { Sample::Random(args.sample) };
    let (mut audits, mut code) = (Vec::new(), DONE);
    let stop = stop_signal();
    for given in &manifests.connections {
        let metrics = gitlab::Metrics::default();
        let work = Work::new(given, &manifests.references, &metrics).map_err(Failure::bad_input)?;
        let audit = match one(&work, &settings, sample, &stop).await {
            Ok(audit) => audit,
            Err(failure) if failure.code == INTERRUPTED => return Err(failure),
            // The others are audited all the same.
            Err(Failure { code: trouble, message }) => {
                complain(&format!("{}: {message}", work.name()));
                code = code.max(trouble);
                continue;
            }
        };
        if args.output == Output::Text {
            say(&text(&work.name(), &audit));
        }
        if audit.differences > 0 {
            code = code.max(DIFFERENT);
        }
        audits.push(json(&work, &audit));
    }
    if args.output == Output::Json {
        say(&(serde_json::to_string_pretty(&audits).map_err(Failure::failed)? + "\n"));
    }
    Ok(code)
}

async fn one(work: &Work<'_>, settings: &Settings, sample: Sample, stop: &CancellationToken) -> Result<Audit, Failure> {
    if let Some(missing) = work.observed.missing.first() {
        return Err(Failure { code: ACCESS_MISSING, message: format!("{}: {}", missing.field, missing.lookup) });
    }
    let Stored { store, registered, .. } = Stored::open(work, settings).await.map_err(Failure::failed)?;
    let usual = asked::import_settings(work.spec(), registered.source);
    let usual = importer::Settings { patience: settings.patience, ..usual };
    let progress = Arc::new(Progress::default());
    let shown = progress::show(&work.name(), Arc::clone(&progress), work.client.clone(), true);
    let audited = audit::run(&work.client, &store, &usual, sample, &progress, stop.clone()).await;
    drop(shown);
    store.close().await;
    audited.map_err(|error| match error {
        importer::Error::Stopped => Failure { code: INTERRUPTED, message: "stopped before the end".to_owned() },
        error => Failure::failed(error),
    })
}

fn text(name: &str, audit: &Audit) -> String {
    let took = spoken(audit.finished_at.duration_since(audit.started_at));
    let found = match audit.differences {
        0 => "no difference".to_owned(),
        1 => "1 difference".to_owned(),
        many => format!("{many} differences"),
    };
    let mut text = format!(
        "{name}: {found} in {} projects counted and {} merge requests read anew, in {took}\n",
        audit.projects, audit.merge_requests
    );
    if audit.behind > 0 {
        text.push_str(&format!("  {} changed after the last import began: the next one brings them\n", audit.behind));
    }
    if audit.unreadable > 0 {
        text.push_str(&format!(
            "  {} projects and merge requests are not shown to the tokens: nothing can be said of them\n",
            audit.unreadable
        ));
    }
    if audit.differences == 0 {
        return text;
    }
    let mut table = Table::new(&["PROJECT", "MERGE REQUEST", "ROW", "WHAT", "DATABASE", "GITLAB"]);
    for Miscount { path, stored, gitlab, .. } in audit.miscounts.iter().take(SHOWN) {
        table.row([path, "", "", "merge requests", &stored.to_string(), &gitlab.to_string()]);
    }
    for noted in audit.noted.iter().take(SHOWN.saturating_sub(audit.miscounts.len())) {
        let Noted { path, iid, difference, .. } = noted;
        let (what, stored, gitlab) = match &difference.finding {
            Finding::Missing => (kind_of_row(difference.table), "-".to_owned(), "there".to_owned()),
            Finding::Extra => (kind_of_row(difference.table), "there".to_owned(), "-".to_owned()),
            Finding::Other { column, stored, gitlab } => (column.as_str(), short(stored), short(gitlab)),
        };
        let row = difference.row.clone().unwrap_or_default();
        table.row([path.clone(), format!("!{iid}"), row, what.to_owned(), stored, gitlab]);
    }
    let listed = audit.miscounts.len() + audit.noted.len();
    text.push_str(&format!("\n{table}"));
    if listed > SHOWN {
        text.push_str(&format!("… and more: connector_audit_differences has the first {listed}\n"));
    }
    text.push_str("\nsync --full reads everything again and mends what differs\n");
    text
}

/// What a row of a table is.
fn kind_of_row(table: &str) -> &'static str {
    match table {
        "gitlab_notes" => "comment",
        "gitlab_approvals" => "approval",
        "gitlab_merge_request_commits" => "commit",
        _ => "merge request",
    }
}

/// A value in one short line.
fn short(value: &Option<String>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    let line = value.replace(char::is_control, " ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn json(work: &Work<'_>, audit: &Audit) -> Value {
    let counts = audit.miscounts.iter().map(|one| {
        json!({ "kind": "count", "project": one.path, "stored": one.stored.to_string(), "gitlab": one.gitlab.to_string() })
    });
    let rows = audit.noted.iter().map(|one| {
        let mut row = json!({
            "kind": one.difference.finding.kind(), "project": one.path, "mergeRequest": one.iid, "table": one.difference.table, "row": one.difference.row,
        });
        if let Finding::Other { column, stored, gitlab } = &one.difference.finding {
            (row["column"], row["stored"], row["gitlab"]) = (json!(column), json!(stored), json!(gitlab));
        }
        row
    });
    json!({
        "namespace": work.given.namespace, "name": work.given.name,
        "startedAt": audit.started_at, "finishedAt": audit.finished_at,
        "projects": audit.projects, "mergeRequests": audit.merge_requests,
        "behind": audit.behind, "unreadable": audit.unreadable, "differences": audit.differences,
        "findings": counts.chain(rows).collect::<Vec<_>>(),
    })
}
