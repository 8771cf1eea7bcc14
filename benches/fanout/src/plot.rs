//! The plot of a report: deliveries per second, and CPU time per delivery, by subscribers and server, as one small SVG.

mod bars;

use bench_kit::plot::{Canvas, Theme, heading};

use crate::figure::Figure;
use crate::report::Report;
use bars::Panel;

/// One colour per server, distinguishable with colour blindness too (Okabe and Ito, 2008).
const COLOURS: [&str; 7] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#8c8c8c", "#56b4e9", "#d55e00"];

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 470.0;

/// The whole picture.
pub(crate) fn svg(report: &Report) -> String {
    let mut canvas = Canvas::new(WIDTH, HEIGHT, Theme::Reader);
    let title =
        format!("fan-out of events with {}-byte values by one server process", report.load.value_bytes);
    heading(&mut canvas, WIDTH, &title, &report.machine, report.load.runs);
    for (place, server) in report.servers.iter().enumerate() {
        let left = 85.0 + 125.0 * place as f64;
        canvas.rect((left, 62.0), (12.0, 10.0), colour(place));
        canvas.text(left + 18.0, 71.0, "start", 12.0, &server.name);
    }
    let panel = |figure, title, left, right| Panel { figure, title, left, top: 115.0, right, bottom: 405.0 };
    let deliveries = "deliveries per second: more is better";
    panel(Figure::DELIVERIES, deliveries, 85.0, 500.0).draw(&mut canvas, report);
    let cpu = "CPU time of the server per delivery, µs: less is better";
    panel(Figure::CPU_DELIVERY, cpu, 570.0, 985.0).draw(&mut canvas, report);
    canvas.finish()
}

fn colour(server: usize) -> &'static str {
    COLOURS.get(server % COLOURS.len()).copied().unwrap_or("#888888")
}

#[cfg(test)]
mod tests {
    use super::svg;
    use crate::report::tests::example;

    #[test]
    fn names_are_escaped_and_every_server_is_drawn() {
        let picture = svg(&example());
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
        assert!(picture.contains("ours &amp; only"));
        // Three servers, two numbers of subscribers, two panels; the legend; the background.
        assert_eq!(picture.matches("<rect").count(), 3 * 2 * 2 + 3 + 1);
        assert!(!picture.contains("NaN") && !picture.contains("inf"));
    }
}
