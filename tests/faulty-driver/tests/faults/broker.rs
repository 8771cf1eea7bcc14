//! A network with a broker.

use bytes::Bytes;
use faulty_driver::FaultyNetwork;
use pubsub_api::{ErrorKind, SEND_ALL};

use crate::node::{Heard, Node, endpoint};

#[tokio::test(start_paused = true)]
async fn on_a_broker_every_node_hears_every_node_and_itself() {
    let network = FaultyNetwork::broker(1);
    let (one, two) =
        (Node::start(&*network.node("one"), &[]).await, Node::start(&*network.node("two"), &[]).await);
    let broker = endpoint("broker");
    let up = [Heard::Up(broker.clone()), Heard::Subscribed(broker.clone())];
    assert_eq!((one.hear().await, two.hear().await), (up.to_vec(), up.to_vec()));
    one.say(1).await;
    assert_eq!((one.numbers().await, two.numbers().await), (vec![1], vec![1]));
    assert!(one.publisher.requests().is_none() && one.subscriber.requester().is_none());

    network.cut("one", "two");
    one.say(2).await;
    assert_eq!((one.numbers().await, two.numbers().await), (vec![2], vec![]));
    network.heal();

    network.stop_broker();
    let refused = one.publisher.send(&SEND_ALL, Bytes::new()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert_eq!(two.hear().await, [Heard::Down(broker)]);
    network.start_broker();
    one.say(3).await;
    assert_eq!(two.hear().await, [up.as_slice(), &[Heard::Number(3)]].concat());
}
