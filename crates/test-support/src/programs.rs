//! Programs of this workspace that tests start.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// The sample shop of `examples/shop`. `cargo test --workspace` builds it beside the tests; for the
/// tests of one package alone it is built here.
pub fn sample_shop() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> PathBuf {
    // `target/debug/deps/name-of-the-test`
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).expect("tests are in deps");
    let program = folder.join("sample-shop");
    if !program.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--locked", "--package", "sample-shop"]);
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(built.unwrap().success(), "the sample shop is not built");
    }
    program
}

/// A release of the sample shop that runs, ended with the test.
pub struct RunningShop {
    process: Child,
    pub url: String,
}

impl RunningShop {
    pub fn open(fault: &str) -> Self {
        let port = crate::ports::free_port();
        let process = Command::new(sample_shop())
            .env("PORT", port.to_string())
            .env("SHOP_VERSION", "1.2.3")
            .env("SHOP_FAULT", fault)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let release = Self { process, url };
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return release;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the shop does not open");
    }
}

impl Drop for RunningShop {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
