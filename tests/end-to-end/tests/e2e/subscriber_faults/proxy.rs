//! The network between subscribers and their publisher, as bad as a test wants it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use super::zmtp::{Message, Splitter};

/// A TCP proxy in front of one service: it can hold back either direction, drop, repeat, delay, and cut.
///
/// It knows where messages begin and end, and passes them on whole.
pub(crate) struct Proxy {
    address: String,
    shared: Arc<Shared>,
}

/// Which of a subscriber's two connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// That of the stream, a SUB's.
    Events,
    /// That for requests, a DEALER's.
    Requests,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToSubscriber,
    ToPublisher,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    Swallow,
    Repeat,
    /// It comes after this number of messages that followed it.
    Behind(usize),
    /// Half of it comes, then the connection breaks.
    Break,
}

type Rule = Box<dyn FnMut(Link, Way, &Message) -> Fate + Send>;

struct Shared {
    publisher: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_parted: bool,
    /// Messages that go this way over this link wait; handshakes do not.
    held: Option<(Link, Way)>,
    rule: Option<Rule>,
    streams: Vec<TcpStream>,
    is_over: bool,
}

impl Proxy {
    /// In front of a service at this address.
    pub(crate) fn before(publisher: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { publisher: publisher.to_owned(), state, changed });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Self { address, shared }
    }

    /// Where subscribers connect, as an entry of `publishers_ips`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// From now on nothing passes either way; connections stand.
    pub(crate) fn part(&self) {
        self.shared.change(|state| state.is_parted = true);
    }

    /// From now on nothing but handshakes passes this way over this link.
    pub(crate) fn hold(&self, link: Link, way: Way) {
        self.shared.change(|state| state.held = Some((link, way)));
    }

    /// Everything passes again, what was held back first.
    pub(crate) fn heal(&self) {
        self.shared.change(|state| (state.is_parted, state.held) = (false, None));
    }

    /// Breaks all connections.
    pub(crate) fn cut(&self) {
        self.shared.change(|state| end_all(&mut state.streams));
    }

    /// From now on this decides, for every message but handshakes.
    pub(crate) fn rule(&self, rule: impl FnMut(Link, Way, &Message) -> Fate + Send + 'static) {
        self.shared.change(|state| state.rule = Some(Box::new(rule)));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.is_over = true;
            state.is_parted = false;
            state.held = None;
            end_all(&mut state.streams);
        });
        // Wakes the task that accepts.
        let _ = TcpStream::connect(&self.address);
    }
}

fn end_all(streams: &mut Vec<TcpStream>) {
    for stream in streams.drain(..) {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        while let Ok((subscriber, _)) = listener.accept() {
            if self.state().is_over {
                return;
            }
            // Without its publisher it closes at once, as the kernel would.
            let Ok(publisher) = TcpStream::connect(&self.publisher) else { continue };
            for stream in [&subscriber, &publisher] {
                stream.set_nodelay(true).expect("a socket");
                let stream = stream.try_clone().expect("a descriptor");
                self.change(|state| state.streams.push(stream));
            }
            let link = Arc::new(OnceLock::new());
            self.pump(Way::ToPublisher, &link, &subscriber, &publisher);
            self.pump(Way::ToSubscriber, &link, &publisher, &subscriber);
        }
    }

    fn pump(self: &Arc<Self>, way: Way, link: &Arc<OnceLock<Link>>, from: &TcpStream, to: &TcpStream) {
        let (from, to) = (from.try_clone().expect("a descriptor"), to.try_clone().expect("a descriptor"));
        let (shared, link) = (Arc::clone(self), Arc::clone(link));
        let mut pump = Pump { shared, way, link, from, to, late: Vec::new() };
        thread::spawn(move || pump.run());
    }
}

/// One direction of one connection.
struct Pump {
    shared: Arc<Shared>,
    way: Way,
    link: Arc<OnceLock<Link>>,
    from: TcpStream,
    to: TcpStream,
    /// How many messages come before it, and the message.
    late: Vec<(usize, Vec<u8>)>,
}

impl Pump {
    fn run(&mut self) {
        let (mut block, mut splitter) = (vec![0; 65_536], Splitter::default());
        'open: while let Ok(count @ 1..) = self.from.read(&mut block) {
            splitter.push(&block[..count]);
            while let Some(message) = splitter.next() {
                if !self.pass(&message) {
                    break 'open;
                }
            }
        }
        for stream in [&self.from, &self.to] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// False if the connection is to end.
    fn pass(&mut self, message: &Message) -> bool {
        for (socket, link) in [("SUB", Link::Events), ("DEALER", Link::Requests)] {
            if self.way == Way::ToPublisher && message.announces(socket) {
                let _ = self.link.set(link);
            }
        }
        match self.fate(message) {
            Fate::Pass => self.write(&message.bytes),
            Fate::Swallow => true,
            Fate::Repeat => self.write(&message.bytes) && self.write(&message.bytes),
            Fate::Behind(count) => {
                self.late.push((count, message.bytes.clone()));
                true
            }
            Fate::Break => {
                let half = message.bytes.len() / 2;
                let _ = self.to.write_all(&message.bytes[..half]);
                false
            }
        }
    }

    /// What becomes of a message, once it may pass.
    fn fate(&self, message: &Message) -> Fate {
        let link = if message.is_handshake() { None } else { self.link.get().copied() };
        let is_held = |state: &mut State| {
            state.is_parted || link.is_some_and(|link| state.held == Some((link, self.way)))
        };
        let state = self.shared.changed.wait_while(self.shared.state(), is_held);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        match (link, &mut state.rule) {
            (Some(link), Some(rule)) => rule(link, self.way, message),
            _ => Fate::Pass,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> bool {
        let mut is_open = self.to.write_all(bytes).is_ok();
        for (left, _) in &mut self.late {
            *left = left.saturating_sub(1);
        }
        while let Some(at) = self.late.iter().position(|(left, _)| *left == 0) {
            is_open &= self.to.write_all(&self.late.remove(at).1).is_ok();
        }
        is_open
    }
}
