//! An origin that reads everything and keeps nothing: `sink <port> <file for its CA>`. It answers with the length, inside TLS
//! and without.

use bytes::Bytes;
use gateway_bench::{Failure, new_ca, server_config};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use std::path::Path;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Bytes that a client may send ahead; small windows would be measured instead of the proxy.
const WINDOW_BYTES: u32 = 8 << 20;
/// What a connection of TLS begins with (RFC 8446 5.1).
const HANDSHAKE: u8 = 22;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(ca)) = (arguments.next(), arguments.next()) else {
        return Err("usage: sink <port> <file for the certificate of its CA>".into());
    };
    let acceptor = TlsAcceptor::from(server_config(&new_ca(Path::new(&ca))?)?);
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(acceptor.clone(), stream));
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream) -> Result<(), Failure> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    if first == [HANDSHAKE] { speak(acceptor.accept(stream).await?).await } else { speak(stream).await }
}

async fn speak<T: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: T) -> Result<(), Failure> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().initial_stream_window_size(WINDOW_BYTES).initial_connection_window_size(WINDOW_BYTES);
    builder.http2().max_frame_size(64 << 10);
    builder.serve_connection(TokioIo::new(stream), service_fn(count)).await
}

async fn count(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let mut body = request.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(Response::new(Full::from(length.to_string())))
}
