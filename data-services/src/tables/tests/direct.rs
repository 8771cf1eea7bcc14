use std::collections::BTreeSet;
use std::time::Duration;

use delivery::Position;

use super::world::{node, stream};
use crate::packet::{Message, Outgoing};
use crate::tables::message::{ChangePart, Mark, Open, Page};
use crate::tables::{FollowEffect, FollowedTables, StreamPhase, TableMessage, TableOptions};
use crate::{KeyColumns, Row, RowKey};

/// Followed tables that receive what a publisher might send, without one.
pub(super) struct Direct {
    pub(super) tables: FollowedTables,
    pub(super) effects: Vec<FollowEffect>,
    pub(super) now: Duration,
    tokens: Vec<u64>,
}

/// The row of one number.
pub(super) fn one(number: u64) -> Row {
    Row::of(&[number]).unwrap()
}

pub(super) fn key(number: u64) -> RowKey {
    KeyColumns::Row.key_of(&one(number)).unwrap()
}

impl Direct {
    /// Follows p and q.
    pub(super) fn new() -> Self {
        let tables = FollowedTables::new(TableOptions::default(), fastrand::Rng::with_seed(1));
        let mut direct = Self { tables, effects: vec![], now: Duration::ZERO, tokens: vec![] };
        for table in ["p", "q"] {
            direct.tables.follow(direct.now, stream(table), &mut direct.effects);
        }
        direct.tokens = direct.effects.iter().filter_map(token_of).collect();
        direct
    }

    /// The change of a table of rows of one number, and a mark that proves the topic.
    pub(super) fn change(&mut self, table: &str, position: (u64, u64), put: &[u64], deleted: &[u64]) {
        let part = ChangePart {
            stream: stream(table),
            position: Position { epoch: position.0, sequence: position.1 },
            part: 0,
            parts: 1,
            is_replay: false,
            key: KeyColumns::Row,
            put: put.iter().map(|number| one(*number)).collect(),
            deleted: deleted.iter().map(|number| key(*number)).collect(),
            group: vec![],
            trace: None,
        };
        self.receive(TableMessage::Change(part));
        self.mark(table, position);
    }

    /// A mark that proves the topic.
    pub(super) fn mark(&mut self, table: &str, position: (u64, u64)) {
        let position = Position { epoch: position.0, sequence: position.1 };
        self.receive(TableMessage::Mark(Mark {
            stream: stream(table),
            position,
            tokens: self.tokens.clone(),
        }));
    }

    pub(super) fn snapshot(&mut self, table: &str, position: (u64, u64), rows: &[u64]) {
        let page = Page {
            stream: stream(table),
            position: Position { epoch: position.0, sequence: position.1 },
            page: 0,
            pages: 1,
            key: KeyColumns::Row,
            rows: rows.iter().map(|number| one(*number)).collect(),
            partners: vec![],
        };
        self.receive(TableMessage::Page(page));
    }

    pub(super) fn receive(&mut self, message: TableMessage) {
        self.now += Duration::from_millis(1);
        self.tables.received(self.now, &node(1), &message, &mut self.effects);
    }

    pub(super) fn rows(&self, table: &str) -> BTreeSet<u64> {
        let (_, rows) = self.tables.rows(&stream(table)).unwrap();
        rows.into_iter().map(|row| row.get::<[u64; 1]>().unwrap()[0]).collect()
    }

    pub(super) fn phase(&self, table: &str) -> StreamPhase {
        self.tables.phase(&stream(table)).unwrap()
    }
}

fn token_of(effect: &FollowEffect) -> Option<u64> {
    match effect {
        FollowEffect::Send(Outgoing {
            message: Message::Table(TableMessage::Open(Open { token, .. })),
            ..
        }) => *token,
        _ => None,
    }
}
