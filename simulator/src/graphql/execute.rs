//! Executes a plan and writes the answer, byte by byte, as it goes.
//!
//! Semantics are those of the GraphQL specification: an error makes its field null, and where that may not be, the field around it.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::Type;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::response::JsonMap;
use serde_json::Value as Json;

use super::context::Context;
use super::error::{error, locations};
use super::fields::Resolve;
use super::leaf;
use super::plan::{Field, Plan};
use super::value::{Object, Value};
use crate::world::NO_FINE_GRAINED;

/// A field that may not be null is: the one around it becomes null instead.
struct Propagate;

/// Where in the answer we are.
enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl Path<'_> {
    fn to_json(&self) -> Vec<Json> {
        match self {
            Path::Root => Vec::new(),
            Path::Key(above, key) => [above.to_json(), vec![Json::from(*key)]].concat(),
            Path::Index(above, index) => [above.to_json(), vec![Json::from(*index)]].concat(),
        }
    }
}

/// Writes the answer to one operation.
pub(crate) fn execute(
    ctx: &Context<'_>,
    document: &ExecutableDocument,
    plan: &Plan<'_>,
    introspection: Option<&JsonMap>,
    out: &mut Vec<u8>,
) {
    let mut writer = Writer { ctx, document, introspection, errors: Vec::new(), out };
    writer.out.extend_from_slice(b"{\"data\":");
    let start = writer.out.len();
    if writer.object(&Object::Query, plan, &Path::Root).is_err() {
        writer.out.truncate(start);
        writer.out.extend_from_slice(b"null");
    }
    if !writer.errors.is_empty() {
        let errors = Json::Array(std::mem::take(&mut writer.errors));
        writer.out.extend_from_slice(b",\"errors\":");
        writer.json(&errors);
    }
    writer.out.push(b'}');
}

struct Writer<'a, 'w> {
    ctx: &'a Context<'w>,
    document: &'a ExecutableDocument,
    introspection: Option<&'a JsonMap>,
    errors: Vec<Json>,
    out: &'a mut Vec<u8>,
}

impl<'w> Writer<'_, 'w> {
    fn object(&mut self, object: &Object<'w>, plan: &Plan<'_>, path: &Path<'_>) -> Result<(), Propagate> {
        self.out.push(b'{');
        for (index, field) in plan.fields.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(&field.key);
            let start = self.out.len();
            let path = Path::Key(path, field.response_key);
            if let Err(propagate) = self.field(object, plan, field, &path) {
                if field.definition.ty.is_non_null() && !field.resolve.is_later() {
                    return Err(propagate);
                }
                self.out.truncate(start);
                self.out.extend_from_slice(b"null");
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn field(
        &mut self,
        object: &Object<'w>,
        plan: &Plan<'_>,
        field: &Field<'_>,
        path: &Path<'_>,
    ) -> Result<(), Propagate> {
        let name = field.definition.name.as_str();
        if field.times_out {
            return Err(self.error(format!("Timeout on {}.{name}", plan.type_name), field.location, path));
        }
        let of_schema = matches!(field.resolve, Resolve::TypeName | Resolve::Introspection);
        if self.ctx.caller.fine_grained() && !of_schema {
            return Err(self.error(NO_FINE_GRAINED.to_owned(), field.location, path));
        }
        match field.resolve {
            Resolve::TypeName => leaf::text(self.out, plan.type_name),
            Resolve::Later => self.out.extend_from_slice(b"null"),
            Resolve::Introspection => {
                let answer = self.introspection.and_then(|answers| answers.get(field.response_key));
                let answer = serde_json::to_value(answer).unwrap_or_default();
                self.json(&answer);
            }
            _ => {
                let value = field.resolve.call(self.ctx, object, name, &field.arguments);
                return self.value(value, &field.definition.ty, plan, field, path);
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        value: Value<'w>,
        ty: &Type,
        plan: &Plan<'_>,
        field: &Field<'_>,
        path: &Path<'_>,
    ) -> Result<(), Propagate> {
        match value {
            Value::Null if ty.is_non_null() => {
                let message =
                    format!("Cannot return null for non-nullable field {}.{}", plan.type_name, field.definition.name);
                return Err(self.error(message, field.location, path));
            }
            Value::Null => self.out.extend_from_slice(b"null"),
            Value::Bool(true) => self.out.extend_from_slice(b"true"),
            Value::Bool(false) => self.out.extend_from_slice(b"false"),
            Value::Int(number) => leaf::number(self.out, number),
            Value::Float(number) => self.json(&Json::from(number)),
            Value::Str(text) => leaf::text(self.out, text),
            Value::Text(text) => leaf::text(self.out, &text),
            Value::Digits(number) => leaf::digits(self.out, number),
            Value::Gid(model, number) => leaf::global_id(self.out, model, number),
            Value::Time(at) => leaf::time(self.out, at),
            Value::Sha(sha) => leaf::sha(self.out, sha),
            Value::Object(object) => return self.nested(&object, field, path),
            Value::List(items) => {
                let items = items.into_iter().enumerate();
                return self
                    .list(items, ty, path, |writer, item, path| writer.value(item, ty.item_type(), plan, field, path));
            }
            Value::Nodes(page) => {
                let items = page.nodes.iter().enumerate();
                return self.list(items, ty, path, |writer, object, path| writer.nested(object, field, path));
            }
            Value::Refused(message) => return Err(self.error(message, field.location, path)),
        }
        Ok(())
    }

    fn nested(&mut self, object: &Object<'w>, field: &Field<'_>, path: &Path<'_>) -> Result<(), Propagate> {
        match field.plan(object.type_name()) {
            Some(plan) => self.object(object, plan, path),
            None => Err(Propagate),
        }
    }

    fn list<T>(
        &mut self,
        items: impl Iterator<Item = (usize, T)>,
        ty: &Type,
        path: &Path<'_>,
        mut write: impl FnMut(&mut Self, T, &Path<'_>) -> Result<(), Propagate>,
    ) -> Result<(), Propagate> {
        self.out.push(b'[');
        for (index, item) in items {
            if index > 0 {
                self.out.push(b',');
            }
            let start = self.out.len();
            if let Err(propagate) = write(self, item, &Path::Index(path, index)) {
                if ty.item_type().is_non_null() {
                    return Err(propagate);
                }
                self.out.truncate(start);
                self.out.extend_from_slice(b"null");
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn error(&mut self, message: String, location: Option<SourceSpan>, path: &Path<'_>) -> Propagate {
        let mut found = error(message, locations(location, &self.document.sources));
        found.insert("path".to_owned(), Json::Array(path.to_json()));
        self.errors.push(Json::Object(found));
        Propagate
    }

    fn json(&mut self, value: &Json) {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(&mut *self.out, value);
    }
}
