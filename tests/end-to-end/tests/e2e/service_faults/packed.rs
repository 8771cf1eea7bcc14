//! Event maps and their frames by hand (docs/design.md#wire-format): what no publisher of ours would say must be said too.

/// A value of msgpack.
#[derive(Debug, Clone)]
pub(crate) enum Packed<'a> {
    Nil,
    Text(&'a str),
    Number(u64),
    Negative(i64),
    Array(Vec<Packed<'a>>),
}

impl Packed<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => out.push(0xc0),
            Self::Text(text) => {
                out.extend([0xd9, u8::try_from(text.len()).expect("a short text")]);
                out.extend(text.as_bytes());
            }
            Self::Number(number) => {
                out.push(0xcf);
                out.extend(number.to_be_bytes());
            }
            Self::Negative(number) => {
                out.push(0xd3);
                out.extend(number.to_be_bytes());
            }
            Self::Array(parts) => {
                out.push(0x90 | u8::try_from(parts.len()).expect("a short array"));
                parts.iter().for_each(|part| part.put(out));
            }
        }
    }
}

/// A stamp of these four parts.
pub(crate) fn stamp(parts: [u64; 4]) -> Packed<'static> {
    Packed::Array(parts.into_iter().map(Packed::Number).collect())
}

/// Both frames of an event: its topic, and a map of the five fields and some more.
pub(crate) fn event(
    fields: [&str; 3],
    value: Packed<'_>,
    topic: &str,
    more: &[(&str, Packed<'_>)],
) -> Vec<u8> {
    let mut map = vec![0x80 | u8::try_from(5 + more.len()).expect("a short map")];
    let [table, key, action] = fields.map(Packed::Text);
    let five = [
        ("table", table),
        ("key", key),
        ("action", action),
        ("value", value),
        ("topic", Packed::Text(topic)),
    ];
    for (name, value) in five.iter().chain(more) {
        Packed::Text(name).put(&mut map);
        value.put(&mut map);
    }
    message(topic.as_bytes(), &map)
}

/// A message of two frames (RFC 23).
pub(crate) fn message(topic: &[u8], map: &[u8]) -> Vec<u8> {
    let mut out = vec![1, u8::try_from(topic.len()).expect("a short topic")];
    out.extend(topic);
    out.push(2);
    out.extend((map.len() as u64).to_be_bytes());
    out.extend(map);
    out
}
