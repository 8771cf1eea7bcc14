use pubsub_api::{Action, Envelope, Error, ErrorKind, Event, Result, SEND_ALL};
use redis_servers::RedisServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::scene::{TABLE, failed, object};

/// How `redis-benchmark` has several commands in flight.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// On one connection, in a pipeline: it waits for no answer before it sends the next commands.
    Pipeline(usize),
    /// Each on its own connection, like callers that wait for their answers.
    Clients(usize),
}

/// Pairs of SET and PUBLISH per second: measured one after the other, because it mixes no commands.
pub(crate) async fn measure(pairs: usize, shape: Shape) -> Result<f64> {
    let server = RedisServer::start(&["--appendonly", "no"]);
    let listener = listen(server.port()).await?;
    let object = object(0)?;
    let json = String::from_utf8_lossy(&object.to_json()).into_owned();
    let event = Event::new(TABLE, object.id(), Action::Create, json.clone(), SEND_ALL);
    let payload = Envelope::pack(&event)?.payload;
    // Its arguments are text; the number of bytes is the same.
    let payload = "p".repeat(payload.len());
    let key = format!("{{{TABLE}.tenant-1}}port-__rand_int__");
    let set = rate(server.port(), pairs, shape, &["SET", &key, &json]).await?;
    let publish = rate(server.port(), pairs, shape, &["PUBLISH", "D", &payload]).await?;
    listener.abort();
    Ok(1.0 / (1.0 / set + 1.0 / publish))
}

async fn rate(port: u16, requests: usize, shape: Shape, command: &[&str]) -> Result<f64> {
    let (clients, pipeline) = match shape {
        Shape::Pipeline(commands) => (1, commands),
        Shape::Clients(clients) => (clients, 1),
    };
    let output = Command::new("redis-benchmark")
        .args(["-p", &port.to_string(), "-c", &clients.to_string(), "--csv", "-r", "100000000"])
        .args(["-n", &requests.to_string(), "-P", &pipeline.to_string()])
        .args(command)
        .output()
        .await
        .map_err(|error| failed("run redis-benchmark (Debian: redis-tools)", error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // "SET key…","123456.78", and six latencies; the name contains commas.
    let last = text.lines().last().unwrap_or_default();
    let rate = last.rsplit("\",\"").nth(6).and_then(|field| field.trim_matches('"').parse().ok());
    rate.ok_or_else(|| {
        Error::new(ErrorKind::Internal, format!("cannot parse the output of redis-benchmark: {text}"))
    })
}

/// A subscriber, like the one in our measurement.
async fn listen(port: u16) -> Result<tokio::task::JoinHandle<()>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await;
    let mut stream = stream.map_err(|error| failed("connect to Redis", error))?;
    stream.write_all(b"SUBSCRIBE D\r\n").await.map_err(|error| failed("subscribe", error))?;
    Ok(tokio::spawn(async move {
        let mut buffer = vec![0; 1 << 20];
        while stream.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
    }))
}
