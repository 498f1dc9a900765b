//! The access matrix, for people and for programs.

use serde_json::{Value, json};

use super::table::Table;
use crate::access::{Access, Entry, Outcome};

/// Which of the equivalent shell commands are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commands {
    /// Every one.
    All,
    /// Only those of questions that were not answered well.
    Troubles,
}

/// The matrix as text: tokens, questions and answers, what helps, and how to ask the same with curl.
pub(super) fn text(name: Option<&str>, access: &Access, commands: Commands) -> String {
    let mut text = String::new();
    if let Some(name) = name {
        text.push_str(&format!("{name}\n"));
    }
    if let Some(instance) = &access.instance {
        text.push_str(&format!("GitLab {} ({})\n", instance.version, edition(instance.enterprise)));
    }
    text.push_str(&format!("\n{}", tokens(access)));
    text.push_str(&format!("\n{}", questions(access)));
    for warning in &access.warnings {
        text.push_str(&format!("\nnote: {warning}\n"));
    }
    for entry in access.matrix.iter().filter(|entry| entry.finding.outcome != Outcome::Ok) {
        text.push_str(&format!("\n{}", trouble(entry)));
    }
    if commands == Commands::All {
        text.push_str("\nThe same with curl:\n");
        for entry in &access.matrix {
            text.push_str(&format!(
                "  # token '{}': {} {}\n  {}\n",
                entry.token,
                entry.what.as_str(),
                entry.subject,
                entry.curl
            ));
        }
    }
    text
}

fn edition(enterprise: bool) -> &'static str {
    if enterprise { "Enterprise Edition" } else { "Community Edition" }
}

fn tokens(access: &Access) -> Table {
    let mut table = Table::new(&["TOKEN", "USER", "SCOPES", "EXPIRES"]);
    for token in &access.tokens {
        table.row([
            token.name.clone(),
            token.user.clone().unwrap_or_else(|| "?".to_owned()),
            if token.scopes.is_empty() { "?".to_owned() } else { token.scopes.join(",") },
            token.expires_at.map_or_else(|| "?".to_owned(), |day| day.to_string()),
        ]);
    }
    table
}

fn questions(access: &Access) -> Table {
    let mut table = Table::new(&["TOKEN", "WHAT", "SUBJECT", "ANSWER", "HTTP", "REASON"]);
    for entry in &access.matrix {
        table.row([
            entry.token.as_str(),
            entry.what.as_str(),
            &entry.subject,
            answer(entry.finding.outcome),
            &entry.finding.http_status.map_or_else(String::new, |status| status.to_string()),
            entry.finding.reason.unwrap_or_default(),
        ]);
    }
    table
}

fn answer(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Denied => "denied",
        Outcome::Unknown => "unknown",
    }
}

fn trouble(entry: &Entry) -> String {
    let finding = &entry.finding;
    let mut text = format!("{}: {}\n", finding.reason.unwrap_or("unknown"), finding.message);
    if !finding.remedy.is_empty() {
        text.push_str(&format!("  remedy: {}\n", finding.remedy));
    }
    text.push_str(&format!("  ask yourself: {}\n", entry.curl));
    text
}

/// The matrix for programs.
pub(super) fn json(name: Option<&str>, access: &Access) -> Value {
    let tokens: Vec<Value> = access
        .tokens
        .iter()
        .map(|token| {
            json!({
                "name": token.name, "user": token.user, "scopes": token.scopes, "valid": token.valid,
                "expiresAt": token.expires_at.map(|day| day.to_string()),
            })
        })
        .collect();
    let matrix: Vec<Value> = access
        .matrix
        .iter()
        .map(|entry| {
            json!({
                "token": entry.token, "what": entry.what.as_str(), "subject": entry.subject,
                "outcome": answer(entry.finding.outcome), "httpStatus": entry.finding.http_status,
                "reason": entry.finding.reason, "message": entry.finding.message, "remedy": entry.finding.remedy,
                "curl": entry.curl,
            })
        })
        .collect();
    json!({
        "connection": name,
        "ok": access.matrix.iter().all(|entry| entry.finding.outcome == Outcome::Ok),
        "instance": access.instance.as_ref().map(|instance| json!({"version": instance.version, "enterprise": instance.enterprise})),
        "tokens": tokens,
        "access": matrix,
        "warnings": access.warnings,
    })
}
