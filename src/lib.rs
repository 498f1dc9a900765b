//! Connects GitLab to a database you own, so that you can analyse merge requests, reviews and repositories.
//!
//! ```text
//!   GitLabConnection ─▶ manifest ─▶ connection ─▶ access ───▶ webhooks ──▶ importer ─▶ status
//!   (YAML)              hold to     follow its    what can    make GitLab  plan, claim    conditions,
//!                       the rules   references    tokens do?  call us      fetch, commit  as data
//!
//!   GitLab ──POST──▶ receiver ─▶ Batch ─┐
//!   GitLab ◀──GET─── importer ─▶ Batch ─┴─▶ store (PostgreSQL or SQLite)
//! ```
//!
//! Two ways through these rooms: [`local`] walks all of them in one process, with files and a database (`sync`). In a
//! cluster three parts share the work and meet in Kubernetes objects and in the database alone:
//!
//! ```text
//!   controller ─▶ connection, access, webhooks, status   never opens the database
//!       └─ Job ─▶ importer ─▶ store                      its last words are a verdict, which the controller reads
//!   serving ───▶ receiver, refresher ─▶ store            tells the status of deliveries and progress
//! ```
//!
//! Nouns, and no more than these: **Connection** (the custom resource), **Token** (one credential), **Access** (what a
//! token can do), **Hook** (a webhook in GitLab), **Run** (one import), **Task** (one project's share of a run),
//! **Batch** (rows plus the checkpoint that they advance, committed in one transaction).
//!
//! Receiver, refresher and importer meet in one verb, [`store::Store::commit`], which is idempotent: the newest
//! `updated_at` wins, whoever brings it and however often.
//!
//! Invariants, stated as absences: no SQL outside [`store`]; no GitLab URL outside [`gitlab`]; no clock read in a pure
//! function; no trait of ours until a second implementor exists; nothing here ever asks GitLab for file contents.

pub mod api;
pub mod guard;
pub mod references;

pub mod manifest;

pub mod gitlab;

pub mod access;
pub mod webhooks;

pub mod connection;

pub mod store;

pub mod verdict;

pub mod importer;

pub mod asked;

pub mod receiver;

pub mod schedule;
pub mod status;

pub mod local;

pub mod cluster;

pub mod controller;
pub mod serving;

pub mod cli;
pub mod telemetry;
