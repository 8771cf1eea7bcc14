//! Whatever a settings file contains, the loader answers, soon, and does not panic.

#[path = "settings/written.rs"]
mod written;

use proptest::prelude::{any, prop, proptest};
use written::Written;

const PIECES: &[&str] = &[
    "[pubsub]",
    "[df]",
    "[DEFAULT]",
    "[drivers.zeromq]",
    "[",
    "]",
    "\n",
    "\r\n",
    " ",
    "=",
    ":",
    ",",
    ".",
    "#",
    "$",
    "${",
    "}",
    "$$",
    "\\",
    "\"",
    "'",
    "'''",
    "\u{feff}",
    "é",
    "\0",
    "publisher_port",
    "publishers_ips",
    "linger",
    "local_ip",
    "$local_ip",
    "${linger}",
    "8866",
    "-1",
    "1e999",
    "0x",
    "nan",
    "\"5s\"",
    "\"64MiB\"",
    "[\"::1\"]",
    "{",
    "true",
];

fn name(ini: bool) -> &'static str {
    if ini { "a.ini" } else { "a.toml" }
}

proptest! {
    #[test]
    fn no_content_of_a_file_makes_the_loader_panic(content: Vec<u8>, ini in any::<bool>()) {
        let _ = Written::new(name(ini), content).load();
    }

    #[test]
    fn no_scramble_of_plausible_pieces_makes_the_loader_panic(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40),
        ini in any::<bool>(),
    ) {
        let _ = Written::new(name(ini), pieces.concat()).load();
    }
}

#[test]
fn a_file_that_nests_without_end_is_refused() {
    for content in [
        format!("a = {}", "[".repeat(500_000)),
        format!("{}a = 1", "a.".repeat(500_000)),
        format!("[{}a]", "a.".repeat(500_000)),
        format!("[pubsub]\nlinger = {}", "{a=".repeat(300_000)),
    ] {
        let refusal = Written::new("a.toml", &content).refusal();
        assert!(refusal.starts_with("a.toml:") && refusal.len() < 10_000, "{refusal}");
    }
}

#[test]
fn an_expansion_without_end_is_refused() {
    let doubling: String = (0..40).map(|i| format!("a{i} = $a{0}$a{0}\n", i + 1)).collect();
    let empty_end = format!("[df]\nlinger = $a0\n[DEFAULT]\n{doubling}a40 =\n");
    let too_long = format!("[df]\nstate_dir = $b$b\n[DEFAULT]\nb = {}\n", "x".repeat(40_000));
    let wide = format!("[df]\nstate_dir = {}\n[DEFAULT]\nb = x\n", "$b".repeat(2000));
    for (content, says) in [
        (empty_end, "is more than 16 names deep"),
        (too_long, "expands to more than 64 KiB"),
        (wide, "more than 1000 times"),
        ("[df]\nlinger = $linger\n".to_owned(), "`$linger` names itself"),
        (
            "[df]\nlinger = $a\n[DEFAULT]\na = $b\nb = $a\n".to_owned(),
            "`$a` names itself, by way of linger and a and b",
        ),
    ] {
        let refusal = Written::new("a.ini", content).refusal();
        assert!(refusal.contains(says), "{refusal}");
    }
}
