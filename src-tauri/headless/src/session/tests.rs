use std::sync::{Arc, Mutex};

use peal_engine::api::UserInCall;
use serde_json::json;
use tokio::sync::{Semaphore, oneshot};

use super::*;

/// A conversation with a phone that notes what it is asked, and takes its time where it is told to.
struct Fixture {
    lines: Option<mpsc::Sender<Line>>,
    events: Option<broadcast::Sender<Event>>,
    output: Option<mpsc::Receiver<String>>,
    asked: Arc<Mutex<Vec<String>>>,
    /// A login waits for a permit.
    network: Arc<Semaphore>,
    stop: Option<oneshot::Sender<()>>,
    ending: tokio::task::JoinHandle<(Ending, Ends)>,
}

impl Fixture {
    fn start(first: Option<Command>) -> Self {
        Self::patient(first, Duration::from_mins(1))
    }

    fn patient(first: Option<Command>, patience: Duration) -> Self {
        let (lines, line_receiver) = mpsc::channel(16);
        let (events, event_receiver) = broadcast::channel(4);
        let (output_sender, output) = mpsc::channel(1);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let network = Arc::new(Semaphore::new(0));
        let mut ends = Ends { lines: line_receiver, events: event_receiver, output: output_sender, patience };
        let (stop, stopped) = oneshot::channel::<()>();
        let (phone, cable, teller) = (asked.clone(), network.clone(), events.clone());
        let execute = move |command: Command| {
            let (phone, cable, teller) = (phone.clone(), cable.clone(), teller.clone());
            async move {
                phone.lock().unwrap().push(serde_json::to_value(&command).unwrap()["command"].to_string());
                match command {
                    Command::Login(_) => {
                        cable.acquire().await.unwrap().forget();
                        Err(PealError::new(ErrorCode::WrongToken, "refused"))
                    }
                    Command::Hangup { call_id } => {
                        let user_id = "ada".to_owned();
                        teller.send(Event::UserEntered(UserInCall { call_id, user_id })).unwrap();
                        Ok(Value::Null)
                    }
                    _ => Ok(json!({ "done": true })),
                }
            }
        };
        let ending = tokio::spawn(async move {
            let ending = converse(&mut ends, first, stopped.map(|_| ()), execute).await;
            (ending, ends)
        });
        let (lines, events, output) = (Some(lines), Some(events), Some(output));
        Self { lines, events, output, asked, network, stop: Some(stop), ending }
    }

    async fn say(&self, line: &str) {
        self.lines.as_ref().unwrap().send(Line::Text(line.as_bytes().to_vec())).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(20), self.output.as_mut().unwrap().recv());
        serde_json::from_str(&line.await.unwrap().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_slow_command_does_not_keep_the_next_one_waiting() {
    let mut session = Fixture::start(None);
    session.say(r#"{"id":1,"command":"login"}"#).await;
    session.say(r#"{"id":2,"command":"snapshot"}"#).await;
    assert_eq!(session.hear().await, json!({ "id": 2, "result": { "done": true } }));
    session.network.add_permits(1);
    let answer = session.hear().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!("wrong_token")));
}

#[tokio::test]
async fn commands_begin_in_the_order_of_their_lines() {
    let mut session = Fixture::start(None);
    let names = ["login", "is_muted", "login", "current_user", "logout", "snapshot", "is_muted"];
    for name in names {
        session.say(&format!(r#"{{"id":"{name}","command":"{name}"}}"#)).await;
    }
    session.network.add_permits(2);
    for _ in names {
        session.hear().await;
    }
    assert_eq!(*session.asked.lock().unwrap(), names.map(|name| format!("\"{name}\"")));
}

#[tokio::test]
async fn a_malformed_line_is_answered_and_the_conversation_goes_on() {
    let mut session = Fixture::start(None);
    session.say(r#"{"id":1,"command":"fly"}"#).await;
    session.say("").await;
    session.lines.as_ref().unwrap().send(Line::TooLong).await.unwrap();
    session.say(r#"{"id":2,"command":"snapshot"}"#).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = session.hear().await;
        answers.push((answer["id"].clone(), answer["error"]["code"].clone()));
    }
    for expected in [(json!(1), json!("bad_request")), (Value::Null, json!("bad_request")), (json!(2), Value::Null)] {
        assert!(answers.contains(&expected), "{expected:?} in {answers:?}");
    }
}

#[tokio::test]
async fn what_led_to_an_answer_is_told_before_it() {
    let mut session = Fixture::start(None);
    session.say(r#"{"id":1,"command":"hangup","params":{"call_id":"c"}}"#).await;
    assert_eq!(session.hear().await["event"], "user_entered");
    assert_eq!(session.hear().await, json!({ "id": 1, "result": null }));
}

#[tokio::test]
async fn a_failed_first_login_is_an_error_event_and_nothing_more() {
    let mut session = Fixture::start(Some(Command::Login(peal_engine::api::LoginParams::default())));
    session.network.add_permits(1);
    let event = session.hear().await;
    assert_eq!((&event["event"], &event["data"]["code"]), (&json!("error"), &json!("wrong_token")));
    assert!(!event["data"]["hint"].as_str().unwrap().is_empty());
    session.say(r#"{"id":1,"command":"snapshot"}"#).await;
    assert_eq!(session.hear().await["id"], 1);
}

#[tokio::test]
async fn the_end_of_the_input_waits_for_the_last_answers() {
    let mut session = Fixture::start(None);
    session.say(r#"{"id":1,"command":"login"}"#).await;
    session.say(r#"{"id":2,"command":"snapshot"}"#).await;
    session.lines = None;
    assert_eq!(session.hear().await["id"], 2);
    session.network.add_permits(1);
    assert_eq!(session.hear().await["id"], 1);
    assert_eq!(session.ending.await.unwrap().0, Ending::InputEnded);
}

#[tokio::test]
async fn the_end_of_the_input_does_not_wait_for_ever() {
    let patience = Duration::from_millis(50);
    let mut session = Fixture::patient(None, patience);
    session.say(r#"{"id":1,"command":"login"}"#).await;
    session.lines = None;
    let begun = Instant::now();
    assert_eq!(session.ending.await.unwrap().0, Ending::InputEnded);
    assert!(begun.elapsed() >= patience);
}

#[tokio::test]
async fn a_closed_output_ends_it_without_a_word_from_anyone() {
    let mut session = Fixture::start(None);
    session.output = None;
    assert_eq!(session.ending.await.unwrap().0, Ending::OutputClosed);
}

#[tokio::test]
async fn being_asked_to_end_ends_it_even_when_nobody_reads() {
    let mut session = Fixture::start(None);
    for number in 0..3 {
        session.say(&format!(r#"{{"id":{number},"command":"snapshot"}}"#)).await;
    }
    session.say(r#"{"id":3,"command":"login"}"#).await;
    session.stop.take().unwrap().send(()).unwrap();
    assert_eq!(session.ending.await.unwrap().0, Ending::Asked);
}

#[tokio::test]
async fn what_happens_while_the_engine_stops_is_told() {
    let mut session = Fixture::start(None);
    session.stop.take().unwrap().send(()).unwrap();
    let (ending, ends) = (&mut session.ending).await.unwrap();
    assert_eq!(ending, Ending::Asked);
    let events = session.events.clone().unwrap();
    let say = move |call_id: &str| {
        events.send(Event::MediaDisconnected { call_id: call_id.to_owned() }).unwrap();
    };
    let farewell = tokio::spawn(last_words(ends, async move {
        say("1");
        tokio::task::yield_now().await;
        say("2");
    }));
    for call_id in ["1", "2"] {
        assert_eq!(session.hear().await["data"]["call_id"], call_id);
    }
    farewell.await.unwrap();
    assert_eq!(session.output.as_mut().unwrap().recv().await, None);
}

#[tokio::test]
async fn a_reader_too_slow_for_the_events_is_told_how_many_are_lost() {
    let mut session = Fixture::start(None);
    let events = session.events.clone().unwrap();
    session.say(r#"{"id":1,"command":"snapshot"}"#).await;
    // One line fills the output and one waits for it; the channel keeps four more.
    for number in 0..20 {
        events.send(Event::MediaDisconnected { call_id: number.to_string() }).unwrap();
        tokio::task::yield_now().await;
    }
    let mut told = Vec::new();
    loop {
        let line = session.hear().await;
        told.push(line.clone());
        if line["data"]["call_id"] == "19" {
            break;
        }
    }
    let lost = told.iter().filter(|line| line["event"] == "error").count();
    assert_eq!(lost, 1, "{told:?}");
    assert!(told.len() < 20, "{told:?}");
}

#[tokio::test]
async fn so_many_commands_run_at_once_and_no_more() {
    let mut session = Fixture::start(None);
    for number in 0..MAX_RUNNING {
        session.say(&format!(r#"{{"id":{number},"command":"login"}}"#)).await;
    }
    session.say(r#"{"id":"late","command":"snapshot"}"#).await;
    session.network.add_permits(1);
    let first = session.hear().await;
    assert_ne!(first["id"], "late", "the line was read although {MAX_RUNNING} commands run");
    assert_eq!(session.hear().await["id"], "late");
}
