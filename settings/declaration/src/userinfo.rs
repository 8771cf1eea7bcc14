use std::borrow::Cow;

/// Replaces the text before the last `@` by `…`: in an address it is a user and a password (RFC 3986, 3.2.1), and
/// neither a message nor a status may show them.
///
/// ```
/// use settings_declaration::without_userinfo;
///
/// assert_eq!(without_userinfo("redis://:secret@10.0.0.1:6379"), "…@10.0.0.1:6379");
/// assert_eq!(without_userinfo("10.0.0.1:6379"), "10.0.0.1:6379");
/// ```
#[must_use]
pub fn without_userinfo(text: &str) -> Cow<'_, str> {
    match text.rsplit_once('@') {
        Some((_, rest)) => Cow::Owned(format!("…@{rest}")),
        None => Cow::Borrowed(text),
    }
}

/// Checks that no address has an `@`; the error never shows the text before it.
///
/// # Errors
/// A description of the wrong address, in words that fit after *not*.
///
/// ```
/// use settings_declaration::check_no_userinfo;
///
/// let error = check_no_userinfo("redis://:secret@10.0.0.1").unwrap_err();
/// assert!(!error.contains("secret"));
/// ```
pub fn check_no_userinfo(addresses: &str) -> Result<(), String> {
    if !addresses.contains('@') {
        return Ok(());
    }
    Err("one with a user or a password before `@`, which is not shown here: write `host:port` alone, as in \
         [\"10.0.0.1:6379\"]; user, password and TLS are settings of their own (for Redis `user`, `password_file` or \
         `password_env`, and `tls = true`)"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::without_userinfo;

    #[test]
    fn nothing_before_the_last_at_sign_is_left() {
        for (text, is) in [
            ("redis://user:secret@h:1/0", "…@h:1/0"),
            (":p@ss,w/o:rd@h", "…@h"),
            ("secret@", "…@"),
            ("h:1", "h:1"),
            ("", ""),
        ] {
            assert_eq!(without_userinfo(text), is);
        }
    }
}
