use std::time::Duration;

use pubsub_api::{Envelope, Reply};

use super::Feed;
use crate::SyncReply;
use crate::subscriber::publisher_stream::PublisherStream;

/// Which stream a reply belongs to, on the connection for requests of an endpoint.
impl Feed {
    /// Handles a part of a reply, or the end of the connection for requests.
    pub fn reply(&mut self, reply: Reply, now: Duration) {
        match reply {
            Reply::Part { endpoint, envelope } => {
                let Some(place) = self.requesting_stream(&endpoint, &envelope) else { return };
                if let (Some(stream), mut context) = self.split(place, now) {
                    stream.answered(envelope, &mut context);
                    stream.ask(&mut context);
                }
                self.look_at(place);
            }
            Reply::Lost { endpoint, .. } => self.end_requests(&endpoint, false, now),
            Reply::Refused { endpoint, .. } => self.end_requests(&endpoint, true, now),
        }
    }

    /// The stream whose request this answers: the only one at that endpoint, or the one that the head of a reply names, or the
    /// one whose reply has begun.
    fn requesting_stream(&self, endpoint: &str, envelope: &Envelope) -> Option<usize> {
        let requesting_streams = self.requesting_streams(endpoint);
        if requesting_streams.len() < 2 {
            return requesting_streams.first().copied();
        }
        let is_it = |stream: &PublisherStream| match SyncReply::read(envelope) {
            Ok(Some(head)) => stream.publisher_epoch.publisher == head.stamp.publisher,
            _ => stream.is_receiving_reply(),
        };
        requesting_streams.into_iter().find(|place| self.streams.get(*place).is_some_and(is_it))
    }

    /// The streams that send requests at an endpoint.
    fn requesting_streams(&self, endpoint: &str) -> Vec<usize> {
        let streams = self.streams.iter().enumerate();
        streams
            .filter(|(_, stream)| stream.endpoint == endpoint && stream.is_proved)
            .map(|(place, _)| place)
            .collect()
    }

    fn end_requests(&mut self, endpoint: &str, are_refused: bool, now: Duration) {
        for place in self.requesting_streams(endpoint) {
            if let (Some(stream), mut context) = self.split(place, now) {
                match are_refused {
                    true => stream.requests_refused(&mut context),
                    false => stream.request_lost(&mut context),
                }
                stream.ask(&mut context);
            }
            self.look_at(place);
        }
    }
}
