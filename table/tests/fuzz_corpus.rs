//! The inputs that fuzzing kept, replayed: `fuzz/corpus` holds them, by target.

#[path = "../../pubsub-api/tests/checks/corpus.rs"]
mod corpus;
#[path = "checks/saved.rs"]
mod saved;

#[test]
fn no_saved_table_breaks_its_reader() {
    corpus::replay("saved", saved::check);
}
