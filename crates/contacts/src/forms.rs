//! The forms of ids and addresses that a configuration may name. Pure tests of a text; whoever asks reports
//! the problem.

/// A name that we give: letters, digits, `_` and `-`, 40 at most. Safe in keys, links and logs.
pub fn is_label(text: &str) -> bool {
    text.len() <= 40 && strict_yaml::words::is_name(text)
}

/// An id of Slack: one of the `kinds` of first letter, then at least three capitals or digits.
pub fn is_slack_id(text: &str, kinds: &str) -> bool {
    text.starts_with(|first| kinds.contains(first))
        && (4..=30).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// `name@host.tld`: what SES takes unquoted, and nothing that a header or a key could read otherwise.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let local_right = (1..=64).contains(&local.len())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'+-/=?^_`{|}~.".contains(&b));
    text.len() <= 254 && local_right && domain.contains('.') && is_domain(domain)
}

/// A sender: an address, or `Name <address>` with a name of printable ASCII.
pub fn is_sender(text: &str) -> bool {
    match text.strip_suffix('>').and_then(|rest| rest.split_once('<')) {
        None => is_email(text),
        Some((name, address)) => {
            let plain = |c: char| c.is_ascii_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c);
            is_email(address)
                && !name.trim().is_empty()
                && name.len() <= 100
                && name.chars().all(plain)
        }
    }
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.split('.').all(label)
}

/// `arn:PARTITION:sns:REGION:ACCOUNT:TOPIC`
pub fn is_topic_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let ["arn", partition, "sns", region, account, topic] = parts.as_slice() else {
        return false;
    };
    let word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let name = topic.strip_suffix(".fifo").unwrap_or(topic);
    word(partition)
        && partition.starts_with("aws")
        && word(region)
        && is_account(account)
        && (1..=256).contains(&topic.len())
        && !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Twelve digits.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_plain_form() {
        for right in ["lead@example.com", "a.b+c@mail.example.co", "x@e-x.io"] {
            assert!(is_email(right), "{right}");
        }
        for wrong in [
            "",
            "lead",
            "@example.com",
            "lead@",
            "lead@localhost",
            "a@b@c.d",
            "a b@example.com",
            ".a@example.com",
            "a..b@example.com",
            "a@-x.com",
            "a@x..com",
            "a@x.com\r\nBcc: b@x.com",
            "lead@example.com>",
            "\"a\"@example.com",
            "ä@example.com",
        ] {
            assert!(!is_email(wrong), "{wrong:?}");
        }
        assert!(is_sender("Releases <releases@example.com>"));
        assert!(is_sender("releases@example.com"));
        for wrong in [
            "<releases@example.com>",
            "A\r\nB <a@example.com>",
            "A <a@example.com> B",
            "A <a>",
        ] {
            assert!(!is_sender(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn topics_are_whole_arns() {
        assert!(is_topic_arn(
            "arn:aws:sns:eu-central-1:111122223333:releases"
        ));
        assert!(is_topic_arn(
            "arn:aws-cn:sns:cn-north-1:111122223333:releases.fifo"
        ));
        for wrong in [
            "releases",
            "arn:aws:sqs:eu-central-1:111122223333:releases",
            "arn:aws:sns:eu-central-1:1111:releases",
            "arn:aws:sns::111122223333:releases",
            "arn:aws:sns:eu-central-1:111122223333:a:b",
            "arn:aws:sns:eu-central-1:111122223333:a/b",
            "arn:aws:sns:eu-central-1:111122223333:",
        ] {
            assert!(!is_topic_arn(wrong), "{wrong}");
        }
    }
}
