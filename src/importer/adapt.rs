//! How many merge requests to ask for at once.

/// Good pages in a row before a size that was too much once is tried again.
const QUIET_PAGES: u32 = 16;

/// The page size of one project: halves when a page is too much, and grows back quickly, but carefully to what was too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageSize {
    now: u32,
    good: u32,
    /// The smallest page that was too much.
    too_much: Option<u32>,
}

impl PageSize {
    pub(super) fn new(first: u32) -> PageSize {
        PageSize { now: first.max(1), good: 0, too_much: None }
    }

    /// What to ask for, under a cap that all projects share.
    pub(super) fn under(self, cap: u32) -> u32 {
        self.now.clamp(1, cap.max(1))
    }

    /// A page of `size` was too much. False where it cannot become smaller.
    pub(super) fn shrink(&mut self, size: u32) -> bool {
        self.good = 0;
        self.too_much = Some(size);
        if size <= 1 {
            return false;
        }
        self.now = size / 2;
        true
    }

    /// A page came: the next may be twice as large. A size that was too much waits for a row of good pages.
    pub(super) fn grow(&mut self, most: u32) {
        self.good += 1;
        let doubled = (self.now * 2).min(most);
        let risky = self.too_much.is_some_and(|too_much| doubled >= too_much);
        if self.now >= most || (risky && self.good < QUIET_PAGES) {
            return;
        }
        self.good = 0;
        self.now = doubled;
        if risky {
            self.too_much = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(size: &mut PageSize, pages: usize) -> Vec<u32> {
        let page = |_| {
            size.grow(100);
            size.under(100)
        };
        (0..pages).map(page).collect()
    }

    #[test]
    fn trouble_halves_the_page_down_to_one() {
        let mut size = PageSize::new(100);
        let mut seen = Vec::new();
        while size.shrink(size.under(100)) {
            seen.push(size.under(100));
        }

        assert_eq!(seen, [50, 25, 12, 6, 3, 1]);
    }

    #[test]
    fn what_was_too_much_is_tried_again_only_after_a_row_of_good_pages() {
        let mut size = PageSize::new(100);
        size.shrink(100);

        assert_eq!(sizes(&mut size, 15), [50; 15]);
        assert_eq!(sizes(&mut size, 2), [100, 100]);
    }

    #[test]
    fn a_page_that_became_tiny_is_large_again_soon() {
        let mut size = PageSize::new(100);
        for too_much in [100, 50, 25] {
            size.shrink(too_much);
        }

        let pages = sizes(&mut size, 20);

        assert_eq!(pages[..16], [24; 16]);
        assert_eq!(pages[16..], [48, 96, 100, 100], "one row of good pages is enough");
    }

    #[test]
    fn a_shared_cap_holds_whatever_the_project_learned() {
        assert_eq!(PageSize::new(100).under(30), 30);
        assert_eq!(PageSize::new(100).under(0), 1);
    }
}
