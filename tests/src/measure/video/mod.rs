//! `bench video`: pictures through good and bad paths, Peal beside Chromium, in one run and by one yardstick.
//!
//! Both have the same camera (a film with a number in each picture), the same microphone, the same path ([`crate::path`])
//! and the same ceiling of [`MOST_KBPS`]. What is timed is where a program has a decoded picture in its hands: in Peal
//! where the window would take it, in Chromium in a `MediaStreamTrackProcessor`.

mod adapt;
mod case;
mod chromium;
mod film;
mod likeness;
mod peal;
mod report;
mod seen;
mod voice;
mod window;

use std::path::Path;
use std::time::Duration;

pub use case::MOST_KBPS;
use case::{Buffered, Case, Outcome, Props, Tiles};
use film::Film;
pub use report::Report;
use report::Section;
use voice::Judge;

use super::{Spread, Unmeasured};
use crate::ears;
use crate::path::Quality;

/// How it is measured.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// In under ten minutes: fewer conditions, shorter calls.
    pub quick: bool,
    /// Nothing is printed before the end.
    pub quiet: bool,
    /// Only these sections, by their keys; none: all of them.
    pub only: Vec<String>,
    /// What Chromium is to code pictures with, such as `h264`; none: what it likes best.
    pub codec: Option<String>,
}

/// How long the beginning of a call takes, which the figures of a steady call leave out, ms.
const SETTLED: f64 = 4_000.0;

/// How long a way takes, one way, ms: across a country, and around half the world.
const NEAR_MS: u64 = 20;
const FAR_MS: u64 = 100;

/// The bench under way.
struct Bench<'a> {
    options: &'a Options,
    props: Props<'a>,
    judge: Option<Judge>,
    report: Report,
}

/// Measures it all.
pub fn measure(options: &Options) -> Result<Report, Unmeasured> {
    let place = tempfile::tempdir()?;
    let film = Film::make(&place.path().join("film.y4m"), 1_280, 720)?;
    let said = voice::speak(place.path());
    let mut report = Report::new(options.quiet);
    let judge = match Judge::find() {
        Ok(judge) => Some(judge),
        Err(error) => {
            report.remark(format!("voices were not scored, for want of pesq: {error}"));
            None
        }
    };
    let mut bench = Bench { options, props: Props { film: &film, said }, judge, report };
    bench.clear()?;
    bench.cost()?;
    bench.window()?;
    bench.opening()?;
    bench.narrow_and_lossy()?;
    bench.drop_and_return()?;
    bench.tiles(place.path())?;
    Ok(bench.report)
}

impl Bench<'_> {
    fn wants(&self, key: &str) -> bool {
        self.options.only.is_empty() || self.options.only.iter().any(|it| it == key)
    }

    /// How long a steady call is.
    fn seconds(&self) -> f64 {
        if self.options.quick { 14.0 } else { 30.0 }
    }

    /// One case with both.
    fn both(&self, name: &str, case: &Case) -> Result<[Outcome; 2], Unmeasured> {
        eprintln!("video: {name}: Peal …");
        let peal = peal::run(case, &self.props)?;
        eprintln!("video: {name}: Chromium …");
        let chromium = chromium::run(case, &self.props, self.options.codec.as_deref())?;
        Ok([peal, chromium])
    }

    /// A path on which nothing is wrong.
    fn clear(&mut self) -> Result<(), Unmeasured> {
        if !self.wants("clear") {
            return Ok(());
        }
        let seconds = self.seconds();
        let quality = Quality { delay: Duration::from_millis(10), ..Quality::default() };
        let both = self.both("a clear path", &Case { whole: true, ..Case::steady(quality, seconds) })?;
        let mut section = Section::new("clear", "720p30 over a clear path (10 ms), one camera");
        let first = both.each_ref().map(|it| Spread::new(it.first_picture));
        section.add("answer_to_first_picture_ms", "answer to first picture, ms", 0, first);
        self.pictures(&mut section, &both);
        self.report.add(section);
        Ok(())
    }

    /// What a call costs when both cameras are on, and everything is drawn or ready to be drawn.
    fn cost(&mut self) -> Result<(), Unmeasured> {
        if !self.wants("cost") {
            return Ok(());
        }
        let seconds = self.seconds();
        let case =
            Case { cameras: [true, true], stills: false, whole: true, ..Case::steady(Quality::default(), seconds) };
        let both = self.both("what it costs", &case)?;
        let mut section = Section::new("cost", "720p30, both cameras on, loopback");
        let cpu = both.each_ref().map(|it| Spread::new(it.cpu));
        section.add("cpu_percent", "processor of each end, % of a core", 0, cpu);
        let rate = both.each_ref().map(|it| Spread::new(it.seen.rates(it.begun + SETTLED, it.ended)));
        section.add("rate_fps", "pictures a second at the other side", 0, rate);
        let lines = both.each_ref().map(|it| Spread::new(it.seen.lines(it.begun + SETTLED, it.ended)));
        section.add("lines", "lines of the picture", 0, lines);
        machine(&mut section, &both);
        self.report.add(section);
        let codec = both[1].codec.clone().unwrap_or_else(|| "?".to_owned());
        self.report.remark(format!(
            "What it costs: Peal codes H264, Chromium {codec}. Peal's ends have no window: what is counted is camera, coding, \
             decoding and the network; Chromium draws both ways into a window that nobody sees."
        ));
        Ok(())
    }

    /// The same with a window that draws it.
    fn window(&mut self) -> Result<(), Unmeasured> {
        if !self.wants("window") {
            return Ok(());
        }
        let seconds = self.seconds();
        eprintln!("video: in a window: Peal, then Chromium …");
        let drawn = window::run(seconds, &self.props)?;
        let mut section = Section::new("window", "720p30 in a window, both cameras on, no graphics card");
        let mut each = |key: &'static str, words: &'static str, of: fn(&window::Drawn) -> f64| {
            section.add(key, words, 0, drawn.each_ref().map(|it| Spread::new([of(it)])));
        };
        each("cpu_percent", "processor of the end with the window, % of a core", |it| it.cpu[0]);
        each("display_cpu_percent", "its display server, % of a core", |it| it.cpu[1]);
        each("rate_fps", "pictures a second that it drew", |it| it.fps[0]);
        each("sent_fps", "pictures a second that it sent", |it| it.fps[1]);
        each("cpu_ms_per_picture", "processor for each picture drawn and sent, ms", |it| {
            10.0 * it.cpu.iter().sum::<f64>() / (it.fps.iter().sum::<f64>() / 2.0)
        });
        each("width", "how wide, pixels", |it| it.tile.0);
        each("height", "how high, pixels", |it| it.tile.1);
        self.report.add(section);
        self.report.remark(
            "In a window: both draw in one of the same size under the same display server, and free voices of echo and noise; \
             Peal's sound goes through devices, Chromium's microphone is a file.",
        );
        Ok(())
    }

    /// How long it takes from opening the camera until the other side sees something.
    fn opening(&mut self) -> Result<(), Unmeasured> {
        if !self.wants("opening") {
            return Ok(());
        }
        let times = if self.options.quick { 5 } else { 20 };
        eprintln!("video: opening the camera: Peal …");
        let peal = peal::opening(times, &self.props)?;
        eprintln!("video: opening the camera: Chromium …");
        let chromium = chromium::opening(times, &self.props)?;
        let mut section = Section::new("opening", "opening the camera in a call, loopback");
        let both = [Spread::new(peal), Spread::new(chromium)];
        section.add("first_picture_ms", "to the other side's first picture, ms", 0, both);
        self.report.add(section);
        Ok(())
    }

    /// Paths that carry little, and paths that lose.
    fn narrow_and_lossy(&mut self) -> Result<(), Unmeasured> {
        let seconds = if self.options.quick { 16.0 } else { 40.0 };
        let quick = [true, false, true, true, false, true, true, false, false];
        let near = [(300, 0), (600, 0), (1_000, 0), (2_500, 0), (2_500, 2), (2_500, 5), (2_500, 10)];
        let far = [(2_500, 5), (2_500, 10)].map(|(rate, loss)| (rate, loss, FAR_MS));
        let all = near.map(|(rate, loss)| (rate, loss, NEAR_MS)).into_iter().chain(far);
        let wanted: Vec<_> = all
            .zip(quick)
            .filter(|(_, quick)| *quick || !self.options.quick || !self.options.only.is_empty())
            .map(|((rate, loss, delay), _)| {
                let key = match (loss, delay) {
                    (0, _) => format!("rate_{rate}"),
                    (_, FAR_MS) => format!("far_{loss}"),
                    _ => format!("loss_{loss}"),
                };
                (key, rate, loss, delay)
            })
            .filter(|(key, ..)| self.wants(key))
            .collect();
        let case = |rate: i32, loss: i32, delay: u64| {
            let quality = Quality {
                rate_kbps: f64::from(rate),
                delay: Duration::from_millis(delay),
                loss: f64::from(loss) / 100.0,
                ..Quality::default()
            };
            Case::steady(quality, seconds)
        };
        let cases: Vec<Case> = wanted.iter().map(|(_, rate, loss, delay)| case(*rate, *loss, *delay)).collect();
        let alone = self.voices_alone(&cases)?;
        for (((key, rate, loss, delay), case), alone) in wanted.iter().zip(&cases).zip(alone) {
            let name = format!("{rate} kbit/s, {loss} % lost, {delay} ms");
            let both = self.both(&name, case)?;
            let mut section = Section::new(key.clone(), name);
            self.pictures(&mut section, &both);
            self.voices(&mut section, &both, alone)?;
            self.report.add(section);
        }
        Ok(())
    }

    /// A path that becomes narrow for a while.
    fn drop_and_return(&mut self) -> Result<(), Unmeasured> {
        if !self.wants("drop") {
            return Ok(());
        }
        let [drop, back, end] = if self.options.quick { [10.0, 22.0, 36.0] } else { [20.0, 45.0, 75.0] };
        let path = |rate_kbps: f64| Quality { rate_kbps, delay: Duration::from_millis(20), ..Quality::default() };
        let steps = vec![(0.0, path(2_500.0)), (drop, path(400.0)), (back, path(2_500.0))];
        let case = Case { path: steps, stills: false, ..Case::steady(path(2_500.0), end) };
        let alone = self.voices_alone(std::slice::from_ref(&case))?.pop().flatten();
        let both = self.both("2500, 400 and 2500 kbit/s", &case)?;
        let mut section = Section::new("drop", "2500 kbit/s, then 400, then 2500 again, 20 ms");
        let moments = |it: &Outcome| [drop, back, end].map(|after| it.begun + after * 1_000.0);
        let settled = both.each_ref().map(|it| {
            let [drop, back, _] = moments(it);
            Spread::new(adapt::settled(&it.seen, drop, back))
        });
        section.add("settled_ms", "to pictures in time again after the drop, ms", 0, settled);
        let recovered = both.each_ref().map(|it| Spread::new(adapt::recovered(&it.carried, moments(it))));
        section.add("recovered_ms", "to as much as before after its end, ms", 0, recovered);
        let freezes = both.each_ref().map(|it| Spread::new([it.seen.freezes(it.begun, it.ended).len() as f64]));
        section.add("freezes", "freezes (over 500 ms)", 0, freezes);
        machine(&mut section, &both);
        let longest = both.each_ref().map(|it| {
            let times = it.seen.times(it.begun, it.ended);
            Spread::new([times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)])
        });
        section.add("longest_gap_ms", "the longest gap between two pictures, ms", 0, longest);
        for (key, name, from, until) in [
            ("rate_before_fps", "pictures a second before", SETTLED / 1_000.0, drop),
            ("rate_while_fps", "pictures a second meanwhile", drop, back),
            ("rate_after_fps", "pictures a second afterwards", back, end),
        ] {
            let rates = |it: &Outcome| it.seen.rates(it.begun + from * 1_000.0, it.begun + until * 1_000.0);
            section.add(key, name, 0, both.each_ref().map(|it| Spread::new(rates(it))));
        }
        let ages = both.each_ref().map(|it| {
            let [drop, back, _] = moments(it);
            Spread::new(it.seen.ages().into_iter().filter(|(at, _)| *at >= drop && *at < back).map(|(_, age)| age))
        });
        section.add("latency_while_ms", "camera to screen meanwhile, ms", 0, ages);
        self.voices(&mut section, &both, alone)?;
        self.report.add(section);
        Ok(())
    }

    /// Nine pictures on one screen: the own one, and eight others'.
    fn tiles(&mut self, place: &Path) -> Result<(), Unmeasured> {
        if !self.wants("tiles") {
            return Ok(());
        }
        let seconds = if self.options.quick { 12.0 } else { 30.0 };
        let film = Film::make(&place.join("small.y4m"), 640, 360)?;
        let props = Props { film: &film, said: self.props.said.clone() };
        eprintln!("video: nine tiles: Peal …");
        let peal = peal::tiles(seconds, &props)?;
        eprintln!("video: nine tiles: Chromium …");
        let chromium = chromium::tiles(seconds, &props, self.options.codec.as_deref())?;
        let both = [peal, chromium];
        let mut section = Section::new("tiles", "nine 360p tiles: the own one and eight others'");
        let rates =
            |it: &Tiles| it.seen.iter().flat_map(|one| one.rates(it.begun + SETTLED, it.ended)).collect::<Vec<_>>();
        section.add(
            "rate_fps",
            "pictures a second of each of the eight",
            0,
            both.each_ref().map(|it| Spread::new(rates(it))),
        );
        let lines =
            |it: &Tiles| it.seen.iter().flat_map(|one| one.lines(it.begun + SETTLED, it.ended)).collect::<Vec<_>>();
        section.add("lines", "lines of each", 0, both.each_ref().map(|it| Spread::new(lines(it))));
        section.add(
            "cpu_percent",
            "processor of who sees them, % of a core",
            0,
            both.each_ref().map(|it| Spread::new([it.cpu[0]])),
        );
        section.add(
            "others_cpu_percent",
            "processor of the eight together, % of a core",
            0,
            both.each_ref().map(|it| Spread::new([it.cpu[1]])),
        );
        self.report.add(section);
        Ok(())
    }

    /// The scores of Peal's voice in each case without a picture; none where nothing scores. Two calls at a time:
    /// more of them cost each other half a point.
    fn voices_alone(&self, cases: &[Case]) -> Result<Vec<Option<Spread>>, Unmeasured> {
        let Some(judge) = &self.judge else { return Ok(vec![None; cases.len()]) };
        let said = ears::read_wav(&self.props.said);
        let mut all = Vec::new();
        for some in cases.chunks(2) {
            eprintln!("video: the voice alone, {} calls …", some.len());
            let outcomes: Vec<_> = std::thread::scope(|scope| {
                let calls = some.iter().map(|case| scope.spawn(|| peal::run(&case.voice_alone(), &self.props)));
                let calls: Vec<_> = calls.collect();
                calls.into_iter().map(|call| call.join().unwrap_or_else(|_| Err("a call panicked".into()))).collect()
            });
            for outcome in outcomes {
                all.push(Some(Spread::new(judge.scores(&said, &outcome?.heard)?)));
            }
        }
        Ok(all)
    }

    /// How good the voice beside the pictures was.
    fn voices(&self, section: &mut Section, both: &[Outcome; 2], alone: Option<Spread>) -> Result<(), Unmeasured> {
        let Some(judge) = &self.judge else { return Ok(()) };
        let said = ears::read_wav(&self.props.said);
        let scores = |it: &Outcome| judge.scores(&said, &it.heard).map(Spread::new);
        section.add("voice_pesq", "voice beside the picture (PESQ)", 2, [scores(&both[0])?, scores(&both[1])?]);
        let buffered = |of: fn(&Buffered) -> f64| both.each_ref().map(|it| Spread::new([of(&it.buffered)]));
        section.add("voice_concealed_ms", "voice made up for what did not come, ms", 0, buffered(|it| it.concealed));
        section.add("voice_stretched_ms", "voice played faster or slower, ms", 0, buffered(|it| it.stretched));
        section.add("voice_waited_ms", "voice in the jitter buffer, ms", 0, buffered(|it| it.waited));
        if let Some(alone) = alone {
            section.add("voice_alone_pesq", "voice without a picture (PESQ)", 2, [alone, Spread::new([])]);
        }
        Ok(())
    }

    /// What is told of the pictures of any steady call.
    fn pictures(&self, section: &mut Section, both: &[Outcome; 2]) {
        let spread = |values: &dyn Fn(&Outcome) -> Vec<f64>| both.each_ref().map(|it| Spread::new(values(it)));
        let from = |it: &Outcome| it.begun + SETTLED;
        section.add("rate_fps", "pictures a second", 0, spread(&|it| it.seen.rates(from(it), it.ended)));
        let ages =
            |it: &Outcome| it.seen.ages().into_iter().filter(|(at, _)| *at >= from(it)).map(|(_, age)| age).collect();
        section.add("latency_ms", "camera to screen, ms", 0, spread(&ages));
        let freezes = |it: &Outcome| vec![it.seen.freezes(it.begun, it.ended).len() as f64];
        section.add("freezes", "freezes (over 500 ms) from the first picture on", 0, spread(&freezes));
        let alike: [Vec<(f64, f64)>; 2] =
            both.each_ref().map(|it| it.seen.likenesses(self.props.film, from(it), it.ended));
        let ssim = alike.each_ref().map(|all| Spread::new(all.iter().map(|(ssim, _)| *ssim)));
        let psnr = alike.each_ref().map(|all| Spread::new(all.iter().map(|(_, psnr)| *psnr)));
        section.add("ssim", "likeness (SSIM)", 3, ssim);
        section.add("psnr_db", "likeness (PSNR), dB", 1, psnr);
        section.add("lines", "lines of the picture", 0, spread(&|it| it.seen.lines(from(it), it.ended)));
        let kbps = |it: &Outcome| {
            let bytes: usize = it.carried.iter().filter(|(at, _)| *at >= from(it)).map(|(_, bytes)| *bytes).sum();
            vec![bytes as f64 * 8.0 / (it.ended - from(it))]
        };
        section.add("wire_kbps", "on the wire, kbit/s", 0, spread(&kbps));
        section.add("lowered_for_cpu_s", "lowered for want of processor, s", 0, spread(&|it| vec![it.lowered[0]]));
        section.add("sender_cpu_percent", "processor of the sender, % of a core", 0, spread(&|it| vec![it.cpu[0]]));
        section.add("receiver_cpu_percent", "processor of the receiver, % of a core", 0, spread(&|it| vec![it.cpu[1]]));
        machine(section, both);
    }
}

/// How much the figures are worth: whether the machine had time for anybody.
fn machine(section: &mut Section, both: &[Outcome; 2]) {
    let late = both.each_ref().map(|it| Spread::new(it.late.iter().copied()));
    section.add("machine_late_ms", "how late the machine woke this program, ms", 1, late);
}
