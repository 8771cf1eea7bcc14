use std::path::Path;

use end_to_end::change_log;
use serde_json::Value;

use crate::unhex;

/// An event of the recorded day, and the frames that Dragonflow's own packer made of it.
#[derive(Debug, Clone)]
pub struct Golden {
    /// The event, as a line of the change log.
    pub event: Value,
    /// The topic frame and the map.
    pub frames: [Vec<u8>; 2],
}

/// The vectors of `pubsub-api/tests/golden/dragonflow.jsonl`.
///
/// # Panics
/// If the file is missing or damaged.
#[must_use]
pub fn golden() -> Vec<Golden> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pubsub-api/tests/golden/dragonflow.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let log = change_log();
    let vector = |line: &str| {
        let vector: Value = serde_json::from_str(line).expect("a vector a line");
        let number =
            vector["line"].as_u64().and_then(|number| usize::try_from(number).ok()).expect("a number");
        let bytes = |name: &str| unhex(vector[name].as_str().expect("hexadecimal text"));
        let event = log.get(number - 1).expect("the change log has this line").clone();
        Golden { event, frames: [bytes("topic_hex"), bytes("payload_hex")] }
    };
    text.lines().map(vector).collect()
}
