use std::collections::BTreeSet;
use std::time::Duration;

use crate::{RedisCluster, Reply, until};

/// A channel that nothing else uses.
const FENCE: &str = "redis-servers-fence";

/// Time after which the fence is published again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

impl RedisCluster {
    /// Waits until everything published at any node has been delivered at every node: after it, a message of our own arrives
    /// on each path. For clusters in which all nodes are alive.
    ///
    /// The message is published until it arrives: a node drops what it cannot send, and in a new cluster some links between
    /// nodes are established only after the first PUBLISH.
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
        let mut wanted: Vec<Vec<_>> = readers.iter().map(|_| places.clone().collect()).collect();
        until("the fence is delivered", || {
            let missing: BTreeSet<usize> = wanted.iter().flatten().copied().collect();
            for place in &missing {
                self.raw(*place).call(&["PUBLISH", FENCE, &place.to_string()]);
            }
            for (reader, wanted) in readers.iter_mut().zip(&mut wanted) {
                while !wanted.is_empty()
                    && let Some(delivered) = reader.pushed_within(AGAIN_AFTER)
                {
                    let from = delivered.list().last().map(Reply::text).unwrap_or_default();
                    wanted.retain(|place| place.to_string() != from);
                }
            }
            wanted.iter().all(Vec::is_empty).then_some(())
        });
    }
}
