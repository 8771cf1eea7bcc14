use std::collections::BTreeSet;
use std::time::Instant;

use delivery::subscriber::Origin;
use pubsub_api::{Result, registered_endpoint};
use table::Compared;

use super::{Agent, Io};
use crate::sync::{Finished, Read, Scope};
use crate::{AgentNotice, Change};

/// The state of a peer whose link stands, in every driver's status.
const SUBSCRIBED: &str = "subscribed";

impl Agent {
    /// Hands on what differs if the database was read, begins to read it if it is time, and follows the directory.
    pub(super) async fn tend_sync(&self, io: &mut Io, now: Instant) -> Result<()> {
        if !io.syncing.as_ref().is_some_and(|syncing| syncing.is_due(now)) {
            return Ok(());
        }
        if let Some(finished) = io.syncing.as_mut().and_then(|syncing| syncing.finished(now)) {
            self.synced(io, finished, now).await?;
        }
        if let Some(syncing) = io.syncing.as_mut().filter(|syncing| syncing.is_time_to_begin(now)) {
            let live = self.live();
            if syncing.can_ask(&live, now) {
                self.intake.table_at(now).begin_comparison();
                let wanted = syncing.selective.then(|| self.asked().wanted());
                syncing.begin(Scope { wanted, live }, now);
            }
        }
        self.follow_directory(io, now);
        Ok(())
    }

    /// The publishers whose links stand, as they were registered: a name if the link to one of its addresses does.
    fn live(&self) -> Vec<String> {
        let peers = self.subscriber.status().peers;
        let live = peers.iter().filter(|peer| peer.state == SUBSCRIBED);
        let live: BTreeSet<&str> = live.map(|peer| registered_endpoint(&peer.endpoint)).collect();
        live.into_iter().map(str::to_owned).collect()
    }

    async fn synced(&self, io: &mut Io, finished: Finished, now: Instant) -> Result<()> {
        let Finished { reason, began, read_at, read } = finished;
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                self.table().forget_comparison();
                return io.output.agent_notice(&AgentNotice::SyncFailed { reason: error.to_string() }).await;
            }
        };
        let Some(syncing) = &mut io.syncing else { return Ok(()) };
        let (compared, held_rows) = {
            let mut table = self.intake.table_at(now);
            let compared =
                table.compare(&read.rows, read_at, syncing.absence_rule, |event| read.covers(event));
            (compared, table.len())
        };
        self.intake.note_change();
        let Compared { events, kept, unconfirmed, is_held, read_again_at } = compared;
        let Read { rows, others: _, corrupt, publishers } = read;
        let (rows, differences) = (rows.len(), events.len());
        syncing.counters.took(rows, differences, corrupt);
        syncing.listed(publishers, now);
        if let Some(at) = read_again_at {
            syncing.read_again(self.intake.instant(at));
        }
        let is_new_hold = syncing.holds(is_held);
        let wait = syncing.absence_rule.mass_after;
        for event in events {
            self.hand_on(&mut io.output, Change { event, origin: Origin::Sync }).await?;
        }
        if is_held {
            if is_new_hold {
                tracing::warn!(
                    "the database lacks {unconfirmed} of the {held_rows} rows of this agent: none of them is deleted unless \
                     it still lacks them {wait:?} after the first reading (agent.sync_mass_delete_after)"
                );
            }
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            let held = AgentNotice::SyncHeld { absent: unconfirmed, rows: held_rows, wait_ms };
            io.output.agent_notice(&held).await?;
        }
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let synced = AgentNotice::Synced { reason, rows, differences, kept, unconfirmed, took_ms };
        io.output.agent_notice(&synced).await
    }

    /// Connects to the publishers of the directory, and leaves those that are not there any more.
    pub(super) fn follow_directory(&self, io: &mut Io, now: Instant) {
        let Some(syncing) = &mut io.syncing else { return };
        let live = self.live();
        let wanted = syncing.publishers(now, |uri| live.iter().any(|live| live == uri));
        let mut found = self.found();
        if *found == wanted {
            return;
        }
        let named = self.asked().endpoints();
        for gone in found.difference(&wanted).filter(|gone| !named.contains(*gone)) {
            tracing::info!("leaving {gone}: the directory of publishers has it no more");
            self.subscriber.unregister_listen_address(gone);
        }
        for new in wanted.difference(&found) {
            match self.subscriber.register_listen_address(new) {
                Ok(true) => tracing::info!("found a publisher in the directory: {new}"),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!("the directory has a publisher that cannot be listened to: {error}")
                }
            }
        }
        *found = wanted;
    }
}
