//! Workers that publish together, a round at a time, and say how much was confirmed to them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use end_to_end::{Folder, History, Program, assert_convergent, event, fold, until};
use serde_json::Value;

use super::scene::reported;

/// Four processes, as on the reference rig: together 2,000 events a second while a round lasts.
pub(crate) struct Load {
    workers: Vec<Worker>,
    round: usize,
}

struct Worker {
    number: usize,
    program: Program,
    written: Vec<Value>,
}

const WORKERS: usize = 4;

const PER_WORKER_AND_SECOND: u128 = 500;

const STEP: Duration = Duration::from_millis(10);

/// The rows of each worker on the topic `rows`, which its events change in turn.
const ROWS: usize = 20;

impl Load {
    /// Starts the workers, and waits until the service knows each: what an unknown worker sends again is in doubt.
    pub(crate) fn start(folder: &Folder) -> Self {
        let worker = |number| {
            let name = format!("worker-{number}");
            let program = folder.worker_launch(&name).args(["--progress"]).start();
            Worker { number, program, written: Vec::new() }
        };
        let mut load = Self { workers: (0..WORKERS).map(worker).collect(), round: 0 };
        load.round(|| ());
        until("an event of each worker is confirmed", || {
            load.confirmed().iter().all(|confirmed| *confirmed > 0).then_some(())
        });
        load
    }

    /// Publishes for as long as `meanwhile` takes, and ends with a [fence](Self::fences) on each topic.
    pub(crate) fn round<T>(&mut self, meanwhile: impl FnOnce() -> T) -> T {
        self.round += 1;
        let (is_over, round) = (AtomicBool::new(false), self.round);
        thread::scope(|scope| {
            let publishing: Vec<_> = self
                .workers
                .iter_mut()
                .map(|worker| scope.spawn(|| worker.publish_until(&is_over, round)))
                .collect();
            let done = meanwhile();
            is_over.store(true, Ordering::Relaxed);
            publishing.into_iter().for_each(|worker| worker.join().expect("a worker takes its events"));
            done
        })
    }

    /// The last events of the latest round: topic and key. What follows one of them on its topic came before.
    fn fences(&self) -> Vec<(String, String)> {
        let fence =
            |worker: &Worker| worker.topics().map(|topic| (topic.clone(), worker.fence(&topic, self.round)));
        self.workers.iter().flat_map(fence).collect()
    }

    /// Waits until a reader has everything of the latest round.
    #[track_caller]
    pub(crate) fn wait_for_fences(&self, reader: &Program) {
        for (topic, key) in self.fences() {
            let is_fence = |line: &Value| line["key"] == key.as_str() && line["topic"] == topic.as_str();
            reader.wait_for(&format!("{key} on {topic}"), is_fence);
        }
    }

    /// All events so far; those of one row in their order.
    pub(crate) fn written(&self) -> Vec<Value> {
        self.workers.iter().flat_map(|worker| &worker.written).cloned().collect()
    }

    /// Asserts that each event that has a row of its own was printed: once in the stream, or as a row of a snapshot.
    #[track_caller]
    pub(crate) fn assert_histories(&self, reader: &Program) {
        let (rows, stream): (Vec<Value>, Vec<Value>) =
            reader.events().into_iter().partition(|event| event["origin"] == "snapshot");
        for worker in &self.workers {
            let [history, _] = worker.topics();
            let published = keys_on(&history, &worker.written);
            let mut came = keys_on(&history, &stream);
            let all = came.len();
            came.sort_unstable();
            came.dedup();
            assert_eq!(all, came.len(), "unique: events on {history} were published again");
            came.extend(keys_on(&history, &rows));
            let came: BTreeSet<String> = came.into_iter().collect();
            let missing: Vec<&String> = published.iter().filter(|key| !came.contains(*key)).collect();
            assert!(
                missing.is_empty(),
                "complete: {} events on {history} did not come: {missing:?}",
                missing.len()
            );
            assert_eq!(came.len(), published.len(), "nothing else came on {history}");
        }
    }

    /// Asserts what every reader must have after a fault from which everything was recovered: a sound history without loss, all
    /// events that have rows of their own, and the table that was published. Rows of a snapshot may stand for events.
    #[track_caller]
    pub(crate) fn assert_recovered(&self, reader: &Program) -> History {
        let lines = reader.lines();
        let history = History::of(&lines).assert_sound();
        assert_eq!(reported(reader, 0, &["gap", "resync"]), [] as [Value; 0]);
        self.assert_histories(reader);
        assert_convergent(&lines, &fold(&self.written()));
        history
    }

    /// How many events are confirmed to each worker.
    pub(crate) fn confirmed(&self) -> Vec<u64> {
        self.workers.iter().map(Worker::confirmed).collect()
    }

    /// Ends the workers, each of which must be good for everything, and confirmed.
    #[track_caller]
    pub(crate) fn end(mut self) {
        for worker in &mut self.workers {
            worker.program.close_stdin();
            let status = worker.program.wait_for_end();
            let stderr = worker.program.stderr();
            assert_eq!(status.code(), Some(0), "{stderr}");
            let all = worker.written.len();
            assert!(stderr.ends_with(&format!("published {all} events\n")), "{stderr}");
            assert!(!stderr.contains("not confirmed"), "{stderr}");
            assert_eq!(worker.confirmed(), all as u64);
        }
    }
}

/// The keys of the events on a topic, fences included, in their order.
fn keys_on(topic: &str, events: &[Value]) -> Vec<String> {
    let on_topic = events.iter().filter(|event| event["topic"] == topic);
    on_topic.map(|event| event["key"].as_str().unwrap_or_default().to_owned()).collect()
}

impl Worker {
    /// Where every event has a row of its own, and where some rows change again and again.
    fn topics(&self) -> [String; 2] {
        [format!("history-{}", self.number), "rows".to_owned()]
    }

    /// A row of its own: the same row on two topics would be superseded by the later one.
    fn fence(&self, topic: &str, round: usize) -> String {
        format!("{topic}-{}-{round}", self.number)
    }

    fn publish_until(&mut self, is_over: &AtomicBool, round: usize) {
        let (started, before) = (Instant::now(), self.written.len());
        while !is_over.load(Ordering::Relaxed) {
            let due = started.elapsed().as_millis() * PER_WORKER_AND_SECOND / 1000;
            while ((self.written.len() - before) as u128) < due {
                self.write(self.next());
            }
            #[expect(clippy::disallowed_methods, reason = "the pace of the load")]
            thread::sleep(STEP);
        }
        for topic in self.topics() {
            self.write(event("fence", &self.fence(&topic, round), "set", "v", &topic));
        }
    }

    fn next(&self) -> Value {
        let (number, worker) = (self.written.len(), self.number);
        let [history, rows] = self.topics();
        match number % 3 {
            0 => {
                let key = format!("{worker}-{}", number / 3 % ROWS);
                event("row", &key, "set", number.to_string(), &rows)
            }
            _ => event("history", &format!("{worker}-{number}"), "create", "v", &history),
        }
    }

    fn write(&mut self, event: Value) {
        self.program.write_line(&event.to_string());
        self.written.push(event);
    }

    fn confirmed(&self) -> u64 {
        let lines = self.program.lines();
        lines.iter().rev().find_map(|line| line["confirmed"].as_u64()).unwrap_or_default()
    }
}
