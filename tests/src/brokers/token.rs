//! Login tokens, as `deploy/token.sh` signs them, and as somebody would who may not.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::deployed;

/// Whoever signs the tokens.
#[derive(Debug, Clone)]
pub struct Signer {
    key: PathBuf,
}

impl Signer {
    /// With a key in this file; if it isn't there yet, the first token makes it.
    pub fn new(key: impl Into<PathBuf>) -> Self {
        Self { key: key.into() }
    }

    /// Where the servers find what they check tokens with.
    pub fn public_key(&self) -> PathBuf {
        self.key.with_extension("pub.pem")
    }

    /// A token that is valid from now for so many days; of less than none, one that has expired.
    pub fn token(&self, account: &str, days: i32) -> String {
        let mut command = Command::new(deployed("token.sh"));
        command.arg(&self.key).args([account, &days.to_string()]);
        let output = command.output().unwrap_or_else(|error| panic!("token.sh can't be run: {error}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// A token's claims for somebody else, under the old signature.
pub fn altered(token: &str, account: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    format!("{}.{}.{}", parts[0], claims(account), parts[2])
}

/// A token without a signature.
pub fn unsigned(account: &str) -> String {
    format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#), claims(account))
}

/// A token that is signed with the public key as if it were a shared secret, which everybody knows.
pub fn confused(account: &str, public_key: &Path) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#), claims(account));
    let secret = std::fs::read(public_key).unwrap_or_else(|error| panic!("{}: {error}", public_key.display()));
    let secret = secret.iter().fold("hexkey:".to_owned(), |text, byte| format!("{text}{byte:02x}"));
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", &secret, "-binary"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("openssl can't be run: {error}"));
    if let Some(mut input) = child.stdin.take() {
        input.write_all(signed.as_bytes()).unwrap_or_else(|error| panic!("openssl takes nothing: {error}"));
    }
    let output = child.wait_with_output().unwrap_or_else(|error| panic!("openssl: {error}"));
    assert_eq!(output.stdout.len(), 32, "a SHA-256");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(output.stdout))
}

fn claims(account: &str) -> String {
    // The year 2100.
    URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{account}","exp":4102444800}}"#))
}
