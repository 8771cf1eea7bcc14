//! The steps of the cases about requests.

use bytes::Bytes;
use pubsub_api::{Batch, Envelope, PeerId, Reply, Request, Requester, Requests, Topic};

use crate::check::ensure;
use crate::patience::{brief, within};
use crate::{Outcome, Receiver, Sender};

const PROMISED: &str = "the capabilities promise it, but it is `None`";

pub(super) fn requests_of(sender: &Sender) -> Outcome<&dyn Requests> {
    sender.requests().ok_or_else(|| PROMISED.into())
}

pub(super) fn requester_of(receiver: &Receiver) -> Outcome<&dyn Requester> {
    receiver.requester().ok_or_else(|| PROMISED.into())
}

/// An envelope on a reserved topic.
pub(super) fn envelope(text: impl ToString) -> Outcome<Envelope> {
    Ok(Envelope { topic: Topic::new("$ask")?, payload: Bytes::from(text.to_string()) })
}

pub(super) fn batch(texts: impl IntoIterator<Item = impl ToString>) -> Outcome<Batch> {
    let mut batch = Batch::new();
    for text in texts {
        batch.push(envelope(text)?);
    }
    Ok(batch)
}

pub(super) fn ask(receiver: &Receiver, address: &str, text: impl ToString) -> Outcome {
    let asked = requester_of(receiver)?.request(address, envelope(text)?);
    ensure!(asked, "a request to a registered publisher must be accepted");
    Ok(())
}

/// Receives the next request, whose payload must be `text`; returns the requester.
pub(super) async fn asked(sender: &Sender, text: impl ToString) -> Outcome<PeerId> {
    let wanted = envelope(text)?;
    let Request { peer, envelope, .. } = within("a request", requests_of(sender)?.next()).await??;
    ensure!(envelope == wanted, "expected the request {wanted:?}, got {envelope:?}");
    Ok(peer)
}

pub(super) async fn answer(sender: &Sender, peer: PeerId, mut batch: Batch) -> Outcome {
    within("room for a reply", requests_of(sender)?.answer(peer, &mut batch)).await??;
    ensure!(batch.is_empty(), "sent envelopes must leave the batch, but {} are left", batch.len());
    Ok(())
}

pub(super) async fn reply(receiver: &Receiver, what: &str) -> Outcome<Reply> {
    Ok(within(what, requester_of(receiver)?.next()).await??)
}

/// Receives the next reply, which must be a part with this payload.
pub(super) async fn expect(receiver: &Receiver, address: &str, text: impl ToString) -> Outcome {
    let text = text.to_string();
    let wanted = Reply::Part { endpoint: address.to_owned(), envelope: envelope(&text)? };
    let came = reply(receiver, &format!("the reply {:?}", brief(&text))).await?;
    ensure!(came == wanted, "expected the reply {wanted:?}, got {came:?}");
    Ok(())
}

/// Sends a reply while it is read. Each part that is read has a deadline of its own, and so has the end: the whole may take
/// as long as the machine needs.
pub(super) async fn answer_while(
    answering: impl Future<Output = pubsub_api::Result<()>>,
    reads: impl Future<Output = Outcome>,
) -> Outcome {
    let (mut answering, mut reads) = (std::pin::pin!(answering), std::pin::pin!(reads));
    tokio::select! {
        read = &mut reads => {
            read?;
            within("the end of the reply", answering).await??;
        }
        answered = &mut answering => {
            answered?;
            reads.await?;
        }
    }
    Ok(())
}

pub(super) async fn expect_lost(receiver: &Receiver, address: &str) -> Outcome {
    let came = reply(receiver, "the loss of the request").await?;
    let is_lost =
        matches!(&came, Reply::Lost { endpoint, reason } if endpoint == address && !reason.is_empty());
    ensure!(is_lost, "expected the loss of the requests to {address}, got {came:?}");
    Ok(())
}
