use std::collections::BTreeMap;

use operations::{PeerCondition, PeerList, PeerRow};
use pubsub_api::PeerReading;

use super::Agent;

impl Agent {
    /// The publishers of this agent, for the status page: those that it follows, and the links on which none is followed yet.
    pub(crate) fn publisher_list(&self) -> PeerList {
        PeerList {
            kind: "publishers",
            note: "Publishers that send no hello are listed by their links.",
            rows: rows(&self.subscriber.delivery_status().peers, &self.subscriber.status().peers),
        }
    }
}

fn rows(publishers: &[PeerReading], links: &[PeerReading]) -> Vec<PeerRow> {
    let mut times = BTreeMap::<&str, usize>::new();
    let mut rows = Vec::new();
    for PeerReading { endpoint, state } in publishers {
        // Behind a proxy, several publishers have one endpoint.
        let number = times.entry(endpoint).or_default();
        *number += 1;
        let link = links.iter().find(|link| link.endpoint == *endpoint);
        let link = link.map_or(String::new(), |link| format!("link {}", link.state));
        rows.push(row(
            format!("{endpoint} {number}"),
            endpoint,
            link,
            state,
            PeerCondition::of_stream(state),
        ));
    }
    for PeerReading { endpoint, state } in links {
        if !times.contains_key(endpoint.as_str()) {
            // A name is resolved, and its addresses are links of their own.
            let is_fine = state.ends_with("addresses") || state.starts_with("same publisher");
            let condition = match state.as_str() {
                _ if is_fine => PeerCondition::Fine,
                "subscribed" | "up" | "connecting" => PeerCondition::Slow,
                _ => PeerCondition::Stale,
            };
            rows.push(row(format!("{endpoint} 0"), endpoint, String::new(), state, condition));
        }
    }
    rows
}

fn row(id: String, endpoint: &str, address: String, state: &str, condition: PeerCondition) -> PeerRow {
    PeerRow {
        id,
        name: endpoint.to_owned(),
        address,
        version: String::new(),
        state: state.to_owned(),
        condition,
        lag_events: 0,
        lag_seconds: 0,
        quiet_seconds: 0,
        last_error: None,
    }
}

#[cfg(test)]
mod tests {
    use operations::PeerCondition;
    use pubsub_api::PeerReading;

    use super::rows;

    #[test]
    fn a_publisher_is_listed_once_and_a_link_without_one_by_itself() {
        let peer =
            |endpoint: &str, state: &str| PeerReading { endpoint: endpoint.into(), state: state.into() };
        let publishers = [peer("tcp://a", "live"), peer("tcp://b", "stale"), peer("tcp://b", "live")];
        let links = [peer("tcp://a", "subscribed"), peer("tcp://b", "up"), peer("tcp://c", "connecting")];
        let rows = rows(&publishers, &links);
        let listed: Vec<_> = rows.iter().map(|row| (&*row.name, &*row.state, row.condition)).collect();
        assert_eq!(
            listed,
            [
                ("tcp://a", "live", PeerCondition::Fine),
                ("tcp://b", "stale", PeerCondition::Stale),
                ("tcp://b", "live", PeerCondition::Fine),
                ("tcp://c", "connecting", PeerCondition::Slow),
            ]
        );
        assert_eq!(rows[0].address, "link subscribed");
        assert_ne!(rows[1].id, rows[2].id);
    }
}
