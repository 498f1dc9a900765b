//! `gitlab-connector status`.

use clap::ValueEnum;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams},
};
use serde_json::{Value, json};

use super::{ACCESS_MISSING, DONE, FAILED, Failure, cluster, note, report, say, table::Table};
use crate::api::{
    FailureStatus, GitLabConnection, GitLabConnectionStatus,
    conditions::{READY, STALLED, reason},
};

/// What is shown.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show this connection only, with all of its conditions.
    name: Option<String>,

    /// Show the connections of all namespaces.
    #[arg(short = 'A', long, conflicts_with_all = ["name", "namespace"])]
    all_namespaces: bool,

    #[command(flatten)]
    cluster: cluster::Args,

    /// How the answer is printed.
    #[arg(short, long, default_value = "text")]
    output: Output,
}

/// How the answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// One line a connection.
    Text,
    /// With the next import, the progress of one that is running, and the message.
    Wide,
    /// The objects, for programs.
    Json,
    /// The objects, to read.
    Yaml,
}

pub(super) async fn run(args: Args) -> Result<u8, Failure> {
    let cluster = cluster::find(&args.cluster).await?;
    // As the server has them: one that does not follow today's rules must not hide the others.
    let resource = ApiResource::erase::<GitLabConnection>(&());
    let api: Api<DynamicObject> = if args.all_namespaces {
        Api::all_with(cluster.client.clone(), &resource)
    } else {
        Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &resource)
    };
    let answer = match &args.name {
        Some(name) => api.get(name).await.map(|one| vec![one]),
        None => api.list(&ListParams::default()).await.map(|list| list.items),
    };
    let mut objects = answer.map_err(|error| cluster.failure(&error))?;
    for object in &mut objects {
        object.metadata.managed_fields = None;
        // Items of a list come without it.
        object.types.get_or_insert_with(kube::api::TypeMeta::resource::<GitLabConnection>);
    }

    let connections: Vec<Shown> = objects.iter().map(Shown::from).collect();
    match args.output {
        Output::Json | Output::Yaml => say(&for_programs(&objects, &args)?),
        Output::Text | Output::Wide if connections.is_empty() => {
            let place = if args.all_namespaces { "any namespace" } else { &format!("namespace {}", cluster.namespace) };
            note(&format!("no GitLabConnection in {place}"));
        }
        Output::Text | Output::Wide => {
            say(&lines(&connections, &args, Timestamp::now()).to_string());
            if let (Some(_), [connection]) = (&args.name, connections.as_slice()) {
                say(&details(connection));
            }
        }
    }
    Ok(connections.iter().map(Shown::exit_code).max().unwrap_or(DONE))
}

/// What is shown of a connection.
#[derive(Debug)]
struct Shown {
    namespace: String,
    name: String,
    url: String,
    created: Option<Timestamp>,
    generation: Option<i64>,
    status: GitLabConnectionStatus,
}

impl From<&DynamicObject> for Shown {
    fn from(object: &DynamicObject) -> Self {
        Self {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            url: object.data["spec"]["url"].as_str().unwrap_or_default().to_owned(),
            created: object.creation_timestamp().map(|Time(at)| at),
            generation: object.metadata.generation,
            // A status that another version wrote says nothing to us.
            status: serde_json::from_value(object.data["status"].clone()).unwrap_or_default(),
        }
    }
}

impl Shown {
    fn condition(&self, wanted: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.type_ == wanted)
    }

    /// Whether the status speaks of the spec as it is now.
    fn is_current(&self) -> bool {
        self.status.observed_generation.is_some() && self.status.observed_generation == self.generation
    }

    /// What the conditions mean to whoever called us.
    fn exit_code(&self) -> u8 {
        let is_true = |wanted: &str| self.condition(wanted).is_some_and(|condition| condition.status == "True");
        let suspended = self.condition(READY).is_some_and(|ready| ready.reason == reason::SUSPENDED);
        match self.is_current() {
            true if is_true(READY) || suspended => DONE,
            true if is_true(STALLED) => ACCESS_MISSING,
            _ => FAILED,
        }
    }
}

fn lines(connections: &[Shown], args: &Args, now: Timestamp) -> Table {
    let wide = args.output == Output::Wide;
    let mut headings = vec!["NAME", "URL", "READY", "REASON", "PROJECTS", "WEBHOOKS", "LAST IMPORT", "AGE"];
    if args.all_namespaces {
        headings.insert(0, "NAMESPACE");
    }
    if wide {
        headings.extend(["NEXT IMPORT", "PROGRESS", "MESSAGE"]);
    }
    let mut table = Table::new(&headings);
    for connection in connections {
        let import = connection.status.import.clone().unwrap_or_default();
        let ready = connection.condition(READY).filter(|_| connection.is_current());
        let succeeded = import.last_success.and_then(|run| run.finished_at);
        let mut row = vec![
            connection.name.clone(),
            connection.url.clone(),
            ready.map_or("Unknown", |ready| &ready.status).to_owned(),
            ready.map_or(reason::PROGRESSING, |ready| &ready.reason).to_owned(),
            import.projects.map(|projects| projects.to_string()).unwrap_or_default(),
            connection.status.webhooks.as_ref().and_then(|webhooks| webhooks.summary.clone()).unwrap_or_default(),
            succeeded.map(|Time(at)| span(at, now)).unwrap_or_default(),
            connection.created.map(|at| span(at, now)).unwrap_or_default(),
        ];
        if args.all_namespaces {
            row.insert(0, connection.namespace.clone());
        }
        if wide {
            let progress = import.progress.map(|progress| {
                format!("{} % ({}/{} projects)", progress.percent, progress.projects_done, progress.projects_total)
            });
            row.push(import.next.map(|Time(at)| format!("in {}", span(now, at))).unwrap_or_default());
            row.push(progress.unwrap_or_default());
            row.push(ready.map(|ready| ready.message.clone()).unwrap_or_default());
        }
        table.row(row);
    }
    table
}

/// The conditions of one connection, and what failed.
fn details(connection: &Shown) -> String {
    let status = &connection.status;
    let mut text = format!("\nCONDITIONS\n{}", report::conditions(&status.conditions));
    let webhooks = status.webhooks.iter().flat_map(|webhooks| &webhooks.failures);
    let failures: Vec<&FailureStatus> =
        webhooks.chain(status.import.iter().flat_map(|import| &import.failures)).collect();
    if !failures.is_empty() {
        let mut table = Table::new(&["SUBJECT", "REASON", "MESSAGE"]);
        for failure in failures {
            table.row([&failure.subject, &failure.reason, &failure.message]);
        }
        text.push_str(&format!("\nFAILURES\n{table}"));
    }
    text
}

/// The connection that was named, or a list.
fn for_programs(objects: &[DynamicObject], args: &Args) -> Result<String, Failure> {
    let value = match (&args.name, objects) {
        (Some(_), [one]) => serde_json::to_value(one).map_err(Failure::failed)?,
        _ => json!({"apiVersion": "v1", "kind": "List", "items": objects}),
    };
    written(&value, args.output)
}

fn written(value: &Value, output: Output) -> Result<String, Failure> {
    if output == Output::Yaml {
        return serde_saphyr::to_string(value).map_err(Failure::failed);
    }
    Ok(serde_json::to_string_pretty(value).map_err(Failure::failed)? + "\n")
}

/// A span in at most two units, as kubectl writes it: `45s`, `3m20s`, `5h`, `12d`.
fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: i64, unit: char, small: i64, below: char| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{below}") }
    };
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, 'd', hours % 24, 'h'),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_kubectl_writes_them() {
        let at = |seconds| span(Timestamp::UNIX_EPOCH, Timestamp::from_second(seconds).unwrap());

        let written = [5, 119, 120, 200, 900, 10_800, 20_000, 100_000, 180_000, 1_000_000].map(at);

        assert_eq!(written, ["5s", "119s", "2m", "3m20s", "15m", "3h", "5h33m", "27h", "2d2h", "11d"]);
        assert_eq!(span(Timestamp::from_second(9).unwrap(), Timestamp::UNIX_EPOCH), "0s");
    }

    #[test]
    fn a_status_of_an_older_spec_is_no_verdict() {
        let object = |observed: i64| -> DynamicObject {
            serde_json::from_value(json!({
                "metadata": {"name": "acme", "namespace": "metrics", "generation": 2},
                "spec": {"url": "https://gitlab.com/"},
                "status": {"observedGeneration": observed, "conditions": [{
                    "type": "Ready", "status": "True", "reason": "Succeeded", "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }]},
            }))
            .unwrap()
        };

        assert_eq!(Shown::from(&object(1)).exit_code(), FAILED);
        assert_eq!(Shown::from(&object(2)).exit_code(), DONE);
    }
}
