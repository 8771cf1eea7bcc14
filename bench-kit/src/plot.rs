//! Plots as SVG images.
//!
//! ```
//! use bench_kit::plot::{Canvas, Stroke, Theme};
//!
//! let mut canvas = Canvas::new(200.0, 100.0, Theme::Light);
//! canvas.line((20.0, 80.0), (180.0, 80.0), Stroke::Axis);
//! canvas.text(100.0, 95.0, "middle", 13.0, "subscribers & agents");
//! let svg = canvas.finish();
//! assert!(svg.starts_with("<svg ") && svg.contains("subscribers &amp; agents"));
//! ```

mod canvas;
mod heading;
mod nice_step;
mod stroke;
mod theme;

pub use canvas::Canvas;
pub use heading::heading;
pub use nice_step::nice_step;
pub use stroke::Stroke;
pub use theme::Theme;
