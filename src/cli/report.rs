//! What a pass came to, for people and for programs.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::{Value, json};

use super::{
    matrix::{self, Commands},
    table::Table,
};
use crate::{
    local::{Report, Work, spoken},
    webhooks::Removed,
};

/// Everything: access, webhooks, import, conditions, rows.
pub(super) fn text(work: &Work<'_>, report: &Report) -> String {
    let mut text = format!("{}/{}  {}\n", report.namespace, report.name, work.spec().url);
    if let Some(access) = &report.pass.access {
        text.push_str(&format!("\nACCESS\n{}", matrix::text(None, access, Commands::Troubles)));
    }
    for note in &report.pass.hooks.notes {
        text.push_str(&format!("\nnote: {note}\n"));
    }
    if !report.pass.hooks.commands.is_empty() {
        text.push_str("\nWEBHOOKS to be made by hand, with a token that may ($GITLAB_TOKEN) and the shared secret ($WEBHOOK_SECRET)\n");
        if work.spec().webhooks.secret_ref.is_none() {
            text.push_str("  The shared secret was generated and is never printed: name one of your own in spec.webhooks.secretRef.\n");
        }
        for command in &report.pass.hooks.commands {
            text.push_str(&format!("  {command}\n"));
        }
    }
    text.push_str(&import(report));
    text.push_str(&format!("\nCONDITIONS\n{}", conditions(&report.status.conditions)));
    if !report.rows.is_empty() {
        text.push_str(&format!("\nROWS\n{}", rows(report)));
    }
    text
}

fn import(report: &Report) -> String {
    let Some(summary) = &report.pass.summary else { return String::new() };
    let (run, progress) = (&summary.run.run, &summary.run.progress);
    let took =
        run.finished_at.map(|end| format!(" in {}", spoken(end.duration_since(run.started_at)))).unwrap_or_default();
    let mut text = format!("\nIMPORT\n{} projects, {} merge requests{took}\n", progress.tasks, progress.merge_requests);
    for trouble in &summary.run.troubles {
        let what = if trouble.failed { "failed" } else { "skipped" };
        text.push_str(&format!("  {what}: {}: {}\n", trouble.project_path, trouble.reason));
    }
    for difference in &summary.differences {
        text.push_str(&format!(
            "  {}: GitLab counted {} merge requests, {} were read; the next import looks again\n",
            difference.project, difference.expected, difference.found
        ));
    }
    text
}

/// The conditions of a connection.
pub(super) fn conditions(conditions: &[Condition]) -> Table {
    let mut table = Table::new(&["TYPE", "STATUS", "REASON", "MESSAGE"]);
    for condition in conditions {
        table.row([&condition.type_, &condition.status, &condition.reason, &condition.message]);
    }
    table
}

fn rows(report: &Report) -> Table {
    let mut table = Table::new(&["TABLE", "ROWS"]);
    for (name, rows) in &report.rows {
        table.row([(*name).to_owned(), rows.to_string()]);
    }
    table
}

/// One line for a pass while watching.
pub(super) fn short(report: &Report) -> String {
    let ready = report.status.conditions.iter().find(|condition| condition.type_ == crate::api::conditions::READY);
    let (status, reason, message) =
        ready.map_or(("Unknown", "", ""), |ready| (&ready.status, &ready.reason, &ready.message));
    let merge_requests =
        report.rows.iter().find(|(name, _)| *name == "gitlab_merge_requests").map_or(0, |(_, rows)| *rows);
    format!(
        "{}/{}: Ready={status} {reason}: {message}; {merge_requests} merge requests stored\n",
        report.namespace, report.name
    )
}

/// The connections with their status, as the cluster would show them: one object, or a list of several.
pub(super) fn json(reports: &[Report]) -> Result<String, serde_json::Error> {
    let one = |report: &Report| -> Result<Value, serde_json::Error> {
        Ok(json!({
            "namespace": report.namespace,
            "name": report.name,
            "status": serde_json::to_value(&report.status)?,
            "rows": report.rows.iter().map(|(name, rows)| ((*name).to_owned(), Value::from(*rows))).collect::<serde_json::Map<_, _>>(),
        }))
    };
    let mut all = reports.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    let value = if all.len() == 1 { all.remove(0) } else { Value::Array(all) };
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

/// What was taken away, and what was left behind.
pub(super) fn removed(work: &Work<'_>, removed: &Removed) -> String {
    let noun = if removed.removed == 1 { "webhook" } else { "webhooks" };
    let mut text = format!("{}: {} {noun} removed\n", work.name(), removed.removed);
    for left in &removed.left {
        text.push_str(&format!("  left behind: {}: {} ({})\n", left.subject, left.message, left.reason));
    }
    text
}
