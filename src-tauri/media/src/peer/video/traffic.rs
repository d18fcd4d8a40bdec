//! Our place in the stack's chain of interceptors: repetitions get their form on the way out, and what the peer reports
//! of our pictures and our voice is taken on the way in.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, SymbolTypeTcc, TransportLayerCc};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{NackPair, TransportLayerNack};
use rtc::rtp;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use tokio::sync::mpsc;

use crate::peer::heard::Heard;
use crate::video::congestion::Acknowledged;

/// A contributing source that marks a packet as a repetition between the sender and this place; it never leaves.
pub const REPEATS: u32 = 0x7065_616c;

/// Packets that one report speaks of at most; more is no honest report.
const MAX_TOLD: usize = 4_096;
/// Packets that one request asks for at most.
const MAX_ASKED: usize = 1_024;

/// The receiver's clock in reports counts in these steps.
const REFERENCE_TICK: Duration = Duration::from_millis(64);

/// What the peer reports.
#[derive(Debug)]
pub enum Report {
    /// Which packets came, and when.
    Arrivals(Vec<Acknowledged>),
    /// Packets that it misses.
    Again(Vec<u16>),
    /// It can't go on without a key frame.
    KeyFrame,
}

/// The interceptor.
pub struct Traffic {
    ssrc: u32,
    repeat_ssrc: u32,
    repeat_payload_type: Option<u8>,
    repeat_sequence: u16,
    reports: mpsc::Sender<Report>,
    heard: Arc<Heard>,
    inward: VecDeque<TaggedPacket>,
    outward: VecDeque<TaggedPacket>,
}

impl Traffic {
    /// For our picture with this `ssrc`, whose repetitions go by `repeat_ssrc` (RFC 4588).
    pub fn new(
        ssrc: u32,
        repeat_ssrc: u32,
        repeat_sequence: u16,
        reports: mpsc::Sender<Report>,
        heard: Arc<Heard>,
    ) -> Self {
        Self {
            ssrc,
            repeat_ssrc,
            repeat_payload_type: None,
            repeat_sequence,
            reports,
            heard,
            inward: VecDeque::new(),
            outward: VecDeque::new(),
        }
    }

    /// Gives a repetition its form. None: the peer does not take any.
    fn repetition(&mut self, mut packet: rtp::Packet) -> Option<rtp::Packet> {
        packet.header.payload_type = self.repeat_payload_type?;
        packet.header.csrc.clear();
        packet.header.ssrc = self.repeat_ssrc;
        let mut payload = BytesMut::with_capacity(2 + packet.payload.len());
        payload.put_u16(packet.header.sequence_number);
        payload.put_slice(&packet.payload);
        packet.payload = payload.freeze();
        packet.header.sequence_number = self.repeat_sequence;
        self.repeat_sequence = self.repeat_sequence.wrapping_add(1);
        Some(packet)
    }

    fn read(&self, packet: &dyn rtcp::Packet) {
        let any = packet.as_any();
        if let Some(told) = any.downcast_ref::<ReceiverReport>() {
            return self.heard.take(&told.reports);
        }
        // Who sends as well puts what it hears beside that.
        if let Some(told) = any.downcast_ref::<SenderReport>() {
            return self.heard.take(&told.reports);
        }
        let report = if let Some(told) = any.downcast_ref::<TransportLayerCc>() {
            Report::Arrivals(arrivals(told))
        } else if let Some(asked) = any.downcast_ref::<TransportLayerNack>().filter(|nack| nack.media_ssrc == self.ssrc)
        {
            Report::Again(asked.nacks.iter().flat_map(NackPair::packet_list).take(MAX_ASKED).collect())
        } else if any.downcast_ref::<PictureLossIndication>().is_some_and(|pli| pli.media_ssrc == self.ssrc)
            || any.downcast_ref::<FullIntraRequest>().is_some_and(|fir| fir.fir.iter().any(|fir| fir.ssrc == self.ssrc))
        {
            Report::KeyFrame
        } else {
            return;
        };
        // A full queue means a task that is stuck, or a peer that floods: either way this report is not missed.
        let _ = self.reports.try_send(report);
    }
}

/// What a report says of each packet.
fn arrivals(told: &TransportLayerCc) -> Vec<Acknowledged> {
    let mut out = Vec::new();
    let mut deltas = told.recv_deltas.iter();
    let mut arrived = REFERENCE_TICK * (told.reference_time & 0x00ff_ffff);
    let mut sequence = told.base_sequence_number;
    let symbols = told.packet_chunks.iter().flat_map(|chunk| match chunk {
        PacketStatusChunk::RunLengthChunk(run) => {
            let (symbol, count) = (run.packet_status_symbol, usize::from(run.run_length));
            Symbols::Run(std::iter::repeat_n(symbol, count))
        }
        PacketStatusChunk::StatusVectorChunk(vector) => Symbols::Vector(vector.symbol_list.iter()),
    });
    for symbol in symbols.take(usize::from(told.packet_status_count).min(MAX_TOLD)) {
        let at = match symbol {
            SymbolTypeTcc::PacketReceivedSmallDelta | SymbolTypeTcc::PacketReceivedLargeDelta => {
                let Some(delta) = deltas.next() else { return out };
                let step = Duration::from_micros(delta.delta.unsigned_abs());
                arrived = if delta.delta < 0 { arrived.saturating_sub(step) } else { arrived + step };
                Some(arrived)
            }
            SymbolTypeTcc::PacketNotReceived | SymbolTypeTcc::PacketReceivedWithoutDelta => None,
        };
        // One that came at an unknown time says nothing.
        if symbol != SymbolTypeTcc::PacketReceivedWithoutDelta {
            out.push(Acknowledged { sequence, arrived: at });
        }
        sequence = sequence.wrapping_add(1);
    }
    out
}

enum Symbols<'a> {
    Run(std::iter::RepeatN<SymbolTypeTcc>),
    Vector(std::slice::Iter<'a, SymbolTypeTcc>),
}

impl Iterator for Symbols<'_> {
    type Item = SymbolTypeTcc;

    fn next(&mut self) -> Option<SymbolTypeTcc> {
        match self {
            Self::Run(run) => run.next(),
            Self::Vector(vector) => vector.next().copied(),
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Traffic {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &message.message.packet {
            for packet in packets {
                self.read(packet.as_ref());
            }
        }
        self.inward.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inward.pop_front()
    }

    fn handle_write(&mut self, mut message: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(packet) = &mut message.message.packet
            && packet.header.ssrc == self.ssrc
            && packet.header.csrc.first() == Some(&REPEATS)
        {
            let Some(repetition) = self.repetition(std::mem::take(packet)) else { return Ok(()) };
            *packet = repetition;
        }
        self.outward.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outward.pop_front()
    }
}

impl Interceptor for Traffic {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        if info.ssrc == self.ssrc {
            self.repeat_payload_type = info.payload_type_rtx;
        }
    }

    fn unbind_local_stream(&mut self, info: &StreamInfo) {
        if info.ssrc == self.ssrc {
            self.repeat_payload_type = None;
        }
    }

    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}

    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use rtc::rtcp::transport_feedbacks::transport_layer_cc::{RecvDelta, RunLengthChunk, StatusChunkTypeTcc};

    use super::*;

    #[test]
    fn a_report_is_read_packet_by_packet_and_a_boundless_one_is_cut() {
        let run = |symbol, run_length| {
            PacketStatusChunk::RunLengthChunk(RunLengthChunk {
                type_tcc: StatusChunkTypeTcc::RunLengthChunk,
                packet_status_symbol: symbol,
                run_length,
            })
        };
        let delta = |delta| RecvDelta { type_tcc_packet: SymbolTypeTcc::PacketReceivedSmallDelta, delta };
        let mut report = TransportLayerCc {
            base_sequence_number: 65_535,
            packet_status_count: 3,
            reference_time: 2,
            packet_chunks: vec![
                run(SymbolTypeTcc::PacketReceivedSmallDelta, 1),
                run(SymbolTypeTcc::PacketNotReceived, 1),
                run(SymbolTypeTcc::PacketReceivedSmallDelta, 1),
            ],
            recv_deltas: vec![delta(1_000), delta(-250)],
            ..Default::default()
        };
        let at = |micros: u64| Some(Duration::from_micros(128_000 + micros));
        assert_eq!(
            arrivals(&report),
            [
                Acknowledged { sequence: 65_535, arrived: at(1_000) },
                Acknowledged { sequence: 0, arrived: None },
                Acknowledged { sequence: 1, arrived: at(750) },
            ]
        );
        report.packet_chunks = vec![run(SymbolTypeTcc::PacketNotReceived, 8_191); 20_000];
        report.packet_status_count = u16::MAX;
        assert_eq!(arrivals(&report).len(), MAX_TOLD);
    }
}
