/// The tokens of a Rust file, without comments, literals and test modules: identifiers, `::`, and single characters.
#[must_use]
pub fn code(text: &str) -> Vec<String> {
    without_tests(&tokens(text))
}

fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut index = 0;
    while index < chars.len() {
        let (this, next) = (at(index), at(index + 1));
        index = match this {
            '/' if next == '/' => line_end(&chars, index),
            '/' if next == '*' => comment_end(&chars, index),
            '"' => string_end(&chars, index + 1),
            '\'' => quote_end(&chars, index),
            _ if is_name(this) => {
                let mut end = index;
                while is_name(at(end)) {
                    end += 1;
                }
                let name: String = chars.iter().skip(index).take(end - index).collect();
                match raw_string_end(&chars, &name, end) {
                    Some(end) => end,
                    None => {
                        tokens.push(name);
                        end
                    }
                }
            }
            ':' if next == ':' => {
                tokens.push("::".to_owned());
                index + 2
            }
            _ if this.is_whitespace() => index + 1,
            _ => {
                tokens.push(this.to_string());
                index + 1
            }
        };
    }
    tokens
}

fn is_name(this: char) -> bool {
    this.is_alphanumeric() || this == '_'
}

fn line_end(chars: &[char], start: usize) -> usize {
    chars.iter().skip(start).position(|this| *this == '\n').map_or(chars.len(), |length| start + length)
}

/// Comments may be nested.
fn comment_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut index) = (0, start);
    while index < chars.len() {
        match (chars.get(index), chars.get(index + 1)) {
            (Some('/'), Some('*')) => (depth, index) = (depth + 1, index + 2),
            (Some('*'), Some('/')) => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            return index;
        }
    }
    index
}

/// The end of a string whose contents begin at `start`.
fn string_end(chars: &[char], start: usize) -> usize {
    let mut index = start;
    while let Some(this) = chars.get(index) {
        index += match this {
            '\\' => 2,
            '"' => return index + 1,
            _ => 1,
        };
    }
    index
}

/// The end of a character literal; of a lifetime only its quote is passed over.
fn quote_end(chars: &[char], start: usize) -> usize {
    match (chars.get(start + 1), chars.get(start + 2)) {
        (Some('\\'), _) => {
            let closing = chars.iter().skip(start + 3).position(|this| *this == '\'');
            closing.map_or(chars.len(), |length| start + 3 + length + 1)
        }
        (Some(_), Some('\'')) => start + 3,
        _ => start + 1,
    }
}

/// The end of a raw string, if one begins with this name before `start`.
fn raw_string_end(chars: &[char], name: &str, start: usize) -> Option<usize> {
    let rest = chars.get(start..)?;
    if !matches!(name, "r" | "br" | "cr") {
        return None;
    }
    let hashes = rest.iter().take_while(|this| **this == '#').count();
    (rest.get(hashes) == Some(&'"')).then_some(())?;
    let mut index = start + hashes + 1;
    while index < chars.len() {
        let closing = chars.iter().skip(index + 1).take(hashes).filter(|this| **this == '#').count();
        if chars.get(index) == Some(&'"') && closing == hashes {
            return Some(index + 1 + hashes);
        }
        index += 1;
    }
    Some(index)
}

/// Leaves out what `#[cfg(test)]` stands before.
fn without_tests(tokens: &[String]) -> Vec<String> {
    const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let is_test = TEST
            .iter()
            .enumerate()
            .all(|(place, part)| tokens.get(index + place).is_some_and(|token| token == part));
        if is_test {
            index = item_end(tokens, index + TEST.len());
        } else {
            kept.push(token.clone());
            index += 1;
        }
    }
    kept
}

/// After the `;` of an item, or the `}` that closes it.
fn item_end(tokens: &[String], start: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token.as_str() {
            "{" => depth += 1,
            "}" if depth <= 1 => return index + 1,
            "}" => depth -= 1,
            ";" if depth == 0 => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn comments_and_literals_are_left_out() {
        let text = r####"
            use a::b; // use c::d;
            /* use e::f; /* nested */ still */
            const S: &'static str = "use g::h; \" \\"; const R: &str = r#"use "i"::j;"#;
            const Q: char = '"'; const E: char = '\''; use k::l;
        "####;
        let code = code(text).join(" ");
        assert!(code.starts_with("use a :: b ; const S"), "{code}");
        assert!(code.ends_with("use k :: l ;"), "{code}");
        for left_out in ["c", "e", "g", "i"] {
            assert!(!code.contains(&format!("use {left_out} ")), "{left_out} in {code}");
        }
    }

    #[test]
    fn test_modules_are_left_out() {
        let text =
            "use a::b; #[cfg(test)] mod tests { fn f() { use c::d; } } #[cfg(test)] mod more; use e::f;";
        assert_eq!(code(text).join(" "), "use a :: b ; use e :: f ;");
    }
}
