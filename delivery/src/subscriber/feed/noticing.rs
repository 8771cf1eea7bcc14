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
        let reported = match &notice {
            Notice::Subscribed { publisher, publisher_epoch } => {
                Some((publisher.clone(), Ok(*publisher_epoch)))
            }
            Notice::LinkDown { publisher, reason } => Some((publisher.clone(), Err(reason.clone()))),
            Notice::Stale { .. } => {
                match self.options.introduction {
                    Introduction::ByHello => {}
                    Introduction::ByBroker => self.broker_refuses(now),
                }
                None
            }
            _ => None,
        };
        self.items.push_back(Item::Notice(notice));
        let Some((endpoint, reported)) = reported else { return };
        match (self.options.introduction, reported) {
            (Introduction::ByHello, Ok(Some(publisher_epoch))) => {
                self.introduced(&endpoint, publisher_epoch, now)
            }
            (Introduction::ByHello, Ok(None)) => {}
            (Introduction::ByHello, Err(reason)) => self.link_lost(&endpoint, &reason, now),
            (Introduction::ByBroker, Ok(_)) => self.link_stands(&endpoint),
            (Introduction::ByBroker, Err(reason)) => self.broker_lost(&endpoint, &reason, now),
        }
    }
}
