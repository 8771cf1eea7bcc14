use bench_kit::plot::{Canvas, Stroke};

use super::{Area, colour};
use crate::bench::report::Report;

/// The labelled percentiles. Each further nine has the same width, so that the tail is visible.
const TICKS: [(f64, &str); 6] =
    [(0.0, "0"), (50.0, "p50"), (90.0, "p90"), (99.0, "p99"), (99.9, "p99.9"), (99.99, "p99.99")];

/// One kind of line for each number of subscribers.
const DASHES: [&str; 4] = ["", "7 4", "2 3", "9 3 2 3"];

/// Latency by percentile: one line for each series and number of subscribers; both axes are logarithmic.
pub(super) fn draw(canvas: &mut Canvas, report: &Report, area: Area) {
    let points = || report.series.iter().flat_map(|series| &series.points);
    let all = || points().flat_map(|point| point.latency_curve.iter().copied());
    let lowest = all().map(|(_, us)| us).fold(f64::INFINITY, f64::min).clamp(1.0, 1e6);
    let highest = all().map(|(_, us)| us).fold(lowest * 10.0, f64::max);
    let (low, high) = (lowest.log10().floor(), highest.log10().ceil());
    let last = all().map(|(percentile, _)| nines(percentile)).fold(nines(99.0), f64::max);
    let x = |percentile: f64| area.left + (area.right - area.left) * nines(percentile) / last;
    let y = |us: f64| {
        let share = (us.max(1.0).log10() - low) / (high - low);
        area.bottom - (area.bottom - area.top) * share.clamp(0.0, 1.0)
    };
    axes(canvas, area, (low, high), last, (&x, &y));
    for (index, series) in report.series.iter().enumerate() {
        for (place, point) in series.points.iter().enumerate() {
            let line: Vec<(f64, f64)> =
                point.latency_curve.iter().map(|(percentile, us)| (x(*percentile), y(*us))).collect();
            canvas.polyline(&line, colour(index), dashes(place));
        }
    }
    key(canvas, report, area);
}

type Scale<'a> = &'a dyn Fn(f64) -> f64;

fn axes(canvas: &mut Canvas, area: Area, (low, high): (f64, f64), last: f64, (x, y): (Scale<'_>, Scale<'_>)) {
    let mut decade = low;
    while decade <= high {
        for digit in [1.0, 2.0, 5.0] {
            let us = digit * 10_f64.powf(decade);
            if us > 10_f64.powf(high) {
                break;
            }
            canvas.line(
                (area.left, y(us)),
                (area.right, y(us)),
                Stroke::Colour(if digit > 1.0 { "#eeeeee" } else { "#cccccc" }),
            );
            canvas.text(area.left - 8.0, y(us) + 4.0, "end", 11.0, &time(us));
        }
        decade += 1.0;
    }
    for (percentile, name) in TICKS {
        if nines(percentile) <= last + 1e-9 {
            canvas.line((x(percentile), area.top), (x(percentile), area.bottom), Stroke::Colour("#eeeeee"));
            canvas.text(x(percentile), area.bottom + 18.0, "middle", 12.0, name);
        }
    }
    canvas.line((area.left, area.bottom), (area.right, area.bottom), Stroke::Axis);
    let middle = f64::midpoint(area.left, area.right);
    canvas.text(middle, area.bottom + 40.0, "middle", 13.0, "percentile of deliveries");
    canvas.upright(area.left - 62.0, f64::midpoint(area.top, area.bottom), "latency");
}

/// The key above the panel: the line style of each number of subscribers.
fn key(canvas: &mut Canvas, report: &Report, area: Area) {
    let Some(series) = report.series.first() else { return };
    let rate = report.load.latency_rate_per_second;
    canvas.text(area.left, area.top - 10.0, "start", 13.0, &format!("at {rate} events/s"));
    let mut left = area.left + 130.0;
    for (place, point) in series.points.iter().enumerate() {
        let y = area.top - 14.0;
        canvas.polyline(&[(left, y), (left + 34.0, y)], "#222222", dashes(place));
        let text = format!("{} sub.", point.subscribers);
        canvas.text(left + 40.0, y + 4.0, "start", 12.0, &text);
        left += 105.0;
    }
}

fn dashes(place: usize) -> &'static str {
    DASHES.get(place % DASHES.len()).copied().unwrap_or_default()
}

/// 0 for p0, 1 for p90, 2 for p99, 3 for p99.9.
fn nines(percentile: f64) -> f64 {
    -(1.0 - percentile / 100.0).max(1e-6).log10()
}

fn time(us: f64) -> String {
    match us {
        us if us >= 1e6 => format!("{} s", us / 1e6),
        us if us >= 1e3 => format!("{} ms", us / 1e3),
        us => format!("{us} µs"),
    }
}
