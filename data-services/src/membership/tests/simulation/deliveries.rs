use std::cmp::Reverse;
use std::rc::Rc;
use std::time::Duration;

use super::{Node, Simulation, Wiring};
use crate::membership::tests::network::{Place, kind_of};
use crate::packet::{Message, Packet};

/// What is under way to a node.
pub(super) struct Delivery {
    pub(super) to: Place,
    what: What,
}

enum What {
    Packet(Rc<Packet>),
    /// The report that a node is connected to the receiver.
    Listener(Place),
}

/// What happens between the nodes.
impl Simulation {
    /// Returns the running node at an endpoint.
    pub(super) fn host_of(&self, endpoint: &str) -> Option<Place> {
        let is_there = |node: &Node| node.is_running && node.endpoint.as_deref() == Some(endpoint);
        self.nodes.iter().position(is_there)
    }

    /// Reports a node that is connected to another one to that, from a time on.
    pub(super) fn report_listener(&mut self, listener: Place, to: Place, active: Duration) {
        let (from, at) = (&self.nodes[listener], &self.nodes[to]);
        let is_linked = at.endpoint.as_ref().is_some_and(|endpoint| from.links.contains_key(endpoint));
        if self.wiring == Wiring::Mesh && from.is_running && at.is_running && is_linked && listener != to {
            let delay = self.network.delay();
            self.enqueue(active + delay, Delivery { to, what: What::Listener(listener) });
        }
    }

    fn enqueue(&mut self, at: Duration, delivery: Delivery) {
        self.next_delivery += 1;
        self.queue.push(Reverse((at, self.next_delivery)));
        self.deliveries.insert(self.next_delivery, delivery);
    }

    /// Returns whether a node receives what another one publishes.
    pub(super) fn is_linked(&self, from: Place, to: Place) -> bool {
        let Some(endpoint) = &self.nodes[from].endpoint else { return true };
        self.nodes[to].links.get(endpoint).is_some_and(|active| self.now >= *active)
    }

    pub(super) fn send(&mut self, from: Place, receivers: &[Place], message: Message) {
        let packet = Packet { source: self.nodes[from].me.clone(), message };
        let encoded = rmp_serde::to_vec(&packet).unwrap();
        assert!(encoded.len() <= 512 * 1024, "a packet of {} bytes", encoded.len());
        let decoded: Packet = rmp_serde::from_slice(&encoded).unwrap();
        assert_eq!(decoded, packet);
        let packet = Rc::new(packet);
        let Message::Membership(message) = &packet.message else { panic!("a message of another part") };
        for to in receivers {
            let delays = self.network.carry(from, *to, kind_of(message), encoded.len());
            if (self.loses)(from, *to, message) {
                continue;
            }
            for delay in delays {
                let what = What::Packet(Rc::clone(&packet));
                self.enqueue(self.now + delay, Delivery { to: *to, what });
            }
        }
    }

    pub(super) fn deliver(&mut self, Delivery { to, what }: Delivery) {
        match what {
            What::Packet(packet) => {
                let Message::Membership(message) = packet.message.clone() else { return };
                self.act(to, |membership, now, effects| {
                    membership.received(now, &packet.source, message, effects);
                });
            }
            What::Listener(place) if self.is_linked(to, place) => {
                let listener = self.nodes[place].me.instance;
                self.act(to, |membership, now, effects| membership.greet(now, listener, effects));
            }
            What::Listener(_) => {}
        }
    }
}
