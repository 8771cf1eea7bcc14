//! Which topic a packet travels on.

use std::fmt::Write as _;

use pubsub_api::{Result, Topic};
use uuid::Uuid;

use crate::packet::Destination;
use crate::{BusId, Instance, StreamName};

/// The topics of one bus.
///
/// | topic | received by |
/// |---|---|
/// | `$dse.<bus>.all.` | every node |
/// | `$dse.<bus>.in.<instance>.` | one instance: its inbox |
/// | `$dse.<bus>.tab.<instance>.<service>.<table>.` | the followers of a table |
///
/// Letters, digits, `_` and `-` of a name are themselves; any other byte is `%` and two hexadecimal digits, so that a dot
/// only ends a component. Two different destinations have different topics, and no topic is the prefix of another:
/// transports that filter by prefix send no followed table the events of a longer name.
///
/// A topic that would be longer than [`Topic::MAX_RESERVED_BYTES`] is `$dse.~` and a hash of its text; `~` occurs in no
/// component. Packets on it carry the full name, which the receiver checks.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    bus: BusId,
}

/// The topic of one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PacketTopic {
    /// The topic.
    pub(super) topic: Topic,
    /// Whether a hash replaces the names, so that packets must repeat them.
    pub(super) is_shortened: bool,
}

/// The beginning of every topic of the engine.
pub(super) const PREFIX: &str = "$dse.";

impl Topics {
    /// The topics of a bus.
    pub(super) fn new(bus: BusId) -> Self {
        Self { bus }
    }

    /// Returns the bus.
    pub(super) fn bus(&self) -> &BusId {
        &self.bus
    }

    /// Returns the topic of a destination.
    ///
    /// # Errors
    /// None: the text is ASCII and within the limit of a topic.
    pub(super) fn of(&self, to: &Destination) -> Result<PacketTopic> {
        let mut name = self.name_of(to);
        let is_shortened = name.len() > Topic::MAX_RESERVED_BYTES;
        if is_shortened {
            // A name-based UUID (RFC 9562, section 5.5) is the same on every host and in every version.
            let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
            name = format!("{PREFIX}~{}", hash.simple());
        }
        Ok(PacketTopic { topic: Topic::new(name)?, is_shortened })
    }

    /// Returns the instance whose inbox a topic is; `None` for any other topic.
    pub(super) fn owner_of_inbox(&self, topic: &[u8]) -> Option<Instance> {
        let text = std::str::from_utf8(topic).ok()?;
        let number = text.strip_suffix('.')?.rsplit_once('.')?.1;
        let instance = Instance::of(u64::from_str_radix(number, 16).ok()?);
        let inbox = self.of(&Destination::Instance(instance)).ok()?;
        (inbox.topic.as_bytes() == topic).then_some(instance)
    }

    /// Returns the whole text, which may be too long for a topic.
    fn name_of(&self, to: &Destination) -> String {
        let mut name = PREFIX.to_owned();
        put(&mut name, self.bus.as_str());
        match to {
            Destination::Everyone => put(&mut name, "all"),
            Destination::Instance(instance) => {
                put(&mut name, "in");
                put(&mut name, &instance.to_string());
            }
            Destination::Followers(StreamName { instance, service, table }) => {
                put(&mut name, "tab");
                put(&mut name, &instance.to_string());
                put(&mut name, service.as_str());
                put(&mut name, table.as_str());
            }
        }
        name
    }
}

/// Appends one component and the dot that ends it.
fn put(name: &mut String, component: &str) {
    for byte in component.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            name.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name.push('.');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
    use pubsub_api::Topic;

    use super::{PREFIX, Topics, put};
    use crate::packet::Destination;
    use crate::{BusId, Instance, ServiceId, StreamName, TableId};

    fn followers(instance: u64, service: &str, table: &str) -> Destination {
        let (service, table) = (ServiceId::new(service).unwrap(), TableId::new(table).unwrap());
        Destination::Followers(StreamName { instance: Instance::of(instance), service, table })
    }

    fn topic(bus: &str, to: &Destination) -> String {
        Topics::new(BusId::new(bus).unwrap()).of(to).unwrap().topic.to_string()
    }

    #[test]
    fn a_topic_contains_the_bus_and_the_receiver() {
        for (to, wanted) in [
            (Destination::Everyone, "$dse.bus.all."),
            (Destination::Instance(Instance::of(0xc0ffee)), "$dse.bus.in.0000000000c0ffee."),
            (
                followers(1, "vSphere.Boston", "hosts"),
                "$dse.bus.tab.0000000000000001.vSphere%2EBoston.hosts.",
            ),
        ] {
            assert_eq!(topic("bus", &to), wanted);
        }
    }

    #[test]
    fn names_that_resemble_each_other_have_topics_of_their_own() {
        let all = [
            topic("1-x", &Destination::Everyone),
            topic("x-1", &Destination::Everyone),
            topic("x.1", &Destination::Everyone),
            topic("x%2E1", &Destination::Everyone),
            topic("*", &Destination::Everyone),
            topic("#", &Destination::Everyone),
            topic("bus", &followers(1, "nova", "servers")),
            topic("bus", &followers(1, "nova", "servers_ext")),
            topic("bus", &followers(1, "nova.servers", "x")),
            topic("bus", &followers(1, "nova", "servers.x")),
            topic("bus.tab", &followers(1, "nova", "servers")),
        ];
        for (at, one) in all.iter().enumerate() {
            for other in all.iter().skip(at + 1) {
                assert!(
                    !one.starts_with(other.as_str()) && !other.starts_with(one.as_str()),
                    "{one} {other}"
                );
            }
        }
    }

    #[test]
    fn the_owner_of_an_inbox_is_read_from_its_topic_only() {
        let topics = Topics::new(BusId::new("bus").unwrap());
        let owner = |topic: &str| topics.owner_of_inbox(topic.as_bytes());
        let inbox = topic("bus", &Destination::Instance(Instance::of(0xc0ffee)));
        assert_eq!(owner(&inbox), Some(Instance::of(0xc0ffee)));
        let of_another_bus = topic("bus-2", &Destination::Instance(Instance::of(0xc0ffee)));
        let others = [
            of_another_bus,
            topic("bus", &Destination::Everyone),
            topic("bus", &followers(1, "nova", "0000000000c0ffee")),
            inbox.to_uppercase(),
            "$dse.bus.in.c0ffee.".to_owned(),
            "$dse.bus.in.".to_owned(),
            String::new(),
        ];
        for other in others {
            assert_eq!(owner(&other), None, "{other}");
        }
    }

    #[test]
    fn a_long_topic_is_shortened_and_stays_different() {
        let (long, longer) = ("é".repeat(48), "é".repeat(49));
        let topics = Topics::new(BusId::new("bus").unwrap());
        let one = topics.of(&followers(1, &long, &long)).unwrap();
        let other = topics.of(&followers(1, &long, &longer)).unwrap();
        assert!(one.is_shortened && other.is_shortened);
        assert_ne!(one.topic, other.topic);
        assert_eq!(one.topic.as_str().len(), PREFIX.len() + 1 + 32);
        assert_eq!(one, topics.of(&followers(1, &long, &long)).unwrap());
    }

    fn undo(name: &str) -> Option<Vec<u8>> {
        let (mut bytes, mut rest) = (Vec::new(), name.strip_suffix('.')?);
        while let Some(first) = rest.chars().next() {
            let (byte, after) = match first {
                '%' => (u8::from_str_radix(rest.get(1..3)?, 16).ok()?, rest.get(3..)?),
                _ => (u8::try_from(first).ok()?, rest.get(1..)?),
            };
            bytes.push(byte);
            rest = after;
        }
        Some(bytes)
    }

    fn name() -> impl Strategy<Value = String> {
        let odd = prop::collection::vec(
            prop::sample::select(vec!["a", "b", "-", "_", "x*y", "%2E", "é", "."]),
            1..20,
        );
        prop_oneof![odd.prop_map(|parts| parts.concat()), "[a-z]{1,100}", Just("é".repeat(50))]
    }

    fn destination() -> impl Strategy<Value = Destination> {
        let stream = (0..3_u64, name(), name())
            .prop_filter("a service id", |(_, service, _)| ServiceId::new(service.clone()).is_ok())
            .prop_map(|(instance, service, table)| followers(instance, &service, &table));
        let inbox = (0..3_u64).prop_map(|number| Destination::Instance(Instance::of(number)));
        prop_oneof![Just(Destination::Everyone), inbox, stream]
    }

    proptest! {
        #[test]
        fn any_component_can_be_read_back(component in any::<String>()) {
            let mut name = String::new();
            put(&mut name, &component);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_graphic()) && name.matches('.').count() == 1);
            prop_assert_eq!(undo(&name), Some(component.into_bytes()));
        }

        #[test]
        fn different_destinations_have_topics_of_which_none_begins_with_another(
            (one_bus, one) in (name(), destination()),
            (other_bus, other) in (name(), destination()),
        ) {
            let (first, second) = (topic(&one_bus, &one), topic(&other_bus, &other));
            prop_assert!(first.len() <= Topic::MAX_RESERVED_BYTES && !first.contains(['*', '#']));
            let are_same = (one_bus, one) == (other_bus, other);
            prop_assert_eq!(first == second, are_same);
            prop_assert!(are_same || !(first.starts_with(&second) || second.starts_with(&first)));
        }
    }
}
