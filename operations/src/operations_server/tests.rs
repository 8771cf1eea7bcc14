use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::connection::serve_connection;
use super::sampler::sample;
use crate::pulse::Pulse;
use crate::respond::Subject;
use crate::status_page::EventHub;

/// An endpoint whose program is starting: a stream gets heartbeats.
fn subject() -> Arc<Subject> {
    let (pulse, events) = (Pulse::new(Instant::now()), EventHub::new());
    let subject = Arc::new(Subject { token: None, pulse, program: OnceLock::new(), events });
    tokio::spawn(sample(Arc::clone(&subject)));
    subject
}

/// A connection with room for few bytes, on which a request was sent.
async fn request(subject: &Arc<Subject>, path: &str) -> (DuplexStream, JoinHandle<()>) {
    let (mut client, server) = duplex(512);
    let subject = Arc::clone(subject);
    let served = tokio::spawn(async move { serve_connection(server, &subject).await });
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    (client, served)
}

async fn read_until(client: &mut DuplexStream, what: &str, times: usize) -> String {
    let mut text = String::new();
    while text.matches(what).count() < times {
        let mut bytes = [0; 64];
        let count = timeout(Duration::from_secs(60), client.read(&mut bytes)).await.unwrap().unwrap();
        assert!(count > 0, "it ended: {text}");
        text += &String::from_utf8_lossy(&bytes[..count]);
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_stream_lasts_longer_than_any_other_connection_until_its_client_does_not_read() {
    let subject = subject();
    let (mut client, served) = request(&subject, "/events").await;
    let text = read_until(&mut client, ": heartbeat\n\n", 40).await;
    assert!(
        text.contains("content-type: text/event-stream\r\n") && text.contains("retry: 2000\n\n"),
        "{text}"
    );
    assert!(subject.events.is_watched() && !served.is_finished(), "40 s have passed");
    timeout(Duration::from_secs(60), served)
        .await
        .expect("it is closed after some heartbeats unread")
        .unwrap();
    assert!(!subject.events.is_watched());
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_after_an_hour_and_its_place_is_free() {
    let subject = subject();
    let (mut client, served) = request(&subject, "/events").await;
    let reading =
        tokio::spawn(async move { while client.read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {} });
    let began = tokio::time::Instant::now();
    served.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 3600);
    reading.await.unwrap();
    assert!(!subject.events.is_watched());
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_not_read_ends_after_fifteen_seconds() {
    let subject = subject();
    let (_client, served) = request(&subject, "/page/style.css").await;
    let began = tokio::time::Instant::now();
    served.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 15);
}
