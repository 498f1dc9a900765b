//! A list by REST that goes beside another, both the newest first: it tells what the other lacks, by id.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::gitlab::{Page, Pages};

use super::Error;
use super::context::Context;
use super::later::{Asked, ask};

/// How many pages to read ahead for one page of the other list, where that is not read from its beginning: what it lists may be
/// old.
const MOST_AHEAD: u32 = 3;

/// How far such a list was read.
#[derive(Debug)]
pub(super) struct Beside<T> {
    /// What was read and nobody has asked for yet.
    found: BTreeMap<i64, T>,
    /// The pages that were read: where each begins, and the lowest id on it.
    pages: Vec<(Option<String>, i64)>,
    next: Option<String>,
    /// There is nothing more to read.
    ended: bool,
}

impl<T: DeserializeOwned> Beside<T> {
    /// A list that was read up to a place.
    pub(super) fn at(place: Option<String>) -> Beside<T> {
        Beside { found: BTreeMap::new(), pages: Vec::new(), next: place, ended: false }
    }

    /// Where to go on: with the first page from which something is still to be asked for; nothing for the beginning.
    pub(super) fn place(&self) -> Option<String> {
        let highest = self.found.last_key_value().map_or(i64::MIN, |(id, _)| *id);
        match self.pages.iter().find(|(_, lowest)| *lowest <= highest).or(self.pages.last()) {
            Some((place, _)) => place.clone(),
            None => self.next.clone(),
        }
    }

    /// What the list says of an id, once.
    pub(super) fn take(&mut self, id: i64) -> Option<T> {
        self.found.remove(&id)
    }

    /// Reads on until an id is passed, a few pages if `bounded`. What GitLab does not tell stays unknown.
    pub(super) async fn reach(
        &mut self,
        ctx: &Context,
        (id, bounded): (i64, bool),
        list: impl Fn() -> Pages<T>,
        id_of: impl Fn(&T) -> i64,
    ) -> Result<(), Error> {
        let mut ahead = 0;
        while self.pages.last().is_none_or(|(_, lowest)| *lowest > id) && !self.ended {
            if bounded && ahead >= MOST_AHEAD {
                return Ok(());
            }
            ahead += 1;
            let place = self.next.clone();
            let page: Asked<Page<T>> = ask(ctx, || list().at(place.as_deref()).page()).await?;
            let Asked::Told(page) = page else {
                tracing::warn!("GitLab does not tell some of what belongs to pipelines");
                self.ended = true;
                return Ok(());
            };
            self.took(place, page, &id_of);
        }
        Ok(())
    }

    fn took(&mut self, place: Option<String>, page: Page<T>, id_of: impl Fn(&T) -> i64) {
        let lowest = page.items.iter().map(&id_of).min();
        self.found.extend(page.items.into_iter().map(|item| (id_of(&item), item)));
        self.pages.extend(lowest.map(|lowest| (place, lowest)));
        self.ended = page.next.is_none();
        self.next = page.next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_on_reads_again_from_what_was_not_asked_for() {
        let mut list: Beside<i64> = Beside::at(None);
        for (place, items) in [(None, [9, 8]), (Some("page=2"), [7, 6]), (Some("page=3"), [5, 4])] {
            let page = Page { items: items.to_vec(), next: Some("page=4".to_owned()) };
            list.took(place.map(str::to_owned), page, |id| *id);
        }

        assert_eq!(list.place(), None, "from the beginning");
        for id in [9, 8, 6, 4] {
            assert_eq!(list.take(id), Some(id));
        }
        assert_eq!(list.place().as_deref(), Some("page=2"));
        assert_eq!((list.take(7), list.take(5), list.take(5)), (Some(7), Some(5), None));
        assert_eq!(list.place().as_deref(), Some("page=3"), "the last one, where all was asked for");
        assert_eq!(Beside::<i64>::at(Some("page=2".to_owned())).place().as_deref(), Some("page=2"));
    }
}
