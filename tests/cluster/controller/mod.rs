//! The controller on a real API server: apply a connection, see it Ready, see rows arrive.

mod access;
mod consent;
mod crash;
mod deletion;
mod gate;
mod imports;
mod onlooker;
mod plane;
mod process;
mod receiver;
mod rest;
mod scene;
mod secrets;
mod slow;
mod stored;
mod story;
mod trouble;
mod webhooks;
mod workers;
