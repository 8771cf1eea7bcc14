use pubsub_api::{HELLO, Topic};

use super::super::{SavedLink, SavedPosition};
use super::Feed;
use crate::Position;

/// What an application saves at its end and resumes from.
impl Feed {
    /// Resumes from the saved positions of an earlier run of the application.
    pub fn resume(&mut self, positions: impl IntoIterator<Item = SavedPosition>) {
        for SavedPosition { publisher, topic, position } in positions {
            self.resumed.entry(publisher).or_default().push((topic, position));
        }
    }

    /// Resumes with the publishers of each endpoint: where another publisher is now, events may be missing.
    pub fn resume_links(&mut self, links: impl IntoIterator<Item = SavedLink>) {
        for SavedLink { endpoint, publisher } in links {
            self.links.of(&endpoint).expected.insert(publisher);
        }
    }

    /// The publishers that each endpoint leads to.
    #[must_use]
    pub fn links(&self) -> Vec<SavedLink> {
        self.links.saved()
    }

    /// The position of the application after all items.
    #[must_use]
    pub fn positions(&self) -> Vec<SavedPosition> {
        let mut positions = Vec::new();
        for stream in self.streams.iter() {
            let publisher = stream.publisher_epoch.publisher;
            let saved =
                |(topic, position): (&Topic, _)| SavedPosition { publisher, topic: topic.clone(), position };
            positions.extend(stream.positions().map(saved));
            positions.extend(stream.last_hello().map(|at| saved((&HELLO, at))));
        }
        for (publisher, topics) in &self.resumed {
            let saved = |(topic, position): &(Topic, Position)| SavedPosition {
                publisher: *publisher,
                topic: topic.clone(),
                position: *position,
            };
            positions.extend(topics.iter().map(saved));
        }
        positions
    }
}
