//! The text of an INFO answer: lines of `name:value`, in sections.

/// The value of one field; `None` if it is missing.
pub(crate) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\nredis_mode:standalone\r\nempty:\r\n";
        assert_eq!(field(text, "run_id"), Some("abc"));
        assert_eq!(field(text, "redis_mode"), Some("standalone"));
        assert_eq!(field(text, "empty"), Some(""));
        assert_eq!((field(text, "redis"), field(text, "id")), (None, None));
    }
}
