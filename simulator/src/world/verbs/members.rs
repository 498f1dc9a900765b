//! Who belongs to groups and projects.

use jiff::civil::Date;

use crate::world::{Member, Owner, Role, World};

impl World {
    /// Makes a user a member, or changes their role; when they came stays.
    pub fn set_member(&mut self, place: Owner, user: i64, role: Role, expires_at: Option<Date>) -> Option<()> {
        let now = self.now();
        let members = self.members_mut(place)?;
        match members.iter_mut().find(|member| member.user == user) {
            Some(member) => (member.role, member.expires_at) = (role, expires_at),
            None => members.push(Member { expires_at, ..Member::joining(members, user, role, now) }),
        }
        Some(())
    }

    /// Takes a direct membership away.
    pub fn remove_member(&mut self, place: Owner, user: i64) -> Option<()> {
        self.members_mut(place)?.retain(|member| member.user != user);
        Some(())
    }

    fn members_mut(&mut self, place: Owner) -> Option<&mut Vec<Member>> {
        match place {
            Owner::Group(id) => self.group_mut(id).map(|group| &mut group.members),
            Owner::Project(id) => self.project_mut(id).map(|project| &mut project.members),
        }
    }
}
