//! How long the parts of connecting took: noted while a connection is made, and read from the answer that came
//! over it.
//!
//! A connection that is kept serves many requests; only the request that it was made for has these times.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::evidence::ConnectTimes;

/// What is noted of one connection; shared by the layers that make it.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectTimer(Arc<Mutex<Notes>>);

#[derive(Clone, Copy, Debug, Default)]
struct Notes {
    begun: Option<Instant>,
    times: ConnectTimes,
}

impl ConnectTimer {
    pub(super) fn begin(&self, at: Instant) {
        self.change(|notes| notes.begun = Some(at));
    }

    pub(super) fn looked_up(&self, took: Duration) {
        self.change(|notes| notes.times.dns = Some(took));
    }

    /// The TCP connection is there; looking up the name is no part of it.
    pub(super) fn connected(&self, took: Duration) {
        self.change(|notes| {
            notes.times.connect = took.saturating_sub(notes.times.dns.unwrap_or_default());
        });
    }

    pub(super) fn secured(&self, took: Duration) {
        self.change(|notes| {
            let before = notes.times.connect + notes.times.dns.unwrap_or_default();
            notes.times.tls = Some(took.saturating_sub(before));
        });
    }

    /// The times, if the connection was begun no earlier than `asked`: another request may have asked for it.
    pub(super) fn since(&self, asked: Instant) -> Option<ConnectTimes> {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = notes.begun?;
        (begun >= asked).then_some(notes.times)
    }

    fn change(&self, change: impl FnOnce(&mut Notes)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A TCP connection with what was noted of it.
pub(super) struct TimedStream {
    pub(super) stream: TokioIo<TcpStream>,
    pub(super) noted: ConnectTimer,
}

impl Connection for TimedStream {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.noted.clone())
    }
}

impl Read for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }
}
