use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use key_files::{Secrecy, WatchedFile};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The token that requests must have: a file that is read again when it changes. `Debug` does not show it.
pub(crate) struct BearerToken {
    file: WatchedFile<Zeroizing<String>>,
    token: RwLock<Arc<Zeroizing<String>>>,
}

/// The shortest token, in characters.
const MIN_TOKEN_CHARACTERS: usize = 16;

/// The longest token, in characters.
const MAX_TOKEN_CHARACTERS: usize = 256;

/// The largest file, in bytes: a token and the end of its line.
const MAX_FILE_BYTES: u64 = 1024;

const MEANWHILE: &str = "requests need the token that it had before";

impl BearerToken {
    /// Opens the file, and checks who may read and write it.
    ///
    /// # Errors
    /// What is wrong, in words, without the path and without the token.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let (file, token) = WatchedFile::open(path, Secrecy::Secret, MAX_FILE_BYTES, parse, MEANWHILE)?;
        Ok(Self { file, token: RwLock::new(Arc::new(token)) })
    }

    /// Whether the value of the header `Authorization` has the token. The time of the comparison does not depend on where
    /// they differ.
    pub(crate) fn is_in(&self, authorization: &[u8], now: Instant) -> bool {
        if let Some(changed) = self.file.refresh(now) {
            *self.token.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(changed);
            tracing::info!(id = "SK1105", "{} was read again", self.file.path().display());
        }
        let (scheme, given) = match authorization.iter().position(|byte| *byte == b' ') {
            Some(space) => authorization.split_at(space),
            None => return false,
        };
        let token = Arc::clone(&self.token.read().unwrap_or_else(PoisonError::into_inner));
        scheme.eq_ignore_ascii_case(b"bearer") && given.trim_ascii().ct_eq(token.as_bytes()).into()
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken").field("path", &self.file.path()).finish_non_exhaustive()
    }
}

fn parse(text: &str) -> Result<Zeroizing<String>, String> {
    let token = text.trim_end_matches(['\n', '\r']);
    let length = MIN_TOKEN_CHARACTERS..=MAX_TOKEN_CHARACTERS;
    if length.contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Zeroizing::new(token.to_owned()));
    }
    Err(format!(
        "it must be one line of {MIN_TOKEN_CHARACTERS} to {MAX_TOKEN_CHARACTERS} visible ASCII characters; \
         `openssl rand -hex 32` prints one"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::{Duration, Instant};

    use super::{BearerToken, parse};

    #[test]
    fn a_request_has_the_token_of_the_file_as_it_is_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        key_files::create_secret(&path).unwrap().write_all(b"0123456789abcdef\n").unwrap();
        let token = BearerToken::open(&path).unwrap();
        let start = Instant::now();
        for (header, is_right) in [
            (&b"Bearer 0123456789abcdef"[..], true),
            (b"bearer 0123456789abcdef", true),
            (b"Bearer 0123456789abcdeF", false),
            (b"Bearer 0123456789abcde", false),
            (b"Bearer ", false),
            (b"Basic 0123456789abcdef", false),
            (b"0123456789abcdef", false),
            (b"", false),
        ] {
            assert_eq!(token.is_in(header, start), is_right, "{}", String::from_utf8_lossy(header));
        }
        key_files::replace_secret(&path, b"fedcba9876543210").unwrap();
        let later: Vec<Instant> = (1..=5).map(|step| start + Duration::from_millis(250 * step)).collect();
        assert!(later.iter().any(|now| token.is_in(b"Bearer fedcba9876543210", *now)));
        assert!(!token.is_in(b"Bearer 0123456789abcdef", later[4]));
        assert!(!format!("{token:?}").contains("fedcba"));
    }

    #[test]
    fn a_token_is_one_line_and_not_short_and_no_error_shows_it() {
        for text in
            ["", "short", "0123456789 abcdef", "0123456789abcdef\nmore", &"x".repeat(257), "0123456789abcdeé"]
        {
            let error = parse(text).unwrap_err();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
        assert!(parse(&"x".repeat(256)).is_ok());
    }
}
