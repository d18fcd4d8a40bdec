//! Where pictures are put up for whoever draws them, around the loop and the snapshot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

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

    /// Puts up my own, or takes it down.
    pub fn show_local(&self, picture: Picture) {
        put(&self.local, picture);
    }

    /// Somebody's place, the same for as long as anybody watches or fills it.
    pub fn remote(&self, call: &str, user: &str) -> watch::Sender<Picture> {
        let mut remote = self.remote.lock().unwrap_or_else(PoisonError::into_inner);
        remote.retain(|_, place| place.receiver_count() > 0 || place.sender_count() > 1);
        remote.entry((call.to_owned(), user.to_owned())).or_insert_with(|| watch::Sender::new(None)).clone()
    }
}

/// Nobody is woken for nothing that follows nothing.
pub(crate) fn put(place: &watch::Sender<Picture>, picture: Picture) {
    place.send_if_modified(|shown| {
        let changes = picture.is_some() || shown.is_some();
        *shown = picture;
        changes
    });
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use peal_media::video::Frame;

    use super::*;

    fn picture() -> Picture {
        Some(Arc::new(Frame::black(16, 16, Instant::now()).unwrap()))
    }

    #[test]
    fn a_place_is_the_same_while_somebody_watches_it() {
        let board = Board::new();
        let watched = board.remote("c", "bob").subscribe();
        put(&board.remote("c", "bob"), picture());
        assert!(watched.borrow().is_some());
        assert!(board.remote("c", "cat").subscribe().borrow().is_none());
    }

    #[test]
    fn a_place_that_nobody_holds_is_forgotten() {
        let board = Board::new();
        put(&board.remote("c", "bob"), picture());
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
        board.show_local(None);
        assert!(!own.has_changed().unwrap());
        board.show_local(picture());
        assert!(own.has_changed().unwrap());
    }
}
