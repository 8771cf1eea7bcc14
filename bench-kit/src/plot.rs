//! Plots as SVG images.

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
