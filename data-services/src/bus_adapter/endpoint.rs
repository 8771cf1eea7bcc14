use pubsub_api::{Error, ErrorKind, Result};

/// Hosts that mean every address of the host, when a driver binds them.
const WILDCARDS: [&str; 3] = ["*", "0.0.0.0", "[::]"];

/// Returns the endpoint that other nodes connect to: `advertise`, or the bound one.
///
/// # Errors
/// [`ErrorKind::Settings`] if the driver binds every address and `advertise` is absent: no node could connect to that.
pub(super) fn reachable(bound: &str, advertise: Option<&str>) -> Result<String> {
    let (host, port) = bound.rsplit_once(':').unwrap_or((bound, ""));
    if let Some(advertised) = advertise {
        return Ok(match advertised.strip_suffix(":0") {
            Some(advertised_host) => format!("{advertised_host}:{port}"),
            None => advertised.to_owned(),
        });
    }
    let host = host.split_once("://").map_or(host, |(_, host)| host);
    if WILDCARDS.contains(&host) {
        let text = format!(
            "the node binds every address ({bound}), and other nodes cannot connect to that: set the address that they \
             connect to (advertise), such as tcp://192.0.2.1:{port}, or another publisher_bind_address"
        );
        return Err(Error::new(ErrorKind::Settings, text));
    }
    Ok(bound.to_owned())
}

#[cfg(test)]
mod tests {
    use pubsub_api::ErrorKind;

    use super::reachable;

    #[test]
    fn peers_connect_to_the_advertised_endpoint_or_to_the_bound_one() {
        for (bound, advertise, wanted) in [
            ("tcp://127.0.0.1:8866", None, "tcp://127.0.0.1:8866"),
            ("tcp://0.0.0.0:8866", Some("tcp://192.0.2.1:9999"), "tcp://192.0.2.1:9999"),
            ("tcp://0.0.0.0:8866", Some("tcp://node-1.example:0"), "tcp://node-1.example:8866"),
            ("tcp://[::]:8866", Some("tcp://[2001:db8::1]:0"), "tcp://[2001:db8::1]:8866"),
        ] {
            assert_eq!(reachable(bound, advertise).unwrap(), wanted);
        }
    }

    #[test]
    fn an_address_to_which_nobody_can_connect_is_refused() {
        for bound in ["tcp://0.0.0.0:8866", "tcp://[::]:8866", "memory://*:1"] {
            let error = reachable(bound, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Settings);
            assert!(error.to_string().contains("advertise"), "{error}");
        }
    }
}
