/// A number with `decimals` decimals, its digits in groups of three: `1,234,567.8`.
///
/// ```
/// assert_eq!(bench_kit::grouped(1_234_567.84, 1), "1,234,567.8");
/// ```
///
/// The number is rounded as `format!` does. The decimals are not grouped.
#[must_use]
pub fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, rest) = match text.split_once('.') {
        Some((whole, rest)) => (whole, format!(".{rest}")),
        None => (text.as_str(), String::new()),
    };
    let mut grouped = String::with_capacity(text.len() + text.len() / 3);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + &rest
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (value, decimals, text) in [
            (0.0, 0, "0"),
            (999.4, 0, "999"),
            (1000.0, 0, "1,000"),
            (1234.56, 1, "1,234.6"),
            (12_345_678.0, 0, "12,345,678"),
        ] {
            assert_eq!(grouped(value, decimals), text);
        }
    }
}
