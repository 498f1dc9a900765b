//! Pagination by offset, with its headers and limits. Whoever asks for `pagination=keyset` where GitLab does not look at it gets
//! these pages too (GitLab's `paginate`); `keyset` has the lists that do.

use std::ops::Range;

use serde_json::{Value, json};

use super::{Failure, Reply, Request};
use crate::world::World;

const DEFAULT: usize = 20;
const MOST: usize = 100;

/// How a list may be paged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// By offset only, however deep.
    Offset,
    /// By offset up to the instance's limit, named in the refusal.
    Limited(&'static str),
    /// By offset without counting, as commits are.
    Uncounted,
}

/// How many rows of a page are asked for: 20, at most 100, larger wishes are clamped silently and negative ones forgotten
/// (lib/api/pagination_params.rb and Kaminari, where `only_positive_pagination_values` is off as by default).
pub(crate) fn per_page(request: &Request) -> Result<usize, Failure> {
    let wished = request.args.integer("per_page")?.unwrap_or(DEFAULT as i64);
    if wished == 0 {
        return Err(Failure::param("per_page has a value not allowed"));
    }
    Ok(usize::try_from(wished).unwrap_or(DEFAULT).min(MOST))
}

/// How many rows of a list tell everything that the answer says of it: the page's, whether there are more, and the total
/// up to where it is not counted any more.
pub(crate) fn enough(world: &World, request: &Request) -> Result<usize, Failure> {
    let page = request.args.integer("page")?.and_then(|page| usize::try_from(page).ok()).unwrap_or(1).max(1);
    Ok(page.saturating_mul(per_page(request)?).max(world.settings.count_limit).saturating_add(1))
}

/// One page of a list by offset, computed live.
pub(crate) fn page<T>(
    world: &World,
    request: &Request,
    paging: Paging,
    items: &[T],
    show: impl Fn(&T) -> Value,
) -> Result<Reply, Failure> {
    page_of(world, request, paging, items.len(), |rows| items[rows].iter().map(show).collect())
}

/// One page of a list of so many rows, of which only those of the page are looked for.
pub(crate) fn page_of(
    world: &World,
    request: &Request,
    paging: Paging,
    total: usize,
    show: impl FnOnce(Range<usize>) -> Vec<Value>,
) -> Result<Reply, Failure> {
    let per_page = per_page(request)?;
    let page = request.args.integer("page")?.unwrap_or(1);
    let page = usize::try_from(page).unwrap_or_default().max(1);
    if let Paging::Limited(kind) = paging
        && page.saturating_mul(per_page) > world.settings.offset_limit
    {
        let error = format!(
            "Offset pagination has a maximum allowed offset of {} for requests that return objects of type {kind}. \
             Remaining records can be retrieved using keyset pagination.",
            world.settings.offset_limit
        );
        return Err(Failure::not_allowed(json!({ "error": error })));
    }
    let begin = (page - 1).saturating_mul(per_page).min(total);
    let end = begin.saturating_add(per_page).min(total);
    let mut reply = Reply::ok(Value::Array(show(begin..end)));
    reply.headers = offset_headers(world, request, paging, (page, per_page, total));
    Ok(reply)
}

fn offset_headers(
    world: &World,
    request: &Request,
    paging: Paging,
    (page, per_page, total): (usize, usize, usize),
) -> Vec<(&'static str, String)> {
    let counted = paging != Paging::Uncounted && total <= world.settings.count_limit;
    let pages = total.div_ceil(per_page).max(1);
    let next = (page < pages).then_some(page + 1);
    // Kaminari knows no previous page from beyond the last one.
    let previous = (page > 1 && page <= pages).then(|| page - 1);
    let number = |page: Option<usize>| page.map(|page| page.to_string()).unwrap_or_default();
    let mut headers = vec![
        ("x-page", page.to_string()),
        ("x-per-page", per_page.to_string()),
        ("x-next-page", number(next)),
        ("x-prev-page", number(previous)),
    ];
    if counted {
        headers.push(("x-total", total.to_string()));
        headers.push(("x-total-pages", pages.to_string()));
    }
    let link = |page: usize, rel: &str| {
        let changes = [("page", page.to_string()), ("per_page", per_page.to_string())];
        link_to(world, request, &changes, rel)
    };
    let links = [
        previous.map(|page| link(page, "prev")),
        next.map(|page| link(page, "next")),
        Some(link(1, "first")),
        counted.then(|| link(pages, "last")),
    ];
    headers.push(("link", links.into_iter().flatten().collect::<Vec<_>>().join(", ")));
    headers
}

pub(super) fn link_to(world: &World, request: &Request, changes: &[(&str, String)], rel: &str) -> String {
    let query = request.query_with(changes);
    let url = world.web_url(&format!("api/v4{}?{query}", request.path));
    format!("<{url}>; rel=\"{rel}\"")
}
