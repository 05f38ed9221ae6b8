//! A relay without inspection on the hudsucker crate: `relay <port> <file for its CA> <CA of the origin>`.

use gateway_bench::{Failure, client_config, new_ca};
use hudsucker::Proxy;
use hudsucker::certificate_authority::RcgenAuthority;
use hudsucker::rustls::crypto::aws_lc_rs;
use hyper_rustls::HttpsConnectorBuilder;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

/// Certificates that it keeps.
const CERTIFICATES_MAX: u64 = 1_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(own), Some(origin)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: relay <port> <file for the certificate of its CA> <CA of the origin>".into());
    };
    let authority = RcgenAuthority::new(new_ca(Path::new(&own))?, CERTIFICATES_MAX, aws_lc_rs::default_provider());
    let origin = client_config(Path::new(&origin), &[])?;
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(origin).https_or_http().enable_http1().enable_http2().build();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse()?));
    let proxy = Proxy::builder().with_addr(address).with_ca(authority).with_http_connector(connector).build()?;
    Ok(proxy.start().await?)
}
