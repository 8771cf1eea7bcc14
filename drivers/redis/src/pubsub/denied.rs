use pubsub_api::{Error, ErrorKind};

use crate::servers::Endpoint;

/// What a user wants to do on a channel.
#[derive(Debug, Clone, Copy)]
pub(super) enum ChannelAction {
    Publish,
    Subscribe,
    SubscribePattern,
}

impl ChannelAction {
    fn command(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::SubscribePattern => "psubscribe",
        }
    }
}

/// The error for NOPERM on a channel, or on a pattern in Redis's notation: it names the rule that allows it.
///
/// Redis names the command if the user may not use it; otherwise the channel is refused. A pattern must be allowed
/// literally, by a rule with the same text, or all channels must be (Redis documentation, "ACL", *Selectors and Pub/Sub*).
pub(super) fn denied(
    line: &str,
    endpoint: &Endpoint,
    user: &str,
    action: ChannelAction,
    channel: &str,
) -> Error {
    let command = action.command();
    let rule = if line.contains("to run the") { format!("+{command}") } else { format!("&{channel}") };
    // redis-cli parses quoted text in this format.
    let is_word =
        |text: &str| !text.contains(|letter: char| letter.is_whitespace() || "\"'\\".contains(letter));
    let rule = if is_word(&rule) { rule } else { format!("{rule:?}") };
    let code = line.split(' ').next().unwrap_or_default();
    let text = format!(
        "{endpoint} does not allow drivers.redis.user {user:?} to {command} {channel:?}: allow it there with ACL SETUSER {user} \
         {rule} ({code})"
    );
    Error::new(ErrorKind::Settings, text)
}

#[cfg(test)]
mod tests {
    use super::{ChannelAction, Endpoint, denied};

    fn text(line: &str, action: ChannelAction, channel: &str) -> String {
        denied(line, &Endpoint::parse("h:1", "").unwrap(), "tenant", action, channel).to_string()
    }

    #[test]
    fn the_error_names_the_missing_rule_for_each_version_of_the_refusal() {
        let of_channel = [
            "NOPERM No permissions to access a channel",
            "NOPERM this user has no permissions to access one of the channels used as arguments",
        ];
        for line in of_channel {
            let text = text(line, ChannelAction::Subscribe, "$mark.D");
            assert!(text.contains("\"$mark.D\"") && text.contains("ACL SETUSER tenant &$mark.D "), "{text}");
        }
        let of_command = [
            "NOPERM User tenant has no permissions to run the 'psubscribe' command",
            "NOPERM this user has no permissions to run the 'psubscribe' command or its subcommand",
        ];
        for line in of_command {
            let text = text(line, ChannelAction::SubscribePattern, "a*");
            assert!(text.contains("\"a*\"") && text.contains("ACL SETUSER tenant +psubscribe "), "{text}");
        }
    }

    #[test]
    fn a_rule_with_special_characters_is_quoted() {
        let text =
            text("NOPERM No permissions to access a channel", ChannelAction::SubscribePattern, "a\\* b*");
        assert!(text.contains(r#"ACL SETUSER tenant "&a\\* b*" "#), "{text}");
    }
}
