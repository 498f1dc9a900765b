//! Whatever the order and however often: the same batches make the same database.

use gitlab_connector::store::rows::{Approval, MergeRequest, MergeRequestCommit, Note, User};
use gitlab_connector::store::{Batch, Complete, Source};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_assert_eq};
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

use super::{Home, at, homes, merge_request};

/// What GitLab says of a merge request at some moment: bits tell which children there are.
#[derive(Debug, Clone, Copy)]
struct Version {
    merge_request: i64,
    notes: u8,
    approvals: u8,
    commits: u8,
}

fn versions() -> impl Strategy<Value = Vec<Version>> {
    let version = (1..4_i64, any::<u8>(), any::<u8>(), any::<u8>())
        .prop_map(|(merge_request, notes, approvals, commits)| Version { merge_request, notes, approvals, commits });
    prop::collection::vec(version, 1..12)
}

/// The history as batches, one a moment.
fn batches(versions: &[Version]) -> Vec<Batch> {
    let batch = |(moment, version): (usize, &Version)| {
        let (moment, id) = (i64::try_from(moment).unwrap(), version.merge_request);
        let bits = |bits: u8| (0..8_i64).filter(move |bit| bits >> bit & 1 == 1);
        // What a note is never changes; who wrote it may be nobody, and what they did may be a review.
        let note = |note: i64| Note {
            id: id * 10 + note,
            merge_request_id: id,
            project_id: 1,
            author_id: Some(note % 4).filter(|author| *author > 0),
            system: note > 3,
            action: [None, Some("approved"), Some("ready"), Some("requested_changes"), Some("unapproved")]
                [usize::try_from((note - 3).max(0)).unwrap()]
            .map(str::to_owned),
            resolved: Some(moment % 2 == 0),
            created_at: at(note * 200_000),
            updated_at: at(moment),
            ..Note::default()
        };
        Batch {
            as_of: Some(at(moment)),
            users: vec![User {
                id,
                username: if moment % 5 == 4 { "ghost".to_owned() } else { format!("u{moment}") },
                bot: Some(moment % 2 == 0),
                ..User::default()
            }],
            merge_requests: vec![MergeRequest {
                author_id: Some(1 + moment % 3),
                draft: Some(moment % 4 == 3),
                merged_at: (moment % 3 > 0).then(|| at(moment * 100_000)),
                reviews_complete: Some(moment % 5 > 0),
                commits_complete: Some(moment % 4 > 0),
                ..merge_request(id, moment)
            }],
            notes: bits(version.notes).map(note).collect(),
            approvals: bits(version.approvals)
                .map(|user_id| Approval { merge_request_id: id, user_id, approved_at: None })
                .collect(),
            commits: bits(version.commits)
                .map(|bit| MergeRequestCommit {
                    merge_request_id: id,
                    sha: format!("c{bit}"),
                    authored_at: Some(at(-bit)),
                    ..MergeRequestCommit::default()
                })
                .collect(),
            complete: vec![Complete {
                merge_request_id: id,
                as_of: at(moment),
                notes: true,
                approvals: true,
                commits: true,
            }],
            ..Batch::default()
        }
    };
    versions.iter().enumerate().map(batch).collect()
}

async fn result_of(home: &Home, order: &[usize], group: usize, batches: &[Batch]) -> Vec<String> {
    home.store.forget(home.source).await.unwrap();
    for indexes in order.chunks(group) {
        let group: Vec<(Source, Batch)> = indexes.iter().map(|index| (home.source, batches[*index].clone())).collect();
        home.store.commit_all(&group).await.unwrap();
    }
    home.dump().await
}

fn orders() -> impl Strategy<Value = (Vec<Version>, Vec<usize>, usize)> {
    versions().prop_flat_map(|versions| {
        let once_and_some_twice: Vec<usize> = (0..versions.len()).chain(0..versions.len() / 2).collect();
        (Just(versions), Just(once_and_some_twice).prop_shuffle(), 1..5_usize)
    })
}

#[test]
fn any_order_repetition_and_grouping_makes_the_same_database() {
    let runtime = Runtime::new().unwrap();
    let homes = runtime.block_on(homes());
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };

    let outcome = TestRunner::new(config).run(&orders(), |(versions, order, group)| {
        let batches = batches(&versions);
        let in_order: Vec<usize> = (0..batches.len()).collect();
        runtime.block_on(async {
            for home in &homes {
                let expected = result_of(home, &in_order, 1, &batches).await;
                prop_assert_eq!(result_of(home, &order, group, &batches).await, expected);
            }
            Ok(())
        })
    });

    outcome.unwrap();
}

#[test]
fn facts_kept_are_those_made_from_scratch() {
    let runtime = Runtime::new().unwrap();
    let homes = runtime.block_on(homes());
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };

    let outcome = TestRunner::new(config).run(&orders(), |(versions, order, group)| {
        let mut batches = batches(&versions);
        // Some are deleted on the way, and live again if they are seen again.
        for (batch, version) in batches.iter_mut().zip(&versions).filter(|(_, version)| version.notes % 8 == 0) {
            batch.deleted = vec![version.merge_request % 3 + 1];
        }
        runtime.block_on(async {
            for home in &homes {
                let kept = result_of(home, &order, group, &batches).await;
                home.change("delete from connector_facts").await;
                home.change("delete from connector_participants").await;
                let everything =
                    format!("insert into connector_recounts (source, user_id) values ({}, 0)", home.source.0);
                home.change(everything.leak()).await;
                home.store.recount(home.source).await.unwrap();
                prop_assert_eq!(home.dump().await, kept);
            }
            Ok(())
        })
    });

    outcome.unwrap();
}
