/// The distance of grid lines: the next higher value of 1, 2, 5, 10, 20, 50 …
///
/// ```
/// assert_eq!(bench_kit::plot::nice_step(1.1), 2.0);
/// ```
#[must_use]
pub fn nice_step(at_least: f64) -> f64 {
    let magnitude = 10_f64.powf(at_least.log10().floor());
    let steps = [1.0, 2.0, 5.0].into_iter().map(|digit| digit * magnitude);
    steps.into_iter().find(|step| *step >= at_least).unwrap_or(10.0 * magnitude)
}

#[cfg(test)]
mod tests {
    use super::nice_step;

    #[test]
    fn steps_are_round() {
        for (at_least, step) in [(0.09, 0.1), (0.9, 1.0), (1.1, 2.0), (2.1, 5.0), (60_000.0, 100_000.0)] {
            assert!((nice_step(at_least) / step - 1.0).abs() < 1e-9, "{at_least}");
        }
    }
}
