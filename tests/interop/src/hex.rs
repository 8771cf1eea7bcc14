/// Bytes as lower-case hexadecimal text.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| DIGITS.get(usize::from(digit))).collect()
}

/// The bytes of hexadecimal text.
///
/// # Panics
/// If it is not hexadecimal.
#[must_use]
pub fn unhex(text: &str) -> Vec<u8> {
    let digit = |character: &u8| char::from(*character).to_digit(16).expect("a hexadecimal digit");
    let digits: Vec<u32> = text.as_bytes().iter().map(digit).collect();
    let byte = |pair: &[u32]| u8::try_from(pair.iter().fold(0, |byte, digit| byte << 4 | digit)).unwrap();
    digits.chunks(2).map(byte).collect()
}
