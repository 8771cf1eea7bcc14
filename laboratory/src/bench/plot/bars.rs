use bench_kit::plot::{Canvas, Stroke, nice_step};

use super::{Area, colour};
use crate::bench::report::{Point, Report};

/// Deliveries per second: a group of bars for each number of subscribers, with one bar for each series.
pub(super) fn draw(canvas: &mut Canvas, report: &Report, area: Area) {
    let groups = subscribers(report);
    let points = report.series.iter().flat_map(|series| &series.points);
    let highest = points.map(|point| point.median.deliveries_per_second).fold(1.0, f64::max);
    let step = nice_step(highest / 5.0);
    // Room for the numbers on top of the bars.
    let top = (highest * 1.06 / step).ceil() * step;
    let height = |value: f64| (area.bottom - area.top) * (value / top).clamp(0.0, 1.0);

    grid(canvas, &area, (step, top), height);
    let group_width = (area.right - area.left) / groups.len().max(1) as f64;
    let bar_width = group_width * 0.8 / report.series.len().max(1) as f64;
    for (place, n) in groups.iter().enumerate() {
        let left = area.left + group_width * place as f64;
        canvas.text(left + group_width / 2.0, area.bottom + 18.0, "middle", 12.0, &n.to_string());
        for (index, series) in report.series.iter().enumerate() {
            let Some(point) = series.points.iter().find(|point| point.subscribers == *n) else { continue };
            let x = left + group_width * 0.1 + bar_width * index as f64;
            bar(canvas, point, (x, area.bottom), (bar_width, height), colour(index));
        }
    }
    labels(canvas, &area);
}

/// A line for each `step` up to `top`.
fn grid(canvas: &mut Canvas, area: &Area, (step, top): (f64, f64), height: impl Fn(f64) -> f64) {
    let mut tick = 0.0;
    while tick <= top {
        let y = area.bottom - height(tick);
        canvas.line((area.left, y), (area.right, y), Stroke::Grid);
        canvas.text(area.left - 8.0, y + 4.0, "end", 12.0, &short(tick));
        tick += step;
    }
}

fn labels(canvas: &mut Canvas, area: &Area) {
    canvas.line((area.left, area.bottom), (area.right, area.bottom), Stroke::Axis);
    let middle = f64::midpoint(area.left, area.right);
    canvas.text(middle, area.bottom + 40.0, "middle", 13.0, "subscribers");
    canvas.text(middle, area.top - 10.0, "middle", 13.0, "at the highest rate");
    canvas.upright(area.left - 62.0, f64::midpoint(area.top, area.bottom), "deliveries per second");
}

fn bar(
    canvas: &mut Canvas,
    point: &Point,
    (x, bottom): (f64, f64),
    (width, height): (f64, impl Fn(f64) -> f64),
    fill: &str,
) {
    let value = point.median.deliveries_per_second;
    canvas.rect((x + 1.0, bottom - height(value)), (width - 2.0, height(value)), fill);
    canvas.text(x + width / 2.0, bottom - height(value) - 4.0, "middle", 11.0, &short(value));
}

/// The numbers of subscribers of all series, in rising order.
fn subscribers(report: &Report) -> Vec<usize> {
    let points = report.series.iter().flat_map(|series| &series.points);
    let mut all: Vec<usize> = points.map(|point| point.subscribers).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Two or three digits and k or M.
fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.2}M", value / 1e6).replace(".00M", "M"),
        value if value >= 1e4 => format!("{:.0}k", value / 1e3),
        value if value >= 1e3 => format!("{:.1}k", value / 1e3),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(0.0, "0"), (1500.0, "1.5k"), (17_400.0, "17k"), (1_234_000.0, "1.23M"), (2e6, "2M")]
        {
            assert_eq!(short(value), text);
        }
    }
}
