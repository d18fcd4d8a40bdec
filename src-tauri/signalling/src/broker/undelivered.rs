//! What was on its way to a client when its connection ended.
//!
//! rmqtt 0.24 loses two kinds of it. A message that is just being written when the line breaks has left the queue and
//! isn't among the unacknowledged ones yet (`SessionState::deliver`: "at exception, … store message"). And what waits
//! in the queue at that moment is not written to the disk, so a restart forgets it. Both are put right when rmqtt says
//! that a client is gone, just before it begins to queue for it. A message may come twice that way; receivers drop
//! the second.
//!
//! And it queues too much: presence too, which a device that comes back finds retained. It would fill the queue, push
//! signals out of it, and be written to the disk for everybody who is away. So that subscription ends with the
//! connection; clients subscribe anew on each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType};
use rmqtt::session::Session;
use rmqtt::types::{From as Origin, Id, Publish, QoS, Reason, Unsubscribe};

#[derive(Clone)]
pub(crate) struct Undelivered {
    context: ServerContext,
    /// The message that was last given to each connection, until it is acknowledged.
    last: Arc<Mutex<HashMap<Id, (Origin, Publish)>>>,
}

impl Undelivered {
    pub(crate) fn new(context: ServerContext) -> Self {
        Self { context, last: Arc::default() }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, HashMap<Id, (Origin, Publish)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn put_right(&self, session: &Session, reason: &Reason) {
        let last = self.last().remove(&session.id);
        // Taken over: what is unacknowledged or waits goes to the new connection.
        if matches!(reason, Reason::ConnectKicked(_)) {
            return;
        }
        let queue = session.deliver_queue();
        let mut waiting = Vec::new();
        if let Some((from, mut publish)) = last
            && let Some(packet_id) = publish.packet_id
            && session.out_inflight().read().await.get(packet_id.get()).is_none()
        {
            publish.packet_id = None;
            waiting.push((from, publish));
        }
        while let Some((from, publish)) = queue.pop() {
            if publish.qos != QoS::AtMostOnce {
                waiting.push((from, publish));
            }
        }
        self.unsubscribe(session).await;
        let hook = self.context.extends.hook_mgr().hook(session.clone());
        for (from, publish) in waiting {
            hook.offline_message(from.clone(), &publish).await;
            if queue.push((from, publish)).is_err() {
                tracing::debug!("a queue was full");
            }
        }
    }

    /// Ends what is not to be queued for a device that is away.
    async fn unsubscribe(&self, session: &Session) {
        let entry = self.context.extends.shared().await.entry(session.id.clone());
        for subscription in entry.subscriptions().await.unwrap_or_default() {
            if subscription.opts.qos() != QoS::AtMostOnce {
                continue;
            }
            let ended = match Unsubscribe::from(&subscription.topic, false, true) {
                Ok(unsubscribe) => entry.unsubscribe(&unsubscribe).await,
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a subscription outlives its connection");
            }
        }
    }
}

#[async_trait]
impl Handler for Undelivered {
    async fn hook(&self, parameter: &Parameter, earlier: Option<HookResult>) -> ReturnType {
        match parameter {
            Parameter::MessageDelivered(session, from, publish) if publish.packet_id.is_some() => {
                self.last().insert(session.id.clone(), (from.clone(), (*publish).clone()));
            }
            Parameter::MessageAcked(session, _, publish) => {
                let mut last = self.last();
                if last.get(&session.id).is_some_and(|(_, last)| last.packet_id == publish.packet_id) {
                    last.remove(&session.id);
                }
            }
            Parameter::ClientDisconnected(session, reason) => self.put_right(session, reason).await,
            _ => {}
        }
        (true, earlier)
    }
}
