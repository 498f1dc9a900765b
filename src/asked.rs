//! From a spec to what the importer, the refresher and the database are asked for. Pure.

use jiff::SignedDuration;

use crate::{
    api::{GitLabConnectionSpec, HumanDuration, NamedRef, Resource},
    connection::Database,
    importer::{Auditing, Resources, Scope, Settings},
    store::{Place, Source},
};

/// Projects read at once.
const CONCURRENCY: usize = 16;
/// How often the scope is walked for projects that came, moved or went.
const WALK_INTERVAL: SignedDuration = SignedDuration::from_hours(24);
/// How long a database or a project that went away is waited for, unless somebody says otherwise.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// Where the rows go.
#[must_use]
pub fn place(database: &Database) -> Place {
    Place {
        url: database.url.clone(),
        ca_bundle: database.ca_bundle.clone(),
        max_connections: database.max_connections,
    }
}

/// What a connection asks of the importer, without the run and its worker: that is all that a refresher needs.
#[must_use]
pub fn import_settings(spec: &GitLabConnectionSpec, source: Source) -> Settings {
    let (scope, import) = (&spec.scope, &spec.import);
    let texts = |refs: &[NamedRef]| refs.iter().map(ToString::to_string).collect();
    let wanted = |resource| import.resources.contains(&resource);
    Settings {
        source,
        run_key: String::new(),
        worker: String::new(),
        full: false,
        resync_interval: Some(import.resync_interval.get()),
        walk_interval: WALK_INTERVAL,
        audit: import
            .audit
            .as_ref()
            .map(|audit| Auditing { interval: audit.interval.get(), sample: audit.sample.unsigned_abs().into() }),
        scope: Scope {
            groups: texts(&scope.groups),
            projects: texts(&scope.projects),
            exclude_projects: scope.exclude_projects.clone(),
            include_subgroups: scope.include_subgroups,
            include_archived: scope.include_archived,
        },
        since: import.starts_at(),
        lookback: import.lookback.as_ref().map(HumanDuration::get),
        resources: Resources {
            reviews: wanted(Resource::Reviews),
            commits: wanted(Resource::Commits),
            labels: wanted(Resource::Labels),
            members: wanted(Resource::Members),
            deployments: wanted(Resource::Deployments),
            pipelines: wanted(Resource::Pipelines),
        },
        text: import.text,
        concurrency: CONCURRENCY,
        patience: PATIENCE,
    }
}
