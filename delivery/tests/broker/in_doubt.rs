use std::time::Duration;

use pubsub_api::{ErrorKind, Publisher};
use tokio::time::{sleep, timeout};

use crate::fake::{OPTIONS, ROUND_TRIP, Verdict, batch, broker, key_of, send, send_at_once};

const DOUBT: Verdict = Verdict::Refuse(ErrorKind::InDoubt);

#[tokio::test(start_paused = true)]
async fn an_event_in_doubt_is_reported_before_the_next_one_of_its_topic_and_no_other_event_fails() {
    for (verdict, was_published) in
        [(DOUBT, false), (Verdict::TakeAndLoseAnswer, true), (Verdict::Panic, false)]
    {
        let (publisher, fake) = broker(OPTIONS);
        fake.once("doubt", verdict);
        let events = [("a", "1"), ("a", "doubt"), ("b", "3"), ("a", "4"), ("a", "5")];
        let results = send_at_once(&publisher, &events).await;
        assert_eq!(results, [None, Some(ErrorKind::InDoubt), None, None, None]);
        let mut wanted = vec!["a 1 1", "a 2 doubt", "b 1 3", "lost a 2", "a 3 4", "a 4 5"];
        wanted.retain(|word| was_published || *word != "a 2 doubt");
        assert_eq!(fake.words(), wanted);
        assert_eq!(publisher.delivery_status().counter("lost_records", Some("in_doubt")), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_next_event_the_loss_record_is_sent_with_the_marks() {
    let (publisher, fake) = broker(OPTIONS);
    fake.judge(|_| DOUBT);
    assert_eq!(send(&publisher, "a", "1").await.unwrap_err().kind(), ErrorKind::InDoubt);
    fake.judge(|_| Verdict::Refuse(ErrorKind::Unavailable));
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(send(&publisher, "a", "2").await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(fake.words(), [""; 0]);
    assert_eq!(publisher.delivery_status().counter("marks_unsent", None), 2, "after 0.25 and 1 s");
    fake.judge(|_| Verdict::Take);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.words(), ["lost a 1", "mark a 1"], "after 2 s");
    send(&publisher, "a", "3").await.unwrap();
    assert_eq!(fake.words().last().unwrap(), "a 2 3");
}

#[tokio::test(start_paused = true)]
async fn a_loss_record_that_is_refused_for_good_does_not_block_its_topic() {
    let (publisher, fake) = broker(OPTIONS);
    fake.once("1", DOUBT);
    assert_eq!(send(&publisher, "a", "1").await.unwrap_err().kind(), ErrorKind::InDoubt);
    fake.judge(
        |event| if event.topic.is_reserved() { Verdict::Refuse(ErrorKind::Invalid) } else { Verdict::Take },
    );
    send(&publisher, "a", "2").await.unwrap();
    assert_eq!(fake.words(), ["a 2 2"], "the number shows the loss");
    assert_eq!(publisher.delivery_status().counter("lost_records_unsent", None), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_batch_keeps_the_events_that_were_not_accepted_and_no_sequence_is_used_twice() {
    let (publisher, fake) = broker(OPTIONS);
    fake.once("3", Verdict::Stall);
    let mut events = batch(&[("a", "1"), ("a", "2"), ("a", "3"), ("a", "4"), ("b", "5")]);
    assert!(timeout(5 * ROUND_TRIP, publisher.send_batch(&mut events)).await.is_err());
    assert_eq!(events.len(), 3, "two were taken");
    publisher.send_batch(&mut events).await.unwrap();
    assert_eq!(fake.numbered(), ["a 1 1", "a 2 2", "lost a 3", "a 5 3", "a 6 4", "b 2 5"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_in_doubt_ends_there() {
    let (publisher, fake) = broker(OPTIONS);
    fake.once("2", DOUBT);
    let mut events = batch(&[("a", "1"), ("a", "2"), ("b", "3")]);
    assert_eq!(publisher.send_batch(&mut events).await.unwrap_err().kind(), ErrorKind::InDoubt);
    assert_eq!(events.len(), 2);
    assert_eq!(key_of(&events.first_envelope().unwrap().unwrap()), "2");
    events.advance(1);
    publisher.send_batch(&mut events).await.unwrap();
    sleep(Duration::from_millis(400)).await;
    assert_eq!(fake.numbered(), ["a 1 1", "b 2 3", "lost a 2"]);
}
