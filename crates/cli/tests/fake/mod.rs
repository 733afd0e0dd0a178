//! A small AWS on 127.0.0.1 for the program under test: ECS, Application Auto Scaling and the state table,
//! as the crate of environments meets them in its own tests.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Value, json};

use test_support::dynamodb::Tables;
use test_support::environments::world::tables;
use test_support::{Reply, error};

#[allow(unused_imports, reason = "not every test file needs both")]
pub use test_support::environments::{Svc, ecs};

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-central-1";

pub struct State {
    pub tables: Tables,
    pub ecs: ecs::Ecs,
    /// Every operation that was called, in order.
    pub calls: Vec<String>,
    /// Operations that AWS refuses.
    pub refused: Vec<&'static str>,
    /// What is answered to an operation whatever is asked, call by call; the last answer stays.
    pub replayed: Vec<(&'static str, Vec<Reply>)>,
    /// What calls with replayed answers asked.
    pub asked: Vec<(String, Value)>,
}

/// The world, and the program in it.
pub struct World {
    pub url: String,
    state: Arc<Mutex<State>>,
    config: PathBuf,
}

impl World {
    /// `name` is this test's own.
    pub fn new(name: &str, config: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            tables: tables(),
            ecs: ecs::Ecs::default(),
            calls: Vec::new(),
            refused: Vec::new(),
            replayed: Vec::new(),
            asked: Vec::new(),
        }));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = shared.clone();
                // A caller that hangs up is no concern of ours.
                std::thread::spawn(move || drop(serve(&stream.unwrap(), &state)));
            }
        });
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.yaml"));
        std::fs::write(&file, config).unwrap();
        Self {
            url,
            state,
            config: file,
        }
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    pub fn ecs<T>(&self, act: impl FnOnce(&mut ecs::Ecs) -> T) -> T {
        self.with(|state| act(&mut state.ecs))
    }

    /// `deploy-hooks env …` with configuration and table.
    pub fn env(&self, args: &[&str]) -> Output {
        let mut command = self.command(args);
        command
            .arg("--config")
            .arg(&self.config)
            .args(["--table", "state"]);
        command.output().unwrap()
    }

    /// `deploy-hooks env …`, and nothing more.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program();
        command.arg("env").args(args);
        command
    }

    /// `deploy-hooks`, in this world.
    pub fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
        command
            .env_remove("STATE_TABLE")
            .env_remove("ENVIRONMENTS_CONFIG")
            .env_remove("HTTP_PROXY")
            .env_remove("http_proxy")
            .env("NO_PROXY", "127.0.0.1")
            .env("USER", "lead")
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "secret");
        command
    }
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut target, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim().split_once(": ") {
            Some((name, value)) => match name.to_ascii_lowercase().as_str() {
                "x-amz-target" => value.clone_into(&mut target),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            },
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let call: Value = serde_json::from_slice(&body).unwrap();
    let (service, operation) = target.split_once('.').unwrap();
    let reply = answer(&mut state.lock().unwrap(), (service, operation), &call);
    let (status, body) = match reply {
        Ok(body) => (200, body),
        Err(body) => (400, body),
    };
    let text = body.to_string();
    let length = text.len();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
    )
}

fn answer(state: &mut State, (service, operation): (&str, &str), call: &Value) -> Reply {
    state.calls.push(operation.to_owned());
    if state.refused.contains(&operation) {
        return Err(error(
            "AccessDeniedException",
            "User: somebody is not authorized",
        ));
    }
    let script = state
        .replayed
        .iter_mut()
        .find(|(name, _)| *name == operation);
    if let Some((_, replies)) = script {
        state.asked.push((operation.to_owned(), call.clone()));
        return if replies.len() > 1 {
            replies.remove(0)
        } else {
            replies[0].clone()
        };
    }
    match service {
        "DynamoDB_20120810" => state.tables.serve(operation, call),
        "AmazonEC2ContainerServiceV20141113" => state.ecs.serve(operation, call, Timestamp::now()),
        "AnyScaleFrontendService" => Ok(state.ecs.scaling(operation, call, Timestamp::now())),
        other => Err(json!({"__type": "UnknownService", "message": other})),
    }
}
