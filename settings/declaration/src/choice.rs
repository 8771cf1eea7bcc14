/// Declares the enum of a setting of a closed set of words: [`Kind::Choice`](crate::Kind::Choice) of its
/// `WORDS`.
///
/// ```
/// use settings_declaration::choice;
///
/// choice! {
///     /// How careful to be.
///     pub enum Care {
///         /// Not at all.
///         Fast = "fast",
///         /// Very.
///         Careful = "careful",
///     }
/// }
/// assert_eq!(Care::WORDS, ["fast", "careful"]);
/// assert_eq!(Care::Careful.as_str(), "careful");
/// ```
///
/// The words are part of the settings file, so a renamed variant keeps its word.
#[macro_export]
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        $vis:vis enum $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $variant:ident = $word:literal,
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name {
            $(
                $(#[doc = $doc])+
                $variant,
            )+
        }

        impl $name {
            /// The words of the setting, in the order of the documentation.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Returns the word of the setting.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl $crate::FromValue for $name {
            fn from_value(value: &$crate::SettingValue) -> Option<Self> {
                match value {
                    $($crate::SettingValue::Text(word) if word == $word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}
