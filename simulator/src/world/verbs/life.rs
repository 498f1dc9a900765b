//! A World that lives: one believable thing happens at a time.

use fastrand::Rng;

use crate::world::{MergeRequestState, UserKind, UserState, World};

/// What happened, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The project's path.
    pub project: String,
    /// The merge request's number.
    pub iid: i64,
    /// Who did it.
    pub user: String,
    /// What they did.
    pub what: &'static str,
}

impl World {
    /// Lets one thing happen somewhere: a merge request opens, or an open one moves on.
    pub fn live(&mut self, random: &mut Rng) -> Option<Happening> {
        let people: Vec<String> = self
            .users()
            .filter(|user| user.kind == UserKind::Human && user.state == UserState::Active && !user.admin)
            .map(|user| user.username.clone())
            .collect();
        let user = random.choice(&people)?.clone();
        let projects: Vec<i64> =
            self.projects().filter(|project| !project.archived).map(|project| project.id).collect();
        let project = *random.choice(&projects)?;
        let open: Vec<i64> = self
            .merge_requests_of(project)
            .filter(|merge_request| merge_request.state == MergeRequestState::Opened)
            .map(|merge_request| merge_request.id)
            .collect();
        let (id, what) = match random.choice(&open) {
            Some(id) if open.len() > 20 || random.u8(..100) < 80 => (*id, self.move_on(*id, &user, random)?),
            _ => {
                let title = super::super::generate::title(random);
                (self.open_merge_request(project, &user, &title)?, "opened")
            }
        };
        let merge_request = self.merge_request(id)?;
        let (iid, project) = (merge_request.iid, self.project(project)?.full_path.clone());
        Some(Happening { project, iid, user, what })
    }

    fn move_on(&mut self, id: i64, user: &str, random: &mut Rng) -> Option<&'static str> {
        let merge_request = self.merge_request(id)?;
        let author = merge_request.author.and_then(|author| self.user(author));
        let author = author.map_or_else(|| user.to_owned(), |author| author.username.clone());
        let own = author == user;
        if merge_request.draft {
            self.mark_ready(id, &author)?;
            return Some("marked as ready");
        }
        match random.u8(..100) {
            0..35 => {
                self.comment(id, user, super::super::generate::remark(random))?;
                Some("commented on")
            }
            35..50 => {
                self.diff_comment(id, user, super::super::generate::remark(random))?;
                Some("reviewed a line of")
            }
            50..65 => {
                self.push_commits(id, &author, random.usize(1..4))?;
                Some("pushed to")
            }
            65..72 if !own => {
                self.request_review(id, &author, user)?;
                Some("was asked to review")
            }
            65..85 if !own => {
                self.approve(id, user)?;
                Some("approved")
            }
            85..97 => {
                self.merge(id, user)?;
                Some("merged")
            }
            97.. => {
                self.close(id, user)?;
                Some("closed")
            }
            _ => {
                self.add_label(id, user, "backend")?;
                Some("labelled")
            }
        }
    }
}
