//! Z85 (RFC 32): 4 bytes as 5 printable characters.

/// The characters, by value.
const CHARACTERS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// What is no character of it.
const NONE: u8 = u8::MAX;

/// The values, by character.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < CHARACTERS.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "both are in bounds, and it is checked when this is compiled"
        )]
        {
            values[CHARACTERS[value] as usize] = value as u8;
        }
        value += 1;
    }
    values
};

/// The text of bytes; what follows the last whole 4 is left out.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() / 4 * 5);
    for chunk in bytes.as_chunks::<4>().0 {
        let number = u32::from_be_bytes(*chunk);
        for power in [85 * 85 * 85 * 85, 85 * 85 * 85, 85 * 85, 85, 1] {
            let value = number / power % 85;
            text.extend(CHARACTERS.get(value as usize).map(|character| char::from(*character)));
        }
    }
    text
}

/// The 32 bytes of 40 characters; `None` for anything else.
pub(super) fn decode(text: &str) -> Option<[u8; 32]> {
    let (groups, rest) = text.as_bytes().as_chunks::<5>();
    if groups.len() != 8 || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; 32];
    for (place, group) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(groups) {
        let mut number = 0_u32;
        for character in group {
            let value = VALUES.get(usize::from(*character)).copied().filter(|value| *value != NONE)?;
            number = number.checked_mul(85)?.checked_add(u32::from(value))?;
        }
        *place = number.to_be_bytes();
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn the_example_of_the_rfc_is_hello_world() {
        assert_eq!(encode(&[0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]), "HelloWorld");
    }

    #[test]
    fn keys_read_back_and_other_texts_do_not() {
        let bytes: [u8; 32] = std::array::from_fn(|place| u8::try_from(place * 7 % 256).unwrap());
        let text = encode(&bytes);
        assert_eq!((text.len(), decode(&text)), (40, Some(bytes)));
        assert_eq!(decode(&encode(&[0xff; 32])), Some([0xff; 32]));
        for wrong in
            ["", &text[..39], &format!("{text}0"), &text.replacen(&text[..1], "~", 1), &"#".repeat(40)]
        {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
