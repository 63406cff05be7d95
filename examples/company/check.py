"""Check the example company: that its questions, changes, terms and rights still fit its documents.

    python examples/company/check.py      exits 0 and prints the counts, or exits 1 and prints what is wrong

Texts are those that ragraft reads, so quotes are checked in PDF, Word, Excel and PowerPoint files too. How a row
of changes.jsonl is applied to its document, each row on its own, to the original file:

    update, delete   file.replace(old, new)            old stands there once; new is empty for delete
    add              file.replace(after, after + new)  after stands there once; old is empty
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from ragraft.documents.parse import FileParser

HERE = Path(__file__).parent
NONE = "not in the documents"
KINDS = {
    "date",
    "lookup",
    "multi_evidence",
    "number",
    "person_or_role",
    "procedure",
    "terminology",
    "unanswerable",
    "yes_no",
}
FORMATS = {".csv", ".docx", ".eml", ".html", ".md", ".pdf", ".pptx", ".txt", ".xlsx"}
BUILT = {".docx", ".pdf", ".pptx", ".xlsx"}
WORDS = (300, 1500)
QUOTE_CHARACTERS = (20, 300)
LONGEST_COPY = 7  # words in a row that a question may share with its quote
FEWEST = {"documents": 45, "questions": 150, "changes": 30, "terms": 30, "access questions": 30}
SPLITS = ("train", "test")
TWINS = (
    ("people/onboarding-kassel.md", "people/onboarding-brno.md"),
    ("people/travel-policy-kassel.md", "people/travel-policy-brno.md"),
    ("support/mounting-guide-hc125.md", "support/mounting-guide-hc150.md"),
)
TWINS_SHARE = 0.85  # of their words, in the same order; and they differ in figures
VERSIONS = (
    ("it/accounts-and-passwords.md", "it/accounts-and-passwords-2023.md"),
    ("people/training-policy.md", "people/training-policy-2022.md"),
    ("support/complaints-and-returns.md", "support/complaints-and-returns-2023.md"),
)

Row = dict[str, Any]


def read_texts() -> dict[str, str]:
    """Return the text of every document by its path under documents/."""
    folder = HERE / "documents"
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with FileParser() as parser:
        return {
            path.relative_to(folder).as_posix(): parser.parse(path.read_bytes(), name=path.name).text
            for path in paths
        }


def read_rows(name: str) -> list[Row]:
    """Return the rows of a file of JSON lines."""
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def check_documents(texts: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the documents as such."""
    low, high = WORDS
    for path, text in texts.items():
        if not low <= len(text.split()) <= high:
            yield f"{path}: {len(text.split())} words, not {low} to {high}"
    if missing := FORMATS - {Path(path).suffix for path in texts}:
        yield f"no document in {', '.join(sorted(missing))}"
    for pair in TWINS:
        if missing := set(pair) - texts.keys():
            yield f"{', '.join(sorted(missing))}: missing"
            continue
        one, other = (re.findall(r"[\w.,]+", texts[path]) for path in pair)
        differing = set(one) ^ set(other)
        alike = SequenceMatcher(None, one, other, autojunk=False).ratio()
        if alike < TWINS_SHARE or not any(word[0].isdigit() for word in differing):
            yield f"{' and '.join(pair)} share {alike:.0%} of their words, or no figure differs"


def check_access(access: Row, texts: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with access.json."""
    labels, known = access["documents"], set(access["groups"])
    for path in sorted(labels.keys() ^ texts.keys()):
        yield f"access.json: {path} is {'not a document' if path in labels else 'missing'}"
    for path, groups in labels.items():
        if not groups or set(groups) - known or len(set(groups)) < len(groups):
            yield f"access.json: {path} has the groups {groups}"
        if "everyone" in groups and len(groups) > 1:
            yield f"access.json: {path} is for everyone and for other groups"
    share = sum("everyone" not in groups for groups in labels.values()) / len(labels)
    if not 0.25 <= share <= 0.4:
        yield f"access.json: {share:.0%} of the documents are restricted, not about a third"


def check_questions(questions: list[Row], texts: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the questions."""
    fields = {"id", "question", "answer", "answer_aliases", "evidence", "kind"}
    for row in questions:
        if set(row) - {"style_note"} != fields or row["kind"] not in KINDS:
            yield f"{row.get('id')}: fields {sorted(row)} of kind {row.get('kind')}"
            continue
        for fault in [*check_answer(row, texts), *check_evidence(row, texts)]:
            yield f"{row['id']}: {fault}"
    yield from repeated([row["id"] for row in questions], "id")
    yield from repeated([words_of(row["question"]) for row in questions], "question")
    unanswerable = [row for row in questions if row["kind"] == "unanswerable"]
    near = sum(row.get("style_note", "").startswith("near-miss of ") for row in unanswerable)
    if 5 * len(unanswerable) != len(questions) or 2 * near != len(unanswerable):
        yield f"{len(unanswerable)} unanswerable and {near} near-misses: not a fifth, and half of them"
    asked = Counter(evidence["document"] for row in questions for evidence in row["evidence"])
    for path in sorted(texts.keys() - asked.keys()):
        yield f"{path}: no question is answered by it"


def check_split(train: list[Row], test: list[Row]) -> Iterator[str]:
    """Yield documents on which questions of both files rest, as evidence or as near-miss."""
    sides = [
        {evidence["document"] for row in rows for evidence in row["evidence"]}
        | {row.get("style_note", "").removeprefix("near-miss of ") for row in rows} - {"", "off-topic"}
        for rows in (train, test)
    ]
    for path in sorted(sides[0] & sides[1]):
        yield f"{path}: used in train.jsonl and in test.jsonl"
    for pair in TWINS + VERSIONS:
        if all(side & set(pair) for side in sides):
            yield f"{' and '.join(pair)}: one in train.jsonl, the other in test.jsonl"


def check_answer(row: Row, texts: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a question's answer."""
    answer, aliases, kind = row["answer"], row["answer_aliases"], row["kind"]
    if not row["question"].strip() or not answer.strip() or not all(alias.strip() for alias in aliases):
        yield "empty question, answer or alias"
    if not aliases:
        yield "no alias"
    if len({kind == "unanswerable", answer == NONE, not row["evidence"]}) > 1:
        yield f"unanswerable rows, and only they, have no evidence and the answer {NONE!r}"
    if kind == "yes_no" and not re.match(r"(Yes|No|Ja|Nein)\b", answer):
        yield "the answer does not open with yes or no"
    shown = any(words_of(alias) in words_of(answer) for alias in aliases)
    if kind in {"number", "date", "person_or_role"} and not shown:
        yield "no alias occurs in the answer"
    note = row.get("style_note", "off-topic")
    if note != "off-topic" and note.removeprefix("near-miss of ") not in texts:
        yield f"style_note {note!r} names no document"


def check_evidence(row: Row, texts: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a question's quotes."""
    low, high = QUOTE_CHARACTERS
    if row["kind"] == "multi_evidence" and len(row["evidence"]) < 2:
        yield "multi_evidence with one quote"
    for evidence in row["evidence"]:
        document, quote = evidence["document"], evidence["quote"]
        if document not in texts:
            yield f"there is no document {document}"
        elif (count := texts[document].count(quote)) != 1:
            yield f"the quote stands {count} times in {document}: {quote!r}"
        if not low <= len(quote) <= high:
            yield f"a quote of {len(quote)} characters, not {low} to {high}"
        if (copied := longest_copy(row["question"], quote)) > LONGEST_COPY:
            yield f"the question copies {copied} words of its quote"


def check_access_questions(rows: list[Row], access: Row) -> Iterator[str]:
    """Yield what is wrong with the questions about rights."""
    fields = {"question", "answer", "document", "groups_allowed", "groups_denied"}
    everyone = set(access["groups"])
    for row in rows:
        if set(row) != fields or not row["answer"].strip() or row["document"] not in access["documents"]:
            yield f"access question: {row}"
            continue
        groups = set(access["documents"][row["document"]])
        allowed = everyone if "everyone" in groups else groups
        if set(row["groups_allowed"]) != allowed or set(row["groups_denied"]) != everyone - allowed:
            yield f"access question does not fit access.json: {row['question']}"
    yield from repeated([words_of(row["question"]) for row in rows], "access question")


def check_changes(rows: list[Row], texts: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the changes."""
    fields = {"id", "kind", "document", "old", "new", "question", "answer_before", "answer_after"}
    for row in rows:
        added = row.get("kind") == "add"
        if set(row) != fields | ({"after"} if added else set()) or row["document"] not in texts:
            yield f"{row.get('id')}: fields {sorted(row)} of kind {row.get('kind')} in {row.get('document')}"
            continue
        yield from (f"{row['id']}: {fault}" for fault in check_change(row))
    yield from repeated([row["id"] for row in rows], "change id")
    yield from repeated([words_of(row["question"]) for row in rows], "change question")


def check_change(row: Row) -> Iterator[str]:
    """Yield what is wrong with a change: its text, its anchor and its answers."""
    path = HERE / "documents" / row["document"]
    kind, old, new, before = row["kind"], row["old"], row["new"], row["answer_before"]
    if {"update": bool(old and new), "delete": bool(old) and not new, "add": not old and bool(new)}.get(
        kind
    ) is not True:
        yield f"old and new do not fit the kind {kind}"
    anchor = row["after"] if kind == "add" else old
    if path.suffix in BUILT:
        yield f"{row['document']} is built from a source and cannot be changed as text"
    elif (count := path.read_text(encoding="utf-8").count(anchor)) != 1:
        yield f"the text to change stands {count} times in {row['document']}: {anchor!r}"
    elif new and new in path.read_text(encoding="utf-8"):
        yield f"the new text is there already: {new!r}"
    if (before == NONE, row["answer_after"] == NONE) != (kind == "add", kind == "delete"):
        yield f"the answers do not fit the kind {kind}"
    if before == row["answer_after"]:
        yield "the answer does not change"


def check_terms(rows: list[Row], texts: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the house terms."""
    fields = {"term", "expansion_or_house_meaning", "wrong_expansion", "document", "quote"}
    low, high = QUOTE_CHARACTERS
    for row in rows:
        if set(row) != fields or not all(value.strip() for value in row.values()):
            yield f"term {row.get('term')}: fields {sorted(row)}, or one is empty"
            continue
        if (count := texts.get(row["document"], "").count(row["quote"])) != 1:
            yield f"term {row['term']}: the quote stands {count} times in {row['document']}: {row['quote']!r}"
        if not low <= len(row["quote"]) <= high:
            yield f"term {row['term']}: a quote of {len(row['quote'])} characters, not {low} to {high}"
        if words_of(row["wrong_expansion"]) == words_of(row["expansion_or_house_meaning"]):
            yield f"term {row['term']}: the wrong meaning is the right one"
    yield from repeated([words_of(row["term"]) for row in rows], "term")


def check_counts(counts: Mapping[str, int]) -> Iterator[str]:
    """Yield of what there is too little."""
    for what, fewest in FEWEST.items():
        if counts[what] < fewest:
            yield f"{counts[what]} {what}, fewer than {fewest}"


def repeated(values: Iterable[str], what: str) -> Iterator[str]:
    """Yield a line for each value that occurs more than once."""
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{what} used {count} times: {value}"


def words_of(text: str) -> str:
    """Return the words of a text in lower case with a space around each."""
    return " ".join(["", *re.findall(r"[^\W_]+", text.lower()), ""])


def longest_copy(question: str, quote: str) -> int:
    """Return the length in words of the longest run that a question shares with a quote."""
    a, b = words_of(question).split(), words_of(quote).split()
    return SequenceMatcher(None, a, b, autojunk=False).find_longest_match().size


def main() -> None:
    """Print the counts, or leave with what is wrong."""
    texts = read_texts()
    access = json.loads((HERE / "access.json").read_text(encoding="utf-8"))
    train, test = (read_rows(f"questions/{split}.jsonl") for split in SPLITS)
    changes, terms, access_questions = map(
        read_rows, ("changes.jsonl", "glossary.jsonl", "access_questions.jsonl")
    )
    counts = {
        "documents": len(texts),
        "questions": len(train + test),
        "changes": len(changes),
        "terms": len(terms),
        "access questions": len(access_questions),
    }
    problems = [
        *check_counts(counts),
        *check_documents(texts),
        *check_access(access, texts),
        *check_questions(train + test, texts),
        *check_split(train, test),
        *check_changes(changes, texts),
        *check_terms(terms, texts),
        *check_access_questions(access_questions, access),
    ]
    if problems:
        sys.exit("\n".join([*problems, f"{len(problems)} problems"]))
    restricted = sum("everyone" not in groups for groups in access["documents"].values())
    print(
        f"documents: {len(texts)}, {sum(len(text.split()) for text in texts.values())} words, {restricted} restricted"
    )
    for split, rows in zip(SPLITS, (train, test), strict=True):
        print(f"{split}: {len(rows)} questions ({tally(row['kind'] for row in rows)})")
    print(f"changes: {len(changes)} ({tally(row['kind'] for row in changes)})")
    print(f"terms: {len(terms)}\naccess questions: {len(access_questions)}\nall checks passed")


def tally(kinds: Iterable[str]) -> str:
    """Return each kind with its count, in the order of the alphabet."""
    return ", ".join(f"{kind} {count}" for kind, count in sorted(Counter(kinds).items()))


if __name__ == "__main__":
    main()
