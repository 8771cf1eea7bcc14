//! Numbers and texts as Python reads and prints them, since oslo.config leaves both to `int`, `float`, `str` and `repr`.

/// What `str.isspace` is true of: Unicode's white space, and the four separators of ASCII.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.strip`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `int(text)`, where it fits in 64 bits. Digits other than 0 to 9 are refused.
pub(super) fn integer(text: &str) -> Option<i64> {
    without_underscores(strip(text))?.parse().ok()
}

/// `float(text)`.
pub(super) fn float(text: &str) -> Option<f64> {
    without_underscores(strip(text))?.parse().ok()
}

/// `repr` of a float: the shortest digits that read back the same, with an exponent below 1e-4 and from 1e16 on.
pub(super) fn float_text(number: f64) -> String {
    if !number.is_finite() {
        return format!("{number}").to_lowercase();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    match exponent {
        -4..16 if number.fract() == 0.0 => format!("{number:.1}"),
        -4..16 => format!("{number}"),
        _ if exponent < 0 => format!("{digits}e-{:02}", -exponent),
        _ => format!("{digits}e+{exponent:02}"),
    }
}

/// `repr` of a list of texts.
pub(super) fn list_text(items: &[String]) -> String {
    let items: Vec<_> = items.iter().map(|item| text_literal(item)).collect();
    format!("[{}]", items.join(", "))
}

fn text_literal(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut literal = String::from(mark);
    for c in text.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c == mark => literal.extend(['\\', c]),
            c if c.is_control() && u32::from(c) < 0x100 => {
                literal.push_str(&format!("\\x{:02x}", u32::from(c)))
            }
            c => literal.push(c),
        }
    }
    literal.push(mark);
    literal
}

/// An underscore may stand between two digits (PEP 515).
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let sound = bytes
        .iter()
        .enumerate()
        .all(|(at, byte)| *byte != b'_' || (is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))));
    sound.then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::{float, float_text, integer, list_text, strip};

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, number) in [
            (" 8866\n", Some(8866)),
            ("+1", Some(1)),
            ("-0", Some(0)),
            ("8_866", Some(8866)),
            ("007", Some(7)),
            ("_1", None),
            ("1__0", None),
            ("1_", None),
            ("0x10", None),
            ("1.0", None),
            ("", None),
        ] {
            assert_eq!(integer(text), number, "{text:?}");
        }
        assert_eq!(float("1_0.5e1"), Some(105.0));
        assert_eq!(float("5s"), None);
        assert!(float("NaN").is_some_and(f64::is_nan) && float("-infinity") == Some(f64::NEG_INFINITY));
    }

    #[test]
    fn numbers_and_lists_are_printed_as_python_prints_them() {
        for (number, text) in [
            (30.0, "30.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (1e-4, "0.0001"),
            (1.25e-5, "1.25e-05"),
            (-2.0, "-2.0"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(float_text(number), text);
        }
        let items = ["10.0.0.1", "it's", "a\"b'c", "\\\n"].map(str::to_owned);
        assert_eq!(list_text(&items), r#"['10.0.0.1', "it's", 'a"b\'c', '\\\n']"#);
        assert_eq!(strip("\u{1f}\u{3000} a b \u{85}\t"), "a b");
    }
}
