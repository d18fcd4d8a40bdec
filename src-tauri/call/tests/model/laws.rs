//! What must hold in every state of the world, and where nothing more can happen.

use peal_call::CallState;

use super::parts::{NAMES, address};
use super::world::{World, call_id};

impl World {
    /// What holds in every state.
    pub fn check(&self) -> Result<(), String> {
        for call in [call_id(0), call_id(2)] {
            let mut talking = Vec::new();
            for (place, seat) in self.phones.iter().enumerate().filter(|(place, _)| self.alive[*place]) {
                let phone = &seat.phone;
                let shown = phone.snapshot();
                if shown.len() > 1 {
                    return Err(format!("{} shows {} calls", address(place), shown.len()));
                }
                talking
                    .extend(shown.iter().filter(|it| it.id == call && it.state == CallState::Connected).map(|_| place));
                if shown.iter().any(|it| it.state != CallState::Connected) && phone.poll_timeout().is_none() {
                    return Err(format!("nothing ends the wait of {}", address(place)));
                }
            }
            let winners = |user: &str| talking.iter().filter(|place| NAMES[**place].0 == user).count();
            if winners("ann") > 1 || winners("bob") > 1 {
                return Err(format!("two devices of one person are in one call: {talking:?}"));
            }
        }
        self.check_rings()
    }

    /// Where nothing was lost and nobody died: who rings is waited for, or is being told.
    fn check_rings(&self) -> Result<(), String> {
        if self.lost || self.crashed {
            return Ok(());
        }
        for (place, seat) in self.phones.iter().enumerate() {
            for call in seat.phone.snapshot().iter().filter(|call| call.alert.is_some()) {
                let waited_for = self.phones.iter().any(|other| {
                    other.phone.snapshot().iter().any(|it| {
                        it.id == call.id
                            && it.inviter.is_none()
                            && matches!(it.state, CallState::Calling | CallState::Ringing)
                    })
                });
                let told = self.flights.iter().any(|flight| flight.to == place && flight.signal.call() == call.id);
                if !waited_for && !told {
                    return Err(format!("{} rings for a call that is over", address(place)));
                }
            }
        }
        Ok(())
    }

    /// What holds where nothing more can happen.
    pub fn check_end(&self) -> Result<(), String> {
        for (place, seat) in self.phones.iter().enumerate().filter(|(place, _)| self.alive[*place]) {
            if let Some(stuck) = seat.phone.snapshot().iter().find(|call| call.state != CallState::Connected) {
                return Err(format!("{} is stuck: {:?}", address(place), stuck.state));
            }
        }
        if self.lost || self.crashed {
            return Ok(());
        }
        for call in [call_id(0), call_id(2)] {
            let lines: Vec<_> = (0..self.phones.len())
                .filter_map(|place| {
                    let line = self.records[place].iter().find(|(it, _)| *it == call);
                    line.map(|(_, status)| (address(place).to_string(), *status))
                })
                .collect();
            if lines.windows(2).any(|pair| pair[0].1 != pair[1].1) {
                return Err(format!("the histories of {call} disagree: {lines:?}"));
            }
        }
        Ok(())
    }
}
