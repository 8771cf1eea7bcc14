use std::fmt;
use std::str::FromStr;

use errors::{Error, ErrorKind, Result};

use crate::Topic;

/// A set of topics: AMQP words (`*` one word, `#` any number of words) or a prefix (`tenant-*`).
///
/// Dots separate the words of a topic; a word may be empty. `*` and `#` stand for whole words; a `*` at the very end of
/// a longer last word makes the whole pattern a prefix, in which no other character is special. A pattern without
/// wildcards matches that one topic. A wildcard never matches the `$` at the start of a reserved topic: `#` does not
/// match `$hello`, `$mark.#` matches all marks.
///
/// ```
/// use topics::{Pattern, Topic};
///
/// let pattern: Pattern = "port.#.up".parse()?;
/// assert!(pattern.matches(&Topic::new("port.up")?));
/// assert!(pattern.matches(&Topic::new("port.7.vlan.up")?));
/// assert!(!pattern.matches(&Topic::new("port.up.7")?));
/// # Ok::<(), errors::Error>(())
/// ```
///
/// Source: AMQP 0-9-1, 3.1.3.3. Where Congress's matcher deviates from it (docs/dragonflow.md#patterns), this one
/// follows the standard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form {
    Prefix,
    Words,
}

impl Pattern {
    /// Returns whether `topic` matches. The time is proportional to the words of the topic × the words of the pattern.
    #[must_use]
    pub fn matches(&self, topic: &Topic) -> bool {
        (!topic.is_reserved() || self.text.starts_with('$')) && self.matches_name(topic)
    }

    /// As [`matches`](Self::matches), but a wildcard matches the `$` of a reserved topic, too.
    pub(crate) fn matches_name(&self, topic: &Topic) -> bool {
        match self.form {
            Form::Prefix => topic.as_str().starts_with(self.literal_prefix()),
            Form::Words => words_match(&self.text, topic.as_str()),
        }
    }

    /// Of `tenant-*`: `tenant-`. `None` if the pattern is one of words.
    pub(crate) fn prefix(&self) -> Option<&str> {
        (self.form == Form::Prefix).then(|| self.literal_prefix())
    }

    /// Returns the bytes that every matching topic begins with: a transport that filters by prefix can subscribe to
    /// them.
    ///
    /// ```
    /// # use topics::Pattern;
    /// assert_eq!("port.*.up".parse::<Pattern>()?.literal_prefix(), "port.");
    /// assert_eq!("port.#".parse::<Pattern>()?.literal_prefix(), "port", "`port` itself matches");
    /// # Ok::<(), errors::Error>(())
    /// ```
    #[must_use]
    pub fn literal_prefix(&self) -> &str {
        if self.form == Form::Prefix {
            return self.text.strip_suffix('*').unwrap_or(&self.text);
        }
        let mut end = 0;
        for word in self.text.split_inclusive('.') {
            match word.trim_end_matches('.') {
                "#" => return self.text.get(..end).unwrap_or_default().trim_end_matches('.'),
                "*" => return self.text.get(..end).unwrap_or_default(),
                _ => end += word.len(),
            }
        }
        &self.text
    }

    /// Returns the pattern as it was written.
    ///
    /// The text, parsed again, is an equal pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Pattern {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Invalid`] if the text is empty, is longer than a topic may be, or mixes words and prefix
    /// (`*.port*`): its meaning would be a guess.
    ///
    /// ```
    /// use topics::Pattern;
    ///
    /// assert!("tenant-*".parse::<Pattern>().is_ok(), "a prefix");
    /// assert!("port.*.up".parse::<Pattern>().is_ok(), "words");
    /// assert!("*.port*".parse::<Pattern>().is_err(), "both");
    /// ```
    fn from_str(text: &str) -> Result<Self> {
        Topic::new(text.to_owned()).map_err(|error| error.context(format!("pattern {text:?}")))?;
        let has_wildcard_word = text.split('.').any(|word| word == "*" || word == "#");
        let last_word = text.rsplit('.').next().unwrap_or_default();
        let is_prefix = last_word.len() > 1 && last_word.ends_with('*');
        if is_prefix && has_wildcard_word {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("pattern {text:?} mixes word wildcards and a prefix; write one or the other"),
            ));
        }
        let form = if is_prefix { Form::Prefix } else { Form::Words };
        Ok(Self { text: text.to_owned(), form })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Greedy match with one point to return to: when a word fails after a `#`, that `#` matches one word more. Only the
/// latest `#` ever has to be reconsidered, as with `*` in file globs.
fn words_match(pattern: &str, topic: &str) -> bool {
    let mut pattern = Words::new(pattern);
    let mut topic = Words::new(topic);
    let mut retry: Option<(Words<'_>, Words<'_>)> = None;
    loop {
        let before_topic = topic;
        match (pattern.next(), topic.next()) {
            (None, None) => return true,
            (Some("#"), _) => {
                topic = before_topic;
                retry = Some((pattern, topic));
                continue;
            }
            (Some("*"), Some(_)) => continue,
            (Some(wanted), Some(word)) if wanted == word => continue,
            _ => {}
        }
        let Some((after_hash, mut from)) = retry else { return false };
        if from.next().is_none() {
            return false;
        }
        pattern = after_hash;
        topic = from;
        retry = Some((after_hash, from));
    }
}

/// The words of a dotted name. It is `Copy`, so that a match can return to a point.
#[derive(Clone, Copy)]
struct Words<'a>(Option<&'a str>);

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Self(Some(text))
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0?;
        match text.split_once('.') {
            Some((word, rest)) => {
                self.0 = Some(rest);
                Some(word)
            }
            None => {
                self.0 = None;
                Some(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, prop_oneof, proptest};

    use super::{Pattern, Topic};

    fn matches(pattern: &str, topic: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(&Topic::new(topic.to_owned()).unwrap())
    }

    #[test]
    fn patterns_match_as_amqp_defines() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("a.b", &["a.b"], &["a", "a.b.c", "a.B"]),
            ("a.*", &["a.b", "a."], &["a", "a.b.c", "b.a"]),
            ("*.b", &["a.b", ".b"], &["b", "a.b.c"]),
            ("*", &["a", "D"], &["a.b", "$hello"]),
            ("#", &["a", "a.b.c", "."], &["$hello", "$mark.a"]),
            ("a.#", &["a", "a.b", "a.b.c"], &["ab", "b.a"]),
            ("#.b", &["b", "a.b", "a.a.b"], &["a", "b.a"]),
            ("a.#.c", &["a.c", "a.b.c", "a.b.b.c"], &["a", "c"]),
            ("#.a.#", &["a", "x.a", "a.x", "x.a.y"], &["x", "x.y"]),
            // Where Congress's matcher deviates (docs/dragonflow.md#patterns):
            ("#.b.c", &["b.c", "a.b.c", "b.b.c", "b.c.b.c"], &["c", "b.c.d"]),
            ("a.#.b.c", &["a.b.c", "a.x.b.c"], &["b.c", "a.c"]),
            ("#.*.c", &["a.c", "a.b.c"], &["c"]),
            ("#.*.*", &["a.b", "a.b.c"], &["a"]),
            ("a.#.#", &["a", "a.b"], &["b"]),
            // Prefixes, and the reserved names:
            ("tenant-*", &["tenant-", "tenant-1", "tenant-1.x"], &["tenant", "xtenant-1"]),
            ("a.b*", &["a.b", "a.bc", "a.b.c"], &["a.a"]),
            ("$mark.#", &["$mark", "$mark.D"], &["$marked", "mark.D"]),
            ("$h*", &["$hello"], &["hello"]),
            ("a*b", &["a*b"], &["axb"]),
        ];
        for (pattern, yes, no) in table {
            for topic in *yes {
                assert!(matches(pattern, topic), "{pattern} must match {topic}");
            }
            for topic in *no {
                assert!(!matches(pattern, topic), "{pattern} must not match {topic}");
            }
        }
    }

    #[test]
    fn a_pattern_that_could_mean_two_things_is_refused() {
        for bad in ["*.port*", "#.a*", "", &"x".repeat(256)] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
    }

    /// The definition, word by word, without optimisation.
    fn reference(pattern: &[&str], topic: &[&str]) -> bool {
        match pattern.split_first() {
            None => topic.is_empty(),
            Some((&"#", rest)) => (0..=topic.len()).any(|taken| reference(rest, &topic[taken..])),
            Some((&word, rest)) => topic
                .split_first()
                .is_some_and(|(&first, others)| (word == "*" || word == first) && reference(rest, others)),
        }
    }

    fn words(alphabet: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
        proptest::collection::vec(proptest::sample::select(alphabet), 1..7)
    }

    proptest! {
        #[test]
        fn any_pattern_agrees_with_the_definition(
            pattern in words(&["a", "b", "*", "#", ""]),
            topic in prop_oneof![words(&["a", "b", ""]), Just(vec!["a"])],
        ) {
            let (pattern_text, topic_text) = (pattern.join("."), topic.join("."));
            if pattern_text.is_empty() || topic_text.is_empty() {
                return Ok(());
            }
            assert_eq!(matches(&pattern_text, &topic_text), reference(&pattern, &topic));
            let parsed: Pattern = pattern_text.parse().unwrap();
            if reference(&pattern, &topic) {
                assert!(topic_text.starts_with(parsed.literal_prefix()), "the prefix admits every match");
            }
        }
    }
}
