use std::time::SystemTime;

use pubsub_api::{Pattern, TopicRights};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::keys::PublicKey;
use crate::protocol::ready::is_host_name;

/// An agent that may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizedAgent {
    /// Its public key.
    pub key: PublicKey,
    /// Its name, for logs and the status.
    pub name: Box<str>,
    /// The topics that it may receive.
    pub rights: TopicRights,
    /// From when on it may not connect any more.
    pub expires: Option<SystemTime>,
}

impl AuthorizedAgent {
    /// Reads a line: a name, a public key, and any of `topic=PATTERN`, which may be repeated, and `expires=TIME`.
    ///
    /// A pattern has `%` and two hexadecimal digits in place of a byte of white space, of control characters, and of `%`.
    ///
    /// ```
    /// use drivers_zmtp::protocol::curve::AuthorizedAgent;
    /// use pubsub_api::Topic;
    ///
    /// let key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    /// let agent = AuthorizedAgent::parse(&format!("node-7 {key} topic=D topic=rack%207 expires=2027-01-31T00:00:00Z"))?;
    /// assert!(agent.rights.allows(&Topic::new("rack 7").map_err(|error| error.to_string())?));
    /// assert_eq!(agent.expires_text().as_deref(), Some("2027-01-31T00:00:00Z"));
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace();
        let (name, key) = (words.next().unwrap_or_default(), words.next());
        check_name(name)?;
        let key: PublicKey = key.ok_or_else(|| format!("the public key of {name} is missing"))?.parse()?;
        let (mut topics, mut expires) = (Vec::new(), None);
        for word in words {
            match word.split_once('=') {
                Some(("topic", pattern)) => topics.push(read_pattern(pattern)?),
                Some(("expires", time)) => {
                    if expires.replace(read_time(time)?).is_some() {
                        return Err(format!("{name} has two expires="));
                    }
                }
                _ => return Err(format!("{word:?} after the key of {name} is not known to this version")),
            }
        }
        let rights = match topics.is_empty() {
            true => TopicRights::ALL,
            false => {
                TopicRights::of(topics.into_iter().map(Into::into)).map_err(|error| error.to_string())?
            }
        };
        Ok(Self { key, name: name.into(), rights, expires })
    }

    /// Whether it has expired.
    #[must_use]
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Its expiry as it is written in a line (RFC 3339, UTC).
    #[must_use]
    pub fn expires_text(&self) -> Option<String> {
        OffsetDateTime::from(self.expires?).format(&Rfc3339).ok()
    }
}

/// Checks the name of an agent.
///
/// # Errors
/// What a name has, in words.
pub fn check_name(name: &str) -> Result<(), String> {
    match is_host_name(name) {
        true => Ok(()),
        false => Err(format!("{name:?} is no name: a name has at most 64 letters, digits, `.`, `-` and `_`")),
    }
}

fn read_pattern(text: &str) -> Result<Pattern, String> {
    let wrong = |reason: &str| format!("topic={text} is invalid: {reason}");
    let bytes = without_escapes(text).ok_or_else(|| wrong("`%` is followed by two hexadecimal digits"))?;
    let pattern = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
    pattern.parse().map_err(|error: pubsub_api::Error| wrong(&error.to_string()))
}

/// Replaces each `%` and two hexadecimal digits by their byte (RFC 3986, section 2.1); `None` if the digits are missing.
fn without_escapes(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let is_escape = *first == b'%';
        let (byte, after) = match after {
            [high, low, after @ ..] if is_escape => (hex(*high)? << 4 | hex(*low)?, after),
            _ if is_escape => return None,
            after => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn read_time(text: &str) -> Result<SystemTime, String> {
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|error| {
        format!("expires={text} is not a time as 2027-01-31T00:00:00Z (RFC 3339): {error}")
    })?;
    Ok(time.into())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use pubsub_api::{Topic, TopicRights};

    use super::AuthorizedAgent;
    use crate::protocol::curve::SecretKey;

    fn parse(words: &str) -> Result<AuthorizedAgent, String> {
        AuthorizedAgent::parse(&format!("node {} {words}", SecretKey::generate().unwrap().public()))
    }

    #[test]
    fn without_topics_all_are_allowed_and_with_some_only_these() {
        assert_eq!(parse("").unwrap().rights, TopicRights::ALL);
        let rights = parse("topic=a%20b topic=c.* topic=100%25 topic=%c3%BC").unwrap().rights;
        for (name, is_allowed) in [("a b", true), ("c.d", true), ("100%", true), ("ü", true), ("c", false)] {
            assert_eq!(rights.allows(&Topic::new(name.to_owned()).unwrap()), is_allowed, "{name}");
        }
    }

    #[test]
    fn a_key_expires_at_its_time_in_any_zone() {
        let agent = parse("expires=2027-01-31T01:00:00+01:00").unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_801_353_600);
        assert_eq!(agent.expires, Some(at));
        assert_eq!(agent.expires_text().as_deref(), Some("2027-01-31T00:00:00Z"));
        assert!(agent.is_expired(at) && !agent.is_expired(at - Duration::from_secs(1)));
        assert!(!parse("").unwrap().is_expired(at));
    }

    #[test]
    fn words_that_are_not_understood_are_errors() {
        for (words, reason) in [
            ("topics=#", "\"topics=#\" after the key of node is not known"),
            ("expires", "not known"),
            ("topic=", "topic= is invalid"),
            ("topic=a%2", "two hexadecimal digits"),
            ("topic=%", "two hexadecimal digits"),
            ("topic=%zz", "two hexadecimal digits"),
            ("topic=%ff", "not UTF-8"),
            ("topic=a%00b", "topic=a%00b is invalid"),
            ("topic=*.a*", "mixes"),
            ("expires=2027-01-31", "is not a time"),
            ("expires=2027-02-30T00:00:00Z", "is not a time"),
            ("expires=2027-01-31T00:00:00Z expires=2027-01-31T00:00:00Z", "two expires="),
        ] {
            let error = parse(words).unwrap_err();
            assert!(error.contains(reason), "{words}: {error}");
        }
        let many = (0..257).map(|number| format!("topic=t{number} ")).collect::<String>();
        assert!(parse(&many).unwrap_err().contains("at most 256"));
    }
}
