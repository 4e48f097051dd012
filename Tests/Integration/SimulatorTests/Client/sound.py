"""Sound to talk to a simulator with: PCM, s16le, mono, 24 kHz."""

import array
import io
import subprocess
import wave

RATE = 24_000


def speech(text):
    """The text spoken by espeak-ng, as PCM at the session's rate."""
    done = subprocess.run(
        ["espeak-ng", "--stdout", "-v", "en-gb", "-s", "170", text], capture_output=True, check=True)
    with wave.open(io.BytesIO(done.stdout)) as sound:
        frames = sound.readframes(sound.getnframes())
        pcm = resample(array.array("h", frames), sound.getframerate())
    if len(pcm) <= RATE:
        raise RuntimeError("espeak-ng said nothing")
    return pcm


def resample(samples, rate):
    """By straight lines between samples: good enough for a detector of speech."""
    result = array.array("h")
    for index in range((len(samples) - 1) * RATE // rate):
        place, part = divmod(index * rate, RATE)
        result.append(samples[place] + (samples[place + 1] - samples[place]) * part // RATE)
    return result.tobytes()


def loudness(pcm):
    samples = array.array("h", pcm)
    return (sum(sample * sample for sample in samples) / max(len(samples), 1)) ** 0.5


def silence(milliseconds):
    return bytes(2 * RATE * milliseconds // 1000)
