use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pubsub_api::ErrorKind;
use pubsub_api::database::{DbApi, RowName};
use tokio::task::JoinHandle;

use crate::ends::wait_until;

/// Tasks that create and change rows continuously, each its own rows, and remember the expected value of each row.
pub(crate) struct Writers {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<Vec<Expected>>>,
}

/// The possible values of a key: the last confirmed one, and those in doubt since.
struct Expected {
    key: String,
    topic: String,
    values: Vec<Option<String>>,
}

impl Writers {
    pub(crate) fn start(db: &Arc<dyn DbApi>, count: usize) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let task = |writer| tokio::spawn(write(Arc::clone(db), writer, Arc::clone(&stop), Arc::clone(&done)));
        let tasks = (0..count).map(task).collect();
        Self { stop, done, tasks }
    }

    /// Waits until this many more writes are done.
    pub(crate) async fn wait_for_more(&self, count: usize) {
        let wanted = self.done.load(Ordering::Relaxed) + count;
        wait_until("writes continue", || self.done.load(Ordering::Relaxed) >= wanted).await;
    }

    /// Stops the tasks, and compares the rows with the expected values.
    pub(crate) async fn end_and_check(self, db: &Arc<dyn DbApi>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut checked = 0;
        for task in self.tasks {
            for Expected { key, topic, values } in task.await.unwrap() {
                let found = match db.get_key(RowName::new("written", &key).on(topic.as_str())).await {
                    Ok(value) => Some(String::from_utf8(value.to_vec()).unwrap()),
                    Err(error) if error.kind() == ErrorKind::NotFound => None,
                    Err(error) => panic!("{error}"),
                };
                assert!(values.contains(&found), "{key} holds {found:?}, but should hold one of {values:?}");
                checked += 1;
            }
        }
        assert!(checked > 0);
    }
}

/// Creates, changes and sometimes deletes a row. No other task writes it: an unexpected row, or one that is missing without
/// having been deleted, is as wrong as a lost value.
async fn write(
    db: Arc<dyn DbApi>,
    writer: usize,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
) -> Vec<Expected> {
    let mut all = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (key, topic) = (format!("{writer}-{number}"), format!("tenant-{}", number % 100));
        let row = RowName::new("written", &key).on(topic.as_str());
        let mut values = vec![None];
        for step in 0..4 {
            let value = format!("{key}-{step}");
            let (result, to) = match step {
                0 => (db.create_key(row, value.clone().into(), false).await, Some(value)),
                3 if number % 3 == 0 => (db.delete_key(row).await, None),
                _ => (db.set_key(row, value.clone().into()).await, Some(value)),
            };
            match result {
                Ok(()) => {
                    values = vec![to];
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => match error.kind() {
                    ErrorKind::InDoubt => values.push(to),
                    ErrorKind::Unavailable => {}
                    ErrorKind::NotFound if values.contains(&None) => {}
                    _ => panic!("step {step} of {key}, which holds one of {values:?}: {error}"),
                },
            }
        }
        all.push(Expected { key, topic, values });
    }
    all
}
