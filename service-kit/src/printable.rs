/// Makes a text safe for a terminal. Control characters are escaped as in JSON (`\u001b`), so that a value cannot control
/// the terminal: ECMA-48 sequences start with ESC or a C1 character. Characters that change the direction of writing are
/// escaped too, because they can make a text look like another one (Unicode TR36).
///
/// ```
/// assert_eq!(service_kit::printable("\u{1b}[2J"), r"\u001b[2J");
/// ```
#[must_use]
pub fn printable(text: &str) -> String {
    escape(text, is_invisible)
}

/// As [`printable`], for several lines: newlines and tabs are kept. JSON keeps its meaning.
///
/// ```
/// assert_eq!(service_kit::printable_lines("one\ntwo\u{7}"), "one\ntwo\\u0007");
/// ```
#[must_use]
pub fn printable_lines(text: &str) -> String {
    escape(text, |char| is_invisible(char) && !matches!(char, '\n' | '\t'))
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if is_escaped(char) {
            out += &format!("\\u{:04x}", u32::from(char));
        } else {
            out.push(char);
        }
    }
    out
}

fn is_invisible(char: char) -> bool {
    char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{printable, printable_lines};

    #[test]
    fn control_characters_are_escaped_and_letters_of_all_scripts_are_not() {
        assert_eq!(printable("\u{1b}[2J\u{7}\n\u{9b}1m"), r"\u001b[2J\u0007\u000a\u009b1m");
        assert_eq!(printable("Zürich 東京 \"a\\b\""), "Zürich 東京 \"a\\b\"");
        assert_eq!(printable("\u{202e}txt"), r"\u202etxt");
        assert_eq!(printable_lines("a\tb\n\u{9b}1m"), "a\tb\n\\u009b1m");
    }

    #[test]
    fn json_stays_the_same_json() {
        let json = serde_json::json!({"key": "\u{9b}1m\u{202e}\u{1b}"});
        let shown = printable_lines(&json.to_string());
        assert!(!shown.contains('\u{9b}'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json);
    }
}
