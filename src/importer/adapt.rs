//! How many merge requests to ask for at once.

/// Good pages in a row before a page that once timed out is made larger again.
const QUIET_PAGES: u32 = 4;

/// The page size of one project: halves when GitLab cannot answer in time, and grows back carefully.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageSize {
    now: u32,
    good: u32,
}

impl PageSize {
    pub(super) fn new(first: u32) -> PageSize {
        PageSize { now: first.max(1), good: 0 }
    }

    /// What to ask for, under a cap that all projects share.
    pub(super) fn under(self, cap: u32) -> u32 {
        self.now.clamp(1, cap.max(1))
    }

    /// A page of `size` was too much. False where it cannot become smaller.
    pub(super) fn shrink(&mut self, size: u32) -> bool {
        self.good = 0;
        if size <= 1 {
            return false;
        }
        self.now = size / 2;
        true
    }

    /// A page came. After a few in a row the next may be half as large again.
    pub(super) fn grow(&mut self, most: u32) {
        self.good += 1;
        if self.good < QUIET_PAGES || self.now >= most {
            return;
        }
        self.good = 0;
        self.now = (self.now + self.now.div_ceil(2)).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn quiet_pages_let_it_grow_again_but_not_beyond_the_most() {
        let mut size = PageSize::new(100);
        size.shrink(100);

        let seen: Vec<u32> = (0..12)
            .map(|_| {
                size.grow(100);
                size.under(100)
            })
            .collect();

        assert_eq!(seen, [50, 50, 50, 75, 75, 75, 75, 100, 100, 100, 100, 100]);
    }

    #[test]
    fn a_shared_cap_holds_whatever_the_project_learned() {
        assert_eq!(PageSize::new(100).under(30), 30);
        assert_eq!(PageSize::new(100).under(0), 1);
    }
}
