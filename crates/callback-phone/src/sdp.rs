//! Session descriptions (RFC 4566) and offer and answer (RFC 3264), for one audio stream of G.711 and
//! telephone events (RFC 4733). Other streams are refused by port 0; nothing is transcoded, and a host name
//! in place of an address is not looked up.

use crate::media::{Codec, Remote, TELEPHONE_EVENT as OUR_EVENTS};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// How long a description may be.
const MAX_BYTES: usize = 8 * 1024;
/// How many streams it may have.
const MAX_STREAMS: usize = 8;
/// How many formats a stream may offer.
const MAX_FORMATS: usize = 32;

fn codec_of(name: &str) -> Option<Codec> {
    match name.to_ascii_uppercase().as_str() {
        "PCMA/8000" | "PCMA/8000/1" => Some(Codec::Pcma),
        "PCMU/8000" | "PCMU/8000/1" => Some(Codec::Pcmu),
        _ => None,
    }
}

fn name_of(codec: Codec) -> &'static str {
    match codec {
        Codec::Pcma => "PCMA/8000",
        Codec::Pcmu => "PCMU/8000",
    }
}

/// Our side of a session: where we receive, and how often its description was changed (RFC 3264 §8).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Local {
    pub(crate) address: SocketAddr,
    pub(crate) id: u64,
    pub(crate) version: u64,
}

/// A description that cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no usable audio in the session description")]
pub(crate) struct Unusable;

/// A description from the other side, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Session {
    streams: Vec<Stream>,
    /// Which of them is the sound.
    audio: usize,
    remote: Remote,
    rejected: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Stream {
    media: String,
    port: u16,
    protocol: String,
    formats: Vec<String>,
    connection: Option<IpAddr>,
    maps: Vec<(u8, String)>,
    direction: Option<(bool, bool)>,
}

impl Session {
    /// Reads a description. Of several audio streams the first that speaks G.711 and is not refused is taken.
    ///
    /// # Errors
    /// No such stream, no address for it, or a description beyond our limits.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Unusable> {
        if bytes.len() > MAX_BYTES {
            return Err(Unusable);
        }
        let text = String::from_utf8_lossy(bytes);
        let mut whole = Stream::default();
        let mut streams: Vec<Stream> = Vec::new();
        for line in text.lines() {
            let Some((kind, value)) = line.trim_end().split_once('=') else { continue };
            if kind == "m" {
                if streams.len() == MAX_STREAMS {
                    return Err(Unusable);
                }
                streams.push(Stream::of(value).ok_or(Unusable)?);
                continue;
            }
            streams.last_mut().unwrap_or(&mut whole).line(kind, value);
        }
        let sounds = streams.iter().enumerate().filter_map(|(at, stream)| Some((at, stream.remote(&whole)?)));
        let (audio, remote) = sounds.min_by_key(|(_, remote)| remote.rtp.port() == 0).ok_or(Unusable)?;
        let rejected = remote.rtp.port() == 0;
        Ok(Self { streams, audio, remote, rejected })
    }

    /// What it agrees to as an answer to our offer.
    ///
    /// # Errors
    /// It refuses the stream.
    pub(crate) fn as_answer(&self) -> Result<Remote, Unusable> {
        if self.rejected { Err(Unusable) } else { Ok(self.remote) }
    }

    /// Our answer to it as an offer, and what is agreed then (RFC 3264 §6).
    ///
    /// # Errors
    /// It offers the stream with port 0: nothing is left to talk over.
    pub(crate) fn answer(&self, local: &Local) -> Result<(String, Remote), Unusable> {
        let remote = self.as_answer()?;
        let mut text = head(local);
        for (at, stream) in self.streams.iter().enumerate() {
            if at == self.audio {
                audio(&mut text, local, &[(remote.payload_type, remote.codec)], remote.telephone_event);
                line(&mut text, direction(remote.receives, remote.sends));
            } else {
                let format = stream.formats.first().map_or("0", String::as_str);
                line(&mut text, &format!("m={} 0 {} {format}", stream.media, stream.protocol));
            }
        }
        Ok((text, remote))
    }
}

impl Stream {
    fn of(value: &str) -> Option<Self> {
        let mut parts = value.split_ascii_whitespace();
        let media = parts.next()?.to_owned();
        let port = parts.next()?.split('/').next()?.parse().ok()?;
        let protocol = parts.next()?.to_owned();
        let formats = parts.take(MAX_FORMATS).map(str::to_owned).collect();
        Some(Self { media, port, protocol, formats, ..Self::default() })
    }

    fn line(&mut self, kind: &str, value: &str) {
        match (kind, value) {
            ("c", _) => self.connection = connection(value),
            ("a", "sendrecv") => self.direction = Some((true, true)),
            ("a", "sendonly") => self.direction = Some((false, true)),
            ("a", "recvonly") => self.direction = Some((true, false)),
            ("a", "inactive") => self.direction = Some((false, false)),
            ("a", _) => {
                if let Some((payload_type, name)) =
                    value.strip_prefix("rtpmap:").and_then(|map| map.split_once(' '))
                    && let Ok(payload_type) = payload_type.trim().parse()
                    && self.maps.len() < MAX_FORMATS
                {
                    self.maps.push((payload_type, name.trim().to_owned()));
                }
            }
            _ => {}
        }
    }

    fn named(&self, payload_type: u8) -> Option<&str> {
        let mapped =
            self.maps.iter().find(|(mapped, _)| *mapped == payload_type).map(|(_, name)| name.as_str());
        mapped.or(match payload_type {
            0 => Some("PCMU/8000"),
            8 => Some("PCMA/8000"),
            _ => None,
        })
    }

    fn remote(&self, whole: &Self) -> Option<Remote> {
        if self.media != "audio" || !matches!(self.protocol.as_str(), "RTP/AVP" | "RTP/AVPF") {
            return None;
        }
        let types: Vec<u8> = self.formats.iter().filter_map(|format| format.parse().ok()).collect();
        let named = types.iter().filter_map(|one| Some((*one, self.named(*one)?)));
        let (payload_type, codec) = named.clone().find_map(|(one, name)| Some((one, codec_of(name)?)))?;
        let events = named.clone().find(|(_, name)| name.eq_ignore_ascii_case("telephone-event/8000"));
        let address = self.connection.or(whole.connection).filter(|address| !is_group(*address))?;
        let (receives, sends) = self.direction.or(whole.direction).unwrap_or((true, true));
        Some(Remote {
            rtp: SocketAddr::new(address, self.port),
            codec,
            payload_type,
            telephone_event: events.map(|(one, _)| one),
            // An address of zeros is the hold of RFC 2543.
            receives: receives && !address.is_unspecified(),
            sends,
        })
    }
}

fn connection(value: &str) -> Option<IpAddr> {
    let address = value.strip_prefix("IN IP4 ").or_else(|| value.strip_prefix("IN IP6 "))?;
    // An IPv4 address mapped into IPv6 (RFC 5118 §4.9) is the IPv4 address.
    address.split('/').next()?.trim().parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// Many hosts at once, which is no telephone.
fn is_group(address: IpAddr) -> bool {
    address.is_multicast() || matches!(address, IpAddr::V4(ip) if ip.is_broadcast())
}

impl Local {
    /// Our offer: both codecs, A-law first, and telephone events.
    pub(crate) fn offer(&self) -> String {
        let mut text = head(self);
        audio(&mut text, self, &[(8, Codec::Pcma), (0, Codec::Pcmu)], Some(OUR_EVENTS));
        line(&mut text, "a=sendrecv");
        text
    }
}

fn head(local: &Local) -> String {
    let (kind, ip) = (if local.address.is_ipv4() { "IP4" } else { "IP6" }, local.address.ip());
    let mut text = String::with_capacity(320);
    for one in [
        "v=0".to_owned(),
        format!("o=callback {} {} IN {kind} {ip}", local.id, local.version),
        "s=-".to_owned(),
        format!("c=IN {kind} {ip}"),
        "t=0 0".to_owned(),
    ] {
        line(&mut text, &one);
    }
    text
}

fn audio(text: &mut String, local: &Local, codecs: &[(u8, Codec)], events: Option<u8>) {
    let types = codecs.iter().map(|(payload_type, _)| *payload_type).chain(events);
    let formats: Vec<String> = types.map(|payload_type| payload_type.to_string()).collect();
    line(text, &format!("m=audio {} RTP/AVP {}", local.address.port(), formats.join(" ")));
    for (payload_type, codec) in codecs {
        line(text, &format!("a=rtpmap:{payload_type} {}", name_of(*codec)));
    }
    if let Some(payload_type) = events {
        line(text, &format!("a=rtpmap:{payload_type} telephone-event/8000"));
        line(text, &format!("a=fmtp:{payload_type} 0-16"));
    }
    line(text, "a=ptime:20");
}

fn line(text: &mut String, one: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{one}\r\n");
}

/// Our direction, which mirrors what the far end does.
fn direction(far_receives: bool, far_sends: bool) -> &'static str {
    match (far_receives, far_sends) {
        (true, true) => "a=sendrecv",
        (true, false) => "a=sendonly",
        (false, true) => "a=recvonly",
        (false, false) => "a=inactive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Local {
        Local { address: "192.0.2.1:20000".parse().unwrap(), id: 7, version: 1 }
    }

    fn read(lines: &str) -> Result<Session, Unusable> {
        Session::read(lines.lines().map(|line| format!("{}\r\n", line.trim())).collect::<String>().as_bytes())
    }

    /// Reads an offer and shows what is agreed and the lines of the answer that matter.
    fn check(offer: &str, agreed: &str, answer: &str) {
        let (text, remote) = read(offer).unwrap().answer(&local()).unwrap();
        let Remote { rtp, codec, payload_type, telephone_event, receives, sends } = remote;
        assert_eq!(format!("{rtp} {codec:?} {payload_type} {telephone_event:?} {receives} {sends}"), agreed);
        let lines: Vec<&str> =
            text.lines().filter(|line| line.starts_with('m') || DIRECTIONS.contains(line)).collect();
        assert_eq!(lines.join(" | "), answer);
    }

    const DIRECTIONS: [&str; 4] = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"];

    #[test]
    fn our_offer_is_read_back() {
        let offer = local().offer();
        let remote = Session::read(offer.as_bytes()).unwrap().as_answer().unwrap();
        assert_eq!(remote.rtp, local().address);
        assert_eq!((remote.codec, remote.payload_type, remote.telephone_event), (Codec::Pcma, 8, Some(101)));
        assert!(remote.receives && remote.sends);
    }

    #[test]
    fn offers_are_answered() {
        check(
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 0 8 96\na=rtpmap:96 telephone-event/8000",
            "192.0.2.9:4000 Pcmu 0 Some(96) true true",
            "m=audio 20000 RTP/AVP 0 96 | a=sendrecv",
        );
        check(
            "v=0\nc=IN IP4 192.0.2.9\na=sendonly\nm=audio 4000 RTP/AVP 8",
            "192.0.2.9:4000 Pcma 8 None false true",
            "m=audio 20000 RTP/AVP 8 | a=recvonly",
        );
        check(
            "v=0\nc=IN IP4 192.0.2.9\na=sendonly\nm=audio 4000 RTP/AVP 8\na=inactive",
            "192.0.2.9:4000 Pcma 8 None false false",
            "m=audio 20000 RTP/AVP 8 | a=inactive",
        );
        check(
            "v=0\nc=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 8",
            "0.0.0.0:4000 Pcma 8 None false true",
            "m=audio 20000 RTP/AVP 8 | a=recvonly",
        );
        check(
            "v=0\nm=video 5000 RTP/AVP 97\nm=audio 4000 RTP/AVP 18 111 8\nc=IN IP4 192.0.2.9\na=rtpmap:111 PCMU/8000",
            "192.0.2.9:4000 Pcmu 111 None true true",
            "m=video 0 RTP/AVP 97 | m=audio 20000 RTP/AVP 111 | a=sendrecv",
        );
        // Of two usable audio streams the first is taken, of a refused and a usable one the usable.
        check(
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 8\nm=audio 4002 RTP/AVP 0\nm=application 9 UDP/BFCP *",
            "192.0.2.9:4000 Pcma 8 None true true",
            "m=audio 20000 RTP/AVP 8 | a=sendrecv | m=audio 0 RTP/AVP 0 | m=application 0 UDP/BFCP *",
        );
        check(
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 0 RTP/AVP 8\nm=audio 4002/2 RTP/AVP 0",
            "192.0.2.9:4002 Pcmu 0 None true true",
            "m=audio 0 RTP/AVP 8 | m=audio 20000 RTP/AVP 0 | a=sendrecv",
        );
        // Numbers beyond all bounds are no payload types, and a group that nobody sends to is no hindrance.
        check(
            "v=0\nc=IN IP4 239.1.2.3/127\nm=audio 4000 RTP/AVP 256 99999999999999999999 8\nc=IN IP6 ::ffff:192.0.2.9\na=rtpmap:99999999999 PCMU/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:-1 x",
            "192.0.2.9:4000 Pcma 8 None true true",
            "m=audio 20000 RTP/AVP 8 | a=sendrecv",
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for text in [
            "",
            "v=0",
            "v=0\nm=audio 4000 RTP/AVP 8",
            "v=0\nc=IN IP4 phone.example\nm=audio 4000 RTP/AVP 8",
            "v=0\nc=IN IP4 239.1.2.3\nm=audio 4000 RTP/AVP 8",
            "v=0\nc=IN IP4 255.255.255.255\nm=audio 4000 RTP/AVP 8",
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/SAVP 8",
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 18",
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 99999 RTP/AVP 8",
            "v=0\nc=IN IP4 192.0.2.9\nm=image 4000 udptl t38",
            "v=0\nc=IN IP4 192.0.2.9\nm=video 4000 RTP/AVP 31\nm=video 4002 RTP/AVP 8",
            "v=0\nc=IN IP6 ff02::1\nm=audio 4000 RTP/AVP 8",
            "v=0\nc=IN IP4 192.0.2.999\nm=audio 4000 RTP/AVP 8",
            "v=0\nc=IN IP4 192.0.2.9\nm=audio -1 RTP/AVP 8",
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 4294971296 RTP/AVP 8",
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP",
            "v=0\nc=IN IP4 192.0.2.9\nm=audio",
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 111\na=rtpmap:111 PCMA/16000",
            "v=0\nc=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 111\na=rtpmap:111 PCMA/8000/2",
        ] {
            assert_eq!(read(text), Err(Unusable), "{text}");
        }
        let many = format!("v=0\nc=IN IP4 192.0.2.9\n{}", "m=audio 4000 RTP/AVP 8\n".repeat(9));
        assert_eq!(read(&many), Err(Unusable));
        let refused = read("v=0\nc=IN IP4 192.0.2.9\nm=audio 0 RTP/AVP 8").unwrap();
        assert_eq!((refused.as_answer(), refused.answer(&local())), (Err(Unusable), Err(Unusable)));
    }
}
