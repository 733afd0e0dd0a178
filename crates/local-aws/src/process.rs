//! Local programs that stand for container images.
//!
//! A program gets only the environment its container names, plus `PORT`; what it writes goes to a
//! log file. Its standard input is a pipe that nobody writes to: it closes when local-aws is gone,
//! however that came about, so that a program that watches it never outlives us.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStdin, Command};

/// How long a program may take to end after SIGTERM. ECS waits 30 seconds by default.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Tells each program to end when its standard input ends.
const EXIT_WITH_STDIN: &str = "EXIT_WITH_STDIN";

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) log: PathBuf,
}

/// A running program; killed on drop.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Held open for as long as the program may run.
    _stdin: Option<ChildStdin>,
}

impl Process {
    /// Starts a program.
    pub(crate) fn start(launch: &Launch) -> io::Result<Self> {
        let log = open_log(&launch.log)?;
        let mut child = Command::new(&launch.program)
            .args(&launch.args)
            .env_clear()
            .envs(&launch.env)
            .env(EXIT_WITH_STDIN, "1")
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        // Taken out, because `Child::wait` closes what it finds.
        let stdin = child.stdin.take();
        Ok(Self {
            child,
            _stdin: stdin,
        })
    }

    /// Waits for its end and gives its exit code. May be called again after being dropped half way.
    pub(crate) async fn wait(&mut self) -> Option<i32> {
        self.child.wait().await.ok().map(exit_code)
    }

    /// Ends it: politely, then firmly.
    pub(crate) async fn stop(&mut self) -> Option<i32> {
        let pid = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself meanwhile.
            let _ = kill_process(pid, Signal::TERM);
        }
        if let Ok(code) = tokio::time::timeout(STOP_TIMEOUT, self.wait()).await {
            return code;
        }
        let _ = self.child.start_kill();
        self.wait().await
    }
}

fn open_log(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// The exit code as a container runtime gives it.
fn exit_code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// A port that nobody listens on right now.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// The repository name in an image: `shop` in `1.dkr.ecr.eu-west-1.amazonaws.com/team/shop:1.2.0`.
pub(crate) fn repository(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    let name = name.split('@').next().unwrap_or(name);
    name.split(':').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(program: &str, args: &[&str]) -> Launch {
        let name = format!("local-aws-process-{}.log", crate::ids::hex(8));
        Launch {
            program: program.into(),
            args: args.iter().map(ToString::to_string).collect(),
            env: BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]),
            log: std::env::temp_dir().join(name),
        }
    }

    #[test]
    fn the_repository_is_found_in_every_spelling_of_an_image() {
        for image in [
            "shop",
            "shop:1.2.0",
            "localhost:5000/shop:1",
            "000000000000.dkr.ecr.us-east-1.amazonaws.com/team/shop:1.2.0",
            "registry/shop@sha256:0123",
            "registry/shop:1.2@sha256:0123",
        ] {
            assert_eq!(repository(image), "shop", "{image}");
        }
    }

    #[tokio::test]
    async fn a_program_sees_its_own_environment_only_and_its_output_is_kept() {
        let launch = launch(
            "/bin/sh",
            &["-c", "echo $GREETING ${HOME-homeless}; exit 3"],
        );
        let mut process = Process::start(&launch).unwrap();
        assert_eq!(process.wait().await, Some(3));
        assert_eq!(
            std::fs::read_to_string(&launch.log).unwrap(),
            "hello homeless\n"
        );
        std::fs::remove_file(&launch.log).unwrap();
    }

    #[tokio::test]
    async fn a_program_that_ignores_the_request_to_end_is_killed() {
        let launch = launch(
            "/bin/sh",
            &["-c", "trap '' TERM; while :; do /bin/sleep 0.1; done"],
        );
        let mut process = Process::start(&launch).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(process.stop().await, Some(137));
        std::fs::remove_file(&launch.log).unwrap();
    }

    #[tokio::test]
    async fn a_program_that_ends_when_asked_is_not_killed() {
        let launch = launch(
            "/bin/sh",
            &[
                "-c",
                "trap 'exit 7' TERM; while :; do /bin/sleep 0.05; done",
            ],
        );
        let mut process = Process::start(&launch).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(process.stop().await, Some(7));
        std::fs::remove_file(&launch.log).unwrap();
    }
}
