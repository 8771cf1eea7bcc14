use std::ops::{Deref, DerefMut};

use end_to_end::{Folder, Program, is_event};
use serde_json::{Value, json};

use crate::sender::{PROBE, ipc};
use crate::{hex, python, unhex};

/// A pyzmq SUB or PULL with the strict reader of Dragonflow's driver.
///
/// Each message is a line: `frames` in hexadecimal, and the five fields, or `raised` with the reason why the genuine reader
/// would reconnect and synchronise.
#[derive(Debug)]
pub struct Receiver {
    program: Program,
}

impl Receiver {
    /// A node: SUB, connected to a publisher's endpoint, with the transport's own prefixes for topics.
    #[must_use]
    #[track_caller]
    pub fn sub(folder: &Folder, name: &str, endpoint: &str, prefixes: &[&str]) -> Self {
        Self::sub_asked(folder, name, &[], endpoint, prefixes)
    }

    /// A node with further options (`peers/asked.py`).
    #[must_use]
    #[track_caller]
    pub fn sub_asked(folder: &Folder, name: &str, asked: &[&str], endpoint: &str, prefixes: &[&str]) -> Self {
        let arguments = [asked, &[endpoint], prefixes].concat();
        Self { program: python::start(folder, name, "sub.py", &arguments) }
    }

    /// A node that sends its subscriptions as frames, with [`say_frames`](Self::say_frames): XSUB, connected.
    #[must_use]
    #[track_caller]
    pub fn xsub(folder: &Folder, name: &str, endpoint: &str) -> Self {
        Self::sub_asked(folder, name, &["--type", "XSUB"], endpoint, &[])
    }

    /// A proxy: XSUB, connected to a publisher, and XPUB with `ZMQ_XPUB_VERBOSER`, bound, for nodes. Its own lines are what
    /// the publisher sends to it; where nodes connect is `network` of the line by which it is ready.
    #[must_use]
    #[track_caller]
    pub fn verboser(folder: &Folder, name: &str, endpoint: &str) -> Self {
        Self { program: python::start(folder, name, "verboser.py", &[endpoint]) }
    }

    /// A service's IPC end: PULL, bound to the socket of the folder.
    #[must_use]
    #[track_caller]
    pub fn pull(folder: &Folder, name: &str) -> Self {
        Self::pull_asked(folder, name, &[])
    }

    /// A service's IPC end with further options (`peers/asked.py`).
    #[must_use]
    #[track_caller]
    pub fn pull_asked(folder: &Folder, name: &str, asked: &[&str]) -> Self {
        Self { program: python::start(folder, name, "pull.py", &[asked, &[&ipc(folder)]].concat()) }
    }

    /// Subscribes a node to a prefix.
    #[track_caller]
    pub fn subscribe(&mut self, prefix: &str) {
        self.program.write_line(&json!({ "subscribe": prefix }).to_string());
    }

    /// Cancels a prefix.
    #[track_caller]
    pub fn unsubscribe(&mut self, prefix: &str) {
        self.program.write_line(&json!({ "unsubscribe": prefix }).to_string());
    }

    /// Sends these frames to the publisher; only an [XSUB](Self::xsub) can.
    #[track_caller]
    pub fn say_frames<F: AsRef<[u8]>>(&mut self, frames: &[F]) {
        let frames: Vec<String> = frames.iter().map(|frame| hex(frame.as_ref())).collect();
        self.program.write_line(&json!({ "frames": frames }).to_string());
    }

    /// Waits for `count` events that are neither probes, hellos nor marks, and returns all such events.
    #[track_caller]
    pub fn wait_for_own(&self, count: usize) -> Vec<Value> {
        if count > 0 {
            self.program.wait_for_count(0, count, &format!("{count} events"), is_own);
        }
        self.own()
    }

    /// The events so far that are neither probes, hellos nor marks.
    #[must_use]
    pub fn own(&self) -> Vec<Value> {
        self.program.lines().into_iter().filter(is_own).collect()
    }

    /// Waits for the event of a key.
    #[track_caller]
    pub fn wait_for_key(&self, key: &str) -> Value {
        self.program.wait_for(&format!("the event of {key}"), |line| is_own(line) && line["key"] == key)
    }

    /// Asserts that the genuine reader had no reason to synchronise: it raised no error, and no `sync` arrived.
    ///
    /// # Panics
    /// With the first cause.
    #[track_caller]
    pub fn assert_undisturbed(&self) {
        let disturbs = |line: &&Value| line.get("raised").is_some() || line["action"] == "sync";
        let cause = self.program.lines().iter().find(disturbs).map(ToString::to_string);
        assert_eq!(cause, None, "the genuine reader would synchronise");
    }
}

/// The frames of a line, as they came.
///
/// # Panics
/// If the line is not a message.
#[must_use]
pub fn frames(line: &Value) -> Vec<Vec<u8>> {
    let frames = line["frames"].as_array().expect("a message has frames");
    frames.iter().map(|frame| unhex(frame.as_str().expect("frames are text"))).collect()
}

/// The five fields of a line.
#[must_use]
pub fn fields(line: &Value) -> Value {
    let field = |name: &str| (name.to_owned(), line[name].clone());
    ["table", "key", "action", "value", "topic"].map(field).into_iter().collect()
}

fn is_own(line: &Value) -> bool {
    let skipped = line["table"] == PROBE || line["table"] == "$hello" || line["table"] == "$mark";
    (is_event(line) || line.get("raised").is_some()) && !skipped
}

impl Deref for Receiver {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Receiver {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}
