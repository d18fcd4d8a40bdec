//! Signals wait while a device of their receiver is coming back.
//!
//! When a client returns to a stored session, rmqtt 0.24 first ends the old session and then puts the new one in its
//! place (`LockEntry::kick`, then `set`); what is published in between reaches neither and is lost. So publishers to
//! that account wait, for milliseconds, until the client has subscribed to its inbox again, as ours do at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// A client that doesn't subscribe holds up signals to its own account no longer than this.
const LIMIT: Duration = Duration::from_secs(2);
/// What was let through just before an arrival needs this long to reach the old session.
const ON_ITS_WAY: Duration = Duration::from_millis(20);

/// Who is between its login and its first look into its inbox.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// User and time of login, by client id.
    open: watch::Sender<HashMap<String, (String, Instant)>>,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { open: watch::Sender::new(HashMap::new()) }
    }
}

impl Arrivals {
    /// Holds signals to the user back, and returns when the old session has got what was on its way.
    pub(crate) async fn begin(&self, client_id: &str, user: &str) {
        let now = Instant::now();
        self.open.send_modify(|open| {
            open.retain(|_, (_, since)| now.duration_since(*since) < LIMIT);
            open.insert(client_id.to_owned(), (user.to_owned(), now));
        });
        tokio::time::sleep(ON_ITS_WAY).await;
    }

    /// The client has subscribed.
    pub(crate) fn end(&self, client_id: &str) {
        self.open.send_if_modified(|open| open.remove(client_id).is_some());
    }

    /// Returns when nobody of the topic's receiver is arriving; at once for other topics.
    pub(crate) async fn wait(&self, topic: &str) {
        let mut levels = topic.split('/').skip(3);
        let (Some("to"), Some(user)) = (levels.next(), levels.next()) else { return };
        let mut open = self.open.subscribe();
        let free = open.wait_for(|open| !open.values().any(|(who, since)| who == user && since.elapsed() < LIMIT));
        // Past the limit the signal goes on whatever happens to it.
        let _ = tokio::time::timeout(LIMIT, free).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn signals_wait_for_the_arrival_of_their_receiver_only() {
        let arrivals = std::sync::Arc::new(Arrivals::default());
        arrivals.begin("bob~1", "bob").await;
        arrivals.wait("peal/v1/peal/to/ann/from/bob/phone").await;
        arrivals.wait("peal/v1/peal/presence/bob/phone").await;
        let waiting = {
            let arrivals = arrivals.clone();
            tokio::spawn(async move { arrivals.wait("peal/v1/peal/to/bob/from/ann/desk").await })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        arrivals.end("bob~1");
        waiting.await.expect("it went on");
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let arrivals = Arrivals::default();
        arrivals.begin("bob~1", "bob").await;
        arrivals.wait("peal/v1/peal/to/bob/from/ann/desk").await;
    }
}
