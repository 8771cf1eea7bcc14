//! The inputs that fuzzing kept, replayed: `fuzz/corpus` holds them, by target.

#[path = "checks/control.rs"]
mod control;
#[path = "../../pubsub-api/tests/checks/corpus.rs"]
mod corpus;

#[test]
fn no_mark_request_or_reply_breaks_its_reader() {
    corpus::replay("control", control::check);
}
