# ruff: noqa: T201 (a measurement prints its figures)
"""What chunking costs, and how soon a reply begins: `python -m tests.voice.speech.measure_chunks`.

Replies as models give them on the telephone, written token by token: after how many characters the first
chunk leaves, how long a token takes, and how long 100 kB of hostile input takes in pieces of four characters.
"""

from __future__ import annotations

import re
import statistics
import time

from voice.speech.aloud import Reader
from voice.speech.chunk import Chunker

REPLIES = (
    "I'm sorry to hear that, I'll get it looked after right away. Could you tell me which unit you are in?",
    "Sure, I can help with that. What's the address of the property?",
    "Rent for a one bedroom is $1,250 a month, and the deposit is $300.",
    "Thanks for calling Maple Court, this is Jamie. How can I help?",
    "Your ticket number is INC0012345. Somebody will call you back today.",
    "The office is open Monday to Friday from 9 to 5, and on Saturdays until noon.",
    "You can reach them at (512) 555-0134, any time.",
    "I can send a plumber to your unit tomorrow between 1 and 3 pm. Does that work for you?",
    "Of course. What is your unit number?",
    "Absolutely! Let me look that up for you right now.",
    "Your lease ends on March 14, 2026, so you still have four months.",
    "Got it, unit 4B. When may somebody come in?",
    "That sounds frustrating. Have you tried resetting the breaker?",
    "I understand that you would like to move out at the end of June. I'll need your name and unit.",
    "We have two apartments available right now: a one bedroom for $1,150 and a two bedroom for $1,480.",
    "Please leave the building right away and call 911 from outside.",
    "I've put in a request for the leaking faucet in your kitchen. The team will be there on Tuesday.",
    "Unfortunately, I can't see your balance, but the office can. Shall I have them call you back?",
    "Pets are welcome, with a deposit of $250 each. Is it a cat or a dog?",
    "Could you spell your last name for me, please?",
    "Let me make sure I have this right: the heater in Apt. 12 has been off since yesterday.",
    "Parking is $40 a month, and there is a spot free next to your building.",
    "I'd be happy to schedule a tour. Would Thursday at 2:30 pm work?",
    "Your application was received on 8/3 and is being reviewed. It usually takes 2-3 business days.",
    "You're welcome. Have a great day!",
    "Yes, the pool is open until ten every night.",
    "The late fee is 5% of the rent and is added after the fifth of the month.",
    "In that case I would recommend calling the utility company first.",
    "No problem, I've cancelled that appointment for you. Is there anything else?",
    "Hi Sam, thanks for calling back about the viewing on Saturday.",
    "To reset your portal password, go to oakridge.com and click on the link under the form.",
    "Someone from maintenance can be there within the next two hours. Will you be at home?",
)
TOKEN = re.compile(r"\s?\w{1,6}|\s?[^\w\s]+|\s")  # about as models cut English
HOSTILE = {
    "spaces": " " * 100_000,
    "[(": "[(" * 50_000,
    "a.a.a.": "a." * 50_000,
    "digits": "7" * 100_000,
    "unclosed tags": "<a " * 33_333,
    "open brackets": "{[<" * 33_333,
    "stars": "*a " * 33_333,
    "lines": "\n* " * 33_333,
    "no space": "abcdefghij" * 10_000,
    "ellipses": "…" * 100_000,
    "streets": "5 Oak St. " * 10_000,
    "escaped tags": "&lt;" * 25_000,
}
ROUNDS = 400


def first_chunk_after(reply: str) -> int:
    """How many characters were written when the first chunk left."""
    chunker = Chunker()
    return next((at for at in range(1, len(reply) + 1) if chunker.feed(reply[at - 1])), len(reply))


def token_us(tokens: list[str]) -> float:
    """Microseconds for a token, chunks included."""
    began = time.process_time()
    for _ in range(ROUNDS):
        chunker = Chunker()
        for token in tokens:
            chunker.feed(token)
    return (time.process_time() - began) / ROUNDS / len(tokens) * 1e6


def reading_us(reply: str) -> float:
    """Microseconds to read all chunks of a reply aloud."""
    chunker = Chunker()
    chunks = [*chunker.feed(reply), *chunker.end()]
    began = time.process_time()
    for _ in range(ROUNDS):
        reader = Reader("en-US", ())
        for chunk in chunks:
            reader.read(chunk)
    return (time.process_time() - began) / ROUNDS * 1e6


def hostile_ms(text: str) -> float:
    chunker = Chunker()
    began = time.process_time()
    for at in range(0, len(text), 4):
        chunker.feed(text[at : at + 4])
    chunker.end()
    return (time.process_time() - began) * 1e3


def main() -> None:
    """Print the figures."""
    after = [first_chunk_after(reply) for reply in REPLIES]
    print(f"first chunk after {statistics.mean(after):.1f} characters on average, {max(after)} at most")
    taken = sorted(token_us(TOKEN.findall(reply)) for reply in REPLIES)
    print(f"a token takes {statistics.median(taken):.2f} µs, {taken[-1]:.2f} µs in the slowest reply")
    print(f"reading a reply aloud takes {statistics.median(map(reading_us, REPLIES)):.0f} µs")
    for name, text in HOSTILE.items():
        print(f"100 kB of {name}: {hostile_ms(text):.0f} ms in {len(text) // 4} pieces")


if __name__ == "__main__":
    main()
