//! Microphones and speakers that are no devices: WAV files, tones, silence.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::FRAME_10_MS;
use super::error::{AudioError, FileProblem};
use super::opus::SAMPLE_RATE;
use super::resample::Resampler;

/// The longest recording that is played: 30 minutes.
const MAX_SECONDS: u32 = 1_800;
/// The longest echo delay.
const MAX_ECHO: Duration = Duration::from_secs(10);
/// An echo line longer than its delay by this much (100 ms) has fallen behind.
const ECHO_SLACK: usize = 4_800;
/// Peak of [`Source::Tone`]: -20 dBFS RMS.
const TONE_PEAK: f32 = 0.1414;

/// Bytes of a recording that are read at once: a third of a second of the largest kind, many seconds of the usual one.
const READ_AHEAD: usize = 1 << 18;

/// Gives 10 ms of samples at a time, for ever.
pub(super) enum Source {
    Silence,
    Tone { phase: f32, step: f32 },
    Recording(Box<Recording>),
    Echo { line: VecDeque<f32>, delay: usize },
}

impl Source {
    pub(super) fn tone(hertz: f32) -> Self {
        let hertz = if hertz.is_finite() { hertz.clamp(20.0, 20_000.0) } else { 440.0 };
        Self::Tone { phase: 0.0, step: hertz / SAMPLE_RATE as f32 }
    }

    pub(super) fn echo(delay: Duration) -> Self {
        let delay = (delay.min(MAX_ECHO).as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
        Self::Echo { line: std::iter::repeat_n(0.0, delay).collect(), delay }
    }

    pub(super) fn wav(path: &Path, looped: bool) -> Result<Self, AudioError> {
        Ok(Self::Recording(Box::new(Recording::open(path, looped)?)))
    }

    /// What the speaker plays, for [`Source::Echo`].
    pub(super) fn hear(&mut self, frame: &[f32]) {
        if let Self::Echo { line, delay } = self {
            line.extend(frame);
            let excess = line.len().saturating_sub(*delay + ECHO_SLACK);
            line.drain(..excess);
        }
    }

    pub(super) fn fill(&mut self, frame: &mut [f32; FRAME_10_MS]) {
        match self {
            Self::Silence => frame.fill(0.0),
            Self::Tone { phase, step } => {
                for sample in frame {
                    *sample = TONE_PEAK * (*phase * std::f32::consts::TAU).sin();
                    *phase = (*phase + *step).fract();
                }
            }
            Self::Recording(recording) => recording.fill(frame),
            Self::Echo { line, .. } => {
                for sample in frame {
                    *sample = line.pop_front().unwrap_or(0.0);
                }
            }
        }
    }
}

/// A file that takes what a speaker would play: 48 kHz mono 16 bit.
pub(super) struct Recorder {
    writer: Option<hound::WavWriter<BufWriter<File>>>,
    unflushed: usize,
}

impl Recorder {
    pub(super) fn create(path: &Path) -> Result<Self, AudioError> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let writer = hound::WavWriter::create(path, spec).map_err(|error| file_error(path, &error))?;
        Ok(Self { writer: Some(writer), unflushed: 0 })
    }

    /// Appends a frame. A full disk ends the recording; the call goes on.
    pub(super) fn write(&mut self, frame: &[f32]) {
        let Some(writer) = self.writer.as_mut() else { return };
        let mut result = frame.iter().try_for_each(|s| writer.write_sample((s.clamp(-1.0, 1.0) * 32_767.0) as i16));
        self.unflushed += frame.len();
        if result.is_ok() && self.unflushed >= SAMPLE_RATE as usize {
            // The header is brought up to date each second, so that what a killed program leaves can be played.
            self.unflushed = 0;
            result = writer.flush();
        }
        if let Err(error) = result {
            tracing::warn!(%error, "the recording of the speaker stopped");
            self.writer = None;
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.writer.take().map(hound::WavWriter::finalize) {
            tracing::warn!(%error, "the recording of the speaker could not be finished");
        }
    }
}

/// Any WAV file as mono 48 kHz, read while it is played.
pub(super) struct Recording {
    reader: hound::WavReader<BufReader<File>>,
    resampler: Option<Resampler>,
    looped: bool,
    /// Nothing more will be read: it is over, or the file has become unreadable.
    over: bool,
    /// As read, all channels.
    samples: Vec<f32>,
    ready: VecDeque<f32>,
}

impl Recording {
    fn open(path: &Path, looped: bool) -> Result<Self, AudioError> {
        let failed = |error: &hound::Error| file_error(path, error);
        let file = File::open(path).map_err(|error| failed(&error.into()))?;
        let reader = hound::WavReader::new(BufReader::with_capacity(READ_AHEAD, file)).map_err(|e| failed(&e))?;
        let spec = reader.spec();
        if !(8_000..=192_000).contains(&spec.sample_rate) || spec.channels == 0 {
            return Err(AudioError::File { path: path.to_owned(), problem: FileProblem::NotWav });
        }
        if reader.duration() / spec.sample_rate > MAX_SECONDS {
            return Err(AudioError::File { path: path.to_owned(), problem: FileProblem::TooLong });
        }
        let resampler = (spec.sample_rate != SAMPLE_RATE).then(|| Resampler::new(spec.sample_rate, SAMPLE_RATE));
        Ok(Self { reader, resampler, looped, over: false, samples: Vec::new(), ready: VecDeque::new() })
    }

    fn fill(&mut self, frame: &mut [f32; FRAME_10_MS]) {
        while self.ready.len() < frame.len() && !self.over {
            if let Err(error) = self.read() {
                tracing::warn!(%error, "the recording for the microphone can't be read any more");
                self.over = true;
            }
        }
        for sample in frame {
            *sample = self.ready.pop_front().unwrap_or(0.0);
        }
    }

    /// Reads 10 ms more.
    fn read(&mut self) -> Result<(), hound::Error> {
        let spec = self.reader.spec();
        let channels = usize::from(spec.channels);
        let wanted = spec.sample_rate as usize / 100 * channels;
        self.samples.clear();
        match spec.sample_format {
            hound::SampleFormat::Float => {
                for sample in self.reader.samples::<f32>().take(wanted) {
                    self.samples.push(sample?);
                }
            }
            hound::SampleFormat::Int => {
                let full = 2f32.powi(i32::from(spec.bits_per_sample) - 1);
                for sample in self.reader.samples::<i32>().take(wanted) {
                    self.samples.push(sample? as f32 / full);
                }
            }
        }
        let mono = self.samples.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32);
        match &mut self.resampler {
            Some(resampler) => resampler.extend(mono),
            None => self.ready.extend(mono),
        }
        if self.samples.len() < wanted {
            if self.looped && self.reader.duration() > 0 {
                self.reader.seek(0)?;
            } else {
                self.over = true;
                if let Some(resampler) = &mut self.resampler {
                    resampler.finish();
                }
            }
        }
        if let Some(resampler) = &mut self.resampler {
            resampler.pull_all(&mut self.ready);
        }
        Ok(())
    }
}

fn file_error(path: &Path, error: &hound::Error) -> AudioError {
    let path: PathBuf = path.to_owned();
    let problem = match error {
        hound::Error::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            FileProblem::Io(error.kind())
        }
        _ => FileProblem::NotWav,
    };
    AudioError::File { path, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with so many samples of a tone of 400 Hz, in two channels at this rate.
    fn tone(rate: u32, samples: usize) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(file.path(), spec).unwrap();
        for n in 0..samples {
            let sample = (n as f32 * 400.0 / rate as f32 * std::f32::consts::TAU).sin();
            for loud in [8_000.0, 4_000.0] {
                writer.write_sample((loud * sample) as i16).unwrap();
            }
        }
        writer.finalize().unwrap();
        file
    }

    fn play(source: &mut Source, frames: usize) -> Vec<f32> {
        let mut all = Vec::new();
        for _ in 0..frames {
            let mut frame = [0.0; FRAME_10_MS];
            source.fill(&mut frame);
            all.extend(frame);
        }
        all
    }

    #[test]
    fn recording_of_any_rate_is_played_in_its_time_and_then_silence() {
        for rate in [8_000, 44_100, 48_000, 96_000] {
            let file = tone(rate, rate as usize);
            let heard = play(&mut Source::wav(file.path(), false).unwrap(), 150);
            let peak = |part: &[f32]| part.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            assert!(heard[480..47_500].chunks_exact(480).all(|part| (0.17..0.2).contains(&peak(part))), "{rate} Hz");
            assert!(peak(&heard[48_500..]) < f32::EPSILON, "{rate} Hz");
        }
    }

    #[test]
    fn recording_that_is_looped_goes_on_without_a_gap() {
        for rate in [16_000, 48_000] {
            // Whole periods: the end goes over into the beginning.
            let file = tone(rate, rate as usize / 400 * 123);
            let heard = play(&mut Source::wav(file.path(), true).unwrap(), 300);
            let steepest = heard[480..].windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
            assert!(steepest < 0.012, "{rate} Hz: {steepest}");
            assert!(heard[480..].chunks_exact(480).all(|part| part.iter().any(|sample| *sample > 0.15)), "{rate} Hz");
        }
    }

    #[test]
    fn empty_recording_is_silence() {
        let file = tone(48_000, 0);
        assert!(
            play(&mut Source::wav(file.path(), true).unwrap(), 10).iter().all(|sample| sample.abs() < f32::EPSILON)
        );
    }
}
