//! What people do in a GitLab. Each verb changes the World as GitLab does, touches `updated_at`, writes the system
//! notes or the events, and puts what webhooks are to hear into the outbox.

mod awards;
mod ci;
mod drafts;
mod edits;
mod groups;
mod issue_notes;
mod issue_records;
mod issues;
mod labels;
mod life;
mod marks;
mod members;
mod merge_requests;
mod merging;
mod notes;
mod places;
mod projects;
mod pushes;
mod refs;
mod reviews;
mod states;
mod threads;
mod tokens;
mod users;

pub use edits::{Edit, Opening};
pub use life::Happening;
