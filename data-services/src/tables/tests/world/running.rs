use std::collections::BTreeSet;
use std::time::Duration;

use delivery::Position;

use super::{Follower, PUBLISHER, World, ms, node, stream};
use crate::tables::TableMessage;
use crate::tables::tests::network::{Content, Flight, Place};
use crate::{Instance, StreamName};

/// What happens as time passes.
impl World {
    /// Lets time pass, with everything that happens in it.
    pub(in crate::tables::tests) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let followers = self.followers.iter().filter_map(|follower| follower.tables.deadline());
            let others = self.flights.keys().next().map(|(at, _)| *at).into_iter();
            let next = followers.chain(others).chain(self.publisher.deadline()).chain([self.next_heartbeat]);
            let next = next.min().unwrap().max(self.now);
            if next > end {
                break;
            }
            self.now = next;
            self.happen();
        }
        self.now = end;
    }

    fn happen(&mut self) {
        if self.next_heartbeat <= self.now {
            self.next_heartbeat += ms(1000);
            self.heartbeat();
        }
        while let Some(entry) = self.flights.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let flight = entry.remove();
            self.arrive(flight);
        }
        let mut effects = vec![];
        self.publisher.tick(self.now, &mut effects);
        self.published(effects);
        for follower in 0..self.followers.len() {
            let mut effects = vec![];
            self.followers[follower].tables.tick(self.now, &mut effects);
            self.followed(follower, effects);
            self.check(follower);
            self.followers[follower].check_commits(&self.commits);
        }
    }

    fn heartbeat(&mut self) {
        if !self.has_heartbeats {
            return;
        }
        for (stream, position) in self.publisher.heads() {
            for follower in 0..self.followers.len() {
                self.fly(Place::Follower(follower), Content::Head(stream.clone(), position));
            }
        }
    }

    fn arrive(&mut self, flight: Flight) {
        match (flight.to, flight.content) {
            (Place::Publisher { from }, Content::Message(message)) => {
                // What travels is what the encoding makes of it.
                let bytes = rmp_serde::to_vec(&message).unwrap();
                let message: TableMessage = rmp_serde::from_slice(&bytes).unwrap();
                let mut effects = vec![];
                self.publisher.received(self.now, &node(from as u64 + 2), &message, &mut effects);
                self.published(effects);
            }
            (Place::Publisher { from }, Content::Entry(streams)) => self.list(from, &streams),
            (Place::Follower(follower), Content::Message(message)) => {
                let mut effects = vec![];
                self.note_position(follower, &message);
                let bytes = rmp_serde::to_vec(&message).unwrap();
                assert!(bytes.len() < 512 * 1024, "a packet of {} bytes", bytes.len());
                let message = rmp_serde::from_slice(&bytes).unwrap();
                let tables = &mut self.followers[follower].tables;
                tables.received(self.now, &node(PUBLISHER), &message, &mut effects);
                self.followed(follower, effects);
            }
            (Place::Follower(follower), Content::Head(stream, position)) => {
                let mut effects = vec![];
                self.note(follower, &stream, position);
                self.followers[follower].tables.head(self.now, &stream, position, &mut effects);
                self.followed(follower, effects);
            }
            (place, content) => panic!("{content:?} to {place:?}"),
        }
    }

    fn list(&mut self, from: usize, streams: &[StreamName]) {
        for table in ["p", "q"].map(stream) {
            let mut listed = self.listed.entry(table.clone()).or_default().clone();
            let instance = Instance::of(from as u64 + 2);
            match streams.contains(&table) {
                true => listed.insert(instance),
                false => listed.remove(&instance),
            };
            let mut effects = vec![];
            self.publisher.followers(&table, &listed, &mut effects);
            self.listed.insert(table, listed);
            self.published(effects);
        }
    }

    /// Notes the position that a message reports to a follower.
    fn note_position(&mut self, follower: usize, message: &TableMessage) {
        let stream = message.stream().clone();
        match message {
            TableMessage::Change(part) => {
                self.note(follower, &stream, part.position);
            }
            TableMessage::Mark(mark) | TableMessage::Answered(mark) => {
                self.note(follower, &stream, mark.position)
            }
            TableMessage::Page(page) => self.note(follower, &stream, page.position),
            _ => {}
        }
    }

    fn note(&mut self, follower: usize, stream: &StreamName, position: Position) {
        if let Some(replica) = self.followers[follower].replicas.get_mut(stream) {
            replica.hear(self.now, position);
        }
    }

    fn check(&mut self, follower: usize) {
        let Follower { tables, replicas, .. } = &mut self.followers[follower];
        for (stream, replica) in replicas {
            let (position, rows) = tables.rows(stream).unwrap();
            assert_eq!(rows.into_iter().collect::<BTreeSet<_>>(), replica.rows);
            replica.check(self.now, position);
        }
    }
}
