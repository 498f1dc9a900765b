//! One GitLab instance, spoken to by a pool of tokens.
