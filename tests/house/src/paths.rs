/// A path that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// Its parts, from `crate`, `super`, `self` or a name on.
    pub(crate) parts: Vec<String>,
    /// Under which name a `use` brings it into the file.
    pub(crate) imported_as: Option<String>,
}

/// The paths of all `use` declarations, and all others that begin with `crate`, `super` or `self`.
pub(crate) fn named_paths(tokens: &[String]) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let follows_path = index > 0 && tokens.get(index - 1).is_some_and(|before| before == "::");
        let begins_path = tokens.get(index + 1).is_some_and(|after| after == "::");
        match token.as_str() {
            "use" => index = tree(tokens, index + 1, &[], &mut found),
            "crate" | "super" | "self" if begins_path && !follows_path => {
                let (parts, end) = chain(tokens, index);
                found.push(NamedPath { parts, imported_as: None });
                index = end;
            }
            _ => index += 1,
        }
    }
    found
}

/// Names joined by `::` from `start` on, and where they end.
fn chain(tokens: &[String], start: usize) -> (Vec<String>, usize) {
    let (mut parts, mut index) = (Vec::new(), start);
    while let Some(name) = tokens.get(index).filter(|token| is_name(token)) {
        parts.push(name.clone());
        index += 1;
        if tokens.get(index).is_none_or(|token| token != "::") {
            break;
        }
        index += 1;
    }
    (parts, index)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Reads one tree of a `use`; returns where it ends.
fn tree(tokens: &[String], start: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
    let (more, mut index) = chain(tokens, start);
    let mut parts = prefix.to_vec();
    parts.extend(more);
    let token = |index: usize| tokens.get(index).map_or("", String::as_str);
    if token(index) == "{" {
        index += 1;
        while !matches!(token(index), "}" | "") {
            index = tree(tokens, index, &parts, found);
            if token(index) == "," {
                index += 1;
            }
        }
        return index + 1;
    }
    if token(index) == "*" {
        index += 1;
    }
    if parts.last().is_some_and(|last| last == "self") && parts.len() > 1 {
        parts.pop();
    }
    // The chain takes `a as b` for the path `a`, and stands before `as`.
    let mut imported_as = parts.last().cloned();
    if token(index) == "as" {
        imported_as = Some(token(index + 1).to_owned());
        index += 2;
    }
    found.push(NamedPath { parts, imported_as });
    // A token that belongs to no tree is passed over, so that reading ends.
    if matches!(token(index), "," | "}" | ";") { index } else { index + 1 }
}

#[cfg(test)]
mod tests {
    use super::named_paths;
    use crate::code;

    #[test]
    fn uses_and_paths_are_found_with_their_names() {
        let text = "use super::{a::{self, B}, c::D as E}; pub use f::G; fn h() { crate::i::J::new(); self.k; pub(crate) l }";
        let found: Vec<String> = named_paths(&code(text))
            .into_iter()
            .map(|path| format!("{} {}", path.parts.join("::"), path.imported_as.unwrap_or_default()))
            .collect();
        let all = ["super::a a", "super::a::B B", "super::c::D E", "f::G G", "crate::i::J::new "];
        assert_eq!(found, all);
    }
}
