use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::event_queue::{EventQueue, Found};
use crate::node::Command;
use crate::{SubscriptionId, TableEvent};

/// A subscription of a service to one table, of one or more publishers.
///
/// It ends when it is dropped. Publishers that appear later are added, and one that stops is reported as
/// [`Gone`](TableEvent::Gone).
pub struct TableSubscription {
    id: SubscriptionId,
    queue: Arc<EventQueue>,
    commands: mpsc::Sender<Command>,
}

impl TableSubscription {
    pub(crate) fn new(id: SubscriptionId, queue: Arc<EventQueue>, commands: mpsc::Sender<Command>) -> Self {
        Self { id, queue, commands }
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &SubscriptionId {
        &self.id
    }

    /// Returns the next event; waits for it. `None` after the service or the node has stopped.
    ///
    /// A reader that is too slow (more than [`subscription_updates`](crate::NodeOptions::subscription_updates) events wait)
    /// gets a [`Snapshot`](TableEvent::Snapshot) of each publisher instead of the changes that it missed.
    ///
    /// # Cancel safety
    /// If the future is dropped, no event is lost.
    pub async fn next(&mut self) -> Option<TableEvent> {
        loop {
            match self.queue.next().await {
                Found::Event(event) => return Some(event),
                Found::Closed => return None,
                Found::Lagging => {
                    let resend = Command::ResendTables { subscription: self.id.clone() };
                    self.commands.send(resend).await.ok()?;
                    self.queue.asked();
                }
            }
        }
    }

    /// Returns the number of events that were dropped because this reader was slow; a snapshot followed each time.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Drop for TableSubscription {
    fn drop(&mut self) {
        self.queue.close();
        // If the node's queue is full, it finds the closed queue at its next event.
        let _ = self.commands.try_send(Command::Unsubscribe { subscription: self.id.clone() });
    }
}

impl fmt::Debug for TableSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableSubscription").field("id", &self.id).finish_non_exhaustive()
    }
}
