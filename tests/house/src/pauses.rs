/// The pauses of a test without a reason, with their line numbers: an awaited `sleep` without a comment in the line above.
///
/// A file that pauses the clock of tokio is passed over, because a pause there takes no time and is no luck. Pauses of
/// threads are refused by clippy (`disallowed-methods` in `clippy.toml`).
#[must_use]
pub fn unexplained_pauses(text: &str) -> Vec<String> {
    if text.contains("start_paused = true") || text.contains("time::pause()") {
        return Vec::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    let is_explained = |line: &str| line.trim_start().starts_with("//");
    let pairs = lines.iter().skip(1).zip(&lines).enumerate();
    let unexplained = pairs.filter(|(_, (line, above))| is_pause(line) && !is_explained(above));
    unexplained.map(|(index, (line, _))| format!("{}: {}", index + 2, line.trim())).collect()
}

/// Whether the line awaits `sleep`; comments and methods of that name do not count.
fn is_pause(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let is_call = code.match_indices("sleep(").any(|(start, _)| {
        let before = code.get(..start).and_then(|before| before.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == '.')
    });
    is_call && code.contains(".await")
}

#[cfg(test)]
mod tests {
    use super::unexplained_pauses;

    #[test]
    fn a_pause_without_a_reason_is_found() {
        let text = "fn a() {\n    sleep(B).await;\n}\n    // Why.\n    tokio::time::sleep(B).await;\n    _ => time::sleep(B).await,\n";
        assert_eq!(unexplained_pauses(text), ["2: sleep(B).await;", "6: _ => time::sleep(B).await,"]);
    }

    #[test]
    fn what_is_no_pause_is_passed_over() {
        let text = "fn a() {\n    flow.sleep(B).await;\n    oversleep(B).await;\n    // sleep(B).await\n    sleep(B);\n}\n";
        assert_eq!(unexplained_pauses(text), [""; 0]);
        assert_eq!(unexplained_pauses("tokio::time::pause();\nsleep(B).await;\n"), [""; 0]);
    }
}
