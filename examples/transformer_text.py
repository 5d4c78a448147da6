"""A small transformer learns to write Python's language reference, character by character.

    python examples/transformer_text.py [--out out] [--short]      (about two minutes)

The text is the documentation that Python itself brings along for help(). The network sees up to 64 characters and tells the
probabilities of the next one, at every place at once; a causal mask keeps it from looking ahead.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

from common import COLOURS, plt, save_figure, settings

import wengert as torch
from wengert import nn
from wengert.history import History

CONTEXT, WIDTH, HEADS, LAYERS, BATCH, STEPS, RATE = 64, 64, 4, 2, 24, 1500, 5e-3
LETTERS = 72  # the most frequent characters; the few others become spaces


class Writer(nn.Module):
    """Scores of the next character at every place of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(LETTERS, WIDTH)
        self.places = nn.Parameter(0.02 * torch.randn(CONTEXT, WIDTH))
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, norm=nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.out = nn.Linear(WIDTH, LETTERS)

    def forward(self, text: Any) -> Any:
        """Scores (n, length, letters) for texts (n, length) of numbers of letters."""
        length = text.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        seen = self.letters(text) + self.places[:length]
        return self.out(self.layers(seen, mask=mask, is_causal=True))


def load() -> tuple[Any, str]:
    """The text as numbers of letters, and the letters."""
    words = " ".join("\n".join(topics[name] for name in sorted(topics)).replace("*", "").replace("`", "").split())
    letters = "".join(letter for letter, _ in Counter(words).most_common(LETTERS))
    number = {letter: i for i, letter in enumerate(letters)}
    return torch.tensor([number.get(letter, number[" "]) for letter in words]), letters


def loss_at(model: Writer, text: Any, begin: Any) -> Any:
    """Mean surprise in nats at the characters of windows of the text that begin there."""
    windows = text[begin[:, None] + torch.arange(CONTEXT + 1)]
    return nn.functional.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())


def train(text: Any, steps: int, history: History) -> Writer:
    """The network after some steps; a tenth of the text, its end, is held out."""
    torch.manual_seed(0)
    model = Writer()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.1, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=steps, pct_start=0.1)
    cut = len(text) * 9 // 10
    held_out = torch.arange(cut, len(text) - CONTEXT - 1, CONTEXT)[:128]
    for step in range(1, steps + 1):
        loss = loss_at(model, text, torch.randint(0, cut - CONTEXT - 1, (BATCH,)))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        history.log(loss=loss)
        if step % 100 == 0 or step == steps:
            with torch.no_grad():
                history.log(held_out=loss_at(model, text, held_out))
    return model


def write(model: Writer, text: Any, count: int) -> tuple[Any, list[float]]:
    """Go on with a text for so many characters; the numbers of the letters, and the probability each had."""
    chances = []
    with torch.no_grad():
        for _ in range(count):
            scores = model(text[None, -CONTEXT:])[0, -1]
            probabilities = (scores / 0.7).softmax(dim=0)  # below 1: likely letters are preferred
            chosen = torch.multinomial(probabilities, 1)
            chances.append(probabilities[chosen].item())
            text = torch.cat([text, chosen])
    return text, chances


def plot(history: History, text: Any, letters: str, written: str, chances: list[float], path: Path) -> None:
    """Draw the surprise by step beside that of simpler guesses, and what was written, doubtful letters in orange."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.4), width_ratios=[1, 1.5], layout="constrained")
    shares = torch.bincount(text, minlength=len(letters)) / len(text)
    alone = -(shares * shares.clamp(min=1e-9).log()).sum().item()
    left.plot(history["loss"].steps, history["loss"], linewidth=0.6, color="#9fc3cf", label="learning")
    left.plot(history["held_out"].steps, history["held_out"], "o-", color=COLOURS[0], markersize=4, label="held out")
    for height, name in ((math.log(len(letters)), "any letter"), (alone, "frequencies of letters")):
        left.axhline(height, color=COLOURS[1], linewidth=1, linestyle=":")
        left.annotate(name, (1, height), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=COLOURS[1])
    left.set(title="Surprise at the next letter, in nats", xlabel="step", ylim=(0, 5))
    left.legend(loc="lower left")
    right.set(title="What it writes; pale letters were a guess", xlim=(0, 74), ylim=(12, -0.5))
    line, column = 0, 0
    for letter, chance in zip(written, chances, strict=True):
        shade = (*plt.matplotlib.colors.to_rgb(COLOURS[0]), 0.3 + 0.7 * chance)
        right.text(column, line, letter, family="monospace", fontsize=10.5, color=shade, weight="bold")
        line, column = (line + 1, 0) if letter == " " and column > 64 else (line, column + 1)
    right.set_axis_off()
    save_figure(figure, path)


if __name__ == "__main__":
    options = settings(__doc__)
    numbers, alphabet = load()
    record = History()
    writer = train(numbers, 9 if options.short else STEPS, record)
    after, certainty = write(writer, numbers[:CONTEXT], 80 if options.short else 800)
    result = "".join(alphabet[i] for i in after[CONTEXT:].tolist())
    print(result)
    plot(record, numbers, alphabet, result, certainty, options.out / "transformer_text.png")
    print(f"{len(numbers):,} letters; {record['held_out'][-1]:.2f} nats for a letter of the held-out text")
