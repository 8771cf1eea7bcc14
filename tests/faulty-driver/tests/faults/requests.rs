//! Requests and replies.

use bytes::Bytes;
use faulty_driver::FaultyNetwork;
use pubsub_api::{Batch, Envelope, Reply, Request, Topic};
use tokio::time::timeout;

use crate::node::{LONG, Node, endpoint, pair};

fn request(text: &'static str) -> Envelope {
    Envelope { topic: Topic::new("$ask").unwrap(), payload: Bytes::from_static(text.as_bytes()) }
}

async fn requested(node: &Node) -> Option<Request> {
    let next = timeout(LONG, node.publisher.requests().unwrap().next());
    next.await.ok().map(Result::unwrap)
}

#[tokio::test(start_paused = true)]
async fn requests_and_replies_have_the_faults_of_their_direction() {
    let network = FaultyNetwork::mesh(1);
    let (one, two) = pair(&network).await;
    let requester = one.subscriber.requester().unwrap();
    network.cut("one", "two");
    assert!(requester.request(&endpoint("two"), request("lost")));
    assert_eq!(requested(&two).await, None);
    network.heal();

    assert!(requester.request(&endpoint("two"), request("arrives")));
    let arrived = requested(&two).await.unwrap();
    assert_eq!(arrived.envelope, request("arrives"));
    network.cut("two", "one");
    let mut batch = Batch::new();
    batch.push(request("lost"));
    two.publisher.requests().unwrap().answer(arrived.peer, &mut batch).await.unwrap();
    network.heal();
    batch.push(request("reply"));
    two.publisher.requests().unwrap().answer(arrived.peer, &mut batch).await.unwrap();
    let reply = timeout(LONG, requester.next()).await.unwrap().unwrap();
    assert_eq!(reply, Reply::Part { endpoint: endpoint("two"), envelope: request("reply") });
}
