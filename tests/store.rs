//! What the store promises, in both databases.

use gitlab_connector::store::rows::{Approval, Label, Member, MemberKind, MergeRequest, MergeRequestCommit, Note, Project, User};
use gitlab_connector::store::{
    Batch, Committed, Complete, Connection, Delivery, Error, Mark, NewTask, PlanClaim, Progress, Source, Store, Sweep, TaskState,
};
use jiff::{SignedDuration, Timestamp};

use crate::support::postgres;

/// A database of its own for one test; the file goes with it.
struct Home {
    store: Store,
    _file: Option<File>,
}

struct File(std::path::PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.0.display()));
        }
    }
}

impl File {
    fn new() -> File {
        File(std::env::temp_dir().join(format!("gitlab-connector-{:016x}.db", fastrand::u64(..))))
    }

    fn url(&self) -> secrecy::SecretString {
        format!("sqlite:{}", self.0.display()).into()
    }
}

async fn homes() -> Vec<Home> {
    let file = File::new();
    let store = Store::open(&file.url()).await.unwrap();
    store.migrate().await.unwrap();
    vec![Home { store, _file: Some(file) }, Home { store: postgres::store().await, _file: None }]
}

async fn source(store: &Store) -> Source {
    let connection =
        Connection { namespace: "metrics".into(), name: "acme".into(), url: "https://gitlab.test".into(), uid: None };
    store.register(&connection).await.unwrap().source
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn merge_request(id: i64, updated: i64, title: &str) -> MergeRequest {
    MergeRequest {
        id,
        iid: id,
        project_id: 1,
        title: Some(title.to_owned()),
        state: Some("opened".to_owned()),
        labels: Some(vec!["bug".to_owned()]),
        created_at: at(0),
        updated_at: at(updated),
        ..MergeRequest::default()
    }
}

#[tokio::test]
async fn a_merge_request_is_stored() {
    for Home { store, _file } in homes().await {
        let source = source(&store).await;
        let batch = Batch { merge_requests: vec![merge_request(1, 1, "a")], ..Batch::default() };

        assert_eq!(store.commit(source, &batch).await.unwrap(), Committed::Stored);

        let overview = store.overview(source).await.unwrap();
        assert!(overview.contains(&("gitlab_merge_requests", 1)), "{overview:?}");
    }
}
