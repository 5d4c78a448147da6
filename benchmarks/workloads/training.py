"""Training steps of models, in PyTorch's own words: forward, backward, optimiser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from .workload import STEP, Inputs, Workload, random_arrays

GROUP: Final = "training steps"
Step = Callable[[], Any]


def labelled(*shape: int, classes: int = 10) -> Callable[[], Inputs]:
    return lambda: ([], [*random_arrays("float32", shape), np.random.default_rng(1).integers(0, classes, shape[0])])


def minimise(optimizer: Any, loss_of: Step) -> Step:
    """A training step that returns the loss."""

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss

    return step


def classify(torch: Any, model: Any, optimizer: Any, x: Any, y: Any) -> Step:
    """A step that learns labels."""
    criterion = torch.nn.CrossEntropyLoss()
    return minimise(optimizer, lambda: criterion(model(x), y))


def mlp(name: str) -> Callable[[Any, Sequence[Any], Sequence[Any]], Step]:
    def program(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
        torch.manual_seed(0)
        nn = torch.nn
        model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
        optimizer = getattr(torch.optim, name)(model.parameters(), lr=1e-3)
        return classify(torch, model, optimizer, *data)

    return program


def logistic_regression(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    torch.manual_seed(0)
    model = torch.nn.Linear(20, 10)
    return classify(torch, model, torch.optim.SGD(model.parameters(), lr=1e-3), *data)


def lenet(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    return classify(torch, model, torch.optim.SGD(model.parameters(), lr=1e-3), *data)


def residual_block(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    torch.manual_seed(0)
    nn = torch.nn
    block = nn.Sequential(
        *(nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
        *(nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64)),
    )
    optimizer = torch.optim.SGD(block.parameters(), lr=1e-3)
    (x,) = data

    def loss() -> Any:
        return torch.nn.functional.relu(x + block(x)).square().mean()

    return minimise(optimizer, loss)


def transformer(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    """Two encoder layers, d = 128, 4 heads, causal, over 64 tokens of a vocabulary of 64, a batch of 16."""
    torch.manual_seed(0)
    nn = torch.nn
    layer = nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    table, head = nn.Embedding(64, 128), nn.Linear(128, 64)
    mask = nn.Transformer.generate_square_subsequent_mask(64)
    parameters = [p for m in (table, encoder, head) for p in m.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)
    tokens, targets = data

    def loss() -> Any:
        logits = head(encoder(table(tokens), mask=mask, is_causal=True))
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())

    return minimise(optimizer, loss)


def tokens() -> Inputs:
    rng = np.random.default_rng(0)
    return [], [rng.integers(0, 64, (16, 64)), rng.integers(0, 64, (16, 64))]


def lstm(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    torch.manual_seed(0)
    model = torch.nn.LSTM(128, 128)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    (x,) = data

    def loss() -> Any:
        return model(x)[0].square().mean()

    return minimise(optimizer, loss)


def lstm_written_out(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    torch.manual_seed(0)
    take, carry = torch.nn.Linear(128, 512), torch.nn.Linear(128, 512, bias=False)
    optimizer = torch.optim.SGD([*take.parameters(), *carry.parameters()], lr=1e-3)
    (x,) = data

    def loss() -> Any:
        h = c = torch.zeros(32, 128)
        total = torch.zeros(())
        for row in x:
            i, f, g, o = (take(row) + carry(h)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            total = total + h.square().mean()
        return total

    return minimise(optimizer, loss)


def critic(torch: Any, params: Sequence[Any], data: Sequence[Any]) -> Step:
    """A WGAN-GP critic on points of the plane: the penalty differentiates a gradient."""
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(2, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    real, fake, mixed = data

    def loss() -> Any:
        x = mixed.detach().requires_grad_()
        (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        penalty = ((slope.norm(dim=1) - 1) ** 2).mean()
        return model(fake).mean() - model(real).mean() + 10 * penalty

    return minimise(optimizer, loss)


def data_of(*shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    return lambda: ([], random_arrays("float32", *shapes))


def workload(name: str, program: Any, inputs: Callable[[], Inputs]) -> Workload:
    return Workload(GROUP, name, STEP, program, inputs)


WORKLOADS: Final = [
    workload("MLP 784-512-512-10, batch 128, SGD", mlp("SGD"), labelled(128, 784)),
    workload("MLP 784-512-512-10, batch 128, Adam", mlp("Adam"), labelled(128, 784)),
    workload("logistic regression, 32x20, SGD", logistic_regression, labelled(32, 20)),
    workload("LeNet, 64x1x28x28, SGD", lenet, labelled(64, 1, 28, 28)),
    workload("residual block, 32x64x16x16, SGD", residual_block, data_of((32, 64, 16, 16))),
    workload("transformer, 2 layers, d 128, 16x64 tokens, AdamW", transformer, tokens),
    workload("LSTM 128, 32 steps of 32, SGD", lstm, data_of((32, 32, 128))),
    workload("LSTM 128 written out, SGD", lstm_written_out, data_of((32, 32, 128))),
    workload("WGAN-GP critic, batch 128, Adam", critic, data_of((128, 2), (128, 2), (128, 2))),
]
