//! Starts the local AWS and ends it with all that it started.

use std::fs;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use local_aws::{Server, WorldOptions};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;

/// A local AWS: CodeDeploy, ECS and load balancers of its own, everything else from an emulator.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The loopback address to listen on; port 0 chooses a free one
    #[arg(long, env = "LOCAL_AWS_LISTEN", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The emulator for all other services
    #[arg(long, env = "LOCAL_AWS_UPSTREAM")]
    upstream: Url,
    /// Where the tasks' logs go
    #[arg(long, env = "LOCAL_AWS_DATA_DIR")]
    data_dir: PathBuf,
    /// The program that stands for an image, by repository name; may be repeated
    #[arg(long = "image", value_name = "NAME=PATH", value_parser = image)]
    images: Vec<(String, PathBuf)>,
    /// Written with the address once it answers
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// The region in every ARN
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// The account in every ARN
    #[arg(long, default_value = "000000000000")]
    account: String,
    /// End when standard input ends, that is, with the process that started this one
    #[arg(long)]
    exit_with_stdin: bool,
    /// What is logged on standard error, as tracing filters are written
    #[arg(long, env = "LOCAL_AWS_LOG", default_value = "info")]
    log: EnvFilter,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "local-aws cannot start");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> io::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(args.log)
        .with_writer(io::stderr)
        .init();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let options = WorldOptions {
        account: args.account,
        region: args.region,
        upstream: args.upstream,
        data_dir: args.data_dir,
        images: args.images.into_iter().collect(),
    };
    let server = Server::start(args.listen, options).await?;
    let address = format!("http://{}", server.address());
    writeln!(io::stdout(), "local-aws listens on {address}")?;
    if let Some(file) = &args.ready_file {
        announce(file, &address)?;
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_ends(), if args.exit_with_stdin => {}
    }
    server.stop().await;
    if let Some(file) = &args.ready_file {
        // Left by somebody who wanted it gone: as good.
        let _ = fs::remove_file(file);
    }
    // A reader of standard input may still block the runtime's own end.
    std::process::exit(0);
}

/// Writes the address under another name first, so that a reader never sees half of it.
fn announce(file: &Path, address: &str) -> io::Result<()> {
    let partial = file.with_extension("partial");
    fs::write(&partial, format!("{address}\n"))?;
    fs::rename(&partial, file)
}

async fn stdin_ends() {
    let reading = tokio::task::spawn_blocking(|| {
        let mut buffer = [0; 1024];
        // An error is an end too.
        while io::stdin().read(&mut buffer).is_ok_and(|n| n > 0) {}
    });
    let _ = reading.await;
}

/// Why a value of `--image` is refused.
#[derive(Debug, thiserror::Error)]
enum ImageError {
    #[error("write NAME=PATH, such as shop=/opt/shop")]
    Form,
    #[error("{path}: {source}")]
    Path { path: String, source: io::Error },
}

fn image(text: &str) -> Result<(String, PathBuf), ImageError> {
    let (name, path) = text.split_once('=').ok_or(ImageError::Form)?;
    let path = fs::canonicalize(path).map_err(|source| ImageError::Path {
        path: path.to_owned(),
        source,
    })?;
    Ok((name.to_owned(), path))
}
