//! What people do in a GitLab. Each verb changes the World as GitLab does, touches `updated_at`, writes the system
//! notes, and puts what webhooks are to hear into the outbox.

mod ci;
mod life;
mod merge_requests;
mod notes;
mod projects;
mod reviews;

pub use life::Happening;
