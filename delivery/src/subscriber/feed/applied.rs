use pubsub_api::{PublisherEpoch, Stamp};

use super::Feed;
use super::suspended::SUSPENDED;
use crate::subscriber::AppliedStream;
use crate::wire::hello;
use crate::{Position, SyncItem};

/// What an application reports to publishers.
impl Feed {
    /// A hello says whether its publisher takes reports.
    pub(super) fn note_reports(&mut self, stamp: Stamp, payload: &[u8]) {
        let of = PublisherEpoch { publisher: stamp.publisher, epoch: stamp.epoch };
        let place = self.streams.of(of);
        if let Some(stream) = place.and_then(|place| self.streams.get_mut(place)) {
            stream.takes_reports = hello::takes_reports(payload);
        }
    }

    /// The streams whose publishers are connected and take reports, with the positions of the application after all items.
    #[must_use]
    pub fn applied(&self) -> Vec<AppliedStream> {
        let connected = self.streams.iter().filter(|stream| stream.is_proved && stream.takes_reports);
        let applied = connected.map(|stream| {
            let item = |(topic, position): (&_, Position)| SyncItem { topic: Clone::clone(topic), position };
            let is_held = self.is_suspended && stream.is_current();
            AppliedStream {
                endpoint: stream.endpoint.clone(),
                publisher: stream.publisher_epoch.publisher,
                state: if is_held { SUSPENDED } else { stream.state() },
                positions: stream.positions().map(item).collect(),
            }
        });
        applied.collect()
    }
}
