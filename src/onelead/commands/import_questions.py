"""Asks in the terminal what a file leaves open; each answer has a number."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from onelead.domain.importing.mapping import MAP_TO, Mapping
from onelead.domain.importing.questions import Answer, Question, answered
from onelead.domain.text import as_one_line, fold

#: The others are answered by their names.
_NUMBERED_MAX = 20
_EACH = Answer("each", "decide for each of them")


def with_answer(question: Question, mapping: Mapping) -> Mapping:
    """Ask a question, and return the mapping with the answer."""
    typer.echo(f"\n{as_one_line(question.sentence)}")
    for text, count in question.values:
        typer.echo(f"    {as_one_line(text)} ({count:,})")
    answers = question.answers
    if len(question.values) > 1:
        answers = (*answers, _EACH)
    value = _chosen(answers, question.default)
    if value != _EACH.value:
        return answered(mapping, question.key, value)
    for text, count in question.values:
        typer.echo(f"\n{as_one_line(text)} ({count:,})")
        value = _chosen(question.answers, question.default)
        mapping = answered(mapping, f"{question.key}:{text}", value)
    return mapping


def _chosen(answers: Sequence[Answer], default: str | None) -> str:
    """Ask until there is one of the answers, by its number or in its words; return its value."""
    for number, answer in enumerate(answers[:_NUMBERED_MAX], start=1):
        typer.echo(f"  {number:2}  {as_one_line(answer.label)}")
    if (more := len(answers) - _NUMBERED_MAX) > 0:
        typer.echo(f"      or one of {more:,} others, by its name")
    usual = next((str(at) for at, one in enumerate(answers, start=1) if one.value == default), None)
    while True:
        text = typer.prompt("Answer", default=usual)
        if (value := _meant(text, answers)) is not None:
            return value
        typer.echo(f"Give a number from 1 to {min(len(answers), _NUMBERED_MAX)}.")


def _meant(text: str, answers: Sequence[Answer]) -> str | None:
    text = text.strip()
    if text.isdecimal() and 1 <= int(text[:9]) <= len(answers):
        return answers[int(text) - 1].value
    for answer in answers:
        name = answer.value.removeprefix(MAP_TO)
        if fold(text) in (fold(answer.label), fold(name)):
            return answer.value
    return None
