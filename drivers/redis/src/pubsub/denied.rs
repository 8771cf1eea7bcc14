use pubsub_api::{Error, ErrorKind};

use crate::servers::Endpoint;

/// What a user asked for on a channel.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wish {
    Publish,
    Subscribe,
    SubscribePattern,
}

impl Wish {
    fn command(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::SubscribePattern => "psubscribe",
        }
    }
}

/// What NOPERM means for a channel, or a pattern of channels as Redis spells it: which rule lets the user do it.
///
/// Redis names the command if that is what the user may not use, and otherwise means the channel. A pattern must be allowed
/// literally, by a rule of the same text, or all channels must be (Redis documentation, "ACL", *Selectors and Pub/Sub*).
pub(super) fn denied(line: &str, endpoint: &Endpoint, user: &str, wish: Wish, channel: &str) -> Error {
    let command = wish.command();
    let rule = if line.contains("to run the") { format!("+{command}") } else { format!("&{channel}") };
    // redis-cli reads what is between quotation marks as it is quoted here.
    let is_word =
        |text: &str| !text.contains(|letter: char| letter.is_whitespace() || "\"'\\".contains(letter));
    let rule = if is_word(&rule) { rule } else { format!("{rule:?}") };
    let code = line.split(' ').next().unwrap_or_default();
    let text = format!(
        "{endpoint} does not let drivers.redis.user {user:?} {command} {channel:?}: allow it there, ACL SETUSER {user} {rule} \
         ({code})"
    );
    Error::new(ErrorKind::Settings, text)
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, Wish, denied};

    fn text(line: &str, wish: Wish, channel: &str) -> String {
        denied(line, &Endpoint::parse("h:1", "").unwrap(), "tenant", wish, channel).to_string()
    }

    #[test]
    fn the_rule_that_is_missing_is_named_for_each_version_of_the_refusal() {
        let of_channel = [
            "NOPERM No permissions to access a channel",
            "NOPERM this user has no permissions to access one of the channels used as arguments",
        ];
        for line in of_channel {
            let text = text(line, Wish::Subscribe, "$mark.D");
            assert!(text.contains("\"$mark.D\"") && text.contains("ACL SETUSER tenant &$mark.D "), "{text}");
        }
        let of_command = [
            "NOPERM User tenant has no permissions to run the 'psubscribe' command",
            "NOPERM this user has no permissions to run the 'psubscribe' command or its subcommand",
        ];
        for line in of_command {
            let text = text(line, Wish::SubscribePattern, "a*");
            assert!(text.contains("\"a*\"") && text.contains("ACL SETUSER tenant +psubscribe "), "{text}");
        }
    }

    #[test]
    fn a_rule_that_is_no_word_is_quoted() {
        let text = text("NOPERM No permissions to access a channel", Wish::SubscribePattern, "a\\* b*");
        assert!(text.contains(r#"ACL SETUSER tenant "&a\\* b*" "#), "{text}");
    }
}
