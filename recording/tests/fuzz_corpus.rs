//! The inputs that fuzzing kept, replayed: `fuzz/corpus` holds them, by target.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

#[path = "../../pubsub-api/tests/checks/corpus.rs"]
mod corpus;
#[path = "checks/recording.rs"]
mod recording_check;

#[test]
fn no_recording_breaks_its_reader() {
    corpus::replay("recording", recording_check::check);
}
