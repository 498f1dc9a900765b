//! What administrators do to users.
//!
//! Who may not sign in keeps their memberships and stays in the lists of members, with their state.

use crate::world::{UserState, World};

impl World {
    /// Deletes a user: what they did is the ghost's from now on.
    pub fn delete_user(&mut self, user: i64) -> Option<()> {
        let ghost = self.user_by_name("ghost")?.id;
        self.user(user)?;
        for id in self.held() {
            self.edit_merge_request(id, |merge_request| merge_request.hand_over(user, ghost));
        }
        for issue in self.issues.values_mut() {
            issue.hand_over(user, ghost);
        }
        self.forget_user(user);
        Some(())
    }

    /// Blocks a user: their tokens are refused, what they wrote stays.
    pub fn block_user(&mut self, user: i64) -> Option<()> {
        self.set_user_state(user, UserState::Blocked)
    }

    /// Puts a dormant user to sleep: their tokens are refused until they sign in.
    pub fn deactivate_user(&mut self, user: i64) -> Option<()> {
        self.set_user_state(user, UserState::Deactivated)
    }

    /// Bans a user: their tokens are refused, and their merge requests hidden from all but administrators.
    pub fn ban_user(&mut self, user: i64) -> Option<()> {
        self.set_user_state(user, UserState::Banned)
    }

    /// Lets a user in again, whatever stopped them.
    pub fn activate_user(&mut self, user: i64) -> Option<()> {
        self.set_user_state(user, UserState::Active)
    }

    fn set_user_state(&mut self, user: i64, state: UserState) -> Option<()> {
        self.user_mut(user)?.state = state;
        Some(())
    }
}
