//! Snapshots whose pages arrive while the stream goes on. The exhaustive model found both.

use delivery::Position;

use super::direct::{Direct, one};
use super::world::{ms, stream};
use crate::KeyColumns;
use crate::packet::{Message, Outgoing};
use crate::tables::message::{Open, Page, Pull};
use crate::tables::{FollowEffect, StreamPhase, TableMessage};

/// A page of a snapshot of two, of one row each.
fn page(sequence: u64, page: u32) -> TableMessage {
    TableMessage::Page(Page {
        stream: stream("p"),
        position: Position { epoch: 1, sequence },
        page,
        pages: 2,
        key: KeyColumns::Row,
        rows: vec![one(page.into())],
        partners: vec![],
    })
}

/// What was requested since the last call.
fn requests(direct: &mut Direct) -> Vec<TableMessage> {
    let sent = direct.effects.drain(..).filter_map(|effect| match effect {
        FollowEffect::Send(Outgoing { message: Message::Table(message), .. }) => Some(message),
        _ => None,
    });
    sent.filter(|message| *message.stream() == stream("p")).collect()
}

#[test]
fn a_live_stream_pulls_a_newer_snapshot_once_and_not_anew_for_each_page() {
    let mut direct = Direct::new();
    direct.mark("p", (1, 0));
    assert_eq!(direct.phase("p"), StreamPhase::Live);
    let _ = requests(&mut direct);
    direct.receive(page(1, 0));
    let snapshot = Position { epoch: 1, sequence: 1 };
    let pull = TableMessage::Pull(Pull { stream: stream("p"), snapshot, pages: vec![1] });
    assert_eq!(requests(&mut direct), [pull]);
    direct.receive(page(1, 1));
    assert_eq!(requests(&mut direct), []);
    assert_eq!((direct.rows("p"), direct.phase("p")), ([0, 1].into(), StreamPhase::Live));
}

#[test]
fn a_snapshot_that_the_stream_has_overtaken_is_pulled_no_further_and_what_is_missing_is_requested() {
    let mut direct = Direct::new();
    direct.snapshot("p", (1, 1), &[]);
    direct.change("p", (1, 3), &[3], &[]);
    direct.change("p", (1, 5), &[5], &[]);
    direct.receive(page(2, 0));
    direct.change("p", (1, 2), &[2], &[]);
    let _ = requests(&mut direct);
    direct.now += ms(100);
    direct.tables.tick(direct.now, &mut direct.effects);
    let have = Position { epoch: 1, sequence: 3 };
    let open = TableMessage::Open(Open { stream: stream("p"), have, token: None });
    assert_eq!(requests(&mut direct), [open]);
    direct.change("p", (1, 4), &[4], &[]);
    assert_eq!((direct.rows("p"), direct.phase("p")), ([2, 3, 4, 5].into(), StreamPhase::Live));
}
