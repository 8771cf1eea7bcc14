//! Clients that are slow, many, or send too much: they are bounded, and no event waits for them.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use end_to_end::{HttpReply, PATIENCE, event, http_connect, http_get, until};

use super::scene::Scene;

/// As many as the endpoint serves at a time (docs/limits.md).
const PLACES: usize = 32;

/// Publishes an event, and waits until the agent has it.
fn events_arrive(scene: &Scene, number: usize) {
    scene.folder.publish(&[event("lport", &format!("port-{number}"), "create", "{}", "D")]);
    scene.agent.wait_for_events(number);
}

/// Waits until the server has closed a connection to which nothing was replied.
fn wait_until_closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    let is_timeout = read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    assert!(!is_timeout, "it is still open after {PATIENCE:?}");
    assert!(rest.len() < 1024, "a short refusal at most: {}", String::from_utf8_lossy(&rest));
}

#[test]
fn slow_clients_take_every_place_for_seconds_only_and_delay_no_event() {
    let scene = Scene::new();
    // The first half sends nothing, the other half a head that never ends.
    let slow: Vec<TcpStream> = (0..PLACES)
        .map(|number| {
            let mut stream = http_connect(&scene.at_service);
            if number % 2 == 0 {
                stream.write_all(b"GET /livez HTTP/1.1\r\nX-Slow: ").expect("the endpoint reads");
            }
            stream
        })
        .collect();
    let refused = HttpReply::read(http_connect(&scene.at_service));
    assert_eq!((refused.status, refused.body.as_str()), (503, "too many connections\n"));
    events_arrive(&scene, 1);
    for mut stream in slow {
        // One byte now and then does not help.
        let _ = stream.write_all(b"x");
        wait_until_closed(stream);
    }
    until("there is a place again", || {
        (http_get(&scene.at_service, "/livez", &[]).status == 200).then_some(())
    });
    events_arrive(&scene, 2);
}

#[test]
fn a_head_that_is_too_long_is_answered_with_431_and_a_head_that_is_none_with_400() {
    let scene = Scene::new();
    let long = format!("GET /livez HTTP/1.1\r\nX-Long: {}\r\n\r\n", "x".repeat(64 * 1024));
    let many = format!("GET /livez HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(1000));
    let path = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(64 * 1024));
    for (request, wanted) in
        [(long, &[431][..]), (many, &[431]), (path, &[414, 431]), ("\u{1}\r\n\r\n".to_owned(), &[400])]
    {
        let mut stream = http_connect(&scene.at_agent);
        // It may close before it has read all.
        let _ = stream.write_all(request.as_bytes());
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        let reply = String::from_utf8_lossy(&reply).into_owned();
        let status = reply.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        assert!(status.is_none_or(|status| wanted.contains(&status)), "{wanted:?}: {reply}");
        assert_eq!(http_get(&scene.at_agent, "/livez", &[]).status, 200);
    }
    events_arrive(&scene, 1);
}

#[test]
fn a_client_that_does_not_read_and_a_crowd_of_connections_leave_the_memory_bounded() {
    let scene = Scene::new();
    assert_eq!(http_get(&scene.at_service, "/status.json", &[]).status, 200);
    let before = scene.service.memory_bytes();
    let mut unread = Vec::new();
    for round in 0..20 {
        for _ in 0..2 * PLACES {
            let mut stream = http_connect(&scene.at_service);
            let _ = stream.write_all(b"GET /status.json HTTP/1.1\r\nHost: a\r\n\r\n");
            unread.push(stream);
        }
        if round % 10 == 0 {
            events_arrive(&scene, round / 10 + 1);
        }
    }
    let grown = scene.service.memory_bytes().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes");
    drop(unread);
    until("there is a place again", || {
        (http_get(&scene.at_service, "/readyz", &[]).status == 200).then_some(())
    });
}
