//! What the simulated GitLab promises: to be as particular as the real one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod access;
mod activity;
mod approval_rules;
mod binary;
mod branches;
mod ci;
mod commits;
mod data;
mod deliveries;
mod deployments;
mod discussions;
mod environments;
mod events;
mod faults;
mod filters;
mod following;
mod hooks;
mod http;
mod instance;
mod issue_notes;
mod issues;
mod jobs;
mod labels;
mod members;
mod merge_request_reads;
mod merge_request_writes;
mod merging;
mod milestones;
mod paging;
mod parameters;
mod pipelines;
mod places;
mod receiver;
mod releases;
mod reviews;
mod service_accounts;
mod shapes;
mod support;
mod threads;
mod token_lists;
mod tokens;
mod totals;
