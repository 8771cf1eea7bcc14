use pubsub_api::settings::shown;

/// The longest text after substitution, far above any real one.
const TEXT_BYTES: usize = 64 * 1024;

/// Replaces `$name`, `${name}` and `${section.name}` by what `value_of` returns; `$$` and `\$` are a dollar.
///
/// A dollar without a name is an error, where oslo.config leaves it as it is.
pub(super) fn substitute(
    text: &str,
    mut value_of: impl FnMut(&str) -> Result<String, String>,
) -> Result<String, String> {
    let text = text.replace("\\$", "$$");
    let mut substituted = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        substituted.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            substituted.push('$');
            rest = after;
            continue;
        }
        let (name, after) = split_name(after)?;
        substituted.push_str(&value_of(name)?);
        if substituted.len() > TEXT_BYTES {
            return Err(format!("`${}` expands to more than 64 KiB", shown(name)));
        }
        rest = after;
    }
    substituted.push_str(rest);
    Ok(substituted)
}

/// The name after a dollar, and what follows it.
fn split_name(after: &str) -> Result<(&str, &str), String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let (name, rest) = match after.strip_prefix('{') {
        Some(inside) => inside.split_once('}').ok_or("`${` wants a name and `}`")?,
        None => after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len())),
    };
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins_well || !name.chars().all(is_name) {
        return Err("a dollar wants a name after it; write `$$` for a dollar".to_owned());
    }
    Ok((name, rest))
}

#[cfg(test)]
mod tests {
    use super::substitute;

    #[test]
    fn names_are_replaced_and_escaped_dollars_stay() {
        let value_of = |name: &str| Ok(format!("<{name}>"));
        for (text, substituted) in [
            ("a", "a"),
            ("$a-${b.c}d", "<a>-<b.c>d"),
            ("$a.b", "<a.b>"),
            (r"\$a $$b $$$c", "$a $b $<c>"),
            (r"\\$a", r"\$a"),
            (r"\$$a", "$<a>"),
        ] {
            assert_eq!(substitute(text, value_of).as_deref(), Ok(substituted), "{text}");
        }
        for text in ["$", "a$ b", "$1", "${a", "${}", "${a b}", "$-"] {
            assert!(substitute(text, value_of).is_err(), "{text}");
        }
    }
}
