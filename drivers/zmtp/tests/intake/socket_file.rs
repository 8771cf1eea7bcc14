//! The socket file may vanish: new workers are served again, and earlier ones stay.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::raw_worker::{RawWorker, event};
use super::service::{Service, until};

async fn served_again(service: &Service, what: &str) {
    let path = service.socket();
    until(what, || service.status().counter("socket_rebound", None) == 1).await;
    let mut new = RawWorker::greeted(&path).await;
    new.say(&event("new"));
    assert_eq!(service.take(1).await, ["new"]);
}

#[tokio::test]
async fn a_socket_that_was_deleted_is_bound_anew_and_connected_workers_stay() {
    let service = Service::start(&[]).await;
    let mut old = RawWorker::greeted(&service.socket()).await;
    std::fs::remove_file(service.socket()).unwrap();
    served_again(&service, "bound anew").await;
    assert_eq!(mode(&service.socket()), 0o660);
    old.say(&event("old"));
    assert_eq!(service.take(1).await, ["old"]);
}

#[tokio::test]
async fn a_socket_that_a_stray_program_replaced_is_taken_back() {
    let service = Service::start(&[]).await;
    let mut old = RawWorker::greeted(&service.socket()).await;
    std::fs::remove_file(service.socket()).unwrap();
    drop(UnixListener::bind(service.socket()).unwrap());
    served_again(&service, "taken back").await;
    old.say(&event("old"));
    assert_eq!(service.take(1).await, ["old"]);
}

#[tokio::test]
async fn closing_takes_the_socket_away_and_lets_nobody_in() {
    let service = Service::start(&[]).await;
    let worker = RawWorker::greeted(&service.socket()).await;
    assert_eq!(mode(&service.socket()), 0o660);
    service.subscriber().close().await;
    worker.until_closed().await;
    assert!(!service.socket().exists());
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
