use serde::Serialize;

/// Median, minimum and maximum of the runs of a measurement, rounded to one decimal; `None` without runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The [`median`](crate::median).
    pub median: Option<f64>,
    /// The lowest value.
    pub least: Option<f64>,
    /// The highest value.
    pub most: Option<f64>,
}

impl Spread {
    /// The spread of these values, in any order.
    ///
    /// ```
    /// use bench_kit::Spread;
    ///
    /// let spread = Spread::of(vec![3.04, 1.0, 2.0]);
    /// assert_eq!(spread, Spread { median: Some(2.0), least: Some(1.0), most: Some(3.0) });
    /// ```
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let rounded = |value: f64| (value * 10.0).round() / 10.0;
        let (least, most) = (values.first().copied(), values.last().copied());
        let median = crate::median(values);
        Self { median: median.map(rounded), least: least.map(rounded), most: most.map(rounded) }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn a_spread_has_the_middle_and_both_ends() {
        let spread = Spread::of(vec![3.04, 1.0, 2.26]);
        assert_eq!(spread, Spread { median: Some(2.3), least: Some(1.0), most: Some(3.0) });
        assert_eq!(Spread::of(vec![1.0, 2.0]).median, Some(1.5));
        assert_eq!(Spread::of(Vec::new()), Spread { median: None, least: None, most: None });
    }
}
