"""A mail server: aiosmtpd on loopback, driven by its words.

server.py [--port N] [--answers JSON] [--tls starttls|wrapper --cert FILE --key FILE] [--login USER PASSWORD]

It answers each recipient with the next of `answers`, and the last of them from then on. An answer is a line of SMTP,
like "451 4.7.1 Come again"; or "hang up", which reads the letter and closes without a word; or "stand still", which
takes the letter, and then says nothing any more, not even goodbye; or "think it over", which takes the letter, and says
so when a line comes by stdin. On stdout it reports, a JSON object a line: ready
(with its port), recipient (with what it was answered), letter (with what is in it). It ends with its stdin.
"""

import argparse
import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def report(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def text(letter, kind):
    part = letter.get_body((kind,))
    return part and part.get_content().replace("\r\n", "\n")


class Handler:
    def __init__(self, answers):
        self.answers = answers
        self.answer = None
        self.thought = asyncio.Event()

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        report("recipient", to=address, answer=self.answer, tls=session.ssl is not None)
        if self.answer[:1] in "45":
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer == "hang up":
            server.transport.abort()
            return "421 nobody hears this"
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        report(
            "letter",
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            id=letter["Message-ID"],
            subject=letter["Subject"],
            body=text(letter, "plain"),
            html=text(letter, "html"),
        )
        if self.answer == "think it over":
            await self.thought.wait()
        return "250 taken"

    async def handle_QUIT(self, server, session, envelope):
        if self.answer == "stand still":
            await asyncio.Event().wait()
        return "221 Bye"


async def serve(words):
    tls = None
    if words.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(words.cert, words.key)
    handler = Handler(words.answers)

    def login(server, session, envelope, mechanism, data):
        known = [part.encode() for part in words.login]
        return AuthResult(success=[data.login, data.password] == known, handled=False)

    def connection():
        starttls = tls if words.tls == "starttls" else None
        auth = {"authenticator": login, "auth_required": True, "auth_require_tls": False} if words.login else {}
        return SMTP(handler, hostname="mail.example", tls_context=starttls, require_starttls=bool(starttls), **auth)

    loop = asyncio.get_running_loop()
    wrapper = tls if words.tls == "wrapper" else None
    server = await loop.create_server(connection, "127.0.0.1", words.port, ssl=wrapper)
    report("ready", port=server.sockets[0].getsockname()[1])
    while await loop.run_in_executor(None, sys.stdin.readline):
        handler.thought.set()


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--answers", type=json.loads, default=["250 OK"])
parser.add_argument("--tls", choices=["starttls", "wrapper"])
parser.add_argument("--cert")
parser.add_argument("--key")
parser.add_argument("--login", nargs=2)
try:
    asyncio.run(serve(parser.parse_args()))
except asyncio.CancelledError:
    pass
