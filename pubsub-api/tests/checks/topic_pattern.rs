//! A pattern and a topic, whatever their text: the pattern matches according to its definition.

use pubsub_api::{Pattern, Topic};

/// `input` is a pattern, a line feed, and a topic.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (pattern_text, topic_text) = text.split_once('\n').unwrap_or((text, text));
    let pattern = pattern_text.parse::<Pattern>();
    assert_eq!(pattern.is_ok(), is_pattern(pattern_text), "{pattern_text:?} is read as {pattern:?}");
    let (Ok(pattern), Ok(topic)) = (pattern, Topic::new(topic_text.to_owned())) else { return };
    assert_eq!((pattern.as_str(), pattern.to_string().as_str()), (pattern_text, pattern_text));
    let wanted = slow(pattern_text, topic_text);
    assert_eq!(pattern.matches(&topic), wanted, "{pattern_text:?} and {topic_text:?}");
    assert!(pattern_text.starts_with(pattern.literal_prefix()));
    if wanted {
        assert!(topic_text.starts_with(pattern.literal_prefix()), "the prefix admits every match");
    }
}

fn is_pattern(text: &str) -> bool {
    let is_topic = (1..=Topic::MAX_BYTES).contains(&text.len()) && !text.contains('\0');
    is_topic && !(is_prefix(text) && has_wildcard_words(text))
}

fn has_wildcard_words(text: &str) -> bool {
    text.split('.').any(|word| word == "*" || word == "#")
}

/// A `*` after more of the last word.
fn is_prefix(text: &str) -> bool {
    text.ends_with('*') && text != "*" && !text.ends_with(".*")
}

fn slow(pattern: &str, topic: &str) -> bool {
    if topic.starts_with('$') && !pattern.starts_with('$') {
        return false;
    }
    if is_prefix(pattern) {
        return pattern.strip_suffix('*').is_some_and(|prefix| topic.starts_with(prefix));
    }
    let (pattern, topic): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), topic.split('.').collect());
    words_match(&pattern, &topic)
}

/// AMQP 0-9-1, 3.1.3.3, word by word: `reached` has for each number of topic words whether the pattern's words so far
/// match them.
fn words_match(pattern: &[&str], topic: &[&str]) -> bool {
    let mut reached: Vec<bool> = (0..=topic.len()).map(|taken| taken == 0).collect();
    for wanted in pattern {
        let mut next = Vec::with_capacity(reached.len());
        for taken in 0..=topic.len() {
            let one_less = taken.checked_sub(1);
            let word = one_less.and_then(|at| topic.get(at));
            let before = one_less.and_then(|at| reached.get(at)).copied().unwrap_or_default();
            next.push(match *wanted {
                "#" => {
                    let here = reached.get(taken).copied().unwrap_or_default();
                    here || one_less.and_then(|at| next.get(at)).copied().unwrap_or_default()
                }
                "*" => word.is_some() && before,
                wanted => word.is_some_and(|word| *word == wanted) && before,
            });
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}
