use std::time::{Duration, Instant};

use delivery::subscriber::{Item, SavedPosition};
use pubsub_api::{Notice, QueueReading, Result};

use super::{Agent, Io};
use crate::AgentNotice;
use crate::refused_rows::RefusedTopics;

/// The interval of the check for room, while the table is full.
const CHECK: Duration = Duration::from_secs(1);

/// The bound of the table.
impl Agent {
    /// Reports that the table is full as soon as it refuses a row: from then on the agent is not live. Requests the refused
    /// rows when there is room again.
    pub(super) async fn follow_room(&self, io: &mut Io, now: Instant) -> Result<()> {
        let (is_full, has_room, bytes, bound) = {
            let table = self.table();
            (table.is_full(), table.has_room(), table.bytes(), table.bound())
        };
        if is_full && io.room_check.is_none() {
            io.room_check = Some(now + CHECK);
            let reason = format!(
                "the table of this agent is full: its rows need {bytes} bytes of {bound} (agent.table_bytes); rows that need \
                 more are refused until there is room"
            );
            tracing::warn!(id = "SK0605", "{reason}");
            self.subscriber.suspend_live(&reason);
            io.items.retain(|item| !matches!(item, Item::Notice(Notice::Live { topic: None, .. })));
            return io.output.agent_notice(&AgentNotice::TableFull { bytes, bound }).await;
        }
        if io.room_check.is_none_or(|due| now < due) {
            return Ok(());
        }
        if !has_room {
            io.room_check = Some(now + CHECK);
            // Deletes are forgotten after a while.
            drop(self.updater.table_at(now));
            return Ok(());
        }
        io.room_check = None;
        tracing::info!(
            id = "SK0606",
            "the table of this agent has room again: its refused rows are requested"
        );
        io.output.agent_notice(&AgentNotice::TableHasRoom { bytes, bound }).await?;
        self.request_refused(io, now);
        Ok(())
    }

    fn request_refused(&self, io: &mut Io, now: Instant) {
        self.table().forget_refused();
        match self.updater.refused.take_topics() {
            RefusedTopics::None => self.subscriber.request_again(Some(&Default::default())),
            RefusedTopics::Some(topics) => self.subscriber.request_again(Some(&topics)),
            RefusedTopics::Any => self.subscriber.request_again(None),
        }
        if let Some(full_sync) = &mut io.full_sync {
            full_sync.request("the table has room again", now);
        }
    }

    /// The positions to save: without those of topics of which the table lacks rows, so that they are requested after a
    /// restart.
    pub(super) fn kept_positions(&self, positions: Vec<SavedPosition>) -> Vec<SavedPosition> {
        positions.into_iter().filter(|position| !self.updater.refused.concerns(&position.topic)).collect()
    }

    /// The table, as a queue.
    pub(super) fn table_reading(&self) -> QueueReading {
        let table = self.table();
        QueueReading {
            name: "table".to_owned(),
            depth: table.bytes() as u64,
            bound: table.bound() as u64,
            unit: "bytes".to_owned(),
            when_full: "rows that need more are refused: the agent reports table_full and is not live until there is room"
                .to_owned(),
        }
    }
}
