//! The stream of events that the status page follows, without a browser.
#![expect(clippy::expect_used, reason = "a test ends where an expectation fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use end_to_end::{HttpReply, event, http_connect, http_get, until};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use serde_json::Value;

use super::scene::Scene;
use super::stub_program::StubProgram;

/// As many streams as the endpoint has at a time (docs/limits.md).
const STREAMS: usize = 16;

/// A stream that is read line by line.
struct EventReader(BufReader<TcpStream>);

impl EventReader {
    /// Opens one; the head of the reply is read.
    fn open(endpoint: &str) -> Self {
        let mut reader = BufReader::new(request(endpoint));
        let head = read_head(&mut reader);
        assert!(
            head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: text/event-stream"),
            "{head}"
        );
        Self(reader)
    }

    /// The next line that begins so, without the beginning; `None` at the end of the stream.
    fn next_line(&mut self, beginning: &str) -> Option<String> {
        loop {
            let mut line = String::new();
            let count = self.0.read_line(&mut line).expect("something arrives every second");
            if count == 0 {
                return None;
            }
            if let Some(rest) = line.strip_prefix(beginning) {
                return Some(rest.trim_end().to_owned());
            }
        }
    }

    /// The next event: its name and its data.
    fn next(&mut self) -> (String, Value) {
        let name = self.next_line("event: ").expect("the stream lasts");
        let data = self.next_line("data: ").expect("an event has data");
        (name, serde_json::from_str(&data).expect("data is JSON"))
    }
}

fn request(endpoint: &str) -> TcpStream {
    let mut stream = http_connect(endpoint);
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: test\r\n\r\n").expect("the endpoint reads");
    stream
}

fn read_head(reader: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).expect("a head") > 0, "it ended: {head}");
    }
    head
}

#[test]
fn a_stream_begins_with_a_snapshot_and_has_what_changes_every_second() {
    let scene = Scene::new();
    let mut stream = EventReader::open(&scene.at_service);
    assert_eq!(stream.next_line("retry: ").as_deref(), Some("2000"));
    let (name, snapshot) = stream.next();
    assert_eq!((name.as_str(), &snapshot["program"]), ("snapshot", &"publisher-service".into()));
    assert_eq!(snapshot["pid"], scene.service.pid());
    scene.folder.publish(&[event("lport", "port-1", "create", "{}", "D")]);
    let published = |event: &Value| {
        let place = event["rates"].as_array()?.iter().position(|rate| rate["name"] == "events_published")?;
        event["points"][0]["rates"][place].as_f64().filter(|rate| *rate > 0.0)
    };
    until("an update has the rate of the event, and its latency", || {
        let (name, update) = stream.next();
        assert_eq!((name.as_str(), update["points"].as_array().map(Vec::len)), ("update", Some(1)));
        published(&update).filter(|_| update["points"][0]["latencies"][0]["p50_us"].is_number())
    });
    let mut at_agent = EventReader::open(&scene.at_agent);
    let (_, snapshot) = at_agent.next();
    let publisher = &snapshot["peers"]["changed"][0];
    assert_eq!(
        (&publisher["name"], &publisher["condition"]),
        (&scene.service.network().into(), &"fine".into())
    );
}

#[test]
fn more_streams_than_there_are_places_are_refused_with_the_reason_and_leave_the_scrape_alone() {
    let stub = StubProgram::start(1, 0);
    let mut open: Vec<EventReader> = (0..STREAMS).map(|_| EventReader::open(stub.endpoint())).collect();
    let refused = HttpReply::read(request(stub.endpoint()));
    assert!(refused.status == 503 && refused.has_header("retry-after: 5"), "{refused:?}");
    assert!(refused.body.contains("16 streams of events are open"), "{}", refused.body);
    for _ in 0..STREAMS {
        assert_eq!(http_get(stub.endpoint(), "/metrics", &[]).status, 200);
    }
    assert!(open.iter_mut().all(|stream| stream.next().0 == "snapshot"));
    open.pop();
    until("there is a place again", || {
        let mut reader = BufReader::new(request(stub.endpoint()));
        read_head(&mut reader).starts_with("HTTP/1.1 200 ").then_some(())
    });
}

#[test]
fn a_client_that_does_not_read_is_disconnected_and_no_other_one_waits_for_it() {
    // Each event is some hundred kilobytes, so a socket is full after a few.
    let stub = StubProgram::start(2000, 2000);
    let mut slow = http_connect(stub.endpoint());
    set_socket_recv_buffer_size(&slow, 4096).expect("a smaller buffer");
    slow.write_all(b"GET /events HTTP/1.1\r\nHost: test\r\n\r\n").expect("the endpoint reads");
    let mut reading = EventReader::open(stub.endpoint());
    until("the slow client is disconnected", || {
        assert!(matches!(reading.next().0.as_str(), "snapshot" | "update"));
        // It has not read a byte. Whether the other end is gone shows in a write.
        slow.write_all(b"x").is_err().then_some(())
    });
    let before = stub.readings();
    assert_eq!((reading.next().0.as_str(), reading.next().0.as_str()), ("update", "update"));
    assert!(stub.readings() > before);
    let mut again = EventReader::open(stub.endpoint());
    assert_eq!(again.next().0, "snapshot", "it may come back");
}

#[test]
fn open_streams_end_with_the_program_and_do_not_hold_it_up() {
    let mut scene = Scene::new();
    let mut streams = [EventReader::open(&scene.at_service), EventReader::open(&scene.at_service)];
    assert!(streams.iter_mut().all(|stream| stream.next().0 == "snapshot"));
    // It must end in order, which it does within its drain time only.
    scene.service.terminate();
    for EventReader(stream) in &mut streams {
        let mut rest = Vec::new();
        // A connection may be reset, if there was something that it had not read.
        let read = stream.read_to_end(&mut rest);
        assert!(!read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "it is still open");
    }
}
