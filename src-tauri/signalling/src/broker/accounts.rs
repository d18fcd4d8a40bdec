//! The accounts of the embedded broker: the first login claims a name with its token.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Most accounts that may be claimed.
const ACCOUNTS: usize = 10_000;
/// Longest token, in bytes.
const TOKEN_LIMIT: usize = 1024;

/// Salted hashes by user, kept in a file.
#[derive(Debug)]
pub(crate) struct Accounts {
    path: PathBuf,
    known: Mutex<HashMap<String, Account>>,
}

/// Tokens are random, made by programs: a salted SHA-256 is enough to not keep them in clear.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Account {
    salt: String,
    hash: String,
}

impl Accounts {
    /// Reads the file; none yet means no accounts yet.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let known = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => HashMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, known: Mutex::new(known) })
    }

    /// Whether this is the account's token; an unknown user's token becomes it.
    pub(crate) fn admit(&self, user: &str, token: &[u8]) -> bool {
        if token.is_empty() || token.len() > TOKEN_LIMIT {
            return false;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = known.get(user) {
            return same(account.hash.as_bytes(), hash(&account.salt, token).as_bytes());
        }
        if known.len() >= ACCOUNTS {
            return false;
        }
        let salt = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let account = Account { hash: hash(&salt, token), salt };
        known.insert(user.to_owned(), account);
        if let Err(error) = write(&self.path, &known) {
            // A claim that doesn't last would let someone else take the name later.
            tracing::error!(%error, "the accounts can't be written");
            known.remove(user);
            return false;
        }
        true
    }
}

fn hash(salt: &str, token: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(salt.as_bytes());
    hasher.update([0]);
    hasher.update(token);
    URL_SAFE_NO_PAD.encode(hasher.finalize())
}

/// Compares without telling by its time how much was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Writes the whole file beside the old one, then puts it in its place.
fn write(path: &Path, known: &HashMap<String, Account>) -> io::Result<()> {
    let beside = path.with_extension("json.new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(&serde_json::to_vec_pretty(known).map_err(io::Error::other)?)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_login_claims_the_name_for_good() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("accounts.json");
        let accounts = Accounts::open(path.clone()).expect("accounts");
        assert!(accounts.admit("ann", b"first"));
        assert!(accounts.admit("ann", b"first"));
        assert!(!accounts.admit("ann", b"second"));
        assert!(!accounts.admit("bob", b""));
        let text = fs::read_to_string(&path).expect("a file");
        assert!(!text.contains("first"), "no token in clear");
        let again = Accounts::open(path).expect("accounts");
        assert!(again.admit("ann", b"first"));
        assert!(!again.admit("ann", b"second"));
    }

    #[test]
    fn a_claim_that_cannot_be_kept_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let accounts = Accounts::open(dir.path().join("gone").join("accounts.json")).expect("no file yet");
        assert!(!accounts.admit("ann", b"first"));
    }

    #[test]
    fn a_broken_file_is_an_error_and_not_an_open_door() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("accounts.json");
        fs::write(&path, b"{broken").expect("written");
        assert!(Accounts::open(path).is_err());
    }
}
