"""Sound for the page's tests: a participant's voice from recorded prompts, and how alike two recordings are."""

import glob
import os
import subprocess
import wave

import numpy
from scipy.signal import fftconvolve, resample_poly

PROMPTS = "/usr/share/asterisk/sounds/en*"
ALSA = "/usr/share/sounds/alsa"
RATE = 48000


def read_wav(path):
    """Samples as floats, with their rate; the first channel of several."""
    with wave.open(path) as file:
        raw = numpy.frombuffer(file.readframes(file.getnframes()), "<i2")
        return raw[:: file.getnchannels()] / 32768.0, file.getframerate()


def write_wav(path, samples, rate=RATE):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(to_s16(samples))


def to_s16(samples):
    return numpy.clip(numpy.round(samples * 32767), -32768, 32767).astype("<i2").tobytes()


def from_s16(data):
    return numpy.frombuffer(data[: len(data) // 2 * 2], "<i2") / 32768.0


def resampled(samples, rate, wanted):
    if rate == wanted:
        return samples
    divisor = numpy.gcd(rate, wanted)
    return resample_poly(samples, wanted // divisor, rate // divisor)


def prompt(name):
    """A recorded human voice at 48 kHz."""
    for folder in glob.glob(PROMPTS):
        path = os.path.join(folder, name + ".wav")
        if os.path.exists(path):
            samples, rate = read_wav(path)
            return trimmed(resampled(samples, rate, RATE))
    samples, rate = read_wav(os.path.join(ALSA, "Front_Center.wav"))
    return trimmed(resampled(samples, rate, RATE))


def trimmed(samples, floor=0.004):
    loud = numpy.flatnonzero(numpy.abs(samples) > floor)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples


def participant_voice(prompts, pause):
    """Prompts with `pause` seconds of silence behind each: what the fake microphone says, again and again."""
    parts = []
    for name in prompts:
        samples = prompt(name)
        parts += [samples * (0.5 / max(0.05, numpy.abs(samples).max())), numpy.zeros(int(pause * RATE))]
    return numpy.concatenate(parts)


def best_lag(part, whole):
    """Where in `whole` the part fits best: offset and normalised correlation there."""
    if len(whole) < len(part):
        return 0, 0.0
    products = fftconvolve(whole, part[::-1], "valid")
    energies = numpy.concatenate([[0.0], numpy.cumsum(whole**2)])
    norms = numpy.sqrt(numpy.maximum(energies[len(part) :] - energies[: -len(part)], 1e-9) * max(1e-9, numpy.sum(part**2)))
    likeness = products / norms
    place = int(numpy.argmax(likeness))
    return place, float(likeness[place])


def likeness(reference, heard, rate, window=1.0, floor=1e-4):
    """How alike `heard` is to `reference`, window by window of the reference that holds sound.

    Each window is looked for everywhere in `heard`, because silence may have been put in or left out between words;
    also a little before and behind it, because a codec shifts its sound by some milliseconds.
    Returns the correlation over all windows, weighted by energy, the worst one, and how many were looked for.
    """
    size = int(window * rate)
    margin = numpy.zeros(int(0.1 * rate))
    heard = numpy.concatenate([margin, heard, margin])
    products = energy = 0.0
    worst, count = 1.0, 0
    for start in range(0, len(reference) - size + 1, size):
        part = reference[start : start + size]
        power = float(numpy.sum(part**2))
        if power / size < floor:
            continue
        _, score = best_lag(part, heard)
        products += score * power
        energy += power
        worst = min(worst, score)
        count += 1
    return {"correlation": products / energy if energy else 0.0, "worst": worst if count else 0.0, "windows": count}


def ogg_packets(path):
    """The Opus packets of an Ogg file (RFC 3533), without its two headers."""
    data = open(path, "rb").read()
    packets, part, place = [], b"", 0
    while place < len(data):
        count = data[place + 26]
        lacing = data[place + 27 : place + 27 + count]
        place += 27 + count
        for size in lacing:
            part += data[place : place + size]
            place += size
            if size < 255:
                packets.append(part)
                part = b""
    return packets[2:]


def opus_packets(samples, folder, name, bitrate=40):
    """Samples at 48 kHz as Opus packets of 20 ms, by opusenc."""
    wav, ogg = os.path.join(folder, name + ".wav"), os.path.join(folder, name + ".opus")
    write_wav(wav, samples)
    subprocess.run(["opusenc", "--quiet", "--framesize", "20", "--bitrate", str(bitrate), wav, ogg], check=True)
    return ogg_packets(ogg)


_CRC = []
for value in range(256):
    remainder = value << 24
    for _ in range(8):
        remainder = ((remainder << 1) ^ 0x04C11DB7 if remainder & 0x80000000 else remainder << 1) & 0xFFFFFFFF
    _CRC.append(remainder)


def _page(kind, granule, number, packets):
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    page = bytearray(
        b"OggS\0" + bytes([kind]) + granule.to_bytes(8, "little") + b"pagE" + number.to_bytes(4, "little")
        + bytes(4) + bytes([len(lacing)]) + lacing + b"".join(packets))
    crc = 0
    for byte in page:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _CRC[(crc >> 24) ^ byte]
    page[22:26] = crc.to_bytes(4, "little")
    return bytes(page)


def decode_opus(packets, folder, name):
    """Opus packets of 20 ms as samples at 48 kHz, by an independent decoder."""
    ogg = os.path.join(folder, name + ".opus")
    with open(ogg, "wb") as file:
        head = b"OpusHead\1\1" + (0).to_bytes(2, "little") + (48000).to_bytes(4, "little") + b"\0\0\0"
        file.write(_page(2, 0, 0, [head]) + _page(0, 0, 1, [b"OpusTags\4\0\0\0test\0\0\0\0"]))
        for index, packet in enumerate(packets):
            file.write(_page(4 if index == len(packets) - 1 else 0, (index + 1) * 960, index + 2, [packet]))
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", ogg, "-f", "s16le", "-ar", "48000", "-ac", "1", "-"], check=True,
        capture_output=True)
    return from_s16(done.stdout)
