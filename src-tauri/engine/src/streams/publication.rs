//! My stream to a media server: a task around its session.

use std::sync::Arc;

use peal_call::Stream;
use peal_media::audio::Audio;
use peal_media::peer::PeerEvent;
use peal_media::stream::{StreamConfig, StreamError, StreamSession, StreamUrl};
use peal_media::video::VideoEncoder;
use tokio::sync::mpsc;

use super::StreamFact;
use crate::api::{ErrorCode, PealError, PublishedStream};
use crate::flow::{self, Frames, Outlet, Uplink};
use crate::message::{Answer, Message, Reply};

/// What the task is told, in order.
enum Order {
    /// Where my voice comes from; none: nothing of it leaves.
    Speak(Option<Frames>),
    /// My picture goes out; none: nothing of it leaves.
    Show(Option<Arc<VideoEncoder>>),
    /// End it, and say so when the server knows.
    Stop(Option<Reply>),
}

/// A stream that is being opened, or runs. Dropping it ends it in order.
pub(crate) struct Publication {
    orders: mpsc::UnboundedSender<Order>,
    pub number: u64,
    /// Waits for it to be open.
    pub reply: Option<Reply>,
    /// The media path to the server is up.
    open: bool,
    shown: PublishedStream,
    stream: Stream,
    /// It was part of a call.
    in_call: bool,
    /// What of mine goes out by it.
    outlet: Outlet,
}

impl Publication {
    pub fn open(
        number: u64,
        to: (StreamConfig, StreamUrl, Option<String>),
        (shown, stream): (PublishedStream, Stream),
        reply: Reply,
        messages: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let (orders, received) = mpsc::unbounded_channel();
        tokio::spawn(run(to, received, move |fact| {
            let _ = messages.send(Message::Stream(number, fact));
        }));
        Self {
            orders,
            number,
            reply: Some(reply),
            open: false,
            shown,
            stream,
            in_call: false,
            outlet: Outlet::default(),
        }
    }

    /// It is open: who waited for it, what the others are told, and what is shown.
    pub fn opened(&mut self) -> (Option<Reply>, Stream, PublishedStream) {
        self.open = true;
        (self.reply.take(), self.stream.clone(), self.shown.clone())
    }

    /// What is shown of it, once it is open.
    pub fn view(&self) -> Option<PublishedStream> {
        self.open.then(|| self.shown.clone())
    }

    /// Whether the calls that it was part of are over.
    pub fn outlived(&mut self, in_call: bool) -> bool {
        self.in_call |= in_call;
        self.in_call && !in_call
    }

    /// Lets my voice out, or keeps it in.
    pub fn speak(&mut self, audio: &Audio, speaks: bool) {
        let orders = &self.orders;
        self.outlet.speak(audio, speaks, |frames| order(orders, Order::Speak(frames)));
    }

    /// Lets my picture out, or keeps it in.
    pub fn show(&mut self, encoder: Option<&Arc<VideoEncoder>>) {
        let orders = &self.orders;
        self.outlet.show(encoder, |encoder| order(orders, Order::Show(encoder)));
    }

    /// The devices have been opened anew.
    pub fn detach(&mut self) {
        self.outlet.detach();
    }

    /// Ends it; `reply` hears when the server knows.
    pub fn stop(mut self, reply: Option<Reply>) {
        if let Some(waiting) = self.reply.take() {
            let error = PealError::new(ErrorCode::WrongState, "the stream was stopped again");
            // Whoever asked may have gone.
            let _ = waiting.send(Err(error));
        }
        order(&self.orders, Order::Stop(reply));
    }
}

fn order(orders: &mpsc::UnboundedSender<Order>, wish: Order) {
    // A stream that has failed has said so.
    let _ = orders.send(wish);
}

async fn run(
    (config, url, token): (StreamConfig, StreamUrl, Option<String>),
    mut orders: mpsc::UnboundedReceiver<Order>,
    say: impl Fn(StreamFact) + Send,
) {
    // Not given up in the middle: a session at the server is to be taken away in order.
    let (session, mut events) = match Box::pin(StreamSession::publish(&config, &url, token.as_deref())).await {
        Ok(opened) => opened,
        Err(error) => {
            say(StreamFact::Failed(error));
            return stopped(&mut orders);
        }
    };
    say(StreamFact::Opened);
    let mut uplink = Uplink::default();
    let reply = loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Speak(frames)) => uplink.follow(frames),
                Some(Order::Show(encoder)) => session.peer().send_video(encoder.as_ref()),
                Some(Order::Stop(reply)) => break reply,
                None => break None,
            },
            event = events.recv() => match event {
                Some(PeerEvent::Failed | PeerEvent::Closed) | None => {
                    say(StreamFact::Failed(StreamError::NoPath));
                    break None;
                }
                // What heals by itself, and what a server does not send.
                Some(_) => {}
            },
            frame = uplink.next() => flow::speak(session.peer(), frame),
        }
    };
    session.stop().await;
    if let Some(reply) = reply {
        let _ = reply.send(Ok(Answer::Nothing));
    }
    stopped(&mut orders);
}

/// Answers whoever stops what has ended by itself meanwhile.
fn stopped(orders: &mut mpsc::UnboundedReceiver<Order>) {
    orders.close();
    while let Ok(order) = orders.try_recv() {
        if let Order::Stop(Some(reply)) = order {
            let _ = reply.send(Ok(Answer::Nothing));
        }
    }
}
