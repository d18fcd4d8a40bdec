//! rmqtt asks, we answer: who may log in, subscribe and publish.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::types::{AuthResult, ConnectInfo, LastWill, PublishAclResult, SubscribeAclResult};

use super::access;
use super::accounts::Accounts;
use super::arrivals::Arrivals;
use super::undelivered::Undelivered;

/// The answers to rmqtt's hooks.
#[derive(Clone)]
pub(crate) struct Rules {
    accounts: Arc<Accounts>,
    /// Tokens count; see [`super::Broker::check_tokens`].
    checks: Arc<AtomicBool>,
    arrivals: Arc<Arrivals>,
}

impl Rules {
    pub(crate) fn new(accounts: Accounts, checks: Arc<AtomicBool>) -> Self {
        Self { accounts: Arc::new(accounts), checks, arrivals: Arc::default() }
    }

    /// Registers the answers before any client can connect.
    pub(crate) async fn register(&self, context: &ServerContext) {
        let register = context.extends.hook_mgr().register();
        for hook in [
            Type::ClientAuthenticate,
            Type::ClientSubscribeCheckAcl,
            Type::MessagePublishCheckAcl,
            Type::SessionSubscribed,
        ] {
            register.add(hook, Box::new(self.clone())).await;
        }
        let undelivered = Undelivered::new(context.clone());
        for hook in [Type::MessageDelivered, Type::MessageAcked, Type::ClientDisconnected] {
            register.add(hook, Box::new(undelivered.clone())).await;
        }
        register.start().await;
    }

    fn authenticate(&self, info: &ConnectInfo) -> AuthResult {
        let Some(user) = info.username() else { return AuthResult::BadUsernameOrPassword };
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
        let admitted = || info.password().is_some_and(|token| self.accounts.admit(user, token));
        if self.checks.load(Ordering::Relaxed) && !admitted() {
            return AuthResult::BadUsernameOrPassword;
        }
        AuthResult::Allow(false, None)
    }
}

#[async_trait]
impl Handler for Rules {
    async fn hook(&self, parameter: &Parameter, earlier: Option<HookResult>) -> ReturnType {
        let answer = match parameter {
            Parameter::ClientAuthenticate(info) => {
                let result = self.authenticate(info);
                if let (AuthResult::Allow(..), Some(user)) = (&result, info.username()) {
                    self.arrivals.begin(info.client_id(), user).await;
                }
                HookResult::AuthResult(result)
            }
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
                self.arrivals.wait(&publish.topic).await;
                HookResult::PublishAclResult(if access::may_write(user, &publish.topic) {
                    PublishAclResult::allow()
                } else {
                    PublishAclResult::rejected(false, None)
                })
            }
            Parameter::SessionSubscribed(session, subscribe) => {
                if subscribe.topic_filter.contains("/to/") {
                    self.arrivals.end(&session.id.client_id);
                }
                return (true, earlier);
            }
            _ => return (true, earlier),
        };
        (false, Some(answer))
    }
}
