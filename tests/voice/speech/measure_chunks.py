# ruff: noqa: T201 (a measurement prints its figures)
"""What chunking costs, and how soon a reply begins: `python -m tests.voice.speech.measure_chunks`.

Replies as models give them on the telephone, written token by token, with other numbers each time: after how
many characters the first chunk leaves, how long a token takes with all that is done to it (firewall,
boundary, cleaning), and how long a piece of hostile input takes. Each figure stands beside its bound.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from collections.abc import Iterator, Sequence

from tests.voice.speech.hostile import HOSTILE
from voice.speech.aloud import Reader
from voice.speech.chunk import FIRST_CHARS, Chunker

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
TOKEN = re.compile(r"\s?\w{1,6}|\s?[^\w\s]+|\s")  # about as models cut English: 3.7 characters each
CLAUSE_MARK = re.compile(r"[.,;:!?](?=\s|$)")
VARIANTS = 25  # of each reply
ROUNDS = 9  # of which the fastest counts


def varied() -> Iterator[str]:
    """The replies with other digits, so that none comes twice."""
    rnd = random.Random(5)
    for _ in range(VARIANTS):
        for reply in REPLIES:
            yield re.sub(r"[1-9]", lambda found: str(rnd.randint(1, 9)), reply)


def first_chunk_after(reply: str) -> int:
    """How many characters were written when the first chunk left."""
    chunker = Chunker()
    return next((at for at in range(1, len(reply) + 1) if chunker.feed(reply[at - 1])), len(reply))


def is_late(reply: str) -> bool:
    """Whether the first chunk goes on behind the first mark of a clause that is far enough in."""
    marks = (found.end() for found in CLAUSE_MARK.finditer(reply) if found.start() >= FIRST_CHARS)
    chunker = Chunker()
    first = [*chunker.feed(reply), *chunker.end()][0]
    return len(first.sent) > next(marks, len(reply))


def token_us(replies: Sequence[Sequence[str]]) -> float:
    """Microseconds of processor time for a token, chunks included."""
    began = time.process_time()
    for tokens in replies:
        chunker = Chunker()
        for token in tokens:
            chunker.feed(token)
    return (time.process_time() - began) / sum(map(len, replies)) * 1e6


def split_us(replies: Sequence[Sequence[str]]) -> float:
    """What any chunker has to do at least: append a token and look for the end of a sentence."""
    ends = re.compile(r"[.!?](?=\s)")
    began = time.process_time()
    for tokens in replies:
        text = ""
        for token in tokens:
            text += token
            if ends.search(text):
                text = ""
    return (time.process_time() - began) / sum(map(len, replies)) * 1e6


def reading_us(reply: str) -> float:
    """Microseconds to read all chunks of a reply aloud."""
    chunker, reader = Chunker(), Reader("en-US", ())
    chunks = [*chunker.feed(reply), *chunker.end()]
    began = time.process_time()
    for chunk in chunks:
        reader.read(chunk)
    return (time.process_time() - began) * 1e6


def piece_us(text: str) -> float:
    """Microseconds for a piece of four characters."""
    chunker = Chunker()
    began = time.process_time()
    for at in range(0, len(text), 4):
        chunker.feed(text[at : at + 4])
    chunker.end()
    return (time.process_time() - began) / (len(text) / 4) * 1e6


def tell(what: str, figure: float, bound: float, unit: str) -> None:
    verdict = "within" if figure <= bound else "BEYOND"
    print(f"{what:62} {figure:7.2f} {unit:10}  {verdict} {bound:g}")


def main() -> None:
    """Print the figures."""
    tell("first chunk, on average", statistics.mean(map(first_chunk_after, REPLIES)), 26, "characters")
    print(f"  at most {max(map(first_chunk_after, REPLIES))}")
    tell("replies whose first chunk goes on behind a clause", sum(map(is_late, REPLIES)), 0, "replies")
    replies = [TOKEN.findall(reply) for reply in varied()]
    token_us(replies[: len(REPLIES)])  # patterns are compiled when they are first met
    least = min(split_us(replies) for _ in range(ROUNDS))
    took = min(token_us(replies) for _ in range(ROUNDS))
    tell(f"a token of {len(replies)} replies", took, 2, "µs")
    print(f"  {took / least:.1f} times what it takes now to append it and to look for the end of a sentence")
    print(f"reading the chunks of a reply aloud takes {statistics.median(map(reading_us, varied())):.0f} µs")
    took_by = sorted(
        ((min(piece_us(text) for _ in range(2)), name) for name, text in HOSTILE.items()), reverse=True
    )
    print(
        "a piece of hostile text takes at most",
        ", ".join(f"{us:.1f} µs ({name})" for us, name in took_by[:4]),
    )


if __name__ == "__main__":
    main()
