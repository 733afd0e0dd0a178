//! The front door: one address for all of AWS. It finds out which service a call is for, injects
//! ordered faults, answers for the services of this crate, passes the rest on, and records every call.
//!
//! It checks no signature: whoever can reach the loopback interface is let in.

mod control;
mod identify;
mod inject;
mod proxy;
mod recorder;
mod rest_names;
mod scheduler;
mod throttling;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use self::recorder::CallRecorder;
use crate::agentcore;
use crate::call_log::CallLog;
use crate::codedeploy::CodeDeploy;
use crate::codepipeline::CodePipeline;
use crate::error::AwsError;
use crate::faults::{Faults, InjectedFault};
use crate::schedules::Schedules;
use crate::service::{Call, Service, Services};
use crate::sinks::{self, Sinks};
use crate::throttle::Throttles;
use crate::wire::answer::query_answer;
use crate::wire::{Protocol, QueryParams};
use crate::{World, WorldOptions};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// The largest body that is read whole: a call that is answered here, or a form whose action is needed.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// How long tasks may take to end when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);
/// The XML namespace of CloudFormation.
const CFN_NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

/// A running local AWS.
pub struct Server {
    address: SocketAddr,
    gateway: Gateway,
    accepting: tokio::task::JoinHandle<()>,
    suppressing: tokio::task::JoinHandle<()>,
}

/// What answers requests. Clones share all state.
#[derive(Clone)]
struct Gateway {
    world: World,
    services: Services,
    codepipeline: CodePipeline,
    sinks: Sinks,
    schedules: Schedules,
    calls: CallLog,
    faults: Faults,
    throttles: Throttles,
}

impl Server {
    /// Listens on a loopback address and serves. Refuses any other: no credentials are checked.
    pub async fn start(listen: SocketAddr, options: WorldOptions) -> io::Result<Self> {
        if !listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "local-aws checks no credentials and listens on loopback addresses only, not on {listen}; use 127.0.0.1"
                ),
            ));
        }
        let socket = TcpListener::bind(listen).await?;
        let address = socket.local_addr()?;
        let world = World::new(options);
        world.agentcore.listens_at(address);
        let codedeploy = CodeDeploy::new(world.clone());
        let sinks = Sinks::new(&world);
        let codepipeline = CodePipeline::new(world.clone(), codedeploy.clone(), sinks.clone());
        world.ecs.put_events_on(codepipeline.event_bus());
        let services = Services::new([
            Box::new(world.autoscaling.clone()) as Box<dyn Service>,
            Box::new(world.agentcore.clone()),
            Box::new(world.bedrock.clone()),
            Box::new(codedeploy),
            Box::new(codepipeline.clone()),
            Box::new(world.ecs.clone()),
            Box::new(world.elb.clone()),
        ]);
        let schedules = Schedules::new(&world);
        let suppressing = schedules.suppress();
        let gateway = Gateway {
            world,
            services,
            codepipeline,
            sinks,
            schedules,
            calls: CallLog::default(),
            faults: Faults::default(),
            throttles: Throttles::default(),
        };
        let accepting = tokio::spawn(accept(gateway.clone(), socket));
        Ok(Self {
            address,
            gateway,
            accepting,
            suppressing,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The world it serves.
    pub fn world(&self) -> &World {
        &self.gateway.world
    }

    /// Stops listening and ends all task processes.
    pub async fn stop(self) {
        self.accepting.abort();
        self.suppressing.abort();
        self.gateway.world.agentcore.shut_down();
        self.gateway.world.ecs.shut_down(STOP_TIMEOUT).await;
    }
}

async fn accept(gateway: Gateway, socket: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(gateway.clone(), stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(gateway: Gateway, stream: TcpStream) {
    let service = service_fn(move |request| {
        let gateway = gateway.clone();
        async move { gateway.answer(request).await }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A client that goes away, or that an ordered fault cut off.
    if let Err(error) = serving.await {
        tracing::debug!(%error, "connection ended");
    }
}

/// An ordered fault cut the connection: it is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("an ordered fault closed the connection")]
struct CutOff;

impl Gateway {
    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, CutOff> {
        let path = request.uri().path();
        if control::is_for(path) {
            return Ok(control::answer(self, request).await);
        }
        if sinks::is_for(path) {
            return self.answer_sink(request).await;
        }
        if agentcore::is_stream(path) {
            return Ok(self.connect_stream(request).await);
        }
        let (parts, body) = request.into_parts();
        let service = identify::service(&parts);
        if self.passes_to_upstream(&service) {
            let protocol = identify::protocol(&parts, &service);
            let call = CallRecorder::start(self, &parts, service);
            return self.pass_stream(call, &protocol, parts, body).await;
        }
        let protocol = identify::protocol(&parts, &service);
        let mut call = CallRecorder::start(self, &parts, service);
        // The action of a form is in its body; S3's bodies are never read.
        let is_form = protocol == Protocol::Query && call.record.service != "s3";
        let is_scheduler = call.record.service == "scheduler";
        let own = self.services.find(&call.record.service);
        if own.is_none() && !is_form && !is_scheduler {
            return self.pass_stream(call, &protocol, parts, body).await;
        }
        let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(call.refuse(&protocol, &too_large(&*error))),
        };
        call.record.operation = identify::operation(&parts, &call.record.service, &body);
        let fault = self.ordered_fault(&call, &body);
        if let Some(fault) = fault.as_ref().filter(|fault| !fault.after)
            && let Some(answer) = Self::inject(&mut call, &protocol, fault).await?
        {
            return Ok(answer);
        }
        let answer = if let Some(service) = own {
            self.serve(service, &mut call, &protocol, &parts, &body)
        } else if is_scheduler {
            self.pass_schedule(&mut call, &protocol, parts, body).await
        } else {
            self.pass_form(&mut call, &protocol, parts, body).await
        };
        Self::inject_after(call, &protocol, fault, answer).await
    }

    /// A model that nobody told what to say is the emulator's.
    fn passes_to_upstream(&self, service: &str) -> bool {
        service == "bedrock" && !self.world.bedrock.is_scripted()
    }

    /// A connection to the browser of a session, which goes on beside this one.
    async fn connect_stream(&self, request: Request<Incoming>) -> Answer {
        let head = request_head(&request);
        let service = identify::service(&head);
        let mut call = CallRecorder::start(self, &head, service);
        "ConnectBrowserAutomationStream".clone_into(&mut call.record.operation);
        match self.world.agentcore.connect(request).await {
            Ok(answer) => {
                call.end(answer.status().as_u16());
                whole(answer.map(|()| Bytes::new()))
            }
            Err(error) => call.refuse(&Protocol::RestJson, &error),
        }
    }

    /// Injects a fault that was ordered for after the call was performed.
    async fn inject_after(
        mut call: CallRecorder,
        protocol: &Protocol,
        fault: Option<InjectedFault>,
        answer: Answer,
    ) -> Result<Answer, CutOff> {
        match fault.filter(|fault| fault.after) {
            None => Ok(answer),
            Some(fault) => {
                let instead = Self::inject(&mut call, protocol, &fault).await?;
                Ok(instead.unwrap_or(answer))
            }
        }
    }

    /// A message to one of the sinks.
    async fn answer_sink(&self, request: Request<Incoming>) -> Result<Answer, CutOff> {
        let (parts, body) = request.into_parts();
        let (service, operation) = sinks::named(parts.uri.path()).unwrap_or_default();
        let protocol = Protocol::RestJson;
        let mut call = CallRecorder::start(self, &parts, service.to_owned());
        call.record.operation = operation;
        let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(call.refuse(&protocol, &too_large(&*error))),
        };
        let fault = self.ordered_fault(&call, &body);
        if let Some(fault) = fault.as_ref().filter(|fault| !fault.after)
            && let Some(answer) = Self::inject(&mut call, &protocol, fault).await?
        {
            return Ok(answer);
        }
        let answer = self.sinks.take(&parts, &body);
        call.end(answer.status().as_u16());
        Self::inject_after(call, &protocol, fault, whole(answer)).await
    }

    /// A call that is passed on unread.
    async fn pass_stream(
        &self,
        mut call: CallRecorder,
        protocol: &Protocol,
        parts: Parts,
        body: Incoming,
    ) -> Result<Answer, CutOff> {
        call.record.operation = identify::operation(&parts, &call.record.service, b"");
        let fault = self.ordered_fault(&call, b"");
        if let Some(fault) = fault.as_ref().filter(|fault| !fault.after)
            && let Some(answer) = Self::inject(&mut call, protocol, fault).await?
        {
            drain(body).await;
            return Ok(answer);
        }
        let request = Request::from_parts(parts, body);
        let answer = self.pass_on(&mut call, protocol, request).await;
        Self::inject_after(call, protocol, fault, answer).await
    }

    /// A form that is passed on, unless this crate knows better.
    async fn pass_form(
        &self,
        call: &mut CallRecorder,
        protocol: &Protocol,
        parts: Parts,
        body: Bytes,
    ) -> Answer {
        let (service, operation) = (call.record.service.clone(), call.record.operation.clone());
        let params = QueryParams::parse(&body);
        if service == "cloudformation" && operation == "DescribeChangeSet" {
            match self.codepipeline.change_sets().describe(&params) {
                None => {}
                Some(Ok(result)) => {
                    call.end(200);
                    return whole(query_answer(CFN_NAMESPACE, &operation, result));
                }
                Some(Err(error)) => return call.refuse(protocol, &error),
            }
        }
        let request = Request::from_parts(parts, Full::new(body));
        let answer = self.pass_on(call, protocol, request).await;
        if service == "sns" && operation == "Publish" && answer.status().is_success() {
            let sinks = self.sinks.clone();
            tokio::spawn(async move {
                let text = |name: &str| params.get(name).unwrap_or_default();
                let topic = text("TopicArn");
                sinks
                    .published(topic, text("Subject"), text("Message"))
                    .await;
            });
        }
        answer
    }

    /// A call of a service that is answered here.
    fn serve(
        &self,
        service: &dyn Service,
        call: &mut CallRecorder,
        protocol: &Protocol,
        parts: &Parts,
        body: &Bytes,
    ) -> Answer {
        let operation = call.record.operation.clone();
        let answered = self
            .throttled(parts, service.signing_name(), &operation)
            .and_then(|()| {
                service.answer(&Call {
                    operation: &operation,
                    protocol,
                    parts,
                    body,
                    caller: &identify::caller(parts, &self.world.account),
                })
            });
        match answered {
            Ok(answer) => {
                call.end(answer.status().as_u16());
                whole(answer)
            }
            Err(error) => call.refuse(protocol, &error),
        }
    }

    async fn pass_on<B>(
        &self,
        call: &mut CallRecorder,
        protocol: &Protocol,
        request: Request<B>,
    ) -> Answer
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match proxy::forward(&self.world.upstream, request).await {
            Ok(answer) => {
                call.end(answer.status().as_u16());
                answer.map(|body| body.map_err(Into::into).boxed_unsync())
            }
            Err(error) => call.refuse(protocol, &error),
        }
    }
}

/// What a request says, without its body.
fn request_head(request: &Request<Incoming>) -> Parts {
    let mut head = Request::new(()).into_parts().0;
    head.method = request.method().clone();
    head.uri = request.uri().clone();
    head.headers = request.headers().clone();
    head
}

fn too_large(error: &dyn std::error::Error) -> AwsError {
    AwsError {
        status: 413,
        code: "RequestEntityTooLarge".to_owned(),
        message: error.to_string(),
    }
}

/// Reads a body to its end, so that a client that still sends it can read the answer.
async fn drain(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn whole(answer: Response<Bytes>) -> Answer {
    answer.map(|body| {
        Full::new(body)
            .map_err(|never| match never {})
            .boxed_unsync()
    })
}
