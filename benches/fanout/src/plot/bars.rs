use bench_kit::plot::{Canvas, Stroke, nice_step};

use super::colour;
use crate::figure::Figure;
use crate::mode::Mode;
use crate::report::{Point, Report};

/// One diagram: a group of bars for each number of subscribers, a bar for each server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    pub(super) figure: Figure,
    pub(super) title: &'static str,
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Panel {
    pub(super) fn draw(&self, canvas: &mut Canvas, report: &Report) {
        let points: Vec<&Point> = report.of(Mode::Throughput).collect();
        let highest = points.iter().filter_map(|point| self.value(point)).fold(f64::MIN_POSITIVE, f64::max);
        let step = nice_step(highest / 5.0);
        // Space for the numbers on top of the bars.
        let top = (highest * 1.06 / step).ceil() * step;
        self.grid(canvas, step, top);
        let mut groups: Vec<usize> = points.iter().map(|point| point.subscribers).collect();
        groups.sort_unstable();
        groups.dedup();
        let group_width = (self.right - self.left) / groups.len().max(1) as f64;
        let bar_width = group_width * 0.86 / report.servers.len().max(1) as f64;
        for (place, subscribers) in groups.iter().enumerate() {
            let left = self.left + group_width * place as f64;
            canvas.text(
                left + group_width / 2.0,
                self.bottom + 18.0,
                "middle",
                12.0,
                &subscribers.to_string(),
            );
            for (index, server) in report.servers.iter().enumerate() {
                let mut own = points.iter().filter(|point| point.server == server.name);
                let point = own.find(|point| point.subscribers == *subscribers);
                let Some(value) = point.and_then(|point| self.value(point)) else { continue };
                let x = left + group_width * 0.07 + bar_width * index as f64;
                self.bar(canvas, (x, bar_width), value / top, index, &short(value));
            }
        }
        canvas.line((self.left, self.bottom), (self.right, self.bottom), Stroke::Axis);
        let middle = f64::midpoint(self.left, self.right);
        canvas.text(middle, self.bottom + 40.0, "middle", 13.0, "subscribers");
        canvas.text(middle, self.top - 10.0, "middle", 13.0, self.title);
    }

    fn value(&self, point: &Point) -> Option<f64> {
        point.median.get(self.figure.key).copied()
    }

    fn grid(&self, canvas: &mut Canvas, step: f64, top: f64) {
        let lines = (top / step).round() as u32;
        for line in 0..=lines {
            let y = self.bottom - (self.bottom - self.top) * f64::from(line) / f64::from(lines.max(1));
            canvas.line((self.left, y), (self.right, y), Stroke::Grid);
            canvas.text(self.left - 8.0, y + 4.0, "end", 12.0, &short(step * f64::from(line)));
        }
    }

    fn bar(&self, canvas: &mut Canvas, (x, width): (f64, f64), part: f64, server: usize, text: &str) {
        let height = (self.bottom - self.top) * part.clamp(0.0, 1.0);
        canvas.rect((x + 0.5, self.bottom - height), (width - 1.0, height), colour(server));
        canvas.text(x + width / 2.0, self.bottom - height - 4.0, "middle", 8.0, text);
    }
}

/// Formats with two or three digits, and k or M.
fn short(value: f64) -> String {
    match value {
        value if value >= 1e7 => format!("{:.0}M", value / 1e6),
        value if value >= 1e6 => format!("{:.1}M", value / 1e6).replace(".0M", "M"),
        value if value >= 1e3 => format!("{:.0}k", value / 1e3),
        value if value >= 10.0 || value == 0.0 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.064, "0.06"),
            (17_400.0, "17k"),
            (1_234_000.0, "1.2M"),
            (2e6, "2M"),
            (16.2e6, "16M"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
