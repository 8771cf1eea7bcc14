//! A publisher by hand: a PUB to each subscriber, a ROUTER to each requester.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use bytes::Bytes;
use delivery::{SyncReply, SyncReplyKind, SyncRequest};
use end_to_end::{RawPeer, until, zmtp_hello};
use pubsub_api::{Envelope, Stamp, Topic};

use super::packed::{self, Packed, message};

/// It speaks ZMTP 3.0, so that nobody pings it, and answers each request that it does not remember that position.
pub(crate) struct RawPublisher {
    address: String,
    subscribers: Arc<Mutex<Vec<RawPeer<TcpStream>>>>,
    /// The endpoint that it reports on request.
    at: Arc<Mutex<Stamp>>,
}

impl RawPublisher {
    pub(crate) fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let at = Stamp { publisher: 0, epoch: 0, sequence: 0, time_us: 0 };
        let publisher = Self { address, subscribers: Arc::default(), at: Arc::new(Mutex::new(at)) };
        let (subscribers, at) = (Arc::clone(&publisher.subscribers), Arc::clone(&publisher.at));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (subscribers, at) = (Arc::clone(&subscribers), Arc::clone(&at));
                thread::spawn(move || serve(stream, &subscribers, &at));
            }
        });
        publisher
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until somebody has placed the filter for hellos, which is the last one.
    #[track_caller]
    pub(crate) fn wait_for_subscriber(&self) {
        until("a subscriber", || (!self.subscribers.lock().unwrap().is_empty()).then_some(()));
    }

    pub(crate) fn say(&self, bytes: &[u8]) {
        self.subscribers.lock().unwrap().iter_mut().for_each(|subscriber| subscriber.say(bytes));
    }

    /// Ends all connections; a subscriber that returns may see another epoch.
    pub(crate) fn hang_up(&self) {
        self.subscribers.lock().unwrap().drain(..).for_each(|subscriber| subscriber.hang_up());
    }

    /// Sends its hello.
    pub(crate) fn hello(&self, publisher: u64, epoch: u64) {
        let stamp = [("stamp", packed::stamp([publisher, epoch, 0, 0]))];
        self.say(&packed::event(["$hello", "raw", "hello"], Packed::Nil, "$hello", &stamp));
    }

    /// Says that it is here whenever it is asked from now on.
    pub(crate) fn is_at(&self, publisher: u64, epoch: u64, sequence: u64) {
        *self.at.lock().unwrap() = Stamp { publisher, epoch, sequence, time_us: 0 };
    }
}

fn serve(stream: TcpStream, subscribers: &Mutex<Vec<RawPeer<TcpStream>>>, at: &Mutex<Stamp>) {
    let writer = RawPeer::accepted(stream.try_clone().expect("a descriptor"));
    let mut reader = RawPeer::accepted(stream);
    let hello = zmtp_hello("PUB", 0);
    reader.say(&hello[..64]);
    let asks = reader.ready().is_some_and(|ready| contains(&ready, b"DEALER"));
    if asks {
        reader.say(&zmtp_hello("ROUTER", 0)[64..]);
        while let Some(request) = reader.next_event() {
            answer(&mut reader, request, *at.lock().unwrap());
        }
        return;
    }
    reader.say(&hello[64..]);
    let is_last = |filter: &Vec<u8>| filter.as_slice() == b"\x01$hello";
    let mut writer = Some(writer);
    while let Some(filter) = reader.next_event() {
        if is_last(&filter) {
            subscribers.lock().unwrap().extend(writer.take());
        }
    }
}

fn answer(peer: &mut RawPeer<TcpStream>, request: Vec<u8>, stamp: Stamp) {
    let topic = Topic::new("$sync").expect("a topic");
    let request = SyncRequest::read(&Envelope { topic, payload: Bytes::from(request) }).expect("a request");
    for want in request.items {
        let answer = SyncReply {
            id: request.id,
            topic: want.topic,
            stamp,
            kind: SyncReplyKind::Unknown,
            epochs: Vec::new(),
        };
        let packed = answer.pack().expect("an answer");
        peer.say(&message(packed.topic.as_bytes(), &packed.payload));
    }
}

/// Whether some bytes are among others.
pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
