//! The requests: a session is made (POST) and taken away (DELETE).

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};

use super::links::ice_servers;
use super::{PlainHttp, StreamError, StreamUrl};
use crate::peer::{IceServer, MAX_DESCRIPTION};

/// How long a connection to a server may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take in all, its answer included.
const REQUEST: Duration = Duration::from_secs(10);
/// How long a goodbye may take: whoever stops does not want to wait.
const GOODBYE: Duration = Duration::from_secs(3);
/// Redirections followed at most.
const MAX_REDIRECTIONS: usize = 3;
/// What is believed of `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);
/// Session descriptions (RFC 8866).
const SDP: &str = "application/sdp";

pub(super) struct Http {
    client: Client,
    plain: PlainHttp,
}

/// A session at the server.
pub(super) struct Created {
    pub(super) answer: String,
    /// What is deleted at the end.
    pub(super) resource: StreamUrl,
    /// Goes along with that.
    pub(super) token: Option<String>,
    pub(super) ice_servers: Vec<IceServer>,
}

impl Http {
    /// Reads the system's certificates, which takes a while.
    pub(super) async fn new(plain: PlainHttp) -> Result<Self, StreamError> {
        let tls =
            tokio::task::spawn_blocking(tls).await.map_err(|error| StreamError::Unreachable(error.to_string()))??;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            // Each step is looked at before it is taken.
            .redirect(reqwest::redirect::Policy::none())
            // The media could not go by a proxy either.
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .pool_max_idle_per_host(0)
            .user_agent("peal")
            .build()
            .map_err(failed)?;
        Ok(Self { client, plain })
    }

    /// Hands the offer over, following what the server redirects to (RFC 9725 section 4.5).
    pub(super) async fn create(
        &self,
        url: &StreamUrl,
        token: Option<&str>,
        offer: &str,
    ) -> Result<Created, StreamError> {
        let (mut url, mut token) = (url.clone(), token);
        for _ in 0..=MAX_REDIRECTIONS {
            let request = self
                .request(Method::POST, &url, token)?
                .header(CONTENT_TYPE, SDP)
                .header(ACCEPT, SDP)
                .body(offer.to_owned());
            let response = request.send().await.map_err(failed)?;
            if matches!(response.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
                let next = self.location(&url, response.headers())?;
                // A token is for the server that it was given for.
                token = token.filter(|_| next.same_origin(&url));
                url = next;
                continue;
            }
            if response.status() != StatusCode::CREATED {
                return Err(refusal(&response));
            }
            return self.created(&url, token, response).await;
        }
        Err(StreamError::Redirected)
    }

    /// Takes a session away. A server that does not answer notices by itself.
    pub(super) async fn delete(&self, created: &StreamUrl, token: Option<&str>) {
        let request = self.request(Method::DELETE, created, token).map(|request| request.timeout(GOODBYE).send());
        match request {
            Ok(sent) => match sent.await {
                Ok(response) if response.status().is_success() => {}
                Ok(response) => tracing::debug!(status = response.status().as_u16(), "a session was not deleted"),
                Err(error) => tracing::debug!(error = %error.without_url(), "a session was not deleted"),
            },
            Err(error) => tracing::debug!(%error, "a session was not deleted"),
        }
    }

    async fn created(&self, url: &StreamUrl, token: Option<&str>, response: Response) -> Result<Created, StreamError> {
        let headers = response.headers();
        let kind = text(headers, CONTENT_TYPE).unwrap_or_default();
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(SDP)) {
            return Err(StreamError::BadAnswer(String::from("it is no session description")));
        }
        let resource = self.location(url, headers)?;
        let token = token.filter(|_| resource.same_origin(url)).map(ToOwned::to_owned);
        let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        let ice_servers = ice_servers(links);
        match body(response).await {
            Ok(answer) => Ok(Created { answer, resource, token, ice_servers }),
            Err(error) => {
                self.delete(&resource, token.as_deref()).await;
                Err(error)
            }
        }
    }

    fn location(&self, url: &StreamUrl, headers: &HeaderMap) -> Result<StreamUrl, StreamError> {
        let missing = || StreamError::BadAnswer(String::from("it has no Location"));
        url.join(text(headers, LOCATION).ok_or_else(missing)?, self.plain)
            .map_err(|error| StreamError::BadAnswer(format!("its Location is not usable ({error})")))
    }

    fn request(&self, method: Method, url: &StreamUrl, token: Option<&str>) -> Result<RequestBuilder, StreamError> {
        let request = self.client.request(method, url.url().clone());
        let Some(token) = token else { return Ok(request) };
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| StreamError::BadUrl("the token has signs that no token has"))?;
        value.set_sensitive(true);
        Ok(request.header(AUTHORIZATION, value))
    }
}

/// The whole answer, if it is no longer than a description may be.
async fn body(mut response: Response) -> Result<String, StreamError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > MAX_DESCRIPTION {
            return Err(StreamError::BadAnswer(String::from("it is too large")));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| StreamError::BadAnswer(String::from("it is no text")))
}

fn refusal(response: &Response) -> StreamError {
    match response.status().as_u16() {
        401 | 403 => StreamError::Refused,
        404 | 409 | 410 => StreamError::NotFound,
        429 | 503 => {
            let seconds = text(response.headers(), RETRY_AFTER).and_then(|value| value.trim().parse().ok());
            let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
            StreamError::Busy { retry_after }
        }
        status => StreamError::Rejected(status),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn failed(error: reqwest::Error) -> StreamError {
    if error.is_timeout() {
        return StreamError::TimedOut;
    }
    // The address may have a secret in it, and these words may be read by others.
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    StreamError::Unreachable(words)
}

/// TLS with ring and the system's certificates.
fn tls() -> Result<rustls::ClientConfig, StreamError> {
    let mut roots = rustls::RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::debug!(%error, "a system certificate was skipped");
    }
    roots.add_parsable_certificates(native.certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let versions = versions.map_err(|error| StreamError::Unreachable(error.to_string()))?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}
