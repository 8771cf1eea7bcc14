use crate::without_userinfo;

/// Makes a received name harmless for a message: it removes the text before an `@`, which may be a password, escapes
/// control characters, and cuts at 64 letters.
///
/// ```
/// use settings_declaration::shown;
///
/// assert_eq!(shown("user:secret@host"), "…@host");
/// assert_eq!(shown("bell\u{7}"), "bell\\u{7}");
/// assert_eq!(shown(&"x".repeat(70)).chars().count(), 65, "64 letters and an ellipsis");
/// ```
#[must_use]
pub fn shown(name: &str) -> String {
    let name = without_userinfo(name);
    let mut text = String::new();
    for c in name.chars().take(64) {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    if name.chars().nth(64).is_some() {
        text.push('…');
    }
    text
}

/// Makes a received text harmless and puts it in quotation marks.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", shown(text))
}

#[cfg(test)]
mod tests {
    use super::{quoted, shown};

    #[test]
    fn a_hostile_text_is_shown_short_and_on_one_line() {
        assert_eq!(shown("it's\na\u{85}b"), "it's\\na\\u{85}b");
        assert_eq!(shown(&format!("redis://:{}@h\n", "secret".repeat(20))), "…@h\\n");
        assert_eq!(quoted(&"x".repeat(100)), format!("\"{}…\"", "x".repeat(64)));
    }
}
