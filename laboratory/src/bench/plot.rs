//! The plot of a report as an SVG: throughput by number of subscribers, and latency by percentile.

mod bars;
mod curves;

use bench_kit::plot::{Canvas, Theme, heading};

use super::report::Report;

/// One colour per series, distinguishable with colour blindness too (Okabe and Ito, 2008).
const COLOURS: [&str; 6] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 470.0;

/// The area of a panel, without its labels.
#[derive(Debug, Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

/// The whole picture.
pub(super) fn svg(report: &Report) -> String {
    let mut canvas = Canvas::new(WIDTH, HEIGHT, Theme::Light);
    let bytes = report.load.value_bytes;
    let title = format!("skimmer bench: {bytes}-byte values through one publisher service");
    heading(&mut canvas, WIDTH, &title, &report.machine, report.load.runs);
    legend(&mut canvas, report);
    bars::draw(&mut canvas, report, Area { left: 85.0, top: 115.0, right: 480.0, bottom: 405.0 });
    curves::draw(&mut canvas, report, Area { left: 580.0, top: 115.0, right: 965.0, bottom: 405.0 });
    canvas.finish()
}

fn colour(series: usize) -> &'static str {
    COLOURS.get(series % COLOURS.len()).copied().unwrap_or("#000000")
}

fn legend(canvas: &mut Canvas, report: &Report) {
    const COLUMN: f64 = 320.0;
    const PER_ROW: usize = 3;
    for (place, series) in report.series.iter().enumerate() {
        let left = 30.0 + COLUMN * (place % PER_ROW) as f64;
        let top = 62.0 + 16.0 * (place / PER_ROW) as f64;
        canvas.rect((left, top), (12.0, 10.0), colour(place));
        canvas.text(left + 18.0, top + 9.0, "start", 12.0, &series.name);
    }
}

#[cfg(test)]
mod tests {
    use super::svg;
    use crate::bench::report::tests::example;

    #[test]
    fn names_are_escaped_and_every_series_is_drawn() {
        let picture = svg(&example());
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
        assert!(picture.contains("theirs &amp; others"));
        assert_eq!(
            picture.matches("<polyline").count(),
            6,
            "two series, two numbers of subscribers, and the key"
        );
        assert!(!picture.contains("NaN") && !picture.contains("inf"));
    }
}
