//! Approval rules of a merge request (Premium).

/// What kind of rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleKind {
    /// Named people or groups.
    #[default]
    Regular,
    /// Anybody who may approve.
    AnyApprover,
    /// Owners of the changed files.
    CodeOwner,
    /// Asked for by a report, such as coverage.
    ReportApprover,
}

impl RuleKind {
    /// REST's `rule_type`; GraphQL spells it in upper case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RuleKind::Regular => "regular",
            RuleKind::AnyApprover => "any_approver",
            RuleKind::CodeOwner => "code_owner",
            RuleKind::ReportApprover => "report_approver",
        }
    }
}

/// A rule besides the one for any approver.
#[derive(Clone, Debug, Default)]
pub struct ApprovalRule {
    /// Unique in the instance.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// Regular, code owners…
    pub kind: RuleKind,
    /// How many approvals it asks for.
    pub required: i64,
    /// Who is eligible.
    pub users: Vec<i64>,
    /// Groups whose members are eligible.
    pub groups: Vec<i64>,
    /// The section of CODEOWNERS.
    pub section: Option<String>,
}
