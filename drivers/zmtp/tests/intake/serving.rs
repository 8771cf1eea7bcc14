//! What workers send arrives, in order, whatever others send.

use std::time::Duration;

use drivers_zmtp::protocol::{Command, GREETING_BYTES, SocketType};
use pubsub_api::Batch;

use super::raw_worker::{RawWorker, command, event, hello_of_a_push};
use super::service::{PATIENCE, Service, texts};

#[tokio::test]
async fn push_and_dealer_are_served() {
    let service = Service::start(&[]).await;
    for own in [SocketType::Push, SocketType::Dealer] {
        let mut worker = RawWorker::greeted_as(&service.socket(), own).await;
        worker.say(&event(&format!("{own:?}")));
        assert_eq!(service.take(1).await, [format!("{own:?}")]);
    }
}

#[tokio::test]
async fn a_ping_is_answered() {
    let service = Service::start(&[]).await;
    let mut worker = RawWorker::greeted(&service.socket()).await;
    let ping = command(&Command::Ping { ttl: 0, context: b"context" });
    worker.say(&[event("before"), ping, event("after")].concat());
    let _worker = worker.hears_a_pong().await;
    assert_eq!(service.take(2).await, ["before", "after"]);
}

#[tokio::test]
async fn its_ready_comes_after_the_workers() {
    let service = Service::start(&[]).await;
    let mut worker = RawWorker::silent(&service.socket());
    let hello = hello_of_a_push();
    worker.say(&hello[..GREETING_BYTES]);
    let reading = tokio::task::spawn_blocking(move || {
        let mut greeting = [0; GREETING_BYTES];
        std::io::Read::read_exact(&mut worker.raw(), &mut greeting).unwrap();
        assert_eq!(greeting[0], 0xff);
        worker.raw().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let silence = std::io::Read::read(&mut worker.raw(), &mut [0; 1]).unwrap_err();
        assert!(matches!(silence.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
        worker.raw().set_read_timeout(Some(PATIENCE)).unwrap();
        worker.say(&hello[GREETING_BYTES..]);
        let mut ready = [0; 8];
        std::io::Read::read_exact(&mut worker.raw(), &mut ready).unwrap();
        ready
    });
    assert_eq!(&reading.await.unwrap()[2..], b"\x05READY");
}

#[tokio::test]
async fn the_same_identity_twice_is_two_workers() {
    let service = Service::start(&[]).await;
    let mut hello = hello_of_a_push();
    hello.splice(64.., *b"\x04\x2b\x05READY\x0bSocket-Type\0\0\0\x04PUSH\x08Identity\0\0\0\x04same");
    let mut twins = [RawWorker::silent(&service.socket()), RawWorker::silent(&service.socket())];
    for (number, twin) in twins.iter_mut().enumerate() {
        twin.say(&[&hello[..], &event(&number.to_string())].concat());
        assert_eq!(service.take(1).await, [number.to_string()]);
    }
    twins[0].say(&event("still here"));
    assert_eq!(service.take(1).await, ["still here"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_floods_leaves_the_others_their_turn() {
    const EACH: usize = 200;
    const FLOOD: usize = 400_000;
    let service = Service::start(&["drivers.zmtp.recv_queue_events=1000"]).await;
    let mut flooding = RawWorker::greeted(&service.socket()).await;
    let flood = std::thread::spawn(move || {
        for start in (0..FLOOD).step_by(100) {
            let block: Vec<u8> = (start..start + 100).flat_map(|n| event(&format!("flood {n}"))).collect();
            flooding.say(&block);
        }
    });
    let normal: Vec<_> = {
        let mut workers = Vec::new();
        for name in ["a", "b", "c"] {
            workers.push((name, RawWorker::greeted(&service.socket()).await));
        }
        let send = |(name, mut worker): (&'static str, RawWorker)| {
            std::thread::spawn(move || {
                (0..EACH).for_each(|number| worker.say(&event(&format!("{name} {number}"))));
            })
        };
        workers.into_iter().map(send).collect()
    };
    let mut came = Vec::new();
    while came.len() < FLOOD + 3 * EACH {
        came.extend(service.batch().await);
    }
    flood.join().unwrap();
    normal.into_iter().for_each(|worker| worker.join().unwrap());
    for (name, count) in [("flood", FLOOD), ("a", EACH), ("b", EACH), ("c", EACH)] {
        let of_name = came.iter().filter(|payload| payload.split(' ').next() == Some(name));
        let wanted = (0..count).map(|number| format!("{name} {number}"));
        assert!(of_name.cloned().eq(wanted), "{name}: all, in order");
    }
    let last_of_the_flood = came.iter().rposition(|payload| payload.starts_with("flood")).unwrap();
    for name in ["a", "b", "c"] {
        let last = came.iter().rposition(|payload| payload.starts_with(name)).unwrap();
        assert!(last < last_of_the_flood, "{name} got through only when the flood was over");
    }
}

#[tokio::test]
async fn receiving_may_be_given_up_at_any_time_and_loses_nothing() {
    const EVENTS: usize = 20_000;
    let service = Service::start(&[]).await;
    let mut worker = RawWorker::greeted(&service.socket()).await;
    let sending = std::thread::spawn(move || {
        for number in 0..EVENTS {
            worker.say(&event(&number.to_string()));
        }
        worker
    });
    let subscriber = service.subscriber();
    let (mut batch, mut came, mut given_up) = (Batch::new(), Vec::new(), 0);
    while came.len() < EVENTS {
        let received = tokio::select! {
            biased;
            received = subscriber.recv_batch(&mut batch) => Some(received),
            () = tokio::task::yield_now() => None,
        };
        match received {
            Some(received) => assert_eq!(received.unwrap(), None),
            None => given_up += 1,
        }
        came.extend(texts(&batch));
        batch.clear();
    }
    assert!(came.into_iter().eq((0..EVENTS).map(|number| number.to_string())), "all, in order");
    assert!(given_up > 0);
    drop(sending.join().unwrap());
}

#[tokio::test]
async fn a_service_that_does_not_read_makes_the_workers_wait_and_loses_nothing() {
    let service = Service::start(&["drivers.zmtp.recv_queue_events=10"]).await;
    let mut worker = RawWorker::greeted(&service.socket()).await;
    let payload = "x".repeat(10_000);
    worker.raw().set_nonblocking(true).unwrap();
    let mut written = 0;
    let one = event(&payload);
    let deadline = std::time::Instant::now() + PATIENCE;
    // Full is full when nothing goes in any more for a while in which the service had its turns.
    let mut refused_in_a_row = 0;
    while refused_in_a_row < 20 {
        assert!(std::time::Instant::now() < deadline, "it takes without end");
        let at = written % one.len();
        match std::io::Write::write(&mut worker.raw(), &one[at..]) {
            Ok(count) => (written, refused_in_a_row) = (written + count, 0),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                refused_in_a_row += 1;
                // A poll with a deadline.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
    let whole = written / one.len();
    let received = service.status().counter("events_received", None);
    assert!(received < whole as u64, "{received} of {whole} were taken in");
    worker.raw().set_nonblocking(false).unwrap();
    let rest = one[written % one.len()..].to_vec();
    let writing = tokio::task::spawn_blocking(move || {
        worker.say(&rest);
        worker
    });
    assert!(service.take(whole + 1).await.iter().all(|came| *came == payload));
    drop(writing.await.unwrap());
}
