/// What a line is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke<'a> {
    /// The axis of a diagram.
    Axis,
    /// A line of the grid of a diagram.
    Grid,
    /// A line of this colour in every theme.
    Colour(&'a str),
}
