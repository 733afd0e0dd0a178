//! `approvals send-test`: whether a channel works. Sends nothing unless it is told to.

use std::path::PathBuf;
use std::time::Duration;

use approvals::config::Config;
use channels::{
    DeliveryMode, DeliveryRequest, Http, Message, Outgoing, SLACK_API, Subject, Surface, Texts,
    deliver, render,
};
use contacts::{Address, Channel, ChannelKind};
use jiff::Timestamp;
use serde_json::{Value, json};
use strict_yaml::SecretRef;

use crate::clients;
use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// For one channel with all its tries.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Send a test message to a channel.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Only this channel; may be repeated
    #[arg(long = "channel")]
    channels: Vec<String>,
    /// Really send; without it, what would be sent is shown
    #[arg(long)]
    send: bool,
    /// Slack's API
    #[arg(long, env = "SLACK_API_URL", default_value = SLACK_API)]
    slack_api_url: String,
    /// Let webhooks lead to private addresses and do without TLS
    #[arg(long, env = "ALLOW_PRIVATE_ADDRESSES")]
    allow_private_addresses: bool,
}

const EXAMPLES: &str = "\
Secrets are read from where the configuration says, with your own AWS credentials.

Examples:
  deploy-hooks approvals send-test --config approvals.yaml
  deploy-hooks approvals send-test --config approvals.yaml --channel release-room --send";

/// Shows or sends the test message.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let config = super::config(&args.config)?;
    let mut chosen: Vec<&Channel> = Vec::new();
    for name in &args.channels {
        chosen.push(super::channel(&config, name)?);
    }
    if chosen.is_empty() {
        chosen = config.channels.values().collect();
    }
    let message = Message {
        subject: Subject::Test,
        now: Timestamp::now(),
    };
    if args.send {
        send(args, &config, (&chosen, &message), screen).await
    } else {
        show(&config, (&chosen, &message), screen)
    }
}

fn show(
    config: &Config,
    (chosen, message): (&[&Channel], &Message<'_>),
    screen: &mut Screen,
) -> Result<(), Failure> {
    let mut all = Vec::new();
    for channel in chosen {
        let texts = Texts::for_channel(config, None, channel);
        let surface = Surface::of(&channel.kind);
        let shown = render(message, surface, &texts).shown();
        if screen.json {
            all.push(json!({"channel": channel.name, "kind": surface.name(), "sent": false, "text": shown}));
            continue;
        }
        let title = format!("=== {} ({}) ===", channel.name, surface.name());
        screen.line(screen.styled(Style::Heading, &title))?;
        screen.line(format!("{shown}\n"))?;
    }
    if screen.json {
        screen.value(&Value::Array(all))?;
    } else {
        screen.line("Nothing was sent; --send sends it.")?;
    }
    Ok(())
}

/// Whether a channel is reached through AWS, or has a secret there.
fn needs_aws(channel: &Channel) -> bool {
    let is_kept = |secret: &SecretRef| !matches!(secret, SecretRef::Env(_));
    match &channel.kind {
        ChannelKind::Slack { token: secret, .. }
        | ChannelKind::SlackWebhook { url: secret }
        | ChannelKind::Teams { url: secret } => is_kept(secret),
        ChannelKind::Webhook { url, secret } => {
            is_kept(secret) || matches!(url, Address::Secret(secret) if is_kept(secret))
        }
        ChannelKind::Ses { .. } | ChannelKind::Sns { .. } | ChannelKind::AmazonQ { .. } => true,
    }
}

async fn send(
    args: &Args,
    config: &Config,
    (chosen, message): (&[&Channel], &Message<'_>),
    screen: &mut Screen,
) -> Result<(), Failure> {
    let aws = if chosen.iter().any(|channel| needs_aws(channel)) {
        clients::aws().await?
    } else {
        clients::none()
    };
    let http = Http::new(args.allow_private_addresses);
    let out = Outgoing {
        aws: &aws,
        http: &http,
        slack_api: &args.slack_api_url,
        within: SEND_TIMEOUT,
    };
    // A test is a message of its own each time.
    let id = format!("test-{}", message.now.as_nanosecond());
    let (mut all, mut failed) = (Vec::new(), 0);
    for channel in chosen {
        let texts = Texts::for_channel(config, None, channel);
        let post = DeliveryRequest {
            channel,
            message,
            texts: &texts,
            mode: DeliveryMode::New,
            id: &id,
        };
        let told = deliver(&out, &post).await;
        let error = told.as_ref().err().map(ToString::to_string);
        failed += usize::from(error.is_some());
        if screen.json {
            all.push(json!({"channel": channel.name, "sent": error.is_none(), "error": error}));
        } else if let Some(error) = &error {
            screen.line(format!("{} {error}", screen.styled(Style::Bad, "failed")))?;
        } else {
            screen.line(format!(
                "{} {}",
                screen.styled(Style::Good, "sent"),
                channel.name
            ))?;
        }
    }
    if screen.json {
        screen.value(&Value::Array(all))?;
    }
    match failed {
        0 => Ok(()),
        n => Err(Failure::Failed(format!(
            "{n} of {} channels could not be reached",
            chosen.len()
        ))),
    }
}
