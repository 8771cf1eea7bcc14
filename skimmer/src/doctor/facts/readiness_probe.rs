use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// The largest reply that is read, in bytes.
const MAX_REPLY: u64 = 64 * 1024;

/// The readiness checks of a program that are not met, by its endpoint for operators.
///
/// # Errors
/// Why it does not reply, as a clause.
pub(super) async fn unmet_checks(
    endpoint: &str,
    token_file: Option<&Path>,
    within: Duration,
) -> Result<Vec<String>, String> {
    let token = match token_file {
        None => None,
        Some(path) => Some(
            std::fs::read_to_string(path)
                .map_err(|error| format!("its token cannot be read from {}: {error}", path.display()))?,
        ),
    };
    let reply = timeout(within, get(endpoint, token.as_deref().map(str::trim))).await;
    let reply = reply.map_err(|_| format!("no reply from {endpoint} within {within:?}"))?;
    let reply = reply.map_err(|error| format!("no reply from {endpoint}: {error}"))?;
    unmet(&reply)
}

async fn get(endpoint: &str, token: Option<&str>) -> std::io::Result<String> {
    let authorization = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let request = format!(
        "GET /readyz?verbose HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}\r\n"
    );
    match endpoint.strip_prefix("unix:") {
        Some(path) => exchange(UnixStream::connect(path).await?, &request).await,
        None => {
            let address = endpoint.strip_prefix("http://").unwrap_or(endpoint);
            exchange(TcpStream::connect(address).await?, &request).await
        }
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> std::io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut reply = Vec::new();
    stream.take(MAX_REPLY).read_to_end(&mut reply).await?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

/// The lines `[-]name: reason` of a reply.
fn unmet(reply: &str) -> Result<Vec<String>, String> {
    let status = reply.split_whitespace().nth(1).unwrap_or("nothing");
    match status {
        "200" | "503" => {
            let lines = reply.lines().filter_map(|line| line.strip_prefix("[-]"));
            Ok(lines.map(|line| line.trim().to_owned()).collect())
        }
        "401" | "403" => Err("it refuses the token of operations_token_file".to_owned()),
        other => Err(format!("it replies {other}, so it is not the endpoint of this program")),
    }
}

#[cfg(test)]
mod tests {
    use super::unmet;

    #[test]
    fn the_checks_that_are_not_met_are_listed_with_their_reasons() {
        let reply = "HTTP/1.1 503 Service Unavailable\r\n\r\n[+]ring: it is open\n[-]network: no link\n";
        assert_eq!(unmet(reply), Ok(vec!["network: no link".to_owned()]));
        assert_eq!(unmet("HTTP/1.1 200 OK\r\n\r\n[+]ring: open\n"), Ok(Vec::new()));
        assert!(unmet("HTTP/1.1 401 Unauthorized\r\n\r\n").unwrap_err().contains("token"));
        assert!(unmet("SSH-2.0 what").is_err());
    }
}
