//! What was on its way to a client when its connection ended.
//!
//! rmqtt 0.24 loses two kinds of it. A message that is just being written when the line breaks has left the queue and
//! isn't among the unacknowledged ones yet (`SessionState::deliver`: "at exception, … store message"). And what waits
//! in the queue at that moment is not written to the disk, so a restart forgets it. Both are put right when rmqtt says
//! that a client is gone, just before it begins to queue for it. A message may come twice that way; receivers drop
//! the second.
//!
//! And one kind is kept too well: presence, subscribed to without acknowledgement. Queued for a device that is away it
//! would fill memory and disk, push signals out, and at its return show people as they were. It is current or nothing:
//! who returns subscribes again and gets what is retained.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType};
use rmqtt::session::Session;
use rmqtt::types::{From as Origin, Id, Publish, QoS, Reason};

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
        while let Some(message) = queue.pop() {
            if message.1.qos != QoS::AtMostOnce {
                waiting.push(message);
            }
        }
        let hook = self.context.extends.hook_mgr().hook(session.clone());
        for (from, publish) in waiting {
            hook.offline_message(from.clone(), &publish).await;
            if queue.push((from, publish)).is_err() {
                tracing::debug!("a queue was full");
            }
        }
    }
}

/// Takes out of a queue what nobody needs later.
fn forget_presence(session: &Session) {
    let queue = session.deliver_queue();
    for _ in 0..queue.len() {
        let Some(message) = queue.pop() else { break };
        if message.1.qos != QoS::AtMostOnce && queue.push(message).is_err() {
            tracing::debug!("a queue was full");
        }
    }
}

/// Presence from before this connection, left over in the queue.
async fn is_old_presence(session: &Session, publish: &Publish) -> bool {
    publish.qos == QoS::AtMostOnce
        && match (publish.create_time, session.connected_at().await) {
            (Some(written), Ok(connected)) => written < connected,
            (None, _) | (_, Err(_)) => false,
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
            Parameter::OfflineMessage(session, _, publish) => {
                // What came before it; its own turn comes with the next one, or at the device's return.
                forget_presence(session);
                if publish.qos == QoS::AtMostOnce {
                    // Nor is it written to the disk, which a later handler would do.
                    return (false, earlier);
                }
            }
            Parameter::MessageExpiryCheck(session, _, publish) if is_old_presence(session, publish).await => {
                return (false, Some(HookResult::MessageExpiry));
            }
            _ => {}
        }
        (true, earlier)
    }
}
