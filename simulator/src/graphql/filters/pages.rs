//! Walks merge requests and cuts pages out of those that are listed, without holding the list.

use std::iter::Peekable;

use jiff::Timestamp;

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::order::{By, Key, Order, Sort, invalid_cursor};
use crate::graphql::paging::Window;
use crate::graphql::value::{Connection, Object, Value};
use crate::world::{Along, MergeRequest, Project, Sketch, Stretch};

use super::criteria::Criteria;
use super::refusal;
use super::sort::Sorting;

/// A time, and the id of the merge request that has it.
type Place = (Timestamp, i64);

/// A page of the merge requests of a project. Where the caller may not read them it is empty, never null: GitLab's field asks for
/// no right of its own, and its finder finds nothing in no project (`IssuableFinder::Params#project`).
pub(crate) fn of_project<'w>(ctx: &Context<'w>, project: &'w Project, arguments: &Arguments) -> Value<'w> {
    let readable = [project.id].into_iter().filter(|_| ctx.rights(project).merge_requests);
    of_many(ctx, readable.collect::<Vec<_>>().as_slice(), None, arguments)
}

/// A page of merge requests of several projects that the caller may read, of those that the list is about.
pub(crate) fn of_many<'w>(
    ctx: &Context<'w>,
    projects: &[i64],
    about: Option<&dyn Fn(&MergeRequest) -> bool>,
    arguments: &Arguments,
) -> Value<'w> {
    if let Some(words) = refusal::of(ctx, arguments) {
        return Value::Refused(words);
    }
    let criteria = Criteria::of(ctx, arguments);
    let list = List { ctx, projects, criteria: &criteria, about };
    match list.page(Sorting::of(arguments), arguments) {
        Ok(page) => Value::Object(Object::Connection(page.into())),
        Err(words) => Value::Refused(words),
    }
}

/// A list of merge requests.
struct List<'a, 'w> {
    ctx: &'a Context<'w>,
    projects: &'a [i64],
    criteria: &'a Criteria<'a>,
    /// What the rows have to be beside, where the list is about something of them.
    about: Option<&'a dyn Fn(&MergeRequest) -> bool>,
}

impl<'w> List<'_, 'w> {
    /// A page: in an order that the World has, only the rows of the page are kept.
    fn page(&self, sorting: Sorting, arguments: &Arguments) -> Result<Connection<'w>, String> {
        let along = match sorting {
            Sorting::Column(order) if order.by == By::CreatedAt => Some((order, Along::Created)),
            Sorting::Column(order) if order.by == By::UpdatedAt => Some((order, Along::Updated)),
            _ => None,
        };
        match along.filter(|_| self.criteria.iids.is_none()) {
            Some((order, along)) => self.walked_page(order, along, arguments),
            None => self.sorted_page(sorting, arguments),
        }
    }

    fn walked_page(&self, order: Order, along: Along, arguments: &Arguments) -> Result<Connection<'w>, String> {
        let window = Window::of(arguments)?;
        let place = |cursor| match order.read(cursor)? {
            Key(Sort::At(at), id) => Ok((at, id)),
            _ => Err(invalid_cursor()),
        };
        let after = window.after.as_ref().map(place).transpose()?;
        let before = window.before.as_ref().map(place).transpose()?;
        let (early, late) = if order.descending { (before, after) } else { (after, before) };
        let all = self.stretch(along, order.descending != window.from_end);
        let between = all.between((early.map(|(at, _)| at), late.map(|(at, _)| at)));

        let is_between = |place: &Place| {
            let key = Key(Sort::At(place.0), place.1);
            let stands = |cursor: Place| order.compare(&key, &Key(Sort::At(cursor.0), cursor.1));
            after.is_none_or(|cursor| stands(cursor).is_gt()) && before.is_none_or(|cursor| stands(cursor).is_lt())
        };
        let places = self.ctx.world.places(self.projects.iter().copied(), between);
        // The newest of those of the same moment comes first, whichever way the list goes.
        let ids = Ties::of(places, !order.descending).filter(is_between).map(|(_, id)| id);
        let all_along = self.all_along(along);
        let found = ids.filter(|id| all_along || self.wants(*id)).take(window.limit + 1);
        let rows = found.filter_map(|id| self.ctx.world.merge_request(id));
        let mut nodes: Vec<_> = rows.map(Object::MergeRequest).collect();
        let more = nodes.len() > window.limit;
        nodes.truncate(window.limit);
        if window.from_end {
            nodes.reverse();
        }
        let has_next = window.before.is_some() || (!window.from_end && more);
        let has_previous = window.after.is_some() || (window.from_end && more);
        let mut page = Connection::page(nodes, order, has_next, has_previous);
        self.reckon(&mut page, all, arguments);
        Ok(page)
    }

    /// A page in an order that is made for it.
    fn sorted_page(&self, sorting: Sorting, arguments: &Arguments) -> Result<Connection<'w>, String> {
        let world = self.ctx.world;
        let all = Stretch::all(Along::Created, false);
        let ids: Vec<i64> = match &self.criteria.iids {
            Some(iids) => {
                let named = self.projects.iter().flat_map(|project| iids.iter().map(move |iid| (*project, *iid)));
                let named = named.filter_map(|(project, iid)| world.merge_request_by_iid(project, iid));
                named.map(|found| found.id).filter(|id| self.wants(*id)).collect()
            }
            None => self.walk(all).collect(),
        };
        let mut found: Vec<_> = ids.into_iter().filter_map(|id| world.merge_request(id)).collect();
        let time_to_merge = found.iter().filter_map(|row| time_to_merge(row)).reduce(|sum, took| sum + took);
        sorting.arrange(self.ctx, &mut found);
        let order = sorting.order();
        let mut rows: Vec<_> = found.into_iter().map(Object::MergeRequest).collect();
        order.sort(&mut rows);
        let mut page = Connection::cut(rows, order, arguments)?;
        page.time_to_merge = time_to_merge;
        Ok(page)
    }

    fn stretch(&self, along: Along, descending: bool) -> Stretch {
        let between = if along == Along::Created { self.criteria.created } else { self.criteria.updated };
        Stretch::all(along, descending).between(between)
    }

    /// Whether whatever lies in a stretch of the list is wanted.
    fn all_along(&self, along: Along) -> bool {
        self.about.is_none() && self.criteria.all_along(along)
    }

    /// Ids of the merge requests that are wanted.
    fn walk(&self, stretch: Stretch) -> impl Iterator<Item = i64> {
        let places = self.ctx.world.places(self.projects.iter().copied(), stretch);
        places.map(|(_, id)| id).filter(|id| self.wants(*id))
    }

    fn wants(&self, id: i64) -> bool {
        let suits = |sketch: Sketch| self.criteria.suits(&sketch);
        let matches =
            |row: &MergeRequest| self.criteria.matches(self.ctx, row) && self.about.is_none_or(|about| about(row));
        let world = self.ctx.world;
        world.sketch(id).is_some_and(suits)
            && ((self.criteria.rough && self.about.is_none()) || world.glance(id).is_some_and(|row| matches(&row)))
    }

    /// What takes the whole list to know, where it is asked for.
    fn reckon(&self, page: &mut Connection<'w>, all: Stretch, arguments: &Arguments) {
        if arguments.counted {
            let places = || self.ctx.world.count_places(self.projects.iter().copied(), all);
            page.count = if self.all_along(all.along) { places() } else { self.walk(all).count() };
        }
        if arguments.summed {
            let world = self.ctx.world;
            let rows = self.walk(all).filter_map(|id| time_to_merge(world.glance(id)?.as_ref()));
            page.time_to_merge = rows.reduce(|sum, took| sum + took);
        }
    }
}

fn time_to_merge(merge_request: &MergeRequest) -> Option<f64> {
    let took = merge_request.merged_at?.duration_since(merge_request.created_at);
    Some(took.as_secs_f64())
}

/// Places in order, those of the same moment turned around where that is wanted.
struct Ties<I: Iterator<Item = Place>> {
    places: Peekable<I>,
    turned: bool,
    same: Vec<Place>,
}

impl<I: Iterator<Item = Place>> Ties<I> {
    fn of(places: I, turned: bool) -> Ties<I> {
        Ties { places: places.peekable(), turned, same: Vec::new() }
    }
}

impl<I: Iterator<Item = Place>> Iterator for Ties<I> {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        if let Some(place) = self.same.pop() {
            return Some(place);
        }
        let first = self.places.next()?;
        if !self.turned {
            return Some(first);
        }
        self.same.push(first);
        while let Some(place) = self.places.next_if(|place| place.0 == first.0) {
            self.same.push(place);
        }
        self.same.pop()
    }
}
