//! A World that lives: one believable thing happens at a time.

use fastrand::Rng;
use jiff::SignedDuration;

use crate::world::generate::{remark, title};
use crate::world::{Feature, MergeRequest, User, UserKind, UserState, World};

/// Nobody touches older ones: they were forgotten for a reason.
const YOUNG: SignedDuration = SignedDuration::from_hours(24 * 14);
/// With so many young ones open, a project opens no more.
const ENOUGH: usize = 8;

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
    /// Lets one thing happen somewhere: a merge request opens, or a young one moves on.
    pub fn live(&mut self, random: &mut Rng) -> Option<Happening> {
        let works = |user: &&User| user.kind == UserKind::Human && user.state == UserState::Active && !user.admin;
        let people = self.users().filter(works);
        let people: Vec<String> = people.map(|user| user.username.clone()).collect();
        let user = random.choice(&people)?.clone();
        let projects = self.projects().filter(|project| {
            !project.archived
                && !project.empty_repo()
                && project.forked_from.is_none()
                && project.marked_for_deletion_on.is_none()
                && project.merge_requests_access == Feature::Enabled
        });
        let projects: Vec<i64> = projects.map(|project| project.id).collect();
        let project = *random.choice(&projects)?;
        let since = self.now().checked_sub(YOUNG).ok()?;
        let open = self.open_merge_requests_of(project).filter(|one| one.created_at >= since);
        let open: Vec<i64> = open.map(|one| one.id).collect();
        let (id, what) = match random.choice(&open) {
            Some(id) if open.len() >= ENOUGH || random.u8(..100) < 80 => (*id, self.move_on(*id, &user, random)?),
            _ => (self.begin(project, &user, random)?, "opened"),
        };
        let merge_request = self.merge_request(id)?;
        let (iid, project) = (merge_request.iid, self.project(project)?.full_path.clone());
        Some(Happening { project, iid, user, what })
    }

    /// A new one: mostly somebody's work, sometimes a draft, sometimes a bot's.
    fn begin(&mut self, project: i64, user: &str, random: &mut Rng) -> Option<i64> {
        let bot = self.user_by_name("renovate").map(|bot| bot.username.clone());
        match (random.u8(..100), bot) {
            (0..8, Some(bot)) => {
                let title = format!("Update dependency axum to v{}.{}.0", random.u8(1..9), random.u8(..20));
                let id = self.open_merge_request(project, &bot, &title)?;
                self.add_label(id, &bot, "dependencies")?;
                Some(id)
            }
            (8..25, _) => self.open_merge_request(project, user, &format!("Draft: {}", title(random))),
            _ => self.open_merge_request(project, user, &title(random)),
        }
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
        if merge_request.reviewers.is_empty() && !own {
            self.request_review(id, &author, user)?;
            return Some("was asked to review");
        }
        match random.u8(..100) {
            0..22 => {
                self.comment(id, user, remark(random))?;
                Some("commented on")
            }
            22..40 if !own => {
                self.diff_comment(id, user, remark(random))?;
                Some("reviewed a line of")
            }
            40..55 => {
                self.push_commits(id, &author, random.usize(1..4))?;
                Some("pushed to")
            }
            55..75 if !own => {
                self.approve(id, user)?;
                Some("approved")
            }
            75..80 => {
                self.add_label(id, user, "backend")?;
                Some("labelled")
            }
            97.. => {
                self.close(id, user)?;
                Some("closed")
            }
            _ if ready_to_merge(merge_request) => {
                let project = merge_request.project;
                self.merge(id, user)?;
                self.ship(project, user, random);
                Some("merged")
            }
            _ => {
                self.approve(id, user)?;
                Some("approved")
            }
        }
    }

    /// What was merged is built, and mostly goes out.
    fn ship(&mut self, project: i64, user: &str, random: &mut Rng) -> Option<()> {
        let pipeline = self.start_pipeline(project, "main", user, "push")?;
        if random.u8(..100) < 8 {
            return self.finish_pipeline(pipeline, "failed");
        }
        self.finish_pipeline(pipeline, "success")?;
        if random.bool() {
            self.deploy(project, "production", "main", user)?;
        }
        Some(())
    }
}

/// Whether somebody else agreed.
fn ready_to_merge(merge_request: &MergeRequest) -> bool {
    !merge_request.approvals.is_empty()
}
