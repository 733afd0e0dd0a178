//! A Chromium of this machine, without a window: started for a run, and ended whatever happens.
//!
//! A small shell stands beside it and holds its standard input: when that closes, because [`Chromium`] is dropped or because
//! the whole process was killed, it kills the browser and removes its profile. What tidies up must not be what may crash.

use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{Endpoint, Error};

/// How long a browser may take until it listens. A machine that is busy starts one in some seconds.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_EVERY: Duration = Duration::from_millis(10);
/// How often the removal of a profile is tried, [`POLL_EVERY`].
const MAX_REMOVALS: usize = 100;
/// What is shown of what a browser that does not start wrote.
const MAX_COMPLAINT: u64 = 4 * 1024;

const PROFILE_PREFIX: &str = "deploy-hooks-browser-";
/// The longest path of a profile, in bytes. The browser makes a socket 46 bytes below it, and the path of one has at most 103
/// (macOS; Linux has 107): it ends at once if there is no room.
const MAX_PROFILE_PATH: usize = 57;

/// Programs that are one, by the names that systems give them.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];
/// Where macOS has them.
const APPLICATIONS: [&str; 2] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// `$1` is the profile; the browser and its arguments follow. It is in a process group of its own, with all that it starts.
const KEEPER_SCRIPT: &str = r#"profile=$1
shift
exec 3<&0
"$@" </dev/null >/dev/null 2>"$profile/complaint" 3<&- &
browser=$!
{ while read -r _; do :; done; kill -KILL "$browser"; } <&3 2>/dev/null &
wait "$browser"
echo "$?" >"$profile/ended"
while read -r _ <&3; do :; done
rm -rf "$profile"
kill -KILL 0"#;

/// A browser that was started here.
#[derive(Debug)]
pub struct Chromium {
    keeper: Child,
    // Removed when this is dropped, after the browser.
    profile: TempDir,
    endpoint: Endpoint,
}

impl Chromium {
    /// The program: the named one, or the first that there is in `search_path`, as in `PATH`.
    pub fn find(named: Option<&Path>, search_path: Option<OsString>) -> Result<PathBuf, Error> {
        if let Some(named) = named {
            return if named.is_file() {
                Ok(named.to_owned())
            } else {
                Err(Error::Start(format!(
                    "{} is no program: name a Chromium or Chrome",
                    named.display()
                )))
            };
        }
        let search_path = search_path.unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&search_path).collect();
        let in_path = NAMES
            .iter()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        let everywhere = in_path.chain(APPLICATIONS.iter().map(PathBuf::from));
        everywhere.into_iter().find(|program| program.is_file()).ok_or_else(|| {
            Error::Start(
                "there is no Chromium or Chrome on this machine: install one (Debian and Ubuntu: apt-get install \
                 chromium; Fedora: dnf install chromium; macOS: brew install --cask chromium), or name where one listens"
                    .to_owned(),
            )
        })
    }

    /// Starts `program`. Names of `hosts` lead to the address beside each, at that port only.
    pub async fn start(program: &Path, hosts: &[(String, String)]) -> Result<Self, Error> {
        let unmade = |error: std::io::Error| {
            Error::Start(format!("no profile for a browser could be made: {error}"))
        };
        let profile = tempfile::Builder::new()
            .prefix(PROFILE_PREFIX)
            .tempdir_in(profiles_in(&std::env::temp_dir()))
            .map_err(unmade)?;
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER_SCRIPT, "sh"])
            .arg(profile.path())
            .arg(program)
            .args(arguments(profile.path(), hosts))
            // So that all it writes goes with its profile.
            .env("TMPDIR", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What ends a terminal's foreground must find the run that tidies up, and not the browser.
            .process_group(0);
        let keeper = keeper.spawn().map_err(|error| {
            Error::Start(format!(
                "{} could not be started: {error}",
                program.display()
            ))
        })?;
        let mut started = Self {
            keeper,
            profile,
            endpoint: Endpoint::parse("ws://127.0.0.1:1/")?,
        };
        started.endpoint = started.listening(program).await?;
        Ok(started)
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The folder of its profile.
    pub fn profile(&self) -> &Path {
        self.profile.path()
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        !self.profile.path().join("ended").exists()
    }

    /// Waits until the browser has written down where it listens.
    async fn listening(&mut self, program: &Path) -> Result<Endpoint, Error> {
        let file = self.profile.path().join("DevToolsActivePort");
        let until = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(endpoint) = fs::read_to_string(&file)
                .ok()
                .and_then(|text| active(&text))
            {
                return Endpoint::parse(&endpoint);
            }
            let complaint = self.complaint();
            let ended = self.profile.path().join("ended").exists()
                || matches!(self.keeper.try_wait(), Ok(Some(_)));
            if ended || Instant::now() >= until {
                let last = complaint.trim_end().lines().last().unwrap_or_default();
                return Err(Error::Start(format!(
                    "{} does not listen for the Chrome DevTools Protocol{}; start it by hand to see why",
                    program.display(),
                    if last.is_empty() {
                        String::new()
                    } else {
                        format!(" ({last})")
                    }
                )));
            }
            sleep(POLL_EVERY).await;
        }
    }

    /// What the browser wrote to its standard error.
    fn complaint(&self) -> String {
        let mut text = String::new();
        if let Ok(file) = fs::File::open(self.profile.path().join("complaint")) {
            file.take(MAX_COMPLAINT).read_to_string(&mut text).ok();
        }
        text
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Its group: the keeper, the browser and all that this has started.
        if let Some(group) = Pid::from_raw(self.keeper.id().cast_signed()) {
            kill_process_group(group, Signal::KILL).ok();
        }
        self.keeper.wait().ok();
        // A process that is just being killed may still write; what it wrote meanwhile must go as well.
        for _ in 0..MAX_REMOVALS {
            match fs::remove_dir_all(self.profile.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => thread::sleep(POLL_EVERY),
                _ => break,
            }
        }
    }
}

/// Where profiles are made: the folder for temporary files, or `/tmp` where its path is too long.
fn profiles_in(temporary: &Path) -> &Path {
    // A slash, and what makes the name one of its own.
    let length = temporary.as_os_str().len() + 1 + PROFILE_PREFIX.len() + 6;
    if length > MAX_PROFILE_PATH {
        Path::new("/tmp")
    } else {
        temporary
    }
}

/// The two lines of `DevToolsActivePort`: the port, and the path.
fn active(text: &str) -> Option<String> {
    let (port, path) = text.trim_end().split_once('\n')?;
    let port: u16 = port.trim().parse().ok()?;
    Some(format!("ws://127.0.0.1:{port}{}", path.trim()))
}

fn arguments(profile: &Path, hosts: &[(String, String)]) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = [
        "--headless=new",
        "--remote-debugging-port=0",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        // What a browser does beside the pages: updates, reports, suggestions.
        "--disable-background-networking",
        "--disable-breakpad",
        "--disable-client-side-phishing-detection",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-domain-reliability",
        "--disable-extensions",
        "--disable-search-engine-choice-screen",
        "--disable-sync",
        "--metrics-recording-only",
        "--no-pings",
        "--no-service-autorun",
        "--password-store=basic",
        "--use-mock-keychain",
        // A page that nobody looks at works as one that somebody does.
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
        "--disable-features=Translate,OptimizationHints,MediaRouter,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
        "--hide-scrollbars",
        "--mute-audio",
    ]
    .map(OsString::from)
    .into();
    if rustix::process::geteuid().is_root() {
        // As root it refuses to start with one.
        arguments.push("--no-sandbox".into());
    }
    let mut of_profile = OsString::from("--user-data-dir=");
    of_profile.push(profile);
    arguments.push(of_profile);
    if !hosts.is_empty() {
        let rules: Vec<String> = hosts
            .iter()
            .map(|(name, address)| format!("MAP {name} {address}"))
            .collect();
        arguments.push(format!("--host-resolver-rules={}", rules.join(", ")).into());
    }
    arguments.push("about:blank".into());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_browser_listens_is_read_once_it_is_written() {
        assert_eq!(
            active("40153\n/devtools/browser/1-2\n").as_deref(),
            Some("ws://127.0.0.1:40153/devtools/browser/1-2")
        );
        assert_eq!(active("40153"), None);
        assert_eq!(active(""), None);
    }

    #[test]
    fn a_profile_has_a_short_path() {
        let usual = Path::new("/var/folders/tmp");
        assert_eq!(profiles_in(usual), usual);
        let longest = format!("/{}", "x".repeat(MAX_PROFILE_PATH - 29));
        assert_eq!(profiles_in(Path::new(&longest)), Path::new(&longest));
        assert_eq!(
            profiles_in(Path::new(&format!("{longest}x"))),
            Path::new("/tmp")
        );
    }

    #[test]
    fn where_there_is_no_browser_the_error_says_what_to_do() {
        let why = Chromium::find(None, Some("/nowhere".into())).map_or_else(
            |error| error.to_string(),
            |program| program.display().to_string(),
        );
        // A Mac has it elsewhere.
        assert!(
            why.contains("apt-get install") || why.starts_with("/Applications"),
            "{why}"
        );
        let why = Chromium::find(Some(Path::new("/nowhere/chrome")), None).unwrap_err();
        assert_eq!(
            why.to_string(),
            "/nowhere/chrome is no program: name a Chromium or Chrome"
        );
    }
}
