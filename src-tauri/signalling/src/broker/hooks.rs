//! rmqtt asks, we answer: who may log in, subscribe and publish.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::types::{AuthResult, ConnectInfo, LastWill, PublishAclResult, SubscribeAclResult};

use super::access;
use super::accounts::Accounts;

/// The answers to rmqtt's hooks.
#[derive(Clone)]
pub(crate) struct Rules {
    accounts: Arc<Accounts>,
    /// The presence topics that logins since the start have a last will for.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Rules {
    pub(crate) fn new(accounts: Accounts) -> Self {
        Self { accounts: Arc::new(accounts), seen: Arc::default() }
    }

    /// Registers the answers before any client can connect.
    pub(crate) async fn register(&self, context: &ServerContext) {
        let register = context.extends.hook_mgr().register();
        for hook in [Type::ClientAuthenticate, Type::ClientSubscribeCheckAcl, Type::MessagePublishCheckAcl] {
            register.add(hook, Box::new(self.clone())).await;
        }
        register.start().await;
    }

    pub(crate) fn has_seen(&self, presence_topic: &str) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|topic| topic == presence_topic)
    }

    fn authenticate(&self, info: &ConnectInfo) -> AuthResult {
        let (Some(user), Some(token)) = (info.username(), info.password()) else {
            return AuthResult::BadUsernameOrPassword;
        };
        if !access::is_name(user) {
            return AuthResult::BadUsernameOrPassword;
        }
        // Before the token: whoever holds another's client id must not learn or claim anything.
        if !access::owns_client_id(user, info.client_id()) {
            return AuthResult::NotAuthorized;
        }
        // rmqtt publishes a last will without asking about its topic.
        let will = match info.last_will() {
            Some(LastWill::V3(will)) => Some(&will.topic),
            Some(LastWill::V5(will)) => Some(&will.topic),
            None => None,
        };
        if will.is_some_and(|topic| !access::may_write(user, topic)) {
            return AuthResult::NotAuthorized;
        }
        if !self.accounts.admit(user, token) {
            return AuthResult::BadUsernameOrPassword;
        }
        if let Some(topic) = will {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if !seen.iter().any(|known| known.as_str() == &**topic) {
                seen.push(topic.to_string());
            }
        }
        AuthResult::Allow(false, None)
    }
}

#[async_trait]
impl Handler for Rules {
    async fn hook(&self, parameter: &Parameter, _earlier: Option<HookResult>) -> ReturnType {
        let answer = match parameter {
            Parameter::ClientAuthenticate(info) => HookResult::AuthResult(self.authenticate(info)),
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                let user = session.username().map_or("", |user| user);
                HookResult::SubscribeAclResult(if access::may_read(user, &subscribe.topic_filter) {
                    SubscribeAclResult::new_success(subscribe.opts.qos(), None)
                } else {
                    SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized)
                })
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                let user = session.username().map_or("", |user| user);
                HookResult::PublishAclResult(if access::may_write(user, &publish.topic) {
                    PublishAclResult::allow()
                } else {
                    PublishAclResult::rejected(false, None)
                })
            }
            _ => return (true, None),
        };
        (false, Some(answer))
    }
}
