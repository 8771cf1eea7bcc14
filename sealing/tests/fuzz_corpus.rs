//! The inputs that fuzzing kept, replayed: `fuzz/corpus` holds them, by target.

#[path = "../../pubsub-api/tests/checks/corpus.rs"]
mod corpus;
#[path = "checks/keys.rs"]
mod keys;
#[path = "checks/opening.rs"]
mod opening;

#[test]
fn no_bytes_are_opened_that_nobody_sealed_and_every_event_can_be_sealed() {
    corpus::replay("sealed", opening::check);
    // Maps of every form.
    corpus::replay("event_map", opening::check);
}
