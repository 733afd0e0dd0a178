//! What the services accept, each with its source, and what we use of it. A message that is longer is
//! refused whole by most of them, so nothing may be sent that was not measured.

/// Blocks of one Slack message. <https://docs.slack.dev/reference/block-kit/blocks>
pub const SLACK_BLOCKS: usize = 50;
/// Characters of a section's text.
/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>
pub const SLACK_SECTION: usize = 3_000;
/// Characters of a header. <https://docs.slack.dev/reference/block-kit/blocks/header-block>
pub const SLACK_HEADER: usize = 150;
/// Characters of a button's label; about 30 are seen.
/// <https://docs.slack.dev/reference/block-kit/block-elements/button-element>
pub const SLACK_BUTTON: usize = 75;
/// Characters of a button's value.
pub const SLACK_BUTTON_VALUE: usize = 2_000;
/// Characters of a button's URL.
pub const SLACK_BUTTON_URL: usize = 3_000;
/// Characters of the title of a confirmation.
/// <https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object>
pub const SLACK_CONFIRM_TITLE: usize = 100;
/// Characters of the text of a confirmation.
pub const SLACK_CONFIRM_TEXT: usize = 300;
/// Characters of each of the two answers to a confirmation.
pub const SLACK_CONFIRM_ANSWER: usize = 30;
/// Characters of the label of an input.
/// <https://docs.slack.dev/reference/block-kit/blocks/input-block>
pub const SLACK_LABEL: usize = 2_000;
/// Characters of a placeholder in an input.
pub const SLACK_PLACEHOLDER: usize = 150;
/// Where Slack answers `msg_blocks_too_long`. It documents no such limit and counts more than the texts:
/// messages of 13,172 characters were refused, and one of 11,341 in 45 blocks.
/// <https://github.com/slackapi/bolt-js/issues/2509>, <https://github.com/slackapi/bolt-js/issues/2867>
pub const SLACK_TOTAL: usize = 13_000;
/// What we use of it: the blocks as JSON, and [`SLACK_PER_BLOCK`] for each.
pub const SLACK_BUDGET: usize = 11_500;
/// What Slack seems to add for each block.
pub const SLACK_PER_BLOCK: usize = 75;
/// Characters of the text beside the blocks: notifications and screen readers have it. Slack cuts at
/// 40,000; nobody reads more than this in a notification.
/// <https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages>
pub const SLACK_TEXT: usize = 300;
/// What a person may write beside a decision; `PutApprovalResult` takes 512 with the name.
pub const MAX_COMMENT_CHARS: usize = 400;

/// Bytes of a message to a Teams webhook.
/// <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>
pub const TEAMS_TOTAL: usize = 28 * 1024;
/// What we use of it: Workflows wraps the card once more.
pub const TEAMS_BUDGET: usize = 24 * 1024;

/// Bytes of an SNS message. <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub const SNS_MESSAGE: usize = 256 * 1024;
/// Characters of an SNS subject, ASCII.
pub const SNS_SUBJECT: usize = 100;
/// What we use of a message that a person reads as plain mail.
pub const SNS_BUDGET: usize = 48 * 1024;

/// Gmail cuts a mail whose HTML is longer than about 102 kB.
/// <https://support.google.com/mail/thread/5840918>
pub const MAIL_HTML: usize = 102 * 1000;
/// What we use of it.
pub const MAIL_HTML_BUDGET: usize = 80 * 1000;
/// Bytes of the text alternative.
pub const MAIL_TEXT_BUDGET: usize = 48 * 1024;
/// Characters of a subject: a line of a mail has at most 998, and programs show about 70.
/// <https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1>
pub const MAIL_SUBJECT: usize = 150;

/// Bytes of a body of the generic webhook. Standard Webhooks recommends to stay small; receivers
/// commonly take 1 MiB, Lambda function URLs 6 MB.
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
pub const WEBHOOK_MAX_BYTES: usize = 128 * 1024;

/// Characters of a title of an Amazon Q custom notification. AWS documents 250.
/// <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>
pub const AMAZON_Q_TITLE: usize = 250;
/// Characters of its description. AWS documents 8,000; a Slack section holds 3,000, and longer ones are
/// folded away.
pub const AMAZON_Q_DESCRIPTION: usize = 8_000;
/// What we use of it.
pub const AMAZON_Q_BUDGET: usize = 3_000;
/// Next steps, and the characters of each. AWS documents 350 characters.
pub const AMAZON_Q_STEPS: usize = 3;
/// Characters of one next step.
pub const AMAZON_Q_STEP: usize = 350;
/// Keywords, and the characters of each. AWS documents 3 and 75.
pub const AMAZON_Q_KEYWORDS: usize = 3;
/// Characters of one keyword.
pub const AMAZON_Q_KEYWORD: usize = 75;
