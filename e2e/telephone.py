"""One telephone: pjsua2 on an address of its own, driven by lines.

It registers nowhere and is called at sip:anything@ADDRESS. It says a tone, records what it hears, one file a call,
and listens for tones itself, so that nobody has to guess when somebody was heard. On stdout it reports, a JSON object
a line: ready, incoming, answered, hears (a tone, or 0 Hz for any other sound, for another whole second in all), held,
resumed, digit, ended (with the SIP status and the recording). On stdin it takes: answer, hangup, decline, hold, resume, key 1.
It ends with its stdin.
"""

import argparse
import json
import math
import os
import select
import struct
import sys
import wave

import pjsua2 as pj

RATE = 8000
FRAME_MS = 20
LISTEN_FRAMES = 10  # 200 ms: tells 440 Hz from the 425 Hz of ringback
TONES = (440, 660)


def report(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def write_tone(path, hz):
    """A second of a tone, which can be played again and again without a seam."""
    samples = (int(9000 * math.sin(2 * math.pi * hz * i / RATE)) for i in range(RATE))
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


def loudest(samples):
    """The tone of which nearly all of the sound is made; 0 for other sounds, None for silence."""
    energy = sum(sample * sample for sample in samples)
    if energy < 100 * 100 * len(samples):
        return None
    for hz in TONES:
        k = 2 * math.cos(2 * math.pi * hz / RATE)
        before = last = 0.0
        for sample in samples:
            before, last = last, sample + k * last - before
        power = before * before + last * last - k * before * last
        if 2 * power / len(samples) > 0.7 * energy:
            return hz
    return 0


class Ear(pj.AudioMediaPort):
    """Records what is heard, and counts how long each tone was, and how long it was something else (0 Hz)."""

    def __init__(self, path):
        super().__init__()
        self.samples = []
        self.heard = {hz: 0 for hz in (0, *TONES)}
        self.file = wave.open(path, "wb")
        self.file.setnchannels(1)
        self.file.setsampwidth(2)
        self.file.setframerate(RATE)
        form = pj.MediaFormatAudio()
        form.type = pj.PJMEDIA_TYPE_AUDIO
        form.clockRate, form.channelCount, form.bitsPerSample = RATE, 1, 16
        form.frameTimeUsec = FRAME_MS * 1000
        self.createPort("ear", form)

    def onFrameReceived(self, frame):
        if frame.type != pj.PJMEDIA_FRAME_TYPE_AUDIO or self.file is None:
            return
        data = bytes(bytearray(frame.buf))
        self.file.writeframesraw(data)
        self.samples += struct.unpack(f"<{len(data) // 2}h", data)
        if len(self.samples) < LISTEN_FRAMES * RATE * FRAME_MS // 1000:
            return
        hz = loudest(self.samples)
        self.samples = []
        if hz is not None:
            self.heard[hz] += LISTEN_FRAMES * FRAME_MS
            if self.heard[hz] % 1000 == 0:
                report("hears", hz=hz, seconds=self.heard[hz] // 1000)

    def close(self):
        file, self.file = self.file, None
        file.close()


class Call(pj.Call):
    def __init__(self, telephone, number):
        super().__init__(telephone.account, number)
        self.telephone = telephone
        self.ear = None
        self.on_hold = False
        telephone.calls += 1
        self.path = os.path.join(telephone.folder, f"heard-{telephone.calls}.wav")

    def onCallState(self, _):
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            report("answered")
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            if self.ear is not None:
                self.ear.close()
            self.telephone.call = None
            report("ended", code=info.lastStatusCode, heard=self.path)

    def onCallMediaState(self, _):
        info = self.getInfo()
        for at, media in enumerate(info.media):
            if media.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            if media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                audio = self.getAudioMedia(at)
                if self.ear is None:
                    self.ear = Ear(self.path)
                audio.startTransmit(self.ear)
                self.telephone.voice.startTransmit(audio)
                if self.on_hold:
                    self.on_hold = False
                    report("resumed")
            elif media.status in (pj.PJSUA_CALL_MEDIA_LOCAL_HOLD, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD):
                self.on_hold = True
                report("held", by="us" if media.status == pj.PJSUA_CALL_MEDIA_LOCAL_HOLD else "them")

    def onDtmfDigit(self, digit):
        report("digit", digit=digit.digit, by="event" if digit.method == pj.PJSUA_DTMF_METHOD_RFC2833 else "other")


class Account(pj.Account):
    def onIncomingCall(self, incoming):
        self.telephone.rings(incoming)


class Telephone:
    def __init__(self, wish):
        self.wish, self.folder, self.calls, self.call = wish, wish.folder, 0, None
        self.answer_at = None
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.logConfig.filename = os.path.join(self.folder, "pjsua.log")
        config.logConfig.level = 4
        config.medConfig.clockRate = config.medConfig.sndClockRate = RATE
        config.medConfig.audioFramePtime = FRAME_MS
        config.medConfig.noVad = True
        config.medConfig.ecTailLen = 0
        self.endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.port = 5060
        transport.boundAddress = transport.publicAddress = wish.address
        self.endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        for codec in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(codec.codecId, 200 if codec.codecId.startswith("PCMA") else 0)
        account = pj.AccountConfig()
        account.idUri = f"sip:telephone@{wish.address}"
        media = account.mediaConfig.transportConfig
        media.port, media.portRange = 7000, 100
        media.boundAddress = media.publicAddress = wish.address
        self.account = Account()
        self.account.telephone = self
        self.account.create(account)
        tone = os.path.join(self.folder, "tone.wav")
        write_tone(tone, wish.tone)
        self.voice = pj.AudioMediaPlayer()
        self.voice.createPlayer(tone)

    def rings(self, incoming):
        call = Call(self, incoming.callId)
        if self.call is not None:
            return self.say(call, 486)
        self.call = call
        report("incoming", sender=call.getInfo().remoteUri)
        if self.wish.answer_after < 0:
            return self.say(call, 180)
        if self.wish.answer_after > 0:
            self.say(call, 180)
        self.answer_at = self.now() + self.wish.answer_after

    def say(self, call, status):
        answer = pj.CallOpParam()
        answer.statusCode = status
        call.answer(answer)

    def now(self):
        return int(1000 * float(os.times().elapsed))

    def turn(self):
        self.endpoint.libHandleEvents(10)
        if self.answer_at is not None and self.now() >= self.answer_at:
            self.answer_at = None
            if self.call is not None and self.call.getInfo().state < pj.PJSIP_INV_STATE_CONFIRMED:
                self.say(self.call, 200)

    def obey(self, words):
        match words:
            case ["answer"]:
                self.say(self.call, 200)
            case ["hangup"]:
                self.call.hangup(pj.CallOpParam())
            case ["decline"]:
                answer = pj.CallOpParam()
                answer.statusCode = 603
                self.call.hangup(answer)
            case ["hold"]:
                self.call.setHold(pj.CallOpParam(True))
            case ["resume"]:
                again = pj.CallOpParam(True)
                again.opt.flag = pj.PJSUA_CALL_UNHOLD
                self.call.reinvite(again)
            case ["key", keys]:
                self.call.dialDtmf(keys)
            case _:
                raise ValueError(f"no such command: {words}")

    def close(self):
        self.call = self.voice = self.account = None
        self.endpoint.libDestroy()


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--address", required=True)
    words.add_argument("--folder", required=True)
    words.add_argument("--tone", type=int, required=True)
    words.add_argument("--answer-after", type=int, default=-1, help="milliseconds; negative: when told")
    telephone = Telephone(words.parse_args())
    report("ready")
    os.set_blocking(0, False)
    pending = b""
    while True:
        telephone.turn()
        if not select.select([0], [], [], 0)[0]:
            continue
        got = os.read(0, 4096)
        if not got:
            break
        *lines, pending = (pending + got).split(b"\n")
        for line in lines:
            telephone.obey(line.decode().split())
    telephone.close()


main()
