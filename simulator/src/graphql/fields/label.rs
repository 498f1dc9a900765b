//! Labels.

use crate::world::{Label, Owner};

use super::kit::{On, html, page};
use crate::graphql::arguments::Arguments;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Value};

pub(crate) fn field(name: &str) -> Option<On<Label>> {
    Some(match name {
        "id" => |_, label, _| match label.owner {
            Owner::Project(_) => Value::Gid("ProjectLabel", label.id),
            Owner::Group(_) => Value::Gid("GroupLabel", label.id),
        },
        "title" => |_, label, _| Value::Str(&label.title),
        "description" => |_, label, _| Value::str(label.description.as_deref()),
        "descriptionHtml" => |_, label, _| Value::Text(html(label.description.as_deref().unwrap_or_default())),
        "color" => |_, label, _| Value::Str(&label.color),
        "textColor" => |_, _, _| Value::Str("#FFFFFF"),
        "createdAt" => |_, label, _| Value::Time(label.created_at),
        "updatedAt" => |_, label, _| Value::Time(label.updated_at),
        "archived" | "lockOnMerge" => |_, _, _| Value::Bool(false),
        _ => return None,
    })
}

/// A page of labels, by title.
pub(crate) fn page_of<'w>(labels: impl Iterator<Item = &'w Label>, arguments: &Arguments) -> Value<'w> {
    let title = arguments.text("title");
    let term = arguments.text("searchTerm").map(str::to_lowercase);
    // Servers that cannot be told where to search look everywhere.
    let fields = arguments.texts("searchIn").unwrap_or_else(|| vec!["TITLE", "DESCRIPTION"]);
    let found = labels.filter(|label| {
        let mentions = |text: &str| {
            let description = label.description.as_deref().unwrap_or_default();
            fields.contains(&"TITLE") && label.title.to_lowercase().contains(text)
                || fields.contains(&"DESCRIPTION") && description.to_lowercase().contains(text)
        };
        title.is_none_or(|title| title == label.title) && term.as_deref().is_none_or(mentions)
    });
    page(found.map(Object::Label).collect(), Order::ascending(By::Title), arguments)
}
