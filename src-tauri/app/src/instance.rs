//! One Peal per profile: the program that runs is asked, through a door on loopback, to show its window.
//!
//! The store's lock says whether a profile is taken ([`ErrorCode::ProfileInUse`](peal_engine::api::ErrorCode)). The
//! running program listens on a port of 127.0.0.1 and writes it, with a secret, into `window.json` in the profile's
//! directory, which only its owner can read. It works without a session bus, on every system, and for each profile alone.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// How long one side waits for the other's line.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a second start waits for a first one that is still starting.
const START_PATIENCE: Duration = Duration::from_secs(5);
/// The longest line that is read, bytes.
const LINE_LIMIT: u64 = 128;
/// What the running program answers once its window is in front.
const SHOWN: &str = "shown\n";

/// How the running program is reached.
#[derive(Serialize, Deserialize)]
struct Door {
    port: u16,
    secret: String,
}

/// The open door, until [`Listening::close`].
#[derive(Debug)]
pub struct Listening {
    path: PathBuf,
    task: JoinHandle<()>,
}

/// Opens the door of the profile in `directory`: `show` is called whenever another start of the same profile asks.
pub async fn listen<F, Shown>(directory: &Path, show: F) -> io::Result<Listening>
where
    F: Fn() -> Shown + Clone + Send + Sync + 'static,
    Shown: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let door = Door { port: listener.local_addr()?.port(), secret: uuid::Uuid::new_v4().simple().to_string() };
    let path = file(directory);
    write_private(&path, &serde_json::to_vec(&door)?)?;
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (secret, show) = (door.secret.clone(), show.clone());
            tokio::spawn(async move {
                // Whoever does not know the secret, or is slow, gets no answer.
                let _ = timeout(PATIENCE, answer(stream, &secret, show)).await;
            });
        }
    });
    Ok(Listening { path, task })
}

impl Listening {
    /// Nobody is home any more: the door is shut and its file taken away.
    pub fn close(&self) {
        self.task.abort();
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "window.json stays behind");
        }
    }
}

/// Asks the program that runs on the profile in `directory` to show its window. False: it did not answer within some
/// seconds (`peal-headless`, say, has no window and no door).
pub async fn ask_to_show(directory: &Path) -> bool {
    let deadline = Instant::now() + START_PATIENCE;
    loop {
        let asked = timeout(PATIENCE, ask(directory)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        match asked {
            Ok(()) => return true,
            Err(error) if Instant::now() >= deadline => {
                tracing::debug!(%error, "the running Peal does not answer");
                return false;
            }
            Err(_) => {}
        }
        // The other program may still be starting, and nothing tells when its door opens.
        sleep(Duration::from_millis(100)).await;
    }
}

async fn answer<F, Shown>(stream: TcpStream, secret: &str, show: F) -> io::Result<()>
where
    F: Fn() -> Shown,
    Shown: Future<Output = ()>,
{
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    (&mut stream).take(LINE_LIMIT).read_line(&mut line).await?;
    if line.trim_end() != secret {
        return Ok(());
    }
    show().await;
    stream.get_mut().write_all(SHOWN.as_bytes()).await
}

async fn ask(directory: &Path) -> io::Result<()> {
    let door: Door = serde_json::from_slice(&tokio::fs::read(file(directory)).await?)?;
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", door.port)).await?);
    stream.get_mut().write_all(format!("{}\n", door.secret).as_bytes()).await?;
    let mut line = String::new();
    (&mut stream).take(LINE_LIMIT).read_line(&mut line).await?;
    if line == SHOWN { Ok(()) } else { Err(io::Error::other("something else listens there")) }
}

fn file(directory: &Path) -> PathBuf {
    directory.join("window.json")
}

/// Replaces `path` in one step, readable for its owner alone.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("json.new");
    if let Err(error) = std::fs::remove_file(&new)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(&new)?, content)?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn counter() -> (Arc<AtomicU32>, impl Fn() -> std::future::Ready<()> + Clone + Send + Sync + 'static) {
        let count = Arc::new(AtomicU32::new(0));
        let shared = Arc::clone(&count);
        let show = move || {
            shared.fetch_add(1, Ordering::SeqCst);
            std::future::ready(())
        };
        (count, show)
    }

    #[tokio::test]
    async fn a_second_start_shows_the_first_ones_window() {
        let directory = tempfile::tempdir().unwrap();
        let (shown, show) = counter();
        let _door = listen(directory.path(), show).await.unwrap();
        assert!(ask_to_show(directory.path()).await);
        assert_eq!(shown.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_second_start_waits_for_a_first_one_that_is_still_starting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let second = tokio::spawn(async move { ask_to_show(&path).await });
        tokio::task::yield_now().await;
        let (shown, show) = counter();
        let _door = listen(directory.path(), show).await.unwrap();
        assert!(second.await.unwrap());
        assert_eq!(shown.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn without_the_secret_nothing_is_shown() {
        let directory = tempfile::tempdir().unwrap();
        let (shown, show) = counter();
        let _door = listen(directory.path(), show).await.unwrap();
        let mut door: Door = serde_json::from_slice(&std::fs::read(file(directory.path())).unwrap()).unwrap();
        door.secret = "0".repeat(32);
        let forged = tempfile::tempdir().unwrap();
        std::fs::write(file(forged.path()), serde_json::to_vec(&door).unwrap()).unwrap();
        assert!(ask(forged.path()).await.is_err());
        assert_eq!(shown.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_stale_file_whose_port_is_closed_is_an_error_and_not_a_hang() {
        let directory = tempfile::tempdir().unwrap();
        let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
        let door = Door { port: closed, secret: "left over".to_owned() };
        std::fs::write(file(directory.path()), serde_json::to_vec(&door).unwrap()).unwrap();
        assert!(ask(directory.path()).await.is_err());
    }

    #[tokio::test]
    async fn the_file_is_replaced_kept_private_and_taken_away() {
        let directory = tempfile::tempdir().unwrap();
        let path = file(directory.path());
        std::fs::write(&path, b"left over from a crash").unwrap();
        let (_, show) = counter();
        let door = listen(directory.path(), show).await.unwrap();
        assert!(serde_json::from_slice::<Door>(&std::fs::read(&path).unwrap()).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        door.close();
        assert!(!path.exists());
    }
}
