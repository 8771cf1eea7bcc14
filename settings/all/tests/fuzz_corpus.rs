//! The inputs that fuzzing kept, replayed: `fuzz/corpus` holds them, by target.

#[path = "../../../pubsub-api/tests/checks/corpus.rs"]
mod corpus;
#[path = "checks/settings.rs"]
mod settings_file;

#[test]
fn no_settings_file_breaks_its_loader() {
    corpus::replay("settings", settings_file::check);
}
