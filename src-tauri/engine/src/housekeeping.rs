//! What is looked after every second: devices that failed, a broker that went.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{ConnectionState, Event, PealError};
use crate::phone::Softphone;

impl Softphone {
    /// A device that fails in a call is told once (kits B32, E27).
    pub fn tell_trouble(&mut self) {
        let troubles = [self.sound.trouble().map(PealError::from), self.own.trouble()];
        let codes = troubles.each_ref().map(|it| it.as_ref().map(|it| it.code));
        let told = std::mem::replace(&mut self.trouble, codes);
        for (error, _) in troubles.into_iter().zip(told).filter(|(it, told)| it.as_ref().map(|it| it.code) != *told) {
            if let Some(error) = error {
                self.complain(error);
            }
        }
    }

    pub fn housekeeping(&mut self) {
        self.look_at_the_clock();
        self.sound.retry();
        self.own.retry();
        self.ticks = self.ticks.wrapping_add(1);
        if self.own.is_used() && self.ticks.is_multiple_of(2) {
            self.own.look_for_cameras();
        }
        let lost = self.connection.state == ConnectionState::Reconnecting;
        if lost && self.session.as_ref().is_some_and(|it| it.account.embedded) {
            // Whoever ran the broker is gone: somebody takes over. The port decides who.
            self.start_broker();
        }
    }

    pub fn start_broker(&self) {
        let (broker, config, messages) = (Arc::clone(&self.broker), self.config.clone(), self.events.clone());
        let check_sum = self.settings.check_sum;
        tokio::spawn(async move {
            let Ok(mut broker) = broker.try_lock() else { return };
            let pause = Duration::from_millis(rand::random_range(0..300));
            tokio::time::sleep(pause).await;
            if let Err(error) = broker.ensure(config.embedded_broker, &config.profile, check_sum).await {
                let _ = messages.send(Event::Error(error));
            }
        });
    }
}
