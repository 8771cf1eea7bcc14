//! JSON lines: what an agent writes can be published again and is the same, and what JSON cannot keep is refused.

use end_to_end::{Folder, key_of};

#[test]
fn integers_beyond_64_bits_are_refused_by_line_and_the_other_lines_are_published() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let lines = include_str!("json_lines/integers-beyond-64-bits.jsonl");
    let ended = folder.worker_launch("worker").run_with(&format!("\u{feff}{lines}")).expect(1);
    let ended = ended.says(&[
        "line 1: not an event: the integer 1180591620717411303424 has more than 64 bits; write it as text",
        "line 2: not an event: the integer -9223372036854775809 has",
        "line 3: not an event: the integer 34028236692093846346337460743176821145",
        "published 1 events",
    ]);
    assert!(!ended.stderr.contains("line 4"), "{}", ended.stderr);
    let keys: Vec<String> = agent.wait_for_events(1).iter().map(|event| key_of(event).1).collect();
    assert_eq!(keys, ["bin"]);
}

#[test]
fn the_output_of_an_agent_is_unchanged_when_it_is_published_again() {
    let folder = Folder::new();
    let service = folder.service();
    let agent = folder.subscribed_agent("agent", &service);
    let values = [
        r#"{"$bin":"c0ff"}"#,
        r#"[{"$ext":[-3,"00ff"]},{"$float":"NaN"},{"$float":"-inf"},-1.1323065422104929e+128]"#,
        r#"{"$map":[[1,"integer"],["1","text"],[{"$bin":"00"},null]]}"#,
        r#"{"$map":[["$bin","a text"]]}"#,
        r#"{"z":18446744073709551615,"a":-9223372036854775808}"#,
    ];
    let line = |(key, value): (usize, &&str)| {
        format!(r#"{{"table":"t","key":"{key}","action":"set","value":{value},"topic":"D"}}"#) + "\n"
    };
    let lines: String = values.iter().enumerate().map(line).collect();
    let _ = folder.worker_launch("worker").run_with(&lines).expect(0);
    let first = agent.wait_for_events(values.len());
    let written: String = first.iter().map(|event| format!("{event}\n")).collect();
    for value in values {
        assert!(written.contains(&format!("\"value\":{value},")), "{value}: {written}");
    }
    let _ = folder.worker_launch("again").run_with(&written).expect(0);
    let both = agent.wait_for_events(2 * values.len());
    let (first, second) = both.split_at_checked(values.len()).expect("both");
    let plain = |events: &[serde_json::Value]| -> Vec<String> {
        events.iter().map(|event| format!("{} {}", event["key"], event["value"])).collect()
    };
    assert_eq!(plain(first), plain(second));
}
