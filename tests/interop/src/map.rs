use rmpv::Value;
use rmpv::encode::write_value;

/// Builds a map with any keys and values in any order, also invalid ones.
#[derive(Debug, Clone)]
pub struct MapBuilder {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl MapBuilder {
    /// The map of a valid event: table `lport`, key `wrong`, action `set`, value `v`, and this topic.
    #[must_use]
    pub fn event(topic: &str) -> Self {
        let pair = |(key, value): (&str, &str)| (packed(key), packed(value));
        let fields =
            [("table", "lport"), ("key", "wrong"), ("action", "set"), ("value", "v"), ("topic", topic)];
        Self { pairs: fields.map(pair).to_vec() }
    }

    /// Replaces the value of a key, or adds the pair at the end.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<Value>) -> Self {
        self.with_raw(key, packed(value))
    }

    /// As [`with`](Self::with), for a value that is already packed, or is not msgpack.
    #[must_use]
    pub fn with_raw(mut self, key: &str, value: Vec<u8>) -> Self {
        let key = packed(key);
        match self.pairs.iter_mut().find(|pair| pair.0 == key) {
            Some(pair) => pair.1 = value,
            None => self.pairs.push((key, value)),
        }
        self
    }

    /// Adds a pair at the end, even if the key exists; the key may have any type.
    #[must_use]
    pub fn and(mut self, key: impl Into<Value>, value: impl Into<Value>) -> Self {
        self.pairs.push((packed(key), packed(value)));
        self
    }

    /// Removes a key.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        let key = packed(key);
        self.pairs.retain(|pair| pair.0 != key);
        self
    }

    /// The bytes.
    ///
    /// # Panics
    /// If there are more than 15 pairs.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let count = u8::try_from(self.pairs.len()).ok().filter(|count| *count < 16).expect("few pairs");
        let pairs = self.pairs.iter().flat_map(|(key, value)| key.iter().chain(value));
        [0x80 | count].iter().chain(pairs).copied().collect()
    }
}

/// The map of an event on `D` with this key and this packed value; all its text is short.
#[must_use]
pub fn map(key: &str, value: &[u8]) -> Vec<u8> {
    MapBuilder::event("D").with("key", key).with_raw("value", value.to_vec()).bytes()
}

/// As [`map`], with a text for value that makes the map exactly `size` bytes; from 70,000 on.
///
/// # Panics
/// If it is smaller.
#[must_use]
pub fn filled(key: &str, size: usize) -> Vec<u8> {
    const STR32_HEAD: usize = 5;
    let text = size.checked_sub(map(key, &[]).len() + STR32_HEAD).expect("a size beyond the other fields");
    let packed = map(key, &packed("x".repeat(text)));
    assert_eq!(packed.len(), size, "a text of more than 65,535 bytes");
    packed
}

fn packed(value: impl Into<Value>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_value(&mut bytes, &value.into()).expect("memory takes bytes");
    bytes
}
