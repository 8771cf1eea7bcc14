use std::fmt::Write;

use super::{Stroke, Theme};

/// An SVG image that is being written, with its own background.
#[derive(Debug)]
pub struct Canvas {
    theme: Theme,
    text: String,
}

impl Canvas {
    /// An empty image of this size, in pixels.
    #[must_use]
    pub fn new(width: f64, height: f64, theme: Theme) -> Self {
        let (fill, background) = theme.opening(width, height);
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" font-family=\"Helvetica, Arial, sans-serif\"{fill}>\n{background}"
        );
        Self { theme, text }
    }

    /// A text at this point; `anchor` is `start`, `middle` or `end`.
    pub fn text(&mut self, x: f64, y: f64, anchor: &str, size: f64, text: &str) {
        let text = escape(text);
        self.element(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{text}</text>"
        ));
    }

    /// A text that reads upwards, for the axis on the left.
    pub fn upright(&mut self, x: f64, y: f64, text: &str) {
        let text = escape(text);
        self.element(&format!(
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" text-anchor=\"middle\" \
             font-size=\"13\">{text}</text>"
        ));
    }

    /// A filled rectangle with its upper left corner at this point.
    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
        self.element(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
        ));
    }

    /// A straight line.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), stroke: Stroke<'_>) {
        let stroke = self.theme.attribute(stroke);
        self.element(&format!(
            "<line {stroke} x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    /// A line through these points. `dashes` is SVG's `stroke-dasharray`; empty for a full line.
    pub fn polyline(&mut self, points: &[(f64, f64)], stroke: &str, dashes: &str) {
        let mut list = String::new();
        for (x, y) in points {
            // Writing to a String never fails.
            let _ = write!(list, "{x:.1},{y:.1} ");
        }
        self.element(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"2\" \
             stroke-dasharray=\"{dashes}\"/>",
            list.trim_end()
        ));
    }

    /// The text of the SVG file.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    fn element(&mut self, element: &str) {
        self.text.push_str(element);
        self.text.push('\n');
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{Canvas, Stroke, Theme};

    #[test]
    fn texts_are_escaped_and_lines_follow_the_theme() {
        for (theme, line) in
            [(Theme::Light, "<line stroke=\"#dddddd\""), (Theme::Reader, "<line class=\"grid\"")]
        {
            let mut canvas = Canvas::new(10.0, 20.0, theme);
            canvas.text(1.0, 2.0, "start", 3.0, "a < b & c");
            canvas.line((0.0, 0.0), (1.0, 1.0), Stroke::Grid);
            let svg = canvas.finish();
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
            assert!(svg.contains("a &lt; b &amp; c") && svg.contains(line), "{svg}");
        }
    }
}
