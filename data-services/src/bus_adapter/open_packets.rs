use pubsub_api::Result;

use super::encoded_messages::EncodedMessages;
use crate::packet::{Destination, Message, Outgoing};

/// The packets of messages that are sent together: those to one destination share packets, in their order.
///
/// A packet has an overhead of some hundred bytes, and costs sender, driver and receiver more time than a message in it.
#[derive(Debug, Default)]
pub(super) struct OpenPackets<'a> {
    packets: Vec<(&'a Destination, EncodedMessages)>,
}

impl<'a> OpenPackets<'a> {
    /// Adds a message.
    ///
    /// # Errors
    /// As [`EncodedMessages::new`]; the message is left out.
    pub(super) fn add(&mut self, Outgoing { to, message }: &'a Outgoing) -> Result<()> {
        // The last packet of this destination, so that its messages keep their order.
        let open = self.packets.iter_mut().rev().find(|(destination, _)| *destination == to);
        if let Some((_, messages)) = open
            && messages.push(message)?
        {
            return Ok(());
        }
        self.begin(to, message)
    }

    fn begin(&mut self, to: &'a Destination, message: &Message) -> Result<()> {
        self.packets.push((to, EncodedMessages::new(message)?));
        Ok(())
    }

    /// Returns the packets, in the order of their first messages.
    pub(super) fn into_packets(self) -> impl Iterator<Item = (&'a Destination, EncodedMessages)> {
        self.packets.into_iter()
    }
}
