//! Our executor against the engine's: the same query, the same World, the same answer.

use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Schema, ast};
use serde_json::{Value as Json, json};

use crate::world::{Caller, Edition, Role, Size, World};

use super::arguments::Arguments;
use super::context::Context;
use super::document::prepare;
use super::fields::resolver;
use super::paging::PAGE_SIZE;
use super::schema::{Level, schema};
use super::value::{Object, Value};

/// An object as the engine wants it.
struct Adapted<'a, 'w> {
    ctx: &'a Context<'w>,
    object: Object<'w>,
    type_name: String,
}

impl ObjectValue for Adapted<'_, '_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let given = serde_json::to_value(info.arguments()).unwrap();
        let values = given.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.clone()));
        let arguments = Arguments::of_values(values.collect(), true, true, PAGE_SIZE);
        let resolve = resolver(&self.type_name, info.field_name());
        let value = resolve.call(self.ctx, &self.object, info.field_name(), &arguments);
        self.adapt(value, &info.field_definition().ty)
    }
}

impl<'w> Adapted<'_, 'w> {
    fn adapt<'a>(&'a self, value: Value<'w>, ty: &ast::Type) -> Result<ResolvedValue<'a>, FieldError> {
        let object = |object: Object<'w>| {
            let type_name = object.type_name().unwrap_or(ty.inner_named_type()).to_owned();
            ResolvedValue::object(Adapted { ctx: self.ctx, object, type_name })
        };
        Ok(match value {
            Value::Null => ResolvedValue::null(),
            Value::Bool(flag) => ResolvedValue::leaf(flag),
            Value::Int(number) => ResolvedValue::leaf(number),
            Value::Float(number) => ResolvedValue::leaf(number),
            Value::Str(text) => ResolvedValue::leaf(text),
            Value::Text(text) => ResolvedValue::leaf(text),
            Value::Digits(number) => ResolvedValue::leaf(number.to_string()),
            Value::Gid(model, number) => ResolvedValue::leaf(format!("gid://gitlab/{model}/{number}")),
            Value::Time(at) => ResolvedValue::leaf(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            Value::Sha(sha) => ResolvedValue::leaf(sha.to_string()),
            Value::Object(found) => object(found),
            Value::Nodes(page) => {
                let nodes: Vec<_> = page.nodes.iter().cloned().map(object).collect();
                ResolvedValue::list(nodes)
            }
            Value::List(items) => {
                let items: Result<Vec<_>, _> = items.into_iter().map(|item| self.adapt(item, ty)).collect();
                ResolvedValue::list(items?)
            }
            Value::Refused(message) => return Err(FieldError { message }),
        })
    }
}

/// A query for all fields of a type, this deep, with short lists.
fn everything(schema: &Valid<Schema>, type_name: &str, depth: usize) -> String {
    let fields = match schema.types.get(type_name) {
        Some(ExtendedType::Object(node)) => &node.fields,
        Some(ExtendedType::Interface(node)) => &node.fields,
        _ => return String::new(),
    };
    let mut text = "__typename".to_owned();
    for (name, field) in fields {
        let inner = field.ty.inner_named_type();
        let is_leaf = schema.types.get(inner).is_some_and(ExtendedType::is_leaf);
        let required: Vec<_> = field.arguments.iter().filter(|argument| argument.is_required()).collect();
        if !required.is_empty() || (!is_leaf && depth == 0) {
            continue;
        }
        let paged = field.arguments.iter().any(|argument| argument.name == "first");
        let arguments = if paged { "(first: 2)" } else { "" };
        let below = everything(schema, inner, depth.saturating_sub(1));
        let below = if is_leaf { String::new() } else { format!(" {{ {below} }}") };
        text.push_str(&format!(" {name}{arguments}{below}"));
    }
    text
}

fn world(version: &str, edition: Edition) -> World {
    let size = Size { projects: 3, merge_requests: 4, users: 6, ..Size::default() };
    World::generate(7, size)
        .with_version(version)
        .with_edition(edition)
        .with_group("acme", |group| group.member("ann", Role::Owner))
}

fn answers(world: &World, text: &str) -> (Json, Json) {
    let ann = world.user_by_name("ann").unwrap().id;
    let caller = Caller { user: Some(ann), ..Caller::default() };
    let prepared = prepare(world.settings.version, world.settings.edition.enterprise(), text);
    let prepared = prepared.as_ref().as_ref().unwrap_or_else(|errors| panic!("{errors:?}"));
    let ctx = Context::new(world, &caller, 0, 0);
    let root = Adapted { ctx: &ctx, object: Object::Query, type_name: "Query".to_owned() };
    let theirs = Execution::new(&prepared.schema, &prepared.document).execute_sync(&root).unwrap();

    let variables = std::collections::HashMap::new();
    let planner = super::plan::Planner {
        schema: &prepared.schema,
        document: &prepared.document,
        variables: &variables,
        timeouts: &[],
        page_size: PAGE_SIZE,
    };
    let plan = planner.operation(prepared.operation(None).unwrap());
    let mut ours = Vec::new();
    super::execute::execute(&ctx, &prepared.document, &plan, None::<&JsonMap>, &mut ours);
    let theirs: JsonValue = serde_json::from_str(&serde_json::to_string(&theirs).unwrap()).unwrap();
    (serde_json::from_slice(&ours).unwrap(), serde_json::to_value(&theirs).unwrap())
}

#[test]
fn our_executor_answers_as_the_engine_does_for_all_fields_of_all_versions() {
    for version in ["15.5", "16.3", "17.2", "18.0", "19.1"] {
        for edition in [Edition::Community, Edition::Licensed] {
            let world = world(version, edition);
            let schema = schema(Level::of(world.settings.version), edition.enterprise());
            let path = &world.projects().next().unwrap().full_path;
            let merge_request = everything(&schema, "MergeRequest", 2);
            let project = everything(&schema, "Project", 2);
            let group = everything(&schema, "Group", 2);
            let user = everything(&schema, "UserCore", 2);
            let text = format!(
                "{{ project(fullPath: {path:?}) {{ list: mergeRequests(first: 2, sort: UPDATED_ASC) {{ nodes {{ {merge_request} }} }} {project} }} \
                 group(fullPath: \"acme\") {{ {group} }} metadata {{ {} }} currentUser {{ {user} }} }}",
                everything(&schema, "Metadata", 2).replace("featureFlags", "featureFlags(names: [])"),
            );

            let (ours, theirs) = answers(&world, &text);

            assert_eq!(ours.get("errors"), None, "{version} {edition:?}");
            let listed = ours["data"]["project"]["list"]["nodes"].as_array().map(Vec::len);
            assert_eq!(listed, Some(2), "{version} {edition:?}");
            assert_eq!(ours, theirs, "{version} {edition:?}");
        }
    }
}

#[test]
fn errors_make_null_what_may_be_null() {
    let world = world("19.1", Edition::Licensed);
    let text = r#"{ group(fullPath: "acme") { id projects(after: "nonsense") { nodes { id } } } currentUser { id groups(first: 1, last: 1) { nodes { id } } } }"#;

    let (ours, theirs) = answers(&world, text);

    // `projects` may not be null, so the group is; `groups` may.
    assert_eq!(ours["data"]["group"], Json::Null);
    assert_eq!(ours["data"]["currentUser"]["groups"], Json::Null);
    assert_eq!(ours["data"], theirs["data"]);
    assert_eq!(ours["errors"][0]["message"], json!("Please provide a valid cursor"));
    assert_eq!(ours["errors"][0]["path"], json!(["group", "projects"]));
    assert_eq!(ours["errors"][1]["message"], json!("Can only provide either `first` or `last`, not both"));
}

/// Types whose objects are records: their fields are looked up by name.
const RECORDS: [&str; 50] = [
    "AccessLevel",
    "ApprovalScanResultPolicy",
    "AwardEmoji",
    "BlockingMergeRequests",
    "CiConfig",
    "CiGroup",
    "CiPipelineCreationRequest",
    "CiRunner",
    "CodequalityReportsComparer",
    "DeploymentApproval",
    "DeploymentApprovalSummary",
    "DeploymentPermissions",
    "DeploymentTag",
    "DescriptionVersion",
    "DetailedStatus",
    "Diff",
    "DiffRefs",
    "DiffStatsSummary",
    "DiscussionPermissions",
    "DuoWorkflow",
    "FindingReportsComparer",
    "GitlabInstanceFeatureFlag",
    "GpgSignature",
    "GroupMemberPermissions",
    "GroupPermissions",
    "Kas",
    "MergeRequestApprovalState",
    "MergeRequestDiff",
    "MergeRequestDiffLlmSummary",
    "MergeRequestLinkedWorkItem",
    "MergeRequestMergeabilityCheck",
    "MergeRequestPermissions",
    "MergeTrainCar",
    "Metadata",
    "Namespace",
    "NotePermissions",
    "PolicyApprovalSettingsOverride",
    "PolicyBypassStatus",
    "PolicyViolationDetails",
    "ProjectPermissions",
    "QueryComplexity",
    "RepositoryBlob",
    "RepositoryCodeownerValidation",
    "SuggestedReviewersType",
    "SystemNoteMetadata",
    "TaskCompletionStatus",
    "Timelog",
    "Todo",
    "Tree",
    "TreeEntry",
];

#[test]
fn every_field_of_every_schema_has_a_resolver() {
    let mut without = Vec::new();
    for level in [Level::V15_5, Level::V16_3, Level::V17_2, Level::V18_0, Level::V19_1] {
        let schema = schema(level, true);
        for (name, ty) in &schema.types {
            let ExtendedType::Object(node) = ty else {
                continue;
            };
            if name.starts_with("__") || RECORDS.contains(&name.as_str()) {
                continue;
            }
            let fields = node.fields.keys();
            let missing = fields.filter(|field| matches!(resolver(name, field), super::fields::Resolve::Record));
            without.extend(missing.map(|field| format!("{level:?} {name}.{field}")));
        }
    }

    assert!(without.is_empty(), "{without:#?}");
}
