//! Where pictures are put up for whoever draws them, around the loop and the snapshot.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::Picture;

/// The call, then the account as the API shows it.
type Name = (String, String);

/// The newest picture of everybody who is looked at. Clones are the same board.
#[derive(Clone)]
pub(crate) struct Board {
    local: watch::Sender<Picture>,
    remote: Arc<Mutex<HashMap<Name, watch::Sender<Picture>>>>,
}

impl Board {
    pub fn new() -> Self {
        Self { local: watch::Sender::new(None), remote: Arc::default() }
    }

    /// My own.
    pub fn local(&self) -> watch::Receiver<Picture> {
        self.local.subscribe()
    }

    /// Where my own is put up.
    pub fn own_place(&self) -> watch::Sender<Picture> {
        self.local.clone()
    }

    /// Somebody's place, the same for as long as anybody watches or fills it.
    pub fn remote(&self, call: &str, user: &str) -> watch::Sender<Picture> {
        let mut remote = self.remote.lock().unwrap_or_else(PoisonError::into_inner);
        remote.retain(|_, place| place.receiver_count() > 0 || place.sender_count() > 1);
        remote.entry((call.to_owned(), user.to_owned())).or_insert_with(|| watch::Sender::new(None)).clone()
    }
}

/// Puts the pictures of a stream up until it is dropped; then there is none.
pub(crate) struct Forward {
    place: watch::Sender<Picture>,
    /// False: whatever still comes is too late. Looked at under the place's own lock.
    goes_on: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Forward {
    pub fn start(mut pictures: watch::Receiver<Picture>, place: watch::Sender<Picture>) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let (to, may) = (place.clone(), Arc::clone(&goes_on));
        pictures.mark_changed();
        let task = tokio::spawn(async move {
            while pictures.changed().await.is_ok() {
                let picture = pictures.borrow_and_update().clone();
                to.send_if_modified(|shown| may.load(Ordering::Acquire) && replace(shown, picture));
            }
        });
        Self { place, goes_on, task: task.abort_handle() }
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::Release);
        self.task.abort();
        put(&self.place, None);
    }
}

/// Nobody is woken for nothing that follows nothing.
fn put(place: &watch::Sender<Picture>, picture: Picture) {
    place.send_if_modified(|shown| replace(shown, picture));
}

fn replace(shown: &mut Picture, picture: Picture) -> bool {
    let changes = picture.is_some() || shown.is_some();
    *shown = picture;
    changes
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use peal_media::video::Frame;

    use super::*;

    fn picture() -> Arc<Frame> {
        Arc::new(Frame::black(16, 16, Instant::now()).unwrap())
    }

    #[test]
    fn a_place_is_the_same_while_somebody_watches_it() {
        let board = Board::new();
        let watched = board.remote("c", "bob").subscribe();
        put(&board.remote("c", "bob"), Some(picture()));
        assert!(watched.borrow().is_some());
        assert!(board.remote("c", "cat").subscribe().borrow().is_none());
    }

    #[test]
    fn a_place_that_nobody_holds_is_forgotten() {
        let board = Board::new();
        put(&board.remote("c", "bob"), Some(picture()));
        assert!(board.remote("c", "bob").subscribe().borrow().is_none());
        for call in 0..100 {
            board.remote(&call.to_string(), "bob");
        }
        assert!(board.remote.lock().unwrap().len() <= 1);
    }

    #[test]
    fn nothing_after_nothing_wakes_nobody() {
        let board = Board::new();
        let mut own = board.local();
        own.mark_unchanged();
        put(&board.own_place(), None);
        assert!(!own.has_changed().unwrap());
        put(&board.own_place(), Some(picture()));
        assert!(own.has_changed().unwrap());
    }

    #[tokio::test]
    async fn what_is_forwarded_comes_until_it_is_dropped_and_never_after() {
        let (board, (source, pictures)) = (Board::new(), watch::channel(Some(picture())));
        let mut own = board.local();
        let forward = Forward::start(pictures, board.own_place());
        own.wait_for(Option::is_some).await.unwrap();
        drop(forward);
        assert!(own.borrow_and_update().is_none(), "at once");
        source.send_replace(Some(picture()));
        tokio::task::yield_now().await;
        assert!(!own.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_stream_that_ends_in_nothing_shows_nothing() {
        let (board, (source, pictures)) = (Board::new(), watch::channel(Some(picture())));
        let mut own = board.local();
        let _forward = Forward::start(pictures, board.own_place());
        own.wait_for(Option::is_some).await.unwrap();
        source.send_replace(None);
        own.wait_for(Option::is_none).await.unwrap();
    }
}
