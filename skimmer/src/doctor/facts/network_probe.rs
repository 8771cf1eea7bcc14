use std::net::SocketAddr;
use std::time::Duration;

use drivers_zmtp::protocol::{GREETING_BYTES, Greeting, Mechanism, ProtocolError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::{Greeted, PublisherFact};

/// Resolves the name of a publisher, and connects to it; notes what fails. Returns the address that accepts.
pub(super) async fn reach(publisher: &mut PublisherFact, within: Duration) -> Option<SocketAddr> {
    let deadline = Instant::now() + within;
    let address = publisher.address().to_owned();
    let addresses: Vec<SocketAddr> = match timeout_at(deadline, lookup_host(&address)).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => {
            publisher.unresolved = Some(error.to_string());
            return None;
        }
        Err(_) => {
            publisher.unresolved = Some(format!("no reply of the resolver within {within:?}"));
            return None;
        }
    };
    let mut problem = "the name has no address".to_owned();
    for (tried, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = Instant::now() + deadline.saturating_duration_since(Instant::now()) / left;
        match timeout_at(share, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Some(*address),
            Ok(Err(error)) => problem = error.to_string(),
            Err(_) => problem = format!("no reply within {within:?}"),
        }
    }
    publisher.unconnected = Some(problem);
    None
}

/// Sends our greeting, and reads that of the peer.
async fn greet(address: SocketAddr, mechanism: Mechanism, within: Duration) -> Greeted {
    let deadline = Instant::now() + within;
    let Ok(Ok(mut stream)) = timeout_at(deadline, TcpStream::connect(address)).await else {
        return Greeted::End;
    };
    let mut arrived = Vec::new();
    let reading = async {
        if stream.write_all(&Greeting::encode(mechanism)).await.is_err() {
            return Greeted::End;
        }
        loop {
            match Greeting::read(&arrived, mechanism) {
                Ok(Some(_)) => return Greeted::AsWanted,
                Ok(None) => {}
                Err(error) => return refused(error),
            }
            let mut room = [0; GREETING_BYTES];
            match stream.read(&mut room).await {
                Ok(count) if count > 0 => arrived.extend(room.iter().take(count)),
                _ => return Greeted::End,
            }
        }
    };
    timeout_at(deadline, reading).await.unwrap_or(Greeted::Nothing)
}

/// As [`greet`]. A listener of ours that wants another mechanism closes before it names its own: which one it is shows when it
/// greets a peer that has it.
pub(super) async fn greet_any(address: SocketAddr, mechanism: Mechanism, within: Duration) -> Greeted {
    let greeted = greet(address, mechanism, within).await;
    if greeted != Greeted::End {
        return greeted;
    }
    for other in [Mechanism::Null, Mechanism::Curve].into_iter().filter(|other| *other != mechanism) {
        if greet(address, other, within).await == Greeted::AsWanted {
            return Greeted::OtherMechanism(other.to_string());
        }
    }
    Greeted::End
}

fn refused(error: ProtocolError) -> Greeted {
    match error {
        ProtocolError::WrongMechanism { wanted } => Greeted::OtherMechanism(wanted.to_string()),
        other => Greeted::Foreign(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use drivers_zmtp::protocol::{Greeting, Mechanism};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::{greet, reach};
    use crate::doctor::facts::{Greeted, PublisherFact};

    const SHORT: Duration = Duration::from_millis(200);

    /// What is found at a listener that sends this to each client, and keeps the connection open.
    async fn found(sends: Vec<u8>) -> Greeted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&sends).await.unwrap();
            std::future::pending::<()>().await;
        });
        let found = greet(address, Mechanism::Null, SHORT).await;
        serving.abort();
        found
    }

    #[tokio::test]
    async fn a_greeting_another_mechanism_another_protocol_and_silence_are_told_apart() {
        assert_eq!(found(Greeting::encode(Mechanism::Null).to_vec()).await, Greeted::AsWanted);
        let curve = found(Greeting::encode(Mechanism::Curve).to_vec()).await;
        assert_eq!(curve, Greeted::OtherMechanism("CURVE".to_owned()));
        assert!(matches!(found(b"220 mail.example ESMTP\r\n".to_vec()).await, Greeted::Foreign(_)));
        assert_eq!(found(Vec::new()).await, Greeted::Nothing);
    }

    #[tokio::test]
    async fn a_port_without_listener_and_a_name_without_address_are_noted() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let mut closed = PublisherFact::at(&format!("tcp://{free}"));
        assert_eq!(reach(&mut closed, SHORT).await, None);
        assert!(closed.unconnected.is_some() && closed.unresolved.is_none(), "{closed:?}");
        let mut unnamed = PublisherFact::at("tcp://no-such-host.invalid:1");
        assert_eq!(reach(&mut unnamed, SHORT).await, None);
        assert!(unnamed.unresolved.is_some(), "{unnamed:?}");
    }
}
