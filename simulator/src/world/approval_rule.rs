//! Approval rules of merge requests, and of projects, whose new merge requests begin with them (Premium).

use super::{MergeRequest, World};

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

/// A rule.
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

/// Ids of rules that are made begin here. The rule for any approver has its merge request's id, which stays below.
pub(super) const FIRST_RULE: i64 = 1 << 40;

impl World {
    /// The rules of a merge request: the one for any approver where it asks for something, then the others.
    #[must_use]
    pub fn rules_of(&self, merge_request: &MergeRequest) -> Vec<ApprovalRule> {
        if !self.settings.edition.licensed() {
            return Vec::new();
        }
        let any = ApprovalRule {
            id: merge_request.id,
            name: "All Members".to_owned(),
            kind: RuleKind::AnyApprover,
            required: merge_request.approvals_required,
            ..ApprovalRule::default()
        };
        let any = (any.required > 0).then_some(any);
        any.into_iter().chain(merge_request.rules.iter().cloned()).collect()
    }

    /// Whose approvals count for a rule: its users and the members of its groups. Anybody's for the rule for any approver,
    /// which names nobody.
    #[must_use]
    pub fn eligible_approvers(&self, rule: &ApprovalRule) -> Vec<i64> {
        let groups = rule.groups.iter().filter_map(|id| self.group(*id));
        let members = groups.flat_map(|group| group.members.iter().map(|member| member.user));
        let mut eligible: Vec<i64> = Vec::new();
        for user in rule.users.iter().copied().chain(members) {
            if !eligible.contains(&user) {
                eligible.push(user);
            }
        }
        eligible
    }

    /// Whose approvals count for a rule now.
    #[must_use]
    pub fn approvers_of(&self, merge_request: &MergeRequest, rule: &ApprovalRule) -> Vec<i64> {
        let eligible = self.eligible_approvers(rule);
        let counts = |user: &i64| rule.kind == RuleKind::AnyApprover || eligible.contains(user);
        merge_request.approvals.iter().map(|approval| approval.user).filter(counts).collect()
    }

    /// How many approvals a rule still misses.
    #[must_use]
    pub fn rule_left(&self, merge_request: &MergeRequest, rule: &ApprovalRule) -> i64 {
        let given = i64::try_from(self.approvers_of(merge_request, rule).len()).unwrap_or_default();
        (rule.required - given).max(0)
    }

    /// Lets a new merge request begin with the rules of its project.
    pub(super) fn begin_with_rules(&mut self, merge_request: i64) -> Option<()> {
        let project = self.merge_request(merge_request)?.project;
        let rules = self.project(project)?.approval_rules.clone();
        self.edit_merge_request(merge_request, |merge_request| {
            for rule in rules {
                match rule.kind {
                    RuleKind::AnyApprover => merge_request.approvals_required = rule.required,
                    _ => merge_request.rules.push(rule),
                }
            }
        })
    }
}
