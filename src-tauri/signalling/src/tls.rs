//! TLS to the broker: the system's certificates, and one more file for a company's own.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::ConnectError;

/// A client configuration with ring; `extra` is a PEM file with further certification authorities.
pub(crate) fn config(extra: Option<&Path>) -> Result<Arc<rustls::ClientConfig>, ConnectError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::debug!(%error, "a system certificate was skipped");
    }
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = extra {
        let unreadable = |e: &dyn std::fmt::Display| ConnectError::CertificateFile(e.to_string());
        let mut any = false;
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| unreadable(&e))? {
            let certificate = certificate.map_err(|e| unreadable(&e))?;
            roots.add(certificate).map_err(|e| unreadable(&e))?;
            any = true;
        }
        if !any {
            return Err(unreadable(&"it holds no certificate"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| ConnectError::Tls(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
