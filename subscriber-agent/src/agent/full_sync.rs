use std::collections::BTreeSet;
use std::time::Instant;

use delivery::subscriber::DeliveryMode;
use pubsub_api::{Result, registered_endpoint};
use table::Compared;

use super::{Agent, Io};
use crate::sync::{DatabaseRead, FinishedRead, Scope};
use crate::{AgentNotice, Change};

/// The state of a connected peer, in every driver's status.
const SUBSCRIBED: &str = "subscribed";

impl Agent {
    /// Delivers the differences if the database was read, starts the next read if it is due, and follows the directory.
    pub(super) async fn advance_sync(&self, io: &mut Io, now: Instant) -> Result<()> {
        if !io.full_sync.as_ref().is_some_and(|full_sync| full_sync.is_due(now)) {
            return Ok(());
        }
        if let Some(finished) = io.full_sync.as_mut().and_then(|full_sync| full_sync.finished(now)) {
            self.finish_sync(io, finished, now).await?;
        }
        if let Some(full_sync) = io.full_sync.as_mut().filter(|full_sync| full_sync.is_sync_due(now)) {
            let live = self.live();
            if full_sync.has_source(&live, now) {
                self.updater.table_at(now).begin_comparison();
                let wanted = full_sync.selective.then(|| self.desired().wanted());
                full_sync.start(Scope { wanted, live }, now);
            }
        }
        self.follow_directory(io, now);
        Ok(())
    }

    /// The endpoints of the connected publishers, as registered: a name if one of its addresses is connected.
    fn live(&self) -> Vec<String> {
        let peers = self.subscriber.status().peers;
        let live = peers.iter().filter(|peer| peer.state == SUBSCRIBED);
        let live: BTreeSet<&str> = live.map(|peer| registered_endpoint(&peer.endpoint)).collect();
        live.into_iter().map(str::to_owned).collect()
    }

    async fn finish_sync(&self, io: &mut Io, finished: FinishedRead, now: Instant) -> Result<()> {
        let FinishedRead { reason, started, read_at, read } = finished;
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                self.table().forget_comparison();
                return io.output.agent_notice(&AgentNotice::SyncFailed { reason: error.to_string() }).await;
            }
        };
        let Some(full_sync) = &mut io.full_sync else { return Ok(()) };
        let (compared, held_rows) = {
            let mut table = self.updater.table_at(now);
            let compared =
                table.compare(&read.rows, read_at, full_sync.absence_rule, |event| read.covers(event));
            (compared, table.len())
        };
        self.updater.note_change();
        let Compared { events, kept, no_room, unconfirmed, is_held, read_again_at } = compared;
        self.updater.refused.note_compared(no_room);
        let DatabaseRead { rows, others: _, corrupt, publishers } = read;
        let (rows, differences) = (rows.len(), events.len());
        full_sync.counters.count_sync(rows, differences, corrupt);
        full_sync.on_directory(publishers, now);
        if let Some(at) = read_again_at {
            full_sync.confirm_at(self.updater.instant(at));
        }
        let is_new_hold = full_sync.note_held(is_held);
        let wait = full_sync.absence_rule.mass_after;
        for event in events {
            self.deliver(&mut io.output, Change { event, mode: DeliveryMode::Sync }).await?;
        }
        if is_held {
            if is_new_hold {
                tracing::warn!(
                    id = "SK0601",
                    "{unconfirmed} of the {held_rows} rows of this agent are absent in the database; they are deleted only if \
                     they are still absent {wait:?} after the first such read (agent.sync_mass_delete_after)"
                );
            }
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            let held = AgentNotice::SyncHeld { absent: unconfirmed, rows: held_rows, wait_ms };
            io.output.agent_notice(&held).await?;
        }
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let synced = AgentNotice::Synced { reason, rows, differences, kept, unconfirmed, took_ms };
        io.output.agent_notice(&synced).await
    }

    /// Connects to the publishers in the directory and disconnects from those that were removed.
    pub(super) fn follow_directory(&self, io: &mut Io, now: Instant) {
        let Some(full_sync) = &mut io.full_sync else { return };
        let live = self.live();
        let wanted = full_sync.publishers(now, |uri| live.iter().any(|live| live == uri));
        let mut found = self.found();
        if *found == wanted {
            return;
        }
        let named = self.desired().endpoints();
        for gone in found.difference(&wanted).filter(|gone| !named.contains(*gone)) {
            tracing::info!(
                id = "SK0602",
                "disconnecting from {gone}: it is no longer in the directory of publishers"
            );
            self.subscriber.unregister_listen_address(gone);
        }
        for new in wanted.difference(&found) {
            match self.subscriber.register_listen_address(new) {
                Ok(true) => tracing::info!(
                    id = "SK0603",
                    "connecting to {new}: it is new in the directory of publishers"
                ),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(
                        id = "SK0604",
                        "cannot connect to {new} from the directory of publishers: {error}"
                    )
                }
            }
        }
        *found = wanted;
    }
}
