"""espeak-ng as a process of its own: utterances in as JSON on stdin, their sound out on stdout.

    python -I -S sedutils/foley/espeak.py LIBRARY < utterances.json    (in the library's folder)

``speech.render`` runs it; nothing imports it. The library keeps state (random numbers, echo, pitch)
from one utterance to the next, so that only a fresh process gives the same bytes every time. It is
no part of the package when it runs and imports nothing slow: 0.06 s until it speaks.
"""

import ctypes
import json
import os
import sys

# speak_lib.h: modes and options
_RETRIEVAL, _PHONEME_EVENTS, _DONT_EXIT, _UTF8 = 1, 0x1, 0x8000, 1
_PARAMETERS = {"rate": 1, "volume": 2, "pitch": 3, "range": 4}
_LIST_END, _PHONEME = 0, 7  # types of events


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """espeak_EVENT; ``sample`` is the event's place in the utterance, ``id`` names the phoneme."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Library:
    """The loaded library; its callback fills ``pcm`` and ``phonemes`` of the current utterance.

    ``name`` and the data are looked for in the working folder by relative names, since espeak cuts
    off a path to its data that is longer than 160 characters.
    """

    def __init__(self, name: str) -> None:
        self.calls = ctypes.CDLL(f"./{name}")
        self.calls.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        options = _PHONEME_EVENTS | _DONT_EXIT
        self.sample_rate = self.calls.espeak_Initialize(_RETRIEVAL, 0, b"espeak-ng-data", options)
        if self.sample_rate <= 0:
            raise OSError("cannot read the folder espeak-ng-data beside the library")
        self._callback = _Callback(self._receive)  # kept: the library holds only its address
        self.calls.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples, count: int, events) -> int:
        if samples and count > 0:
            self.pcm += ctypes.string_at(samples, 2 * count)
        at = 0
        while events[at].type != _LIST_END:
            if events[at].type == _PHONEME:
                self.phonemes.append((events[at].id.string.decode(), events[at].sample))
            at += 1
        return 0

    def speak(self, *, text: str, voice: str, seed: int, **parameters: int) -> None:
        """Render one utterance into ``pcm`` (16 bit) and ``phonemes`` (name, first sample)."""
        self.pcm, self.phonemes = bytearray(), []
        variant = voice.partition("+")[2]  # espeak passes over one that it does not find
        missing = variant and not os.path.isfile(f"espeak-ng-data/voices/!v/{variant}")
        if missing or self.calls.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"has no voice {voice!r}")
        for name, value in parameters.items():
            self.calls.espeak_SetParameter(_PARAMETERS[name], value, 0)
        self.calls.espeak_ng_SetRandSeed(seed)
        data = text.encode()
        size = ctypes.c_size_t(len(data) + 1)
        if self.calls.espeak_Synth(data, size, 0, 0, 0, _UTF8, None, None):
            raise ValueError(f"cannot say {text!r}")
        self.calls.espeak_Synchronize()


def main() -> int:
    """Answer with one line of JSON (sample rate, sizes in bytes, phonemes), then all the PCM."""
    library = Library(sys.argv[1])
    sounds, phonemes = [], []
    for utterance in json.load(sys.stdin.buffer):
        library.speak(**utterance)
        sounds.append(library.pcm)
        phonemes.append(library.phonemes)
    sizes = [len(pcm) for pcm in sounds]
    header = {"sample_rate": library.sample_rate, "sizes": sizes, "phonemes": phonemes}
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n")
    sys.stdout.buffer.writelines(sounds)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError) as error:
        sys.exit(str(error))
