//! The inputs that fuzzing kept, replayed: `fuzz/corpus` holds them, by target.

#[path = "checks/corpus.rs"]
mod corpus;
#[path = "checks/event_map.rs"]
mod event_map;
#[path = "checks/grown_map.rs"]
mod grown_map;
#[path = "checks/slow_map.rs"]
mod slow_map;
#[path = "checks/topic_pattern.rs"]
mod topic_pattern;

#[test]
fn no_bytes_break_the_reader_of_maps() {
    corpus::replay("event_map", event_map::check);
}

#[test]
fn no_map_breaks_when_it_gets_more_pairs() {
    corpus::replay("grown_map", grown_map::check);
}

#[test]
fn no_pattern_matches_what_its_definition_excludes() {
    corpus::replay("topic_pattern", topic_pattern::check);
}
