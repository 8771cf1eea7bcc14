/// Declares the settings of one section, each once: name, type, default, what it accepts, whether a reload applies it.
///
/// It creates a struct with a field for each setting, whose documentation is that of the setting; its `TABLE` of
/// [`Setting`](crate::Setting)s, which loading, checking, `skimmer config show` and `etc/skimmer.toml`
/// follow; and `read`, which fills the struct. The default is TOML text: a duration is `"\"5s\""`. After `Restart` or
/// `Live`, `formerly "name"` states a previous name of the setting, which is refused with a hint at the new name.
///
/// ```
/// use std::time::Duration;
/// use settings_declaration::{Kind, declare_settings};
///
/// declare_settings! {
///     /// The settings of the driver `example`.
///     pub struct ExampleSettings in "drivers.example" {
///         /// Events that wait for the application, 1 to 1000000. When full, the driver stops reading.
///         recv_queue_events: usize = "10000", Kind::Integer { min: 1, max: 1_000_000 }, Restart;
///     }
/// }
/// let setting = ExampleSettings::TABLE[0];
/// assert_eq!(setting.full_name(), "drivers.example.recv_queue_events");
/// assert_eq!(setting.doc.trim(), "Events that wait for the application, 1 to 1000000. When full, the driver stops reading.");
/// ```
///
/// `Kind` and the type of the field must agree: [`FromValue`](crate::FromValue) lists which type reads which kind, and
/// [`Section::get`](crate::Section::get) reports a defect otherwise. The bounds of a number are stated twice, once for
/// the check and once, in the documentation, for the operator.
#[macro_export]
macro_rules! declare_settings {
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $name:ident in $section:literal {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $default:literal, $kind:expr, $reload:ident $(, formerly $old:literal)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        $vis struct $name {
            $(
                $(#[doc = $doc])+
                pub $field: $type,
            )+
        }

        impl $name {
            /// The section of the settings file.
            pub const SECTION: &'static str = $section;

            /// The declarations, in the order of the sample file.
            pub const TABLE: &'static [$crate::Setting] = &[
                $(
                    $crate::Setting {
                        section: $section,
                        name: stringify!($field),
                        kind: $kind,
                        default: $default,
                        doc: concat!($($doc, "\n"),+),
                        reload: $crate::Reload::$reload,
                        formerly: &[$($old)?],
                    },
                )+
            ];

            /// Reads the section.
            ///
            /// # Errors
            ///
            /// An internal error if the program was loaded without this table.
            pub fn read(settings: &impl AsRef<[$crate::Slot]>) -> $crate::Result<Self> {
                let section = $crate::Section::new(settings.as_ref(), $section);
                Ok(Self { $($field: section.get(stringify!($field))?,)+ })
            }
        }
    };
}
