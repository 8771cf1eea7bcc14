//! Answers that take long because their line is slow: a snapshot, a replay, and many at once.

use std::time::{Duration, Instant};

use end_to_end::{Folder, NarrowLine, counter, counters, event, within};

use super::agents::{agent, assert_nothing_was_lost, is_long, rows, wait_until_whole};

/// How many rows of a KiB a line is to carry, and how many bytes a second it carries. The short form takes 16 s, longer than
/// an answer may stand still and many times `dead_after`; the long form is 4.7 MiB at 1 Mbit/s, and takes 40 s.
fn volume() -> (usize, u64) {
    if is_long() { (4800, 125_000) } else { (1800, 125_000) }
}

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_snapshot_over_a_slow_line_arrives_whole_however_long_it_takes() {
    let (count, rate) = volume();
    let folder = Folder::new();
    let service = folder.service();
    let published = rows(0, count);
    folder.publish(&published);
    let line = NarrowLine::before(service.address(), rate);
    let agent = agent(&folder, "agent", &line);
    let started = Instant::now();
    wait_until_whole(&agent, &line, &published, PATIENCE);
    let took = started.elapsed();
    assert!(took > Duration::from_secs(13), "the line was not slow: {took:?}");
    assert!(agent.events().iter().all(|event| event["origin"] == "snapshot"));
    assert_nothing_was_lost(&agent);
}

#[test]
fn a_replay_over_a_slow_line_arrives_whole_however_long_it_takes() {
    let (count, rate) = volume();
    let folder = Folder::new();
    let service = folder.service();
    let line = NarrowLine::before(service.address(), rate);
    let mut before = agent(&folder, "agent", &line);
    before.wait_for_notice(0, "live");
    folder.publish(&[event("t", "first", "set", "v", "D")]);
    before.wait_for_events(1);
    before.terminate();
    let published = rows(0, count);
    folder.publish(&published);
    let after = agent(&folder, "agent", &line);
    wait_until_whole(&after, &line, &published, PATIENCE);
    assert!(after.events().iter().all(|event| event["origin"] == "replay"));
    assert_nothing_was_lost(&after);
}

/// The publisher's PING waits in the line after what it sent before, for longer than it waits for a PONG.
#[test]
fn a_peer_that_reads_slowly_and_steadily_is_not_taken_for_dead() {
    let folder = Folder::with_settings("dead_after = \"2s\"");
    let service = folder.service();
    let published = rows(0, 500);
    folder.publish(&published);
    let line = NarrowLine::before(service.address(), 40_000);
    let agent = agent(&folder, "agent", &line);
    wait_until_whole(&agent, &line, &published, PATIENCE);
    assert_nothing_was_lost(&agent);
    let status = folder.status("service");
    assert_eq!(counters(&status, "network", "peers_refused"), [], "{status}");
    assert_eq!(counter(&status, "delivery", "sync_requests"), 1, "it was asked once");
}

#[test]
fn newcomers_that_share_a_slow_line_are_all_complete_in_about_the_time_that_it_needs() {
    let agents = if is_long() { 60 } else { 12 };
    // The table takes a second of the line, and the heads of events a little more.
    let (count, rate) = (1000, 1_100_000);
    let folder = Folder::new();
    let service = folder.service();
    folder.publish(&rows(0, count));
    let line = NarrowLine::before(service.address(), rate);
    let swarm = folder.skimmer(&["swarm", "--agents", &agents.to_string()]);
    let mut swarm = swarm.set("publishers_ips", line.address()).start();
    let started = Instant::now();
    within(PATIENCE, "all are live", || {
        let lines = swarm.lines();
        lines.iter().rfind(|line| line["live"] == agents).map(drop)
    });
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2 * agents as u64 + 10), "{took:?} for {agents} s of line");
    swarm.terminate();
    let summary = swarm.wait_for("the summary", |line| line.get("swarm").is_some())["swarm"].clone();
    let wanted = [
        ("live", agents),
        ("snapshots", agents),
        ("snapshot_rows", agents * count),
        ("gaps", 0),
        ("resyncs", 0),
        ("returns", 0),
        ("different_tables", 1),
    ];
    for (name, wanted) in wanted {
        assert_eq!(summary[name], wanted, "{name}: {summary}");
    }
}
