use std::ops::{Deref, DerefMut};

use end_to_end::{Folder, Program, event, until};
use serde_json::{Value, json};

use crate::{hex, python};

/// A pyzmq PUSH, PUB or XSUB, that packs as Dragonflow does, or sends any frames.
#[derive(Debug)]
pub struct Sender {
    program: Program,
    network: String,
}

/// The table of events that only show that a link works.
pub(crate) const PROBE: &str = "probe";

impl Sender {
    /// A worker: PUSH, connected to the service's socket, which may not exist yet.
    #[must_use]
    #[track_caller]
    pub fn push(folder: &Folder, name: &str) -> Self {
        Self::push_asked(folder, name, &[])
    }

    /// A worker with further options (`peers/asked.py`).
    #[must_use]
    #[track_caller]
    pub fn push_asked(folder: &Folder, name: &str, asked: &[&str]) -> Self {
        let program = python::start(folder, name, "push.py", &[asked, &[&ipc(folder)]].concat());
        Self { program, network: String::new() }
    }

    /// A publisher: PUB, bound to any free port of 127.0.0.1.
    ///
    /// # Panics
    /// If it does not write its address.
    #[must_use]
    #[track_caller]
    pub fn publisher(folder: &Folder, name: &str) -> Self {
        Self::publisher_at(folder, name, "127.0.0.1:*")
    }

    /// A publisher on any free port with further options (`peers/asked.py`).
    ///
    /// # Panics
    /// If it does not write its address.
    #[must_use]
    #[track_caller]
    pub fn publisher_asked(folder: &Folder, name: &str, asked: &[&str]) -> Self {
        Self::bound(folder, name, &[asked, &["tcp://127.0.0.1:*"]].concat())
    }

    /// A publisher bound to this address.
    ///
    /// # Panics
    /// If it does not write its address.
    #[must_use]
    #[track_caller]
    pub fn publisher_at(folder: &Folder, name: &str, address: &str) -> Self {
        Self::bound(folder, name, &[&format!("tcp://{address}")])
    }

    /// A publisher bound to this address, with further options (`peers/asked.py`).
    #[must_use]
    #[track_caller]
    pub fn publisher_asked_at(folder: &Folder, name: &str, asked: &[&str], address: &str) -> Self {
        Self::bound(folder, name, &[asked, &[&format!("tcp://{address}")]].concat())
    }

    #[track_caller]
    fn bound(folder: &Folder, name: &str, arguments: &[&str]) -> Self {
        let program = python::start(folder, name, "pub.py", arguments);
        let ready = program.wait_for("its endpoint", |line| line["network"].is_string());
        let network = ready["network"].as_str().expect("it is text").to_owned();
        Self { program, network }
    }

    /// A node that sends any frames to a publisher, which expects subscriptions: XSUB, connected.
    #[must_use]
    #[track_caller]
    pub fn upstream(folder: &Folder, name: &str, endpoint: &str) -> Self {
        let program = python::start(folder, name, "xsub.py", &[endpoint]);
        Self { program, network: String::new() }
    }

    /// The address of a publisher as an entry of `publishers_ips`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.network.split_once("://").map_or("", |(_, address)| address)
    }

    /// Sends an event, packed by msgpack.
    #[track_caller]
    pub fn send(&mut self, event: &Value) {
        self.program.write_line(&json!({ "event": event }).to_string());
    }

    /// Sends these frames as they are.
    #[track_caller]
    pub fn send_frames<F: AsRef<[u8]>>(&mut self, frames: &[F]) {
        let frames: Vec<String> = frames.iter().map(|frame| hex(frame.as_ref())).collect();
        self.program.write_line(&json!({ "frames": frames }).to_string());
    }

    /// Sends a packed map on `D`.
    #[track_caller]
    pub fn send_map(&mut self, map: &[u8]) {
        self.send_frames(&[b"D", map]);
    }

    /// Ends the peer when everything is written.
    ///
    /// # Panics
    /// If it exits with an error.
    #[track_caller]
    pub fn finish(&mut self) {
        self.program.close_stdin();
        assert!(self.program.wait_for_end().success(), "{}", self.program.stderr());
    }
}

/// Sends probes on `topic` until `receiver` gets one. Only then is a subscription known to be in place, because ZeroMQ does not
/// report it. Receivers of this crate omit probes from their [own events](crate::Receiver::own).
#[track_caller]
pub fn prove(sender: &mut Sender, topic: &str, receiver: &Program) {
    let mark = receiver.mark();
    until(&format!("a probe on {topic}"), || {
        sender.send(&event(PROBE, "probe", "log", "probe", topic));
        receiver
            .lines()
            .iter()
            .skip(mark)
            .any(|line| line["table"] == PROBE && line["topic"] == topic)
            .then_some(())
    });
}

pub(crate) fn ipc(folder: &Folder) -> String {
    format!("ipc://{}", folder.socket().display())
}

impl Deref for Sender {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Sender {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}
