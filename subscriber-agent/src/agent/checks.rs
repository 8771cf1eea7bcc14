use operations::ReadinessCheck;
use pubsub_api::PeerReading;

use super::Agent;

impl Agent {
    /// The checks of readiness: every publisher is connected, and everything that the known ones published has been delivered.
    ///
    /// A publisher that sends no hello is not followed: an agent that has only such publishers is never ready.
    #[must_use]
    pub fn checks(&self) -> Vec<ReadinessCheck> {
        vec![links(&self.subscriber.status().peers), topics(&self.subscriber.delivery_status().peers)]
    }
}

fn links(links: &[PeerReading]) -> ReadinessCheck {
    let is_down = |link: &&PeerReading| matches!(link.state.as_str(), "connecting" | "unreachable" | "down");
    let down: Vec<String> = links.iter().filter(is_down).map(text).collect();
    match (links.len(), down.is_empty()) {
        (0, _) => ReadinessCheck::failed(
            "network",
            "no publisher is known: publishers_ips is empty, and none was found",
        ),
        (links, true) => ReadinessCheck::met("network", format!("{links} links are up")),
        (_, false) => ReadinessCheck::failed("network", down.join(", ")),
    }
}

fn topics(publishers: &[PeerReading]) -> ReadinessCheck {
    let others: Vec<String> =
        publishers.iter().filter(|publisher| publisher.state != "live").map(text).collect();
    match (publishers.len(), others.is_empty()) {
        (0, _) => ReadinessCheck::failed("topics", "no publisher has said hello yet"),
        (publishers, true) => {
            ReadinessCheck::met("topics", format!("all are live, of {publishers} publishers"))
        }
        (_, false) => ReadinessCheck::failed("topics", others.join(", ")),
    }
}

fn text(peer: &PeerReading) -> String {
    format!("{} is {}", peer.endpoint, peer.state)
}

#[cfg(test)]
mod tests {
    use pubsub_api::PeerReading;

    use super::{links, topics};

    fn peers(states: &[&str]) -> Vec<PeerReading> {
        let peer =
            |state: &&str| PeerReading { endpoint: format!("tcp://{state}"), state: (*state).to_owned() };
        states.iter().map(peer).collect()
    }

    #[test]
    fn an_agent_is_ready_when_every_link_is_up_and_every_publisher_is_live() {
        for (states, is_met) in [
            (&["subscribed", "up"][..], true),
            (&["2 addresses", "subscribed", "same publisher as tcp://a"], true),
            (&["subscribed", "connecting"], false),
            (&["unreachable"], false),
            (&[], false),
        ] {
            assert_eq!(links(&peers(states)).is_met(), is_met, "{states:?}");
        }
        for (states, is_met) in [
            (&["live", "live"][..], true),
            (&["live", "recovering"], false),
            (&["stale"], false),
            (&[], false),
        ] {
            assert_eq!(topics(&peers(states)).is_met(), is_met, "{states:?}");
        }
        assert!(
            topics(&peers(&["live", "recovering"])).to_string().contains("tcp://recovering is recovering")
        );
    }
}
