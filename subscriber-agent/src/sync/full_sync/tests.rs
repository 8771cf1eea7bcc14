use std::time::Instant;

use futures_util::FutureExt;
use pubsub_api::{Error, ErrorKind};
use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::{RunningRead, Task};

#[tokio::test]
async fn a_read_that_ends_while_the_budget_of_the_task_is_used_up_is_not_lost() {
    let task = Task(tokio::spawn(async { Err(Error::new(ErrorKind::Unavailable, "no answer")) }));
    while !task.0.is_finished() {
        yield_now().await;
    }
    let mut running =
        RunningRead { reason: String::new(), started: Instant::now(), read_at: 0, task, read: None };
    let (sender, mut receiver) = mpsc::channel(1000);
    (0..1000).for_each(|number| sender.try_send(number).unwrap());
    while receiver.recv().now_or_never().is_some() {}
    assert!(!receiver.is_empty(), "the budget is used up");
    running.look();
    assert!(running.read.is_none());
    yield_now().await;
    running.look();
    assert!(matches!(&running.read, Some(Err(error)) if error.kind() == ErrorKind::Unavailable));
}
