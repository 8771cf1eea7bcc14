use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use pubsub_api::{Error, ErrorKind, Result};

/// The longest path of a Unix socket in bytes: `sun_path` of `sockaddr_un` has 108 with the closing NUL, unix(7).
const LONGEST_PATH_BYTES: usize = 107;

/// Checks that `path` can be the path of a Unix socket, without touching the file system.
///
/// A path has 1 to 107 bytes (`sockaddr_un`, unix(7)), no NUL, and ends in a file name. Abstract names (`@name`) are
/// refused, because no permissions guard them; `./@name` is a file.
///
/// # Errors
///
/// [`ErrorKind::Settings`] if the path breaks one of these rules; the text names the rule, and for a path that is too
/// long its length and the limit.
///
/// ```
/// use std::path::Path;
///
/// assert!(listen::check_path(Path::new("/run/skimmer/publisher.sock")).is_ok());
/// assert!(listen::check_path(Path::new("@publisher")).is_err());
/// ```
pub fn check_path(path: &Path) -> Result<()> {
    let bytes = path.as_os_str().as_bytes();
    let fault = if bytes.len() > LONGEST_PATH_BYTES {
        format!(
            "is {} bytes long, but a Unix socket's path has at most {LONGEST_PATH_BYTES} \
             (sockaddr_un, unix(7): 108 with the closing NUL); choose a shorter one",
            bytes.len()
        )
    } else if let Some(position) = bytes.iter().position(|byte| *byte == 0) {
        format!("has a NUL at byte {position}, which no path can hold; remove it")
    } else if bytes.starts_with(b"@") {
        "is abstract, and an abstract socket has no permissions; name a file, such as /run/skimmer/publisher.sock"
            .to_owned()
    } else if file_name(path).is_none() {
        "does not end in a file name; name a file, such as /run/skimmer/publisher.sock".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Settings, format!("the socket path {path:?} {fault}")))
}

/// The file name, if it is the text after the last slash: `Path` alone also finds one in `a/` and `a/.`.
fn file_name(path: &Path) -> Option<&[u8]> {
    let name = path.file_name()?.as_bytes();
    (path.as_os_str().as_bytes().rsplit(|byte| *byte == b'/').next() == Some(name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_107_bytes_is_accepted_and_one_of_108_is_refused_with_length_and_limit() {
        assert!(check_path(Path::new(&"a".repeat(107))).is_ok());
        let error = check_path(Path::new(&"a".repeat(108))).expect_err("108 bytes");
        assert_eq!(error.kind(), ErrorKind::Settings);
        assert!(error.to_string().contains("108 bytes long"), "{error}");
        assert!(error.to_string().contains("at most 107"), "{error}");
    }

    #[test]
    fn a_path_that_no_socket_file_can_have_is_a_settings_error_with_the_reason() {
        let cases = [
            ("/run/a\0b", "a NUL at byte 6"),
            ("@publisher", "is abstract"),
            ("", "does not end in a file name"),
            ("/", "does not end in a file name"),
            ("/run/..", "does not end in a file name"),
            ("/run/skimmer/", "does not end in a file name"),
            ("/run/skimmer/.", "does not end in a file name"),
        ];
        for (path, why) in cases {
            let error = check_path(Path::new(path)).expect_err(path);
            assert_eq!(error.kind(), ErrorKind::Settings, "{path:?}");
            assert!(error.to_string().contains(why), "{path:?}: {error}");
        }
    }

    #[test]
    fn absolute_relative_and_at_sign_files_are_accepted() {
        for path in ["/run/skimmer/publisher.sock", "publisher.sock", "./@publisher"] {
            assert!(check_path(Path::new(path)).is_ok(), "{path}");
        }
    }
}
