//! What a publisher sends without being asked: the hello, and the marks of its topics.

pub(super) mod bye_schedule;
pub(super) mod mark_schedule;

pub(super) mod announcer;
