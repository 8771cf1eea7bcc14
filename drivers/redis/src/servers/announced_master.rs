use std::collections::HashMap;
use std::ops::RangeInclusive;

use redis::Value;

use super::Endpoint;
use super::announced::Announced;

/// A range of slots and its master, as CLUSTER SLOTS announces them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnnouncedMaster {
    slots: RangeInclusive<u16>,
    at: Announced,
    /// The node's id in the cluster; versions before 4.0 announce none.
    id: Option<String>,
    /// Its IP address, which Redis 7.0 and later add if they announce something else.
    ip: Option<String>,
}

impl AnnouncedMaster {
    /// Parses `[first, last, [host, port, id, [name, value, …]], replica…]`: the elements after the port depend on the version
    /// (docs/dragonflow.md#d33).
    pub(super) fn parse(range: &Value) -> Option<Self> {
        let Value::Array(parts) = range else { return None };
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = parts.as_slice() else {
            return None;
        };
        let [host, Value::Int(port), rest @ ..] = master.as_slice() else { return None };
        let port = u16::try_from(*port).ok().filter(|port| *port > 0)?;
        let slots = u16::try_from(*first).ok()?..=u16::try_from(*last).ok()?;
        let id = rest.first().and_then(text).map(str::to_owned);
        let at = Announced::new(text(host).unwrap_or_default(), port);
        Some(Self { slots, at, id, ip: rest.get(1).and_then(ip) })
    }

    /// The addresses of the masters for a client that asked the server at `asked`.
    ///
    /// Two nodes with unknown hosts cannot both have the same port of the host that was asked: such nodes are reached at their own
    /// IP addresses, if these are announced.
    pub(super) fn resolve(masters: &[Self], asked: &Endpoint) -> Vec<(RangeInclusive<u16>, Endpoint)> {
        let mut first_there: HashMap<Endpoint, Option<&str>> = HashMap::new();
        let mut shared: Vec<Endpoint> = Vec::new();
        for master in masters {
            let endpoint = master.at.seen_from(asked);
            let first = first_there.entry(endpoint.clone()).or_insert(master.id.as_deref());
            if *first != master.id.as_deref() {
                shared.push(endpoint);
            }
        }
        let place = |master: &Self| {
            let endpoint = master.at.seen_from(asked);
            match &master.ip {
                Some(ip) if !master.at.is_known() && shared.contains(&endpoint) => {
                    Endpoint { host: ip.clone(), port: endpoint.port }
                }
                _ => endpoint,
            }
        };
        masters.iter().map(|master| (master.slots.clone(), place(master))).collect()
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// The IP address in the additional names and values of a node.
fn ip(metadata: &Value) -> Option<String> {
    let Value::Array(words) = metadata else { return None };
    let mut pairs =
        words.chunks_exact(2).filter_map(|pair| Some((text(pair.first()?)?, text(pair.get(1)?)?)));
    pairs.find(|(name, value)| *name == "ip" && !value.is_empty()).map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::{AnnouncedMaster, Endpoint};

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn range(first: i64, host: Value, port: i64, id: &str, ip: &str) -> Value {
        let metadata = Value::Array(vec![bulk("ip"), bulk(ip)]);
        let master = Value::Array(vec![host, Value::Int(port), bulk(id), metadata]);
        let replica = Value::Array(vec![bulk("r"), Value::Int(1), bulk("replica")]);
        Value::Array(vec![Value::Int(first), Value::Int(first + 9), master, replica])
    }

    fn resolved(ranges: &[Value]) -> Vec<String> {
        let masters: Vec<_> = ranges.iter().map(|range| AnnouncedMaster::parse(range).unwrap()).collect();
        let asked = Endpoint { host: "asked".to_owned(), port: 7000 };
        let resolved = AnnouncedMaster::resolve(&masters, &asked);
        resolved.into_iter().map(|(_, endpoint)| endpoint.to_string()).collect()
    }

    #[test]
    fn unknown_hosts_are_the_host_that_was_asked() {
        let ranges = [
            range(0, Value::Nil, 7000, "a", ""),
            range(10, bulk("?"), 7001, "b", "192.0.2.2"),
            range(20, bulk(""), 7002, "c", "192.0.2.3"),
            range(30, bulk("192.0.2.4"), 7000, "d", ""),
            range(40, Value::Nil, 7000, "a", ""),
        ];
        let asked = |port| format!("redis://asked:{port}");
        let wanted = [asked(7000), asked(7001), asked(7002), "redis://192.0.2.4:7000".into(), asked(7000)];
        assert_eq!(resolved(&ranges), wanted);
    }

    /// As Redis 7.0.15 and Valkey 9.1.2 announce nodes that have different hosts and the same port.
    #[test]
    fn nodes_that_cannot_all_be_at_the_host_that_was_asked_use_their_own_addresses() {
        for unknown in [Value::Nil, bulk("?")] {
            let ranges = [
                range(0, unknown.clone(), 7000, "a", ""),
                range(10, unknown.clone(), 7000, "b", "192.0.2.2"),
                range(20, unknown, 7000, "c", "192.0.2.3"),
            ];
            let wanted = ["redis://asked:7000", "redis://192.0.2.2:7000", "redis://192.0.2.3:7000"];
            assert_eq!(resolved(&ranges), wanted);
        }
        let ranges = [range(0, bulk("asked"), 7000, "a", ""), range(10, bulk("?"), 7000, "b", "192.0.2.2")];
        assert_eq!(resolved(&ranges), ["redis://asked:7000", "redis://192.0.2.2:7000"]);
    }

    #[test]
    fn an_answer_of_an_old_version_is_parsed_and_a_malformed_one_is_not() {
        let old = Value::Array(vec![
            Value::Int(0),
            Value::Int(9),
            Value::Array(vec![bulk("192.0.2.1"), Value::Int(7000)]),
        ]);
        assert_eq!(resolved(&[old]), ["redis://192.0.2.1:7000"]);
        let bad = [
            Value::Nil,
            Value::Array(vec![Value::Int(0)]),
            range(0, bulk("h"), 0, "a", ""),
            range(0, bulk("h"), 70_000, "a", ""),
            range(-1, bulk("h"), 1, "a", ""),
        ];
        for bad in bad {
            assert_eq!(AnnouncedMaster::parse(&bad), None, "{bad:?}");
        }
    }
}
