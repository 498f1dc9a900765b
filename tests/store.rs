//! What the store promises, in both databases.

use gitlab_connector::store::rows::{MergeRequest, MergeRequestCommit, Note, User};
use gitlab_connector::store::{
    Batch, Committed, Complete, Connection, Source, Store,
};
use jiff::Timestamp;

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

/// A page of a project as the importer commits it.
fn page(first: i64, full: bool) -> Batch {
    let mut batch = Batch::default();
    for id in first..first + 100 {
        let mut row = merge_request(id, id, &format!("Merge request number {id} does something useful"));
        row.author_id = Some(id % 30);
        row.web_url = Some(format!("https://gitlab.test/acme/platform/api/-/merge_requests/{id}"));
        row.sha = Some(format!("{id:040x}"));
        row.additions = Some(id % 100);
        batch.merge_requests.push(row);
        for note in 0..5 {
            batch.notes.push(Note {
                id: id * 10 + note,
                merge_request_id: id,
                project_id: 1,
                author_id: Some((id + note) % 30),
                created_at: at(id),
                updated_at: at(id),
                ..Note::default()
            });
        }
        for commit in 0..3 {
            batch.commits.push(MergeRequestCommit {
                merge_request_id: id,
                sha: format!("{:040x}", id * 10 + commit),
                title: Some("A commit with a title of usual length".into()),
                author_name: Some("Alex Garcia".into()),
                author_email: Some("alex@example.test".into()),
                authored_at: Some(at(id)),
                committed_at: Some(at(id)),
                ..MergeRequestCommit::default()
            });
        }
        batch.complete.push(Complete { merge_request_id: id, as_of: at(id), notes: true, approvals: true, commits: full });
    }
    batch.users = (0..30).map(|id| User { id, username: format!("user{id}"), ..User::default() }).collect();
    batch
}

#[tokio::test]
#[ignore = "prints figures"]
async fn figures() {
    for Home { store, _file } in homes().await {
        let source = source(&store).await;
        for pass in 0..3 {
            let pages: Vec<Batch> = (0..50).map(|page_| page(page_ * 100, true)).collect();
            let before = std::time::Instant::now();
            let cpu = std::fs::read_to_string("/proc/self/stat").unwrap();
            for page in &pages {
                store.commit(source, page).await.unwrap();
            }
            let ticks = |stat: &str| stat.split(' ').skip(13).take(2).map(|t| t.parse::<u64>().unwrap()).sum::<u64>();
            let after = std::fs::read_to_string("/proc/self/stat").unwrap();
            println!("{store:?} pass {pass}: {:?} wall, {} ms cpu", before.elapsed(), 10 * (ticks(&after) - ticks(&cpu)));
        }
    }
}
