//! Browsers that order: HTTP/1.1 over kept connections, written by hand, so that the load is the service's and not ours.

use crate::stage::{HTTP, ORIGIN, SITES, site_key};
use anyhow::{Context as _, Result, bail};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Connections to the service at once, at most.
const CONNECTIONS: usize = 1_500;
/// The first visitor's number; each order has the next.
const FIRST_NUMBER: u64 = 79_160_000_000;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A header's value; its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// An order that was sent, and what was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// The visitor's number, which tells callbacks apart.
    pub(crate) call: u64,
    pub(crate) sent: Instant,
    /// When and how it was answered; none where it was not.
    pub(crate) answer: Option<(Instant, u16)>,
    /// Whether the answer says when to come again.
    pub(crate) comes_again: bool,
}

impl Order {
    /// It was accepted.
    pub(crate) fn is_accepted(&self) -> bool {
        self.answer.is_some_and(|(_, status)| status == 202)
    }
}

/// All browsers.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    idle: Rc<RefCell<Vec<TcpStream>>>,
    ordered: u64,
}

impl Crowd {
    /// Orders at a steady rate for a while, whatever becomes of the orders before, and waits for all answers.
    pub(crate) async fn order(&mut self, per_s: f64, span: Duration) -> Vec<Order> {
        let began = Instant::now();
        let (mut sent, mut orders, mut under_way) = (0_u64, Vec::new(), JoinSet::new());
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let mut every = tokio::time::interval(Duration::from_millis(1));
                while began.elapsed() < span {
                    every.tick().await;
                    let due = (began.elapsed().min(span).as_secs_f64() * per_s) as u64;
                    for _ in sent..due {
                        // What cannot even be sent is an order that was not answered.
                        if under_way.len() >= CONNECTIONS {
                            orders.push(self.unsent());
                        } else {
                            under_way.spawn_local(order(self.next(), Rc::clone(&self.idle)));
                        }
                    }
                    sent = due;
                    while let Some(done) = under_way.try_join_next() {
                        orders.extend(done);
                    }
                }
                while let Some(done) = under_way.join_next().await {
                    orders.extend(done);
                }
            })
            .await;
        orders
    }

    /// One order.
    pub(crate) async fn order_one(&mut self) -> Order {
        let number = self.next();
        order(number, Rc::clone(&self.idle)).await
    }

    /// Closes what is kept open.
    pub(crate) fn hang_up(&mut self) {
        self.idle.borrow_mut().clear();
    }

    fn next(&mut self) -> u64 {
        self.ordered += 1;
        self.ordered
    }

    fn unsent(&mut self) -> Order {
        Order { call: FIRST_NUMBER + self.next(), sent: Instant::now(), answer: None, comes_again: false }
    }
}

async fn order(number: u64, idle: Rc<RefCell<Vec<TcpStream>>>) -> Order {
    let call = FIRST_NUMBER + number;
    let site = site_key((number % u64::from(SITES)) as u32);
    let [.., a, b, c] = number.to_be_bytes();
    let body = format!("{{\"order_id\":\"{}\",\"phone\":\"+{call}\",\"country\":\"RU\"}}", Uuid::new_v4());
    let request = format!(
        "POST /w/v1/{site}/orders HTTP/1.1\r\nHost: {HTTP}\r\nOrigin: {ORIGIN}\r\nX-Forwarded-For: 10.{a}.{b}.{c}\r\n\
         Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let sent = Instant::now();
    let answered = tokio::time::timeout(PATIENCE, async {
        let known = idle.borrow_mut().pop();
        let mut stream = match known {
            Some(stream) => stream,
            None => connect(HTTP).await?,
        };
        let answer = match ask(&mut stream, &request).await {
            Ok(answer) => answer,
            // A kept connection may have been closed in this moment.
            Err(_) => {
                stream = connect(HTTP).await?;
                ask(&mut stream, &request).await?
            }
        };
        idle.borrow_mut().push(stream);
        anyhow::Ok(answer)
    })
    .await;
    let answer = answered.ok().and_then(Result::ok);
    let comes_again = answer.as_ref().is_some_and(|answer| answer.header("retry-after").is_some());
    Order { call, sent, answer: answer.map(|answer| (Instant::now(), answer.status)), comes_again }
}

/// Opens a connection.
pub(crate) async fn connect(to: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Asks once, over a connection of its own.
pub(crate) async fn get(from: SocketAddr, path: &str) -> Result<Answer> {
    let mut stream = connect(from).await?;
    ask(&mut stream, &format!("GET {path} HTTP/1.1\r\nHost: {from}\r\n\r\n")).await
}

/// Asks over a connection that is kept.
pub(crate) async fn ask(stream: &mut TcpStream, request: &str) -> Result<Answer> {
    listen(stream, request, whole).await
}

/// Asks for a stream of events; the answer is there with its head.
pub(crate) async fn ask_for_events(stream: &mut TcpStream, request: &str) -> Result<Answer> {
    listen(stream, request, begun).await
}

async fn listen(
    stream: &mut TcpStream,
    request: &str,
    is_there: fn(&[u8]) -> Result<Option<Answer>>,
) -> Result<Answer> {
    stream.write_all(request.as_bytes()).await?;
    let mut said = Vec::with_capacity(1_024);
    loop {
        if stream.read_buf(&mut said).await? == 0 {
            bail!("the connection was closed");
        }
        if let Some(answer) = is_there(&said)? {
            return Ok(answer);
        }
    }
}

/// The answer, once its head is there.
fn begun(said: &[u8]) -> Result<Option<Answer>> {
    let Some(end) = said.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&said[..end])?;
    let status = head.split(' ').nth(1).context("a status")?.parse()?;
    Ok(Some(Answer { status, head: head.to_owned(), body: String::new() }))
}

/// The answer, once its head and all that it announces are there.
fn whole(said: &[u8]) -> Result<Option<Answer>> {
    let Some(answer) = begun(said)? else { return Ok(None) };
    let length: usize = answer.header("content-length").context("an answer without its length")?.parse()?;
    let Some(body) = said.get(answer.head.len() + 4..).filter(|body| body.len() >= length) else {
        return Ok(None);
    };
    // An announcement is sound, and nobody reads it.
    Ok(Some(Answer { body: String::from_utf8_lossy(body).into_owned(), ..answer }))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        let (of, value) = line.split_once(':')?;
        of.eq_ignore_ascii_case(name).then_some(value.trim())
    };
    head.lines().find_map(value)
}
