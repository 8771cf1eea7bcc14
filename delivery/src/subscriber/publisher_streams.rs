use std::collections::HashMap;

use foldhash::fast::RandomState;
use pubsub_api::PublisherEpoch;

use super::publisher_stream::PublisherStream;

/// The streams of all publishers, by their ids: on a broker there may be ten thousand, and each event looks up its own.
#[derive(Debug, Default)]
pub(super) struct PublisherStreams {
    streams: Vec<PublisherStream>,
    /// The indexes of a publisher's streams: one, except for publishers that share an id.
    places: HashMap<u64, Vec<usize>, RandomState>,
}

impl PublisherStreams {
    /// Adds a stream; returns its index.
    pub(super) fn add(&mut self, stream: PublisherStream) -> usize {
        let place = self.streams.len();
        self.places.entry(stream.publisher_epoch.publisher).or_default().push(place);
        self.streams.push(stream);
        place
    }

    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(super) fn get(&self, place: usize) -> Option<&PublisherStream> {
        self.streams.get(place)
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut PublisherStream> {
        self.streams.get_mut(place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &PublisherStream> {
        self.streams.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut PublisherStream> {
        self.streams.iter_mut()
    }

    /// The streams of one id, with their indexes.
    pub(super) fn of_publisher(
        &self,
        publisher: u64,
    ) -> impl Iterator<Item = (usize, &PublisherStream)> + Clone {
        let places = self.places.get(&publisher).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| Some((*place, self.streams.get(*place)?)))
    }

    /// The index of the stream of this epoch.
    pub(super) fn of(&self, life: PublisherEpoch) -> Option<usize> {
        let mut own = self.of_publisher(life.publisher);
        own.find(|(_, stream)| stream.publisher_epoch == life).map(|(place, _)| place)
    }

    /// Keeps some streams; the indexes of the others change.
    pub(super) fn retain(&mut self, keeps: impl Fn(&PublisherStream) -> bool) {
        let before = self.streams.len();
        self.streams.retain(keeps);
        if self.streams.len() == before {
            return;
        }
        self.places.clear();
        for (place, stream) in self.streams.iter().enumerate() {
            self.places.entry(stream.publisher_epoch.publisher).or_default().push(place);
        }
    }
}
