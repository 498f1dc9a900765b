//! Where labels and milestones belong.

/// What a label or a milestone belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// One project.
    Project(i64),
    /// A group, and with it all projects below.
    Group(i64),
}

impl Default for Owner {
    fn default() -> Owner {
        Owner::Project(0)
    }
}
