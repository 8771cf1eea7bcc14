use std::time::Duration;

use pubsub_api::Notice;

use super::Feed;
use crate::subscriber::{Introduction, Item};

/// The driver's notices about the stream.
impl Feed {
    /// Handles a notice of the driver.
    pub fn notice(&mut self, notice: Notice, now: Duration) {
        match &notice {
            Notice::AddressAdded { publisher } => self.address_added(publisher),
            Notice::AddressRemoved { publisher } => {
                let gone = publisher.clone();
                self.items.push_back(Item::Notice(notice));
                return self.address_removed(&gone, now);
            }
            Notice::Stale { publisher, .. } => self.links.note_stale(publisher),
            // What is missing may be the last event of a topic that was retired, and its `bye`.
            Notice::Gap { .. } => self.streams.iter_mut().for_each(|stream| stream.is_away(now)),
            _ => {}
        }
        if let (Introduction::ByBroker, Notice::Stale { .. }) = (self.options.introduction, &notice) {
            self.broker_refuses(now);
        }
        self.items.push_back(Item::Notice(notice.clone()));
        self.link_changed(notice, now);
    }

    fn link_changed(&mut self, notice: Notice, now: Duration) {
        match (self.options.introduction, notice) {
            (Introduction::ByHello, Notice::Subscribed { publisher, publisher_epoch: Some(of) }) => {
                self.introduced(&publisher, of, now);
            }
            (Introduction::ByHello, Notice::LinkDown { publisher, reason }) => {
                self.link_lost(&publisher, &reason, now);
            }
            (Introduction::ByBroker, Notice::Subscribed { publisher, .. }) => self.link_stands(&publisher),
            (Introduction::ByBroker, Notice::LinkDown { publisher, reason }) => {
                self.broker_lost(&publisher, &reason, now);
            }
            _ => {}
        }
    }
}
