//! Makes GitLab call us: exactly one hook per target.
