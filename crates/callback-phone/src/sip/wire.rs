//! Bytes to our messages and back: the only room that knows the SIP library. It parses and builds; its
//! `digest` answers challenges, its `machine` wraps the four of RFC 3261 §17. It decides nothing.

mod digest;
mod machine;

pub(crate) use digest::Challenge;
pub(crate) use machine::{ClientMachine, Clock, ServerKey, ServerMachine, Step};

use bytes::Bytes;
use sipx_sip as lib;
use sipx_sip::headers::{Contact, RecordRoute};
use sipx_sip::{HeaderName, Headers};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The largest datagram that is parsed.
pub(crate) const MAX_MESSAGE: usize = 16 * 1024;
/// How many header fields a message may have.
const MAX_HEADERS: usize = 96;
/// How many routes, contacts, reasons or challenges of a message are looked at.
const MAX_VALUES: usize = 16;

/// A SIP method (RFC 3261 §7.1), as far as this agent tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    /// A method that has an RFC and is not allowed here.
    NotAllowed,
    /// A method nobody knows.
    Unknown,
}

impl Method {
    fn of(method: &lib::Method) -> Self {
        match method.as_bytes() {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"OPTIONS" => Self::Options,
            b"REGISTER" | b"INFO" | b"PRACK" | b"UPDATE" | b"SUBSCRIBE" | b"NOTIFY" | b"REFER"
            | b"MESSAGE" | b"PUBLISH" => Self::NotAllowed,
            _ => Self::Unknown,
        }
    }

    /// How it is spelled in a request of ours.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options | Self::NotAllowed | Self::Unknown => "OPTIONS",
        }
    }
}

/// What a datagram turned out to be.
#[derive(Debug)]
pub(crate) enum Message {
    Request(Request),
    Response(Response),
    /// A request that must not be acted on, with the answer it gets.
    Bad(Bytes),
}

/// The fields every message has and every decision needs.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) call_id: String,
    pub(crate) from_tag: String,
    pub(crate) to_tag: Option<String>,
    pub(crate) cseq: u32,
    pub(crate) branch: String,
}

/// A request, received or built.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: Head,
    inner: lib::Request,
}

/// A response, received or built.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) head: Head,
    pub(crate) status: u16,
    inner: lib::Response,
}

/// A message that cannot be built: a peer's value would break a line, or a URI is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a SIP message cannot be built of these values")]
pub(crate) struct Unbuildable;

/// Reads one datagram that came from `source`; none = nothing that could be answered or used.
pub(crate) fn read(datagram: &[u8], source: SocketAddr) -> Option<Message> {
    let limits = lib::Limits {
        max_message_bytes: MAX_MESSAGE,
        max_body_bytes: MAX_MESSAGE,
        max_headers: MAX_HEADERS,
        max_header_bytes: 4 * 1024,
        max_folding_lines: 16,
    };
    match lib::parse_datagram(Bytes::copy_from_slice(datagram), &limits).ok()? {
        lib::Message::Request(inner) => read_request(inner, source),
        lib::Message::Response(inner) => {
            let sound = lib::validate_response(&inner).is_empty();
            let head = if sound { head_of(&inner.headers)? } else { return None };
            Some(Message::Response(Response { head, status: inner.status.code(), inner }))
        }
    }
}

fn read_request(mut inner: lib::Request, source: SocketAddr) -> Option<Message> {
    stamp(&mut inner.headers, source);
    let fault = lib::validate_request(&inner).into_iter().find(|finding| !finding.is_repairable());
    let head = head_of(&inner.headers);
    match (fault, head) {
        (None, Some(mut head)) => {
            head.method = Method::of(&inner.method);
            Some(Message::Request(Request { head, inner }))
        }
        (fault, head) if inner.method.as_bytes() != b"ACK" => {
            let status = fault.map_or(400, |finding| finding.status());
            let code = lib::StatusCode::new(status)?;
            let mut builder = lib::ResponseBuilder::to_request(&inner, code, phrase(status)).ok()?;
            // Nothing is remembered of it, so its repetition gets the same tag (RFC 3261 §8.2.7).
            if head.is_some_and(|head| head.to_tag.is_none()) {
                let to = text(&inner.headers.value(&HeaderName::To)?);
                builder = builder.set_header(&HeaderName::To, format!("{to};tag=refused")).ok()?;
            }
            Some(Message::Bad(lib::Message::Response(builder.build()).to_bytes()))
        }
        _ => None,
    }
}

/// Writes where the request really came from into its topmost Via (RFC 3261 §18.2.1, RFC 3581 §4).
fn stamp(headers: &mut Headers, source: SocketAddr) {
    let Some(value) = headers.value(&HeaderName::Via).map(|value| value.into_owned()) else { return };
    let (top, rest) = value.split_at(lib::headers::first_hop_end(&value).min(value.len()));
    let Ok(via) = lib::Via::parse_one(top) else { return };
    let asks = matches!(via.rport(), Some(None));
    let mut fresh = Vec::with_capacity(value.len() + 48);
    for (at, part) in top.split(|byte| *byte == b';').enumerate() {
        let name = part.trim_ascii().to_ascii_lowercase();
        if name == b"rport" || name.starts_with(b"received=") {
            continue;
        }
        if at > 0 {
            fresh.push(b';');
        }
        fresh.extend_from_slice(part);
    }
    fresh.extend_from_slice(format!(";received={}", source.ip()).as_bytes());
    if asks {
        fresh.extend_from_slice(format!(";rport={}", source.port()).as_bytes());
    }
    fresh.extend_from_slice(rest);
    if let Ok(header) = lib::Header::build(HeaderName::Via, fresh) {
        headers.remove_first(&HeaderName::Via);
        headers.push_front(header);
    }
}

fn head_of(headers: &Headers) -> Option<Head> {
    let cseq = headers.typed::<lib::CSeq>()?.ok()?;
    let via = headers.typed::<lib::Via>()?.ok()?;
    Some(Head {
        method: Method::of(&cseq.method),
        call_id: text(&headers.value(&HeaderName::CallId)?),
        from_tag: headers.typed::<lib::headers::From>()?.ok()?.tag().map(text).unwrap_or_default(),
        to_tag: headers.typed::<lib::headers::To>()?.ok()?.tag().map(text),
        cseq: cseq.sequence,
        branch: via.branch().map(text).unwrap_or_default(),
    })
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

/// What both kinds of message can be asked for.
pub(crate) trait Fields {
    fn headers(&self) -> &Headers;
    fn content(&self) -> &Bytes;

    /// A header's first value as text.
    fn value(&self, name: &'static str) -> Option<String> {
        let name = HeaderName::parse(&Bytes::from_static(name.as_bytes()));
        self.headers().value(&name).map(|value| text(&value))
    }

    /// The URI of the first Contact: the remote target (RFC 3261 §12.1).
    fn contact(&self) -> Option<String> {
        let contact = self.headers().typed::<Contact>()?.ok()?;
        Some(without_headers(&contact.uri.to_string()).to_owned())
    }

    /// The Record-Route values, top to bottom (RFC 3261 §20.30).
    fn record_route(&self) -> Vec<String> {
        let routes = self.headers().typed_all::<RecordRoute>().take(MAX_VALUES);
        routes.filter_map(Result::ok).map(|route| format!("<{}>", route.uri)).collect()
    }

    /// The session description, where the body is one (RFC 3261 §20.15).
    fn sdp(&self) -> Option<&[u8]> {
        let kind = self.headers().typed::<lib::headers::ContentType>()?.ok()?;
        (kind.is("application", "sdp") && !self.content().is_empty()).then(|| self.content().as_ref())
    }

    /// Whether the body is something else than a session description.
    fn has_other_body(&self) -> bool {
        !self.content().is_empty() && self.sdp().is_none()
    }

    /// How long the other side asks to be left alone (RFC 3261 §20.33): seconds, before a comment or parameters.
    fn retry_after(&self) -> Option<Duration> {
        let value = self.value("Retry-After")?;
        let digits = value.trim_start().split(|letter: char| !letter.is_ascii_digit()).next()?;
        digits.parse().ok().map(Duration::from_secs)
    }

    /// The causes of the Reason headers by their protocol in upper case (RFC 3326 §2).
    fn reasons(&self) -> Vec<(String, u16)> {
        let values = self.headers().get_all(&HeaderName::Reason).take(MAX_VALUES);
        values.flat_map(|header| split(&text(&header.value()), ',')).filter_map(|one| reason(&one)).collect()
    }
}

fn reason(value: &str) -> Option<(String, u16)> {
    let mut parts = split(value, ';').into_iter();
    let protocol = parts.next()?.trim().to_ascii_uppercase();
    let cause = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("cause").then(|| value.trim().parse().ok())?
    });
    Some((protocol, cause?))
}

/// Splits at a separator that stands outside of quotes.
fn split(value: &str, separator: char) -> Vec<String> {
    let (mut parts, mut part, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for letter in value.chars() {
        if letter == separator && !quoted {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        part.push(letter);
    }
    parts.push(part);
    parts
}

impl Fields for Request {
    fn headers(&self) -> &Headers {
        &self.inner.headers
    }

    fn content(&self) -> &Bytes {
        self.inner.body()
    }
}

impl Fields for Response {
    fn headers(&self) -> &Headers {
        &self.inner.headers
    }

    fn content(&self) -> &Bytes {
        self.inner.body()
    }
}

/// A request to be built: what differs from one to the next.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) method: Method,
    pub(crate) uri: &'a str,
    /// Our `host:port`, for Via and Contact.
    pub(crate) sent_by: &'a str,
    pub(crate) branch: &'a str,
    /// The whole From, its tag included.
    pub(crate) from: &'a str,
    /// The whole To, its tag included where there is one.
    pub(crate) to: &'a str,
    pub(crate) call_id: &'a str,
    pub(crate) cseq: u32,
    pub(crate) routes: &'a [String],
    pub(crate) more: &'a [(&'static str, String)],
    pub(crate) sdp: Option<&'a str>,
}

impl Draft<'_> {
    /// Builds the request (RFC 3261 §8.1.1).
    ///
    /// # Errors
    /// A value that cannot stand in its place: a line break, a NUL, a URI that is none.
    pub(crate) fn build(&self) -> Result<Request, Unbuildable> {
        let uri = lib::Uri::parse(Bytes::copy_from_slice(self.uri.as_bytes())).map_err(|_| Unbuildable)?;
        let method = lib::Method::parse(&Bytes::from_static(self.method.name().as_bytes()));
        let via = format!("SIP/2.0/UDP {};branch={};rport", self.sent_by, self.branch);
        let mut headers = vec![("Via", via), ("Max-Forwards", "70".to_owned())];
        headers.extend(self.routes.iter().map(|route| ("Route", route.clone())));
        headers.push(("From", self.from.to_owned()));
        headers.push(("To", self.to.to_owned()));
        headers.push(("Call-ID", self.call_id.to_owned()));
        headers.push(("CSeq", format!("{} {}", self.cseq, self.method.name())));
        if matches!(self.method, Method::Invite | Method::Options) {
            headers.push(contact_of(self.sent_by));
            headers.push(("Allow", ALLOW.to_owned()));
        }
        headers.push(("User-Agent", "CallBack".to_owned()));
        headers.extend(self.more.iter().cloned());
        let mut builder = lib::RequestBuilder::new(method, uri);
        for (name, value) in body_type(headers, self.sdp) {
            builder = builder.header(name_of(name), value).map_err(|_| Unbuildable)?;
        }
        let inner = builder.body(self.sdp.unwrap_or_default().to_owned()).build();
        let head = head_of(&inner.headers).ok_or(Unbuildable)?;
        Ok(Request { head, inner })
    }
}

/// The methods that are answered with more than a refusal (RFC 3261 §20.5).
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS";

/// The one kind of body that is understood (RFC 3261 §20.1).
pub(crate) fn accept() -> (&'static str, String) {
    ("Accept", "application/sdp".to_owned())
}

/// Our Contact (RFC 3261 §20.10).
pub(crate) fn contact_of(sent_by: &str) -> (&'static str, String) {
    ("Contact", format!("<sip:callback@{sent_by}>"))
}

fn name_of(name: &'static str) -> HeaderName {
    HeaderName::parse(&Bytes::from_static(name.as_bytes()))
}

fn body_type(mut headers: Vec<(&'static str, String)>, sdp: Option<&str>) -> Vec<(&'static str, String)> {
    if sdp.is_some() {
        headers.push(("Content-Type", "application/sdp".to_owned()));
    }
    headers
}

impl Request {
    /// The bytes to send.
    pub(crate) fn bytes(&self) -> Bytes {
        lib::Message::Request(self.inner.clone()).to_bytes()
    }

    /// Builds the response to it (RFC 3261 §8.2.6); `tag` goes into a To that has none.
    ///
    /// # Errors
    /// As [`Draft::build`].
    pub(crate) fn reply(
        &self,
        status: u16,
        tag: &str,
        more: &[(&'static str, String)],
        sdp: Option<&str>,
    ) -> Result<Response, Unbuildable> {
        let code = lib::StatusCode::new(status).ok_or(Unbuildable)?;
        let mut builder =
            lib::ResponseBuilder::to_request(&self.inner, code, phrase(status)).map_err(|_| Unbuildable)?;
        if self.head.to_tag.is_none() && status != 100 {
            let to = self.value("To").ok_or(Unbuildable)?;
            builder =
                builder.set_header(&HeaderName::To, format!("{to};tag={tag}")).map_err(|_| Unbuildable)?;
        }
        let dialog = self.head.method == Method::Invite && (101..300).contains(&status);
        for route in self.inner.headers.get_all(&HeaderName::RecordRoute).filter(|_| dialog) {
            builder = builder
                .header(HeaderName::RecordRoute, route.value().into_owned())
                .map_err(|_| Unbuildable)?;
        }
        for (name, value) in body_type(more.to_vec(), sdp) {
            builder = builder.header(name_of(name), value).map_err(|_| Unbuildable)?;
        }
        let inner = builder.body(sdp.unwrap_or_default().to_owned()).build();
        let head = head_of(&inner.headers).ok_or(Unbuildable)?;
        Ok(Response { head, status, inner })
    }

    /// Whether its Request-URI is of a scheme that names no telephone (RFC 3261 §8.2.2.1).
    pub(crate) fn is_for_another_scheme(&self) -> bool {
        matches!(self.inner.uri.scheme(), lib::Scheme::Other(_))
    }

    /// Where its responses go (RFC 3261 §18.2.2, RFC 3581 §4).
    pub(crate) fn reply_to(&self, source: SocketAddr) -> SocketAddr {
        let via = self.inner.headers.typed::<lib::Via>().and_then(Result::ok);
        match via {
            Some(via) if via.rport().is_none() => SocketAddr::new(source.ip(), via.port.unwrap_or(5060)),
            _ => source,
        }
    }

    /// The user part and the display name of its From, and the user part of its Request-URI.
    pub(crate) fn parties(&self) -> (String, String, String) {
        let from = self.inner.headers.typed::<lib::headers::From>().and_then(Result::ok);
        let user = |uri: &lib::Uri| uri.decoded_user().map(|user| text(&user)).unwrap_or_default();
        let caller = from.as_ref().map(|from| user(&from.uri)).unwrap_or_default();
        let name = from.and_then(|from| from.0.display_name).map(|name| text(&name)).unwrap_or_default();
        (caller, name, user(&self.inner.uri))
    }
}

#[cfg(test)]
impl Response {
    /// The bytes to send.
    pub(crate) fn bytes(&self) -> Bytes {
        lib::Message::Response(self.inner.clone()).to_bytes()
    }
}

/// The reason phrase of a status (RFC 3261 §21).
fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "Version Not Supported",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "Refused",
    }
}

/// The parts of a `sip:` URI that decide where a request goes (RFC 3261 §19.1.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) port: Option<u16>,
    /// A loose router (RFC 3261 §16.12).
    pub(crate) loose: bool,
    /// Reached over UDP, as this agent can.
    pub(crate) udp: bool,
}

/// A URI as it may stand in a request line: without header fields (RFC 3261 §19.1.1).
pub(crate) fn without_headers(uri: &str) -> &str {
    // A user part may have a question mark, too.
    let host = uri.find('@').unwrap_or_default();
    let end = uri.get(host..).and_then(|rest| rest.find('?')).map_or(uri.len(), |at| host + at);
    uri.get(..end).unwrap_or(uri)
}

/// Reads a `sip:` URI, in angle brackets or not.
pub(crate) fn place(uri: &str) -> Option<Place> {
    let bare = uri.trim_start_matches('<').split('>').next()?;
    let uri = lib::Uri::parse(Bytes::copy_from_slice(bare.as_bytes())).ok()?;
    if uri.has_headers() || uri.scheme().is_secure() {
        return None;
    }
    let host = uri.host()?;
    let ip = if let lib::Host::Ip(ip) = host { Some(*ip) } else { None };
    Some(Place {
        user: uri.user().map(text),
        host: host.to_string(),
        ip,
        port: uri.port(),
        loose: uri.params().is_some_and(|params| params.contains("lr")),
        udp: uri.selected_transport() == Ok(lib::UriTransport::Udp),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A parsed response with the given headers.
    pub(super) fn response(headers: &str) -> Response {
        let text = format!(
            "SIP/2.0 401 Ask\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 3\r\nCSeq: 4 INVITE\r\n{headers}\r\nContent-Length: 0\r\n\r\n"
        );
        match read(text.as_bytes(), "192.0.2.9:5060".parse().unwrap()) {
            Some(Message::Response(response)) => response,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reasons_are_read_from_any_line() {
        let check = |headers: &str, expected: &[(&str, u16)]| {
            let expected: Vec<_> =
                expected.iter().map(|(name, cause)| ((*name).to_owned(), *cause)).collect();
            assert_eq!(response(headers).reasons(), expected, "{headers}");
        };
        check("Reason: Q.850;cause=17;text=\"busy, really; yes\"", &[("Q.850", 17)]);
        check("Reason: SIP ;cause=200 , q.850; cause = 26", &[("SIP", 200), ("Q.850", 26)]);
        check("Reason: SIP;cause=486\r\nReason: Q.850;cause=17", &[("SIP", 486), ("Q.850", 17)]);
        check("Reason: Q.850;text=\"no cause\", Q.850;cause=x", &[]);
    }

    #[test]
    fn answers_go_where_the_request_came_from() {
        let check = |via: &str, stamped: &str, to: &str| {
            let source = "203.0.113.5:7777".parse().unwrap();
            let text = format!(
                "OPTIONS sip:a@b SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 3\r\nCSeq: 4 OPTIONS\r\n\r\n"
            );
            let Some(Message::Request(request)) = read(text.as_bytes(), source) else { panic!("{via}") };
            assert_eq!(request.reply_to(source).to_string(), to);
            let answer = request.reply(200, "t", &[], None).unwrap();
            let answer = String::from_utf8_lossy(&answer.bytes()).into_owned();
            assert!(answer.contains(&format!("Via: {stamped}\r\n")), "{answer}");
        };
        check(
            "SIP/2.0/UDP 192.0.2.9:5062;rport;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK0",
            "SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK1;received=203.0.113.5;rport=7777, SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK0",
            "203.0.113.5:7777",
        );
        check(
            "SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK1;received=1.2.3.4",
            "SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK1;received=203.0.113.5",
            "203.0.113.5:5062",
        );
    }

    #[test]
    fn the_library_is_known_here_alone() {
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.to_string_lossy().contains("sip/wire") {
                    seen += 1;
                    let text = std::fs::read_to_string(&path).unwrap();
                    assert!(!text.contains("sipx_sip"), "{} knows the SIP library", path.display());
                }
            }
        }
        assert!(seen > 10);
    }
}
