//! Forms of what a route may name.

use contacts::forms::is_slack_id;

/// `<@U…>`, `<!subteam^S…>`, `<!here>`, `<!channel>` or `<!everyone>`.
pub(super) fn is_slack_mention(text: &str) -> bool {
    let Some(inside) = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
    else {
        return false;
    };
    match inside.strip_prefix('@') {
        Some(user) => is_slack_id(user, "UW"),
        None => match inside.strip_prefix("!subteam^") {
            Some(group) => is_slack_id(group, "S"),
            None => ["!here", "!channel", "!everyone"].contains(&inside),
        },
    }
}

/// The name of a pipeline variable.
/// <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineVariableDeclaration.html>
pub(super) fn is_variable(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"@-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_those_of_slack() {
        for right in [
            "<@U0123ABCD>",
            "<!here>",
            "<!channel>",
            "<!everyone>",
            "<!subteam^S0123ABCD>",
        ] {
            assert!(is_slack_mention(right), "{right}");
        }
        for wrong in [
            "@lead",
            "<@lead>",
            "<!all>",
            "<@U0123ABCD|lead>",
            "<https://x.io>",
            "<!here> now",
            "",
        ] {
            assert!(!is_slack_mention(wrong), "{wrong}");
        }
    }
}
