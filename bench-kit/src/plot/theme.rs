use super::Stroke;

/// The colours of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on white.
    Light,
    /// Light or dark, according to the preference of the reader.
    Reader,
}

const READER_STYLE: &str = "text{fill:#222222}.ground{fill:#ffffff}.grid{stroke:#dddddd}.axis{stroke:#222222}\
                            @media(prefers-color-scheme:dark){text{fill:#dddddd}.ground{fill:#16191d}\
                            .grid{stroke:#3a3f46}.axis{stroke:#dddddd}}";

impl Theme {
    /// The attribute of the image with the colour of texts, and the elements before all others.
    pub(super) fn opening(self, width: f64, height: f64) -> (&'static str, String) {
        match self {
            Self::Light => (
                " fill=\"#222222\"",
                format!("<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"),
            ),
            Self::Reader => (
                "",
                format!(
                    "<style>{READER_STYLE}</style>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n"
                ),
            ),
        }
    }

    /// The attribute of a line.
    pub(super) fn attribute(self, stroke: Stroke<'_>) -> String {
        match (self, stroke) {
            (_, Stroke::Colour(colour)) => format!("stroke=\"{colour}\""),
            (Self::Light, Stroke::Axis) => "stroke=\"#222222\"".to_owned(),
            (Self::Light, Stroke::Grid) => "stroke=\"#dddddd\"".to_owned(),
            (Self::Reader, Stroke::Axis) => "class=\"axis\"".to_owned(),
            (Self::Reader, Stroke::Grid) => "class=\"grid\"".to_owned(),
        }
    }
}
