//! Who sees most: tokens of several users see different things, and GitLab is silent about what it hides.

use std::collections::BTreeMap;

/// Of each project, how many merge requests there are to see, and which users see that many.
#[derive(Debug, Default)]
pub(super) struct Sights(BTreeMap<i64, Sight>);

#[derive(Debug, Default)]
struct Sight {
    most: i64,
    users: Vec<usize>,
}

impl Sights {
    /// A user sees a project with so many merge requests. Whether nobody before saw as much.
    pub(super) fn saw(&mut self, user: usize, project: i64, merge_requests: i64) -> bool {
        let sight = self.0.entry(project).or_default();
        if merge_requests > sight.most {
            *sight = Sight { most: merge_requests, users: Vec::new() };
        }
        if merge_requests == sight.most {
            sight.users.push(user);
        }
        sight.users == [user]
    }

    /// The projects, with how many merge requests there are, and who sees them all.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, i64, &[usize])> {
        self.0.iter().map(|(project, sight)| (*project, sight.most, sight.users.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_sees_fewer_does_not_count() {
        let mut sights = Sights::default();
        for (user, project, merge_requests) in [(0, 7, 0), (1, 7, 4), (2, 7, 4), (3, 7, 1), (0, 8, 0), (3, 8, 0)] {
            sights.saw(user, project, merge_requests);
        }

        let seen: Vec<_> = sights.iter().collect();

        assert_eq!(seen, [(7, 4, &[1, 2][..]), (8, 0, &[0, 3][..])]);
    }
}
