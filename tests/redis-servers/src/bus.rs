use crate::{RedisCluster, Reply};

/// A channel that nothing else uses.
const FENCE: &str = "redis-servers-fence";

impl RedisCluster {
    /// Waits until everything that was published at any node has been delivered at every node: behind it on each way a
    /// message of our own arrives. For clusters whose nodes all live.
    ///
    /// # Panics
    /// If it does not arrive.
    #[track_caller]
    pub fn settle_the_bus(&self) {
        let places = 0..self.nodes.len();
        let mut readers: Vec<_> = places.clone().map(|place| self.raw(place)).collect();
        for reader in &mut readers {
            reader.call(&["SUBSCRIBE", FENCE]);
        }
        for place in places.clone() {
            self.raw(place).call(&["PUBLISH", FENCE, &place.to_string()]);
        }
        for reader in &mut readers {
            let mut wanted: Vec<_> = places.clone().map(|place| place.to_string()).collect();
            while !wanted.is_empty() {
                let delivered = reader.pushed().expect("the fence is delivered").list();
                let from = delivered.last().map(Reply::text).unwrap_or_default();
                wanted.retain(|place| *place != from);
            }
        }
    }
}
