//! F23, F25 of docs/guarantees.md: what the service keeps on disk is damaged while it is away, or cannot be written at all.

use std::fs;
use std::path::PathBuf;

use end_to_end::{History, Program, Service, assert_convergent, counter, counters, event, fold, notice};
use serde_json::Value;

use super::scene::{Scene, reported};

fn events(from: usize, count: usize) -> Vec<Value> {
    (from..from + count).map(|n| event("t", &n.to_string(), "set", "v".repeat(100), "D")).collect()
}

/// A service with a ring of some events, and an agent that has all of them.
fn settled(scene: &Scene) -> (Service, Program) {
    let service = scene.service();
    let agent = scene.live_agent("agent");
    // Several records, so that what is cut out of the middle is not the end of the only one.
    for round in 0..5 {
        scene.folder.publish(&events(round * 10, 10));
        agent.wait_for_events((round + 1) * 10);
    }
    (service, agent)
}

/// What is done to the segments of a ring.
type Damage = fn(&[PathBuf]);

#[test]
fn a_damaged_ring_is_moved_aside_logged_and_never_resumed() {
    let cases: [(&str, Damage); 4] = [
        ("a flipped bit", |segments| flip(segments.last().unwrap())),
        ("a middle that was cut out", |segments| cut_middle(segments.last().unwrap())),
        ("a foreign file", |segments| fs::write(segments.last().unwrap(), [7; 5000]).unwrap()),
        ("a file of nothing but zeros", |segments| {
            let length = fs::metadata(&segments[0]).unwrap().len();
            fs::write(&segments[0], vec![0; usize::try_from(length).unwrap()]).unwrap();
        }),
    ];
    for (case, damage) in cases {
        let scene = Scene::new();
        let (mut service, agent) = settled(&scene);
        service.terminate();
        damage(&scene.segments());

        let mark = agent.mark();
        let service = scene.service();
        assert!(service.stderr().contains("it is moved aside"), "{case}: {}", service.stderr());
        let status = scene.folder.status("service");
        assert_eq!(counters(&status, "delivery", "ring_start"), [("refused".to_owned(), 1)], "{case}");
        assert_eq!(counter(&status, "delivery", "ring_refused"), 1, "{case}: {status}");
        assert_compares_and_goes_on(&scene, &agent, mark);
        assert_ends_with_the_truth(&agent, case);
    }
}

/// Waits until the agent has a resync, and publishes what it must have then.
fn assert_compares_and_goes_on(scene: &Scene, agent: &Program, mark: usize) {
    agent.wait_for_notice(mark, "resync");
    wait_for_live(agent, mark);
    scene.folder.publish(&events(50, 10));
}

fn wait_for_live(agent: &Program, mark: usize) {
    let is_live = |line: &Value| notice(line) == Some("live") && line.get("topic").is_none();
    agent.wait_for_since(mark, "live, of all topics", is_live);
}

fn assert_ends_with_the_truth(agent: &Program, case: &str) {
    agent.wait_for(&format!("{case}: the last event"), |line| line["key"] == "59");
    let lines = agent.lines();
    let _ = History::of(&lines).assert_sound();
    assert_convergent(&lines, &fold(&events(0, 60)));
}

fn flip(segment: &PathBuf) {
    let mut bytes = fs::read(segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(segment, bytes).unwrap();
}

fn cut_middle(segment: &PathBuf) {
    let mut bytes = fs::read(segment).unwrap();
    let third = bytes.len() / 3;
    bytes.drain(third..2 * third);
    fs::write(segment, bytes).unwrap();
}

#[test]
fn a_service_whose_ring_lost_a_part_starts_and_never_resumes_at_a_wrong_position() {
    for deleted in ["the first", "the last", "all"] {
        let scene = Scene::new();
        let (mut service, agent) = settled(&scene);
        service.terminate();
        let mut service = scene.service();
        scene.folder.publish(&events(50, 5));
        agent.wait_for_events(55);
        service.terminate();
        let segments = scene.segments();
        assert!(segments.len() >= 2, "each start begins one");
        let gone = match deleted {
            "the first" => &segments[..1],
            "the last" => &segments[segments.len() - 1..],
            _ => &segments[..],
        };
        gone.iter().for_each(|segment| fs::remove_file(segment).unwrap());

        let mark = agent.mark();
        let service = scene.service();
        wait_for_live(&agent, mark);
        scene.folder.publish(&events(55, 5));
        assert_ends_with_the_truth(&agent, deleted);
        let is_resynced = !reported(&agent, mark, &["resync"]).is_empty();
        assert_eq!(
            is_resynced,
            deleted != "the first",
            "{deleted}: {:?} {}",
            agent.notices(),
            service.stderr()
        );
    }
}

#[test]
fn a_truncated_last_record_is_logged_and_the_service_continues() {
    let scene = Scene::new();
    let (mut service, agent) = settled(&scene);
    service.kill();
    let segments = scene.segments();
    let last = segments.last().unwrap();
    let bytes = fs::read(last).unwrap();
    // The end marker, and the last bytes of the record.
    fs::write(last, &bytes[..bytes.len() - 16 - 3]).unwrap();

    let mark = agent.mark();
    let service = scene.service();
    assert!(service.stderr().contains("the end of the ring was cut off"), "{}", service.stderr());
    let start = counters(&scene.folder.status("service"), "delivery", "ring_start");
    assert_eq!(start, [("recovered".to_owned(), 1)]);
    // It had more than the ring has now.
    assert_compares_and_goes_on(&scene, &agent, mark);
    assert_ends_with_the_truth(&agent, "a torn tail");
}

#[test]
fn publishing_needs_no_folder_to_write_in() {
    let scene = Scene::new();
    let (mut service, agent) = settled(&scene);
    service.terminate();
    let ring = scene.segments()[0].parent().unwrap().to_path_buf();
    fs::remove_dir_all(&ring).unwrap();
    fs::write(&ring, "no folder").unwrap();

    let mark = agent.mark();
    let service = scene.service();
    assert_eq!(service.stderr().matches("cannot keep a ring in").count(), 1, "{}", service.stderr());
    let start = counters(&scene.folder.status("service"), "delivery", "ring_start");
    assert_eq!(start, [("in_memory".to_owned(), 1)]);
    assert_compares_and_goes_on(&scene, &agent, mark);
    assert_ends_with_the_truth(&agent, "no folder");
}
