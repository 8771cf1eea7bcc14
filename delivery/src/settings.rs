use pubsub_api::MAX_TOPICS_PER_PUBLISHER;
use pubsub_api::settings::{Kind, declare_settings};

declare_settings! {
    /// The settings of the section `[service]` about what a publisher keeps for its subscribers.
    pub struct KeptSettings in "service" {
        /// The latest events, in files in `state_dir` that outlive the process, 1MiB to 16GiB: what subscribers
        /// that missed something are sent again. When full, the oldest eighth goes; who misses that gets a
        /// snapshot, or is told to compare with the database.
        ring_bytes: u64 = r#""64MiB""#, Kind::Bytes { min: 1 << 20, max: 16 << 30 }, Restart;
        /// The latest event of each row, in memory, 0 to 16GiB: what subscribers are sent that miss more than the
        /// ring has. When full, the largest topic has no snapshots any more.
        snapshot_bytes: u64 = r#""64MiB""#, Kind::Bytes { min: 0, max: 16 << 30 }, Restart;
        /// How many topics are followed at the same time, 16 to 1000000. When one more is published on, the one
        /// that was idle longest is retired: if it comes back, its subscribers are told to compare with the
        /// database.
        max_topics: usize = "65536", Kind::Integer { min: 16, max: MAX_TOPICS_PER_PUBLISHER as i64 }, Restart;
    }
}
