//! What the rules want done.

use peal_call::{Direction, EndReason, Output, RecordStatus};

use crate::history;
use crate::link::Order;
use crate::phone::Softphone;

impl Softphone {
    pub async fn carry_out(&mut self, output: Output) {
        match output {
            Output::Send { to, signal, lifetime } => self.send(to, signal, lifetime).await,
            Output::OpenOfferer(link) => self.open(&link, Order::Offer),
            Output::OpenAnswerer { link, offer } => self.open(&link, Order::Answer(offer)),
            Output::AcceptAnswer { link, answer } => self.order(&link, Order::AcceptAnswer(answer)),
            Output::AnswerOffer { link, offer } => self.order(&link, Order::AnswerOffer(offer)),
            Output::AddCandidates { link, candidates, complete } => {
                self.order(&link, Order::AddCandidates(candidates, complete));
            }
            Output::RestartIce(link) => self.order(&link, Order::Restart),
            Output::ClosePeer(link) => self.close(&link),
            Output::Notify(notice) => self.notify(notice),
            Output::Refuse { refusal, .. } => self.complain(refusal.into()),
            Output::Record(record) => {
                let missed = record.direction == Direction::Incoming
                    && !matches!(record.reason, EndReason::Rejected | EndReason::RejectedElsewhere)
                    && record.status != RecordStatus::Completed;
                match history::keep(&self.store, &record, &self.surroundings(), !missed) {
                    Ok(Some(row)) => self.recorded(row),
                    Ok(None) => {}
                    Err(error) => self.complain(error.into()),
                }
            }
            Output::ShareRecord(record) => self.share(record).await,
        }
    }
}
