//! A list by REST that goes beside another, both the newest first: it tells what the other lacks, by id.

use std::collections::BTreeMap;

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
    /// What was read and may still be asked for.
    pub(super) found: BTreeMap<i64, T>,
    /// The place of the page that was read last. Who goes on reads it again.
    page: Option<String>,
    next: Option<String>,
    /// The lowest id that was read.
    lowest: i64,
    /// There is nothing more to read.
    ended: bool,
}

impl<T> Beside<T>
where
    T: serde::de::DeserializeOwned,
{
    /// A list that was read up to a place.
    pub(super) fn at(place: Option<String>) -> Beside<T> {
        Beside { found: BTreeMap::new(), page: place.clone(), next: place, lowest: i64::MAX, ended: false }
    }

    /// Where to go on; nothing for its beginning.
    pub(super) fn place(&self) -> Option<String> {
        self.page.clone()
    }

    /// Reads on until an id is passed, a few pages if `bounded`. What GitLab does not tell stays unknown.
    pub(super) async fn reach(
        &mut self,
        ctx: &Context,
        (id, bounded): (i64, bool),
        list: impl Fn() -> Pages<T>,
        id_of: impl Fn(&T) -> i64,
    ) -> Result<(), Error> {
        let mut pages = 0;
        while self.lowest > id && !self.ended && !(bounded && pages >= MOST_AHEAD) {
            pages += 1;
            let place = self.next.take();
            let page: Asked<Page<T>> = ask(ctx, || list().at(place.as_deref()).page()).await?;
            let Asked::Told(Page { items, next }) = page else {
                tracing::warn!("GitLab does not tell some of what belongs to pipelines");
                self.ended = true;
                return Ok(());
            };
            for item in items {
                let id = id_of(&item);
                self.lowest = self.lowest.min(id);
                self.found.insert(id, item);
            }
            self.ended = next.is_none();
            (self.page, self.next) = (place, next);
        }
        Ok(())
    }
}
