//! Retained messages: in memory, at once, and on disk behind it.
//!
//! rmqtt's persistent store takes messages through a queue, so that whoever subscribes just after a presence was
//! published gets neither the message (not subscribed yet) nor the retained copy (not stored yet). This one has the
//! copy before the message is passed on.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use rmqtt::retain::RetainStorage;
use rmqtt::types::{Retain, TopicFilter, TopicName};

/// Most retained messages; new topics beyond are not kept.
const LIMIT: usize = 65_536;

pub(crate) struct Retained {
    memory: RwLock<BTreeMap<String, Retain>>,
    disk: Box<dyn RetainStorage>,
}

impl Retained {
    /// Everything that `disk` holds, and `disk` behind it.
    pub(crate) async fn load(disk: Box<dyn RetainStorage>) -> rmqtt::Result<Self> {
        let stored = disk.get(&TopicFilter::from_static("peal/v1/+/presence/#")).await?;
        let memory = stored.into_iter().map(|(topic, retain)| (topic.to_string(), retain)).collect();
        Ok(Self { memory: RwLock::new(memory), disk })
    }
}

#[async_trait]
impl RetainStorage for Retained {
    fn enable(&self) -> bool {
        true
    }

    async fn set(&self, topic: &TopicName, retain: Retain, expiry: Option<Duration>) -> rmqtt::Result<()> {
        {
            let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
            if retain.publish.payload.is_empty() {
                memory.remove(&**topic);
            } else if memory.len() < LIMIT || memory.contains_key(&**topic) {
                memory.insert(topic.to_string(), retain.clone());
            } else {
                return Ok(());
            }
        }
        self.disk.set(topic, retain, expiry).await
    }

    async fn get(&self, filter: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        let matching = memory.iter().filter(|(topic, _)| matches(filter, topic));
        Ok(matching.map(|(topic, retain)| (TopicName::from(topic.as_str()), retain.clone())).collect())
    }

    async fn count(&self) -> isize {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        isize::try_from(memory.len()).unwrap_or(isize::MAX)
    }

    async fn max(&self) -> isize {
        self.disk.max().await
    }
}

/// MQTT's wildcards (5.0, section 4.7).
fn matches(filter: &str, topic: &str) -> bool {
    let mut filter = filter.split('/');
    let mut topic = topic.split('/');
    loop {
        match (filter.next(), topic.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn wildcards_match_as_the_standard_says() {
        let topic = "peal/v1/peal/presence/ann/desk";
        for filter in
            ["#", "peal/v1/peal/presence/+/+", "peal/v1/+/presence/#", topic, "peal/v1/peal/presence/ann/desk/#"]
        {
            assert!(matches(filter, topic), "{filter}");
        }
        for filter in ["peal/v1/peal/presence/+", "peal/v1/peal/to/#", "peal/v1/peal/presence/+/+/+", "+"] {
            assert!(!matches(filter, topic), "{filter}");
        }
    }
}
