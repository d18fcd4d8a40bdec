//! The standard streams. Each has a thread of its own: a read that waits for ever can't be awaited away.

use std::io::{self, BufRead, Write};
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::line::{Line, read_line};

/// Reads lines until the input ends or the receiver is dropped.
pub fn read_lines(mut input: impl BufRead + Send + 'static) -> io::Result<mpsc::Receiver<Line>> {
    let (sender, receiver) = mpsc::channel(16);
    thread::Builder::new().name("input".to_owned()).spawn(move || {
        loop {
            match read_line(&mut input) {
                Ok(Some(line)) => {
                    if sender.blocking_send(line).is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => return tracing::warn!(%error, "the input can't be read"),
            }
        }
    })?;
    Ok(receiver)
}

/// Writes lines, each at once; the second value resolves when all are written or nobody reads them.
pub fn write_lines(
    mut output: impl Write + Send + 'static,
) -> io::Result<(mpsc::Sender<String>, oneshot::Receiver<()>)> {
    let (sender, mut receiver) = mpsc::channel::<String>(64);
    let (done, written) = oneshot::channel();
    thread::Builder::new().name("output".to_owned()).spawn(move || {
        while let Some(mut line) = receiver.blocking_recv() {
            line.push('\n');
            if let Err(error) = output.write_all(line.as_bytes()).and_then(|()| output.flush()) {
                tracing::info!(%error, "nobody reads the output");
                break;
            }
        }
        drop(receiver);
        // Whoever waited for it may be gone.
        let _ = done.send(());
    })?;
    Ok((sender, written))
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper {
        written: Arc<Mutex<Vec<u8>>>,
        flushed: Arc<Mutex<Vec<usize>>>,
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.flushed.lock().unwrap().push(self.written.lock().unwrap().len());
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn lines_are_read_to_the_end() {
        let mut lines = read_lines(BufReader::new(&b"one\ntwo"[..])).unwrap();
        assert_eq!(lines.recv().await, Some(Line::Text(b"one".to_vec())));
        assert_eq!(lines.recv().await, Some(Line::Text(b"two".to_vec())));
        assert_eq!(lines.recv().await, None);
    }

    #[tokio::test]
    async fn an_input_that_fails_is_one_that_ended() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let mut lines = read_lines(BufReader::new(Failing)).unwrap();
        assert_eq!(lines.recv().await, None);
    }

    #[tokio::test]
    async fn every_line_is_flushed_by_itself() {
        let paper = Paper::default();
        let (sender, written) = write_lines(paper.clone()).unwrap();
        sender.send("ab".to_owned()).await.unwrap();
        sender.send("c".to_owned()).await.unwrap();
        drop(sender);
        written.await.unwrap();
        assert_eq!(*paper.written.lock().unwrap(), b"ab\nc\n");
        assert_eq!(*paper.flushed.lock().unwrap(), [3, 5]);
    }

    #[tokio::test]
    async fn an_output_that_nobody_reads_closes_the_channel() {
        let (sender, written) = write_lines(Closed).unwrap();
        sender.send("lost".to_owned()).await.unwrap();
        written.await.unwrap();
        sender.closed().await;
    }
}
