use errors::{Error, ErrorKind, Result};

use crate::without_userinfo;

/// Checks that an endpoint is `tcp://HOST:PORT` with a port above 0, for a driver whose only transport is TCP. The host is not
/// checked, and not resolved. `alias` is the name of the driver in errors.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for another transport. [`ErrorKind::Invalid`] for anything else that is wrong; the text never
/// shows what is before an `@`, which may be a password.
///
/// ```
/// use settings_declaration::check_tcp_endpoint;
///
/// check_tcp_endpoint("example_driver", "tcp://192.0.2.1:8866")?;
/// assert!(check_tcp_endpoint("example_driver", "tcp://192.0.2.1").is_err());
/// # Ok::<(), errors::Error>(())
/// ```
pub fn check_tcp_endpoint(alias: &str, endpoint: &str) -> Result<()> {
    const FORM: &str = "write it as tcp://192.0.2.1:8866";
    let invalid = |text: String| Err(Error::new(ErrorKind::Invalid, text));
    if endpoint.contains('@') {
        let shown = without_userinfo(endpoint);
        return invalid(format!(
            "{shown} has a user or a password before `@`, which {alias} does not support: {FORM}"
        ));
    }
    let Some((transport, address)) = endpoint.split_once("://") else {
        return invalid(format!("{endpoint:?} is not an endpoint; {FORM}"));
    };
    if transport != "tcp" {
        let text = format!("{alias} does not support {transport:?} ({endpoint}); it supports tcp");
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(()),
        _ => invalid(format!("{endpoint:?} has no port; {FORM}")),
    }
}

/// Checks that `publisher_transport` is the only transport of a driver. `alias` is the name of the driver in errors.
///
/// # Errors
/// [`ErrorKind::Settings`] for another transport.
pub fn check_transport(alias: &str, transport: &str, supported: &str) -> Result<()> {
    if transport == supported {
        return Ok(());
    }
    let text =
        format!("publisher_transport: {alias} does not support {transport:?}; it supports {supported}");
    Err(Error::new(ErrorKind::Settings, text))
}

#[cfg(test)]
mod tests {
    use errors::ErrorKind;

    use super::{check_tcp_endpoint, check_transport};

    #[test]
    fn a_password_in_an_endpoint_is_refused_and_not_shown() {
        for endpoint in ["tcp://user:canary@10.0.0.1:8866", "canary@10.0.0.1:8866", "tcp://:canary@10.0.0.1"]
        {
            let error = check_tcp_endpoint("driver", endpoint).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn an_endpoint_has_tcp_a_host_and_a_port() {
        for endpoint in ["tcp://10.0.0.1:8866", "tcp://[2001:db8::1]:1", "tcp://api-1.example:65535"] {
            check_tcp_endpoint("driver", endpoint).unwrap();
        }
        for (endpoint, kind, says) in [
            ("10.0.0.1:8866", ErrorKind::Invalid, "is not an endpoint"),
            ("epgm://10.0.0.1:8866", ErrorKind::Unsupported, "driver does not support \"epgm\""),
            ("tcp://10.0.0.1", ErrorKind::Invalid, "has no port"),
            ("tcp://10.0.0.1:0", ErrorKind::Invalid, "has no port"),
            ("tcp://:8866", ErrorKind::Invalid, "has no port"),
        ] {
            let error = check_tcp_endpoint("driver", endpoint).unwrap_err();
            assert!(error.kind() == kind && error.to_string().contains(says), "{endpoint}: {error}");
        }
    }

    #[test]
    fn another_transport_is_an_error_of_settings() {
        check_transport("driver", "tcp", "tcp").unwrap();
        assert_eq!(check_transport("driver", "epgm", "tcp").unwrap_err().kind(), ErrorKind::Settings);
    }
}
