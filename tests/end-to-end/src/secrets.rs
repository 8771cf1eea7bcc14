use std::fs;

use crate::Program;

/// Keys of a test that must be shown nowhere, as text and as bytes.
#[derive(Debug)]
pub struct Secrets(Vec<Vec<u8>>);

/// The characters of Z85 (RFC 32).
const Z85: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

impl Secrets {
    /// These texts, and the bytes that they stand for, also as `Debug` shows bytes.
    #[must_use]
    pub fn new(keys: &[(String, Vec<u8>)]) -> Self {
        let shown = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).as_bytes().to_vec();
        let of_key =
            |(text, bytes): &(String, Vec<u8>)| [text.as_bytes().to_vec(), bytes.clone(), shown(bytes)];
        Self(keys.iter().flat_map(of_key).collect())
    }

    /// Keys of CURVE, in Z85.
    #[must_use]
    pub fn of_z85(texts: &[String]) -> Self {
        let keys: Vec<_> = texts.iter().map(|text| (text.clone(), decode_z85(text))).collect();
        Self::new(&keys)
    }

    /// # Panics
    /// If one of them is in `text`.
    #[track_caller]
    pub fn assert_absent(&self, what: &str, text: impl AsRef<[u8]>) {
        let has = |key: &[u8]| text.as_ref().windows(key.len()).any(|part| part == key);
        assert!(!self.0.iter().any(|key| has(key)), "{what} has a key");
    }

    /// # Panics
    /// If the command line, the environment, the log or the output of a program has one of them.
    #[track_caller]
    pub fn assert_absent_in(&self, program: &Program) {
        for file in ["cmdline", "environ"] {
            let bytes = fs::read(format!("/proc/{}/{file}", program.pid())).expect("a running program");
            self.assert_absent(file, bytes);
        }
        self.assert_absent("a log", program.stderr());
        for line in program.lines() {
            self.assert_absent("an output", line.to_string());
        }
    }
}

/// Five characters are four bytes, the most significant first (RFC 32).
fn decode_z85(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| Z85.iter().position(|digit| digit == byte).expect("a character of Z85");
    let word = |five: &[u8]| five.iter().fold(0, |word, byte| word * 85 + digit(byte));
    let words = text.as_bytes().chunks(5).map(word);
    words.flat_map(|word| u32::try_from(word).expect("four bytes").to_be_bytes()).collect()
}
