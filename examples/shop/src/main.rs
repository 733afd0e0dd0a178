//! A small, real web shop to deploy: good, or broken in one of the ways releases are.
//!
//! It writes one JSON line for each request, so that a demo can show what which version served.

mod front;

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use clap::builder::BoolishValueParser;
use clap::{ArgAction, Parser, ValueEnum};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

/// The books there are: number, title, price in cents.
const BOOKS: &[(u32, &str, u32)] = &[
    (7, "The Mythical Man-Month", 3499),
    (11, "Release It!", 4250),
    (13, "Site Reliability Engineering", 3999),
];

/// Everything comes from the environment, as in a container.
#[derive(Parser)]
struct Settings {
    #[arg(long, env, default_value_t = 8080)]
    port: u16,
    #[arg(long, env, default_value = "0.0.0")]
    shop_version: String,
    #[arg(long, env, value_enum, default_value_t = Fault::None)]
    shop_fault: Fault,
    /// Checkouts served before the pool of connections is exhausted (fault `pool`)
    #[arg(long, env, default_value_t = 40)]
    shop_pool: u32,
    /// Delay of each answer (fault `slow`)
    #[arg(long, env, default_value_t = 1000)]
    shop_delay_ms: u64,
    /// End when standard input ends
    #[arg(long, env, action = ArgAction::Set, value_parser = BoolishValueParser::new(),
          default_value = "false")]
    exit_with_stdin: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// A good release.
    None,
    /// Every checkout fails.
    Checkout,
    /// Checkouts fail once there were many.
    Pool,
    /// Every answer is late.
    Slow,
    /// No answer at all, but for the health check.
    Hang,
    /// Every answer is good, and the button of the form does nothing.
    DeadButton,
    /// Every answer is good, and a script of each page throws.
    Throws,
    /// Every answer is good, and the form does not fit a phone.
    PhoneLayout,
}

struct Shop {
    settings: Settings,
    checkouts: AtomicU32,
}

#[derive(Deserialize)]
struct Order {
    book: u32,
    quantity: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "the shop cannot open: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> io::Result<()> {
    let settings = Settings::parse();
    if settings.exit_with_stdin {
        std::thread::spawn(end_with_stdin);
    }
    let socket = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await?;
    let shop = Arc::new(Shop {
        settings,
        checkouts: AtomicU32::new(0),
    });
    let router = Router::new()
        .route("/", get(front::home))
        .route("/books/{id}", get(front::book))
        .route("/assets/shop.css", get(front::style))
        .route("/assets/shop.js", get(front::script))
        .route("/health", get(async || "ok"))
        .route("/version", get(version))
        .route("/api/books", get(books))
        .route("/api/checkout", get(quote).post(checkout))
        .layer(middleware::from_fn_with_state(shop.clone(), misbehave))
        .layer(middleware::from_fn_with_state(shop.clone(), log))
        .with_state(shop);
    let mut terminate = signal(SignalKind::terminate())?;
    let ended = async move {
        terminate.recv().await;
    };
    axum::serve(socket, router)
        .with_graceful_shutdown(ended)
        .await
}

async fn version(State(shop): State<Arc<Shop>>) -> Json<Value> {
    Json(json!({ "version": shop.settings.shop_version }))
}

async fn books() -> Json<Value> {
    let book = |(id, title, cents): &(u32, &str, u32)| json!({ "id": id, "title": title, "price": f64::from(*cents) / 100.0, "currency": "EUR" });
    Json(BOOKS.iter().map(book).collect())
}

/// An order.
async fn checkout(State(shop): State<Arc<Shop>>, Json(order): Json<Order>) -> Response {
    let number = || shop.checkouts.fetch_add(1, Ordering::Relaxed);
    match computed(&shop.settings, &order, number) {
        Ok((served, total)) => {
            let order = json!({ "order": served + 1, "total": total, "currency": "EUR" });
            (StatusCode::CREATED, Json(order)).into_response()
        }
        Err(refused) => refused.into_response(),
    }
}

/// What an order would come to; nothing is ordered.
async fn quote(State(shop): State<Arc<Shop>>, Query(order): Query<Order>) -> Response {
    let number = || shop.checkouts.load(Ordering::Relaxed);
    match computed(&shop.settings, &order, number) {
        Ok((_, total)) => Json(json!({ "total": total, "currency": "EUR" })).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// Why an order can't be taken.
type Refused = (StatusCode, Json<Value>);

/// How many orders there were before, and what this one comes to; or why it can't be.
fn computed(
    settings: &Settings,
    order: &Order,
    number: impl FnOnce() -> u32,
) -> Result<(u32, f64), Refused> {
    let refuse = |status: StatusCode, error: &str| Err((status, Json(json!({ "error": error }))));
    let Some((_, _, cents)) = BOOKS.iter().find(|(id, _, _)| *id == order.book) else {
        return refuse(StatusCode::NOT_FOUND, "no such book");
    };
    if order.quantity == 0 || order.quantity > 100 {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "quantity is 1 to 100");
    }
    if settings.shop_fault == Fault::Checkout {
        return refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "cannot compute the total",
        );
    }
    let served = number();
    if settings.shop_fault == Fault::Pool && served >= settings.shop_pool {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "connection pool exhausted");
    }
    Ok((served, f64::from(cents * order.quantity) / 100.0))
}

/// The faults that do not depend on what is asked.
async fn misbehave(State(shop): State<Arc<Shop>>, request: Request, next: Next) -> Response {
    match shop.settings.shop_fault {
        Fault::Hang if request.uri().path() != "/health" => std::future::pending().await,
        Fault::Slow => {
            tokio::time::sleep(Duration::from_millis(shop.settings.shop_delay_ms)).await;
        }
        _ => {}
    }
    next.run(request).await
}

/// One JSON line for each answered request.
async fn log(State(shop): State<Arc<Shop>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let forwarded_port = header(&request, "x-forwarded-port");
    let user_agent = header(&request, "user-agent");
    let (method, path) = (
        request.method().to_string(),
        request.uri().path().to_owned(),
    );
    let answer = next.run(request).await;
    let line = json!({
        "at": jiff::Timestamp::now(),
        "version": shop.settings.shop_version,
        "method": method,
        "path": path,
        "status": answer.status().as_u16(),
        "forwarded_port": forwarded_port,
        "user_agent": user_agent,
        "ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    // A log that cannot be written must not stop the shop.
    let _ = writeln!(io::stdout(), "{line}");
    answer
}

fn header(request: &Request, name: &str) -> Option<String> {
    request
        .headers()
        .get(name)?
        .to_str()
        .ok()
        .map(str::to_owned)
}

fn end_with_stdin() {
    let mut buffer = [0; 64];
    while io::stdin().read(&mut buffer).is_ok_and(|n| n > 0) {}
    std::process::exit(0);
}
