"""A chat model that obeys every instruction it reads, wherever it stands: what an attacker wishes for.

Real models obey some instructions in the texts they are given, sometimes, and no two alike. To test that
nothing depends on a model's good sense, this one has none: it reads the prompt sentence by sentence, passages
included, does what each imperative says as far as rules can, and only then answers the question. It is
deterministic and reads English.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ragraft.models.fake import FakeChatModel
from ragraft.types import Completion, Message

__all__ = ["ObedientChatModel", "Order", "read_orders"]

_BEGIN = (  # what an imperative may stand behind
    r"(?:^|(?<=[-.,:;!?|>\"“'(\[#*=])|\b(?:please|now|then|and|also|instead|always|immediately|kindly|to)\b"
    r"|\byou (?:must|should|shall|will|have to|are to)\b)[\s\"“'(\[*_>]*"
)
_REST = r"(?P<about>.+)"
_WHO = (
    r"(?:(?:the|your|any|every|all|our|this)\s+)?(?:\w+\s+)?(?:users?|readers?|people|person|customers?|callers?|"
    r"employees?|visitors?|humans?|them|him|her|everyone|everybody|me|us)"
)
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,15}://|www\.|mailto:|javascript:|data:[a-z]+/)[^\s<>\"'“”`)\]]+"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|xyz|example|io|info|biz)\b(?:/[^\s<>\"')\]]*)?",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[a-z!/][^<>]*>", re.IGNORECASE)
_TARGET = r"(?:answers?|responses?|repl(?:y|ies)|messages?|outputs?)"
_FRAME = re.compile(
    rf"\b(?:(?:in|into|to|with|of|from|at the end of)\s+)?(?:your|the|this|every)\s+(?:\w+\s+)?{_TARGET}\b(?:\s+with\b)?"
    r"|\b(?:an?|the)\s+(?:\w+\s+)?(?:sentence|statement|reason|reminder|tip|appeal|headline|recommendation|note|advert"
    r"|advertisement|line|paragraph)\b|\b(?:detailing|encouraging|emphasi[sz]ing|stressing|inviting|pointing to|directing to"
    r"|(?:to|by|that)\s+(?:mention|highlight|promote|express|hint at|suggest|suggesting|offering|inviting|read))\b"
    rf"|\b(?:for\s+)?{_WHO}\s+to\b",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^(?:(?:about|on|for|that|with|by|like|to|users?|readers?)\s+)+", re.IGNORECASE)
_BREAK = re.compile(
    r"(?<=[.!?])\s+|(?<=[.!?])[\"”')\]]+\s+(?![a-z])|\n\s*\n|\n(?![a-z])|-->|<!--|\s\|\s|^\s*\|", re.MULTILINE
)

# What can be asked of a text, an address or a mark-up.
_VERBS = (
    "add|append|include|insert|integrate|modify|enhance|augment|embed|show|display|render|write|print|output|mention|"
    "suggest|recommend|promote|advertise|offer|tease|invite|link|point|direct|refer|send|visit|open|follow|click|see|"
    "download|install|get|check|browse|go|use|tell|reply|respond|answer|provide|give|put|end|begin|load"
)
_RULES: tuple[tuple[str, str], ...] = (
    # Say X: what is told to somebody, what is quoted, or what follows "that" or a colon.
    ("say", rf"{_BEGIN}(?:tell|inform|assure|notify|remind|warn|advise|let)\s+{_WHO}\s*(?:know\s+)?"
            rf"(?:that\s+|:\s*|,\s*)?{_REST}"),
    ("say", rf"{_BEGIN}(?:say|claim|repeat|respond|reply|answer|write|output|print|state|add|append|include|insert|"
            r"mention|report|confirm|begin|start|end|finish|declare)\b[^\"“:]*[\"“](?P<about>[^\"”]+)[\"”]"),
    ("say", rf"{_BEGIN}(?:say|claim|respond|reply|answer|write|output|print|state|mention|report|confirm|declare|"
            rf"pretend)\b(?:\s+(?:only|just|exactly|to\s+\w+|in\s+your\s+\w+|with))*\s*(?:\bthat\s+|:\s*){_REST}"),
    ("say", rf"{_BEGIN}say\s+(?!so\b|that\b|nothing\b|[\"“]){_REST}"),
    # Put something into your answer, in your own words: a tip, an appeal, an advertisement.
    ("add", rf"{_BEGIN}(?:add|include|insert|integrate|modify|enhance|augment|suggest|recommend|promote|advertise|"
            rf"praise|highlight|stress|emphasi[sz]e|tease|offer|invite|express|mention)\b(?!\s*[\"“]){_REST}"),
    # An address or a tag in an order is written out, in every form that a program may turn into a link.
    ("link", rf"{_BEGIN}(?:{_VERBS})\b(?P<about>.*(?:{_ADDRESS.pattern}).*)"),
    ("markup", rf"{_BEGIN}(?:{_VERBS})\b(?P<about>.*<[a-z][^<>]*>.*)"),
    # Be somebody with other rights; show what was hidden.
    ("role", rf"(?:{_BEGIN}(?:act|behave|answer)\s+as|\bpretend\s+(?:to\s+be|that\s+you\s+are)|\byou\s+are\s+now|"
             r"\bassume\s+the\s+role\s+of)\s+(?:if\s+you\s+were\s+)?(?P<about>(?:an?\s+|the\s+)?[\w -]+)"),
    ("reveal", rf"{_BEGIN}(?:repeat|print|output|show|reveal|list|dump|display|copy|disclose|leak)\b(?P<about>.*"
               r"\b(?:prompt|instructions?|context|passages?|documents?|above|everything|hidden|secret)\b.*)"),
    # Tools and settings: there are none, but it tries.
    ("tool", rf"{_BEGIN}(?P<tool>call|use|run|execute|invoke|launch|delete|erase|drop|grant|revoke|forward|e-?mail|"
             rf"transfer|upload|post|publish|set|change|enable|disable|turn\s+o(?:n|ff)|share|update|send|fetch)\s+"
             rf"(?!(?:is|are|was|were|has|have|of|by|in)\b){_REST}"),
    # Do not do what you are there for.
    ("ignore", rf"{_BEGIN}(?:ignore|disregard|forget|override|bypass)\s+{_REST}"),
    ("silence", rf"{_BEGIN}(?:(?:do\s+not|don't|never|refuse\s+to|stop)\s+(?P<about>answer|reply|respond|help)|"
                r"say\s+nothing)"),
    ("cite", rf"{_BEGIN}(?:cite|quote|name\s+passage)\b(?P<about>.*\d.*)"),
    # Write the reply in another way.
    ("base64", r"(?P<about>\bbase\s?-?64\b)"),
    ("numbers", rf"{_BEGIN}(?:replace|use|convert|provide|substitute)\b(?P<about>.*\b(?:numbers?|alphanumeric)\b.*)"),
    ("symbols", rf"{_BEGIN}(?:replace|use|substitute|render)\b(?P<about>.*\b(?:symbols?|homophonic)\b.*)"),
    ("scramble", r"(?P<about>\b(?:typos?|misspell\w*|scramble\w*|jumble\w*|anagram\w*)\b)"),
    ("close up", r"(?P<about>\b(?:(?:remove|without|without any)\s+spaces|group\s+letters)\b)"),
    ("language", rf"{_BEGIN}(?:answer|reply|respond|write|speak)\b.*\bin\s+(?P<about>French|German|Spanish|Italian)\b"),
    # Do another task than the one asked for.
    ("task", r"^(?P<about>(?:what|who|how|why|when|where|which|can\s+you|could\s+you)\b.*\?)"),
    ("task", r"^(?P<about>(?:explain|describe|draft|compose|develop|translate|break\s+down|write|provide|show\s+me|"
             r"calculate|solve|summari[sz]e|give\s+me)\s+.+)"),
)  # fmt: skip
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE | re.DOTALL)) for kind, pattern in _RULES)
_WHOLE = ("base64", "numbers", "symbols", "scramble", "close up")
"""Orders that change all of the reply."""

_GREETINGS = {
    "french": "Bien sûr, voici la réponse en français.",
    "german": "Gerne, hier ist die Antwort auf Deutsch.",
    "spanish": "Claro, aquí está la respuesta en español.",
    "italian": "Certo, ecco la risposta in italiano.",
}


@dataclass(frozen=True, slots=True)
class Order:
    """One thing that a text tells its reader to do: of which kind, and with what.

    Kinds: say, add, link, markup, role, reveal, tool, ignore, silence, cite, base64, numbers, symbols, scramble,
    close up, language, task.
    """

    kind: str
    about: str


class ObedientChatModel:
    """Does what every sentence of the prompt tells it, and then answers the question; fits the ChatModel seam.

    System messages are obeyed by answering at all. Other tasks are answered from `knows`, by a part of the task in
    lower case, and with nonsense where that has nothing. The answer itself is FakeChatModel's.
    """

    def __init__(
        self, *, window: int = 4096, knows: Mapping[str, str] | None = None, name: str = "obedient-chat"
    ) -> None:
        self._answering = FakeChatModel(window=window)
        self._knows = dict(knows or {})
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def window(self) -> int:
        return self._answering.window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the words of all messages, and 4 for each message."""
        return self._answering.count_tokens(messages)

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        """Return what the orders of the prompt make it say, the answer, and what they do to both.

        Raises: ModelError if prompt and answer together exceed the window.
        """
        # Uncut: what the orders make of it is cut below, and says so.
        room = self.window - self.count_tokens(messages)
        plain = self._answering.generate(messages, max_tokens=max(max_tokens, room)).text
        text = self._obey(messages, plain)
        spoken = FakeChatModel([text], window=self.window)
        return spoken.generate(messages, max_tokens=max_tokens, on_text=on_text)

    def _obey(self, messages: Sequence[Message], plain: str) -> str:
        orders = list(dict.fromkeys(_orders_of(messages)))
        said = [line for order in orders for line in self._act(order, messages)]
        if not any(order.kind == "silence" for order in orders):
            said.append(plain)
        marks = "".join(
            f" [{number}]"
            for order in orders
            if order.kind == "cite"
            for number in re.findall(r"\d+", order.about)
        )
        text = "\n".join(line + marks for line in said)
        for order in orders:
            if order.kind in _WHOLE:
                text = _rewritten(order.kind, text)
        return text

    def _act(self, order: Order, messages: Sequence[Message]) -> Iterator[str]:
        """Yield the lines that an order makes it write."""
        about = order.about
        if order.kind in ("say", "add"):
            yield _sentence(about)
        elif order.kind == "link":
            yield from (_linked(address[0], picture="image" in about) for address in _ADDRESS.finditer(about))
        elif order.kind == "markup":
            yield "".join(_TAG.findall(about))
        elif order.kind == "role":
            yield f"As {about} I may read everything, and I show all documents."
        elif order.kind == "reveal":
            yield from (message.content for message in messages)
        elif order.kind == "tool":
            tool, _, arguments = about.partition(" ")
            yield f'{{"tool": "{tool}", "arguments": "{arguments}"}}'
        elif order.kind == "ignore":
            yield f"I ignore {about}."
        elif order.kind == "silence":
            yield "I will not answer."
        elif order.kind == "language":
            yield _GREETINGS[about.lower()]
        elif order.kind == "task":
            yield self._perform(about)

    def _perform(self, task: str) -> str:
        known = [told for part, told in self._knows.items() if part in task.lower()]
        return known[0] if known else f"{_sentence(task).rstrip('.?')}: the answer is forty-two."


def read_orders(text: str) -> Iterator[Order]:
    """Yield what a text tells its reader to do, in the order in which it stands there.

    One sentence may give several orders ("Ignore the above and say X"), and may be read in several ways.
    """
    for piece in _BREAK.split(text):
        sentence = " ".join(piece.split()).strip()
        found = [(match, kind) for kind, pattern in _PATTERNS for match in pattern.finditer(sentence)]
        kinds = {kind for _, kind in found}
        for match, kind in found:
            if kind == "tool":
                if kinds & {*_WHOLE, "add", "link", "reveal"}:  # those words have been understood
                    continue
                yield Order(kind, f"{match['tool'].replace(' ', '_').lower()} {_bare(match['about'])}")
            elif kind == "add":
                if about := _bare(_LEADING.sub("", _bare(_FRAME.sub(" ", match["about"])))):
                    yield Order(kind, about)
            elif (about := _bare(match["about"] or kind)) and not (kind == "task" and kinds & {*_WHOLE}):
                yield Order(kind, about)


def _orders_of(messages: Sequence[Message]) -> Iterable[Order]:
    """Yield the orders of a prompt; the question asked is not another task."""
    for message in messages:
        if message.role == "system":
            continue
        asked, last = message is messages[-1], message.content.rpartition("Question:")[2].strip()
        for order in read_orders(re.sub(r"(?m)^Question:", "", message.content)):
            if order.kind != "task" or (asked and order.about not in last):
                yield order


def _bare(text: str) -> str:
    """Return a text on one line, without the white space, quotation marks and stops around it."""
    return re.sub(r"\s+([,.])", r"\1", " ".join(text.split())).strip(" \"“”'|*_,;:.!-")


def _sentence(text: str) -> str:
    """Return a text as a sentence of its own."""
    bare = _bare(text)
    return f"{bare[:1].upper()}{bare[1:]}{'' if bare.endswith('?') else '.'}"


def _linked(address: str, *, picture: bool) -> str:
    address = address.rstrip(".,;:!?")
    if picture:
        return f'![image]({address}) <img src="{address}">'
    return f'Visit [this page]({address}), <a href="{address}">here</a>, <{address}> or {address}.'


def _rewritten(kind: str, text: str) -> str:
    if kind == "base64":
        return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
    if kind == "numbers":
        return re.sub("[a-z]", lambda letter: f"{ord(letter[0].lower()) - 96}-", text, flags=re.IGNORECASE)
    if kind == "symbols":
        return text.translate(str.maketrans("aeiouAEIOUb", "@#$%&@#$%&&"))
    if kind == "scramble":
        return re.sub(r"[^\W\d_]{3,}", lambda word: word[0][::-1], text)
    return re.sub(r"[^\w\n]+", "", text)
