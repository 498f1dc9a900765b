//! A selection of GraphQL fields, and what GitLab charges for it.

use super::MAX_PAGE;

/// Fields of one object, with their complexity by GitLab's rules.
///
/// A plain field costs 1, some cost more; an object or a plain list costs its own price and that of what is inside; a
/// list behind a *resolver* costs `(inside + 1) × (1 + first / 100)`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    text: String,
    cost: u32,
}

impl Fields {
    /// Plain fields at 1 each, separated by spaces.
    pub(crate) fn plain(names: &str) -> Fields {
        Fields::default().and(names)
    }

    /// The selection as it stands in a document.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The sum of all prices.
    pub(crate) fn cost(&self) -> u32 {
        self.cost
    }

    /// Adds plain fields at 1 each.
    pub(crate) fn and(self, names: &str) -> Fields {
        self.priced(1, names)
    }

    /// Adds fields of a known price each.
    pub(crate) fn priced(mut self, price: u32, names: &str) -> Fields {
        for name in names.split_whitespace() {
            self.push(name);
            self.cost += price;
        }
        self
    }

    /// Adds fields only to documents that want them.
    pub(crate) fn and_if(self, wanted: bool, names: &str) -> Fields {
        if wanted { self.and(names) } else { self }
    }

    /// Adds one field with its arguments and directives.
    pub(crate) fn field(mut self, price: u32, text: &str) -> Fields {
        self.push(text);
        self.cost += price;
        self
    }

    /// Adds an object, or a list without nodes, with what is inside it.
    pub(crate) fn object(mut self, own: u32, head: &str, inside: &Fields) -> Fields {
        self.push(&format!("{head}{{{}}}", inside.text));
        self.cost += own + inside.cost;
        self
    }

    /// Adds a list that a resolver serves, `first` entries of it, with the end of its page.
    pub(crate) fn resolved(mut self, head: &str, first: u32, node: &Fields) -> Fields {
        let inside = Fields::default().object(1, "nodes", node).page_info();
        self.push(&format!("{head}{{{}}}", inside.text));
        self.cost += with_page(inside.cost + 1, first);
        self
    }

    /// Adds where the page ends.
    pub(crate) fn page_info(self) -> Fields {
        self.object(1, "pageInfo", &Fields::plain("hasNextPage endCursor"))
    }

    fn push(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(text);
    }
}

/// What a resolved list costs with a page of `first`.
pub(crate) fn with_page(cost: u32, first: u32) -> u32 {
    cost + cost * first.min(MAX_PAGE) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_add_up_as_gitlab_adds_them() {
        let user = Fields::plain("id username");
        let fields = Fields::plain("iid").priced(5, "mergedAt").object(1, "author", &user).object(
            5,
            "labels",
            &Fields::default().object(1, "nodes", &Fields::plain("title")),
        );

        assert_eq!(fields.text(), "iid mergedAt author{id username} labels{nodes{title}}");
        assert_eq!(fields.cost(), 1 + 5 + 3 + 7);
    }

    #[test]
    fn the_page_of_a_resolved_list_multiplies_its_price() {
        let notes = Fields::default().resolved("notes(first:50)", 50, &Fields::plain("id body"));

        assert_eq!(notes.text(), "notes(first:50){nodes{id body} pageInfo{hasNextPage endCursor}}");
        assert_eq!(notes.cost(), 10, "(2 + nodes + pageInfo with two fields + 1) × 1.5, whole numbers");
    }
}
