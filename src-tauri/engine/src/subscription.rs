//! Handlers that are called at an event, and how they are taken back.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::task::AbortHandle;

use crate::Engine;
use crate::api::{ErrorCode, Event, PealError};

type Handler = Box<dyn FnMut(&Event) + Send>;

/// A handler that is called at every event of one name, until [`Subscription::off`] or until the last clone is dropped.
#[derive(Clone)]
#[must_use = "the handler is silent once this is dropped"]
pub struct Subscription(Arc<Inner>);

struct Inner {
    handler: Mutex<Option<Handler>>,
    task: AbortHandle,
}

impl Engine {
    /// Calls `handler` at every event of this name (kits A15, C21, D12, E02): `invited`, `call_ended` and the others of
    /// [`Event`]. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ErrorCode::BadRequest`] for a name that no event has.
    pub fn on(&self, event: &str, handler: impl FnMut(&Event) + Send + 'static) -> Result<Subscription, PealError> {
        let Some(name) = Event::NAMES.iter().copied().find(|name| *name == event) else {
            return Err(PealError::new(ErrorCode::BadRequest, "there is no event of that name"));
        };
        let mut events = self.events();
        let inner = Arc::new_cyclic(|inner: &std::sync::Weak<Inner>| {
            let inner = inner.clone();
            let task = tokio::spawn(async move {
                loop {
                    match events.recv().await {
                        Ok(event) if event.name() == name => {
                            let Some(inner) = inner.upgrade() else { return };
                            inner.call(&event);
                        }
                        Ok(_) | Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return,
                    }
                }
            });
            Inner { handler: Mutex::new(Some(Box::new(handler))), task: task.abort_handle() }
        });
        Ok(Subscription(inner))
    }
}

impl Subscription {
    /// Takes the handler back: once this returns, it is not called again.
    pub fn off(self) {
        self.0.task.abort();
        drop(self.0.handler.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

impl Inner {
    fn call(&self, event: &Event) {
        if let Some(handler) = &mut *self.handler.lock().unwrap_or_else(PoisonError::into_inner) {
            handler(event);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.task.abort();
    }
}
