//! Peers that ask for everything and read it slowly: they keep nobody else from recovering.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use delivery::{Position, SyncItem, SyncRequest};
use end_to_end::{Folder, counter, event, notice, until, within, zmtp_hello};
use pubsub_api::SEND_ALL;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::Value;

/// A peer at another address of this host, which asks for all rows and reads 4 KiB of them a second. As one of ZMTP 3.0 it is
/// never pinged, so nothing but its reading decides.
struct SlowAsker {
    is_over: Arc<AtomicBool>,
    reading: Option<JoinHandle<()>>,
}

impl SlowAsker {
    const HOST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

    fn of(publisher: &str) -> Self {
        let publisher: SocketAddr = publisher.parse().expect("an address");
        let own = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        set_socket_recv_buffer_size(&own, 16 * 1024).expect("a smaller buffer");
        bind(&own, &SocketAddr::from((Self::HOST, 0))).expect("all of 127.0.0.0/8 is this host");
        connect(&own, &publisher).expect("the service listens");
        let mut stream = TcpStream::from(own);
        stream.write_all(&zmtp_hello("DEALER", 0)).expect("the service reads");
        stream.write_all(&request()).expect("the service reads");
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let reading = thread::spawn(move || {
            let mut part = [0; 1024];
            while !ends.load(Ordering::Relaxed) && stream.read(&mut part).is_ok_and(|count| count > 0) {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "this reader is slow on purpose: 4 KiB a second"
                )]
                thread::sleep(Duration::from_millis(250));
            }
        });
        Self { is_over, reading: Some(reading) }
    }
}

impl Drop for SlowAsker {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.reading.take().map(JoinHandle::join);
    }
}

/// The request of a subscriber that has nothing, as the two frames that a DEALER sends (RFC 23).
fn request() -> Vec<u8> {
    let want = SyncItem { topic: SEND_ALL, position: Position::NONE };
    let packed = SyncRequest { id: 1, items: vec![want] }.pack().expect("it is small");
    let frame = |flags: u8, body: &[u8]| {
        let length = u8::try_from(body.len()).expect("a short frame");
        [&[flags, length], body].concat()
    };
    [frame(1, packed.topic.as_bytes()), frame(0, &packed.payload)].concat()
}

/// How many requests wait for their turn.
fn waiting(folder: &Folder) -> u64 {
    let status = folder.status("service");
    let queues = status["parts"]["delivery"]["queues"].as_array().cloned().unwrap_or_default();
    let requests = queues.iter().find(|queue| queue["name"] == "sync_requests").expect("a queue");
    requests["depth"].as_u64().expect("a number")
}

#[test]
fn twenty_peers_of_one_host_that_read_slowly_keep_nobody_else_waiting() {
    const ASKERS: usize = 20;
    const ROWS: usize = 6000;
    let folder = Folder::new();
    let service = folder.service();
    // More for each than the kernel keeps for a connection of this host.
    let rows: Vec<Value> =
        (0..ROWS).map(|row| event("t", &row.to_string(), "set", "v".repeat(1000), "D")).collect();
    folder.publish(&rows);
    let _askers = [(); ASKERS].map(|()| SlowAsker::of(service.address()));
    until("all have asked", || {
        (counter(&folder.status("service"), "delivery", "sync_requests") >= ASKERS as u64).then_some(())
    });
    assert!(waiting(&folder) > 0, "all places are taken");

    let started = Instant::now();
    let agent = folder.agent("agent", &service);
    within(Duration::from_secs(60), "every row, and live", || {
        let is_live =
            agent.lines().iter().any(|line| notice(line) == Some("live") && line["topic"].is_null());
        (is_live && agent.events().len() == ROWS).then_some(())
    });
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "it waited for those that read slowly: {took:?}");
    assert!(waiting(&folder) > 0, "some of them still wait for their turn");
}
