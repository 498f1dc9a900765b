//! Receives GitLab's webhook deliveries and makes them durable before it answers.
