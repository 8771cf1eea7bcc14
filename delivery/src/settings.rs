use pubsub_api::MAX_TOPICS_PER_PUBLISHER;
use pubsub_api::settings::{Kind, declare_settings};

declare_settings! {
    /// The settings of the section `[service]` about what a publisher keeps for its subscribers.
    pub struct KeptSettings in "service" {
        /// The size of the ring of recent events, in files in `state_dir` that survive a restart, 1MiB to 16GiB.
        /// Subscribers that missed events receive them from it. When it is full, the oldest eighth is deleted; a
        /// subscriber that missed those events receives a snapshot or a `resync`.
        ring_bytes: u64 = r#""64MiB""#, Kind::Bytes { min: 1 << 20, max: 16 << 30 }, Restart;
        /// The memory for the latest event of each row, 0 to 16GiB; files in `state_dir` that survive a restart have up
        /// to four times that. Subscribers that missed more than the ring holds receive these events as a snapshot.
        /// When it is full, the largest topic loses its snapshot; its subscribers receive a `resync` instead.
        snapshot_bytes: u64 = r#""64MiB""#, Kind::Bytes { min: 0, max: 16 << 30 }, Restart;
        /// The number of topics that the service numbers at the same time, 16 to 1000000. An event on one more topic
        /// retires the topic that was idle for longest. If the retired topic returns, its subscribers receive a
        /// `resync`.
        max_topics: usize = "65536", Kind::Integer { min: 16, max: MAX_TOPICS_PER_PUBLISHER as i64 }, Restart;
    }
}
