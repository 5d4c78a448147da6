"""The instructions that the machine plays, as templates of source text.

In a template ``t`` and ``u`` are two variables, ``w`` is the world (hooks, handles), and ``{d}``, ``{e}``, ``{i}``, ``{n}`` are
filled in when the step is drawn: two dimensions, an index, a number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Choose = Callable[[Sequence[Any]], Any]

MATRIX = "[[0.5, -1.25, 2.0], [1.5, 0.75, -0.5], [-2.0, 0.25, 1.0]]"
LEAVES = [
    f"torch.tensor({MATRIX}, dtype=torch.float64, requires_grad=True)",
    f"torch.tensor({MATRIX}, dtype=torch.float64).t()",
    f"torch.tensor({MATRIX}, dtype=torch.float64).t().requires_grad_()",
    "torch.arange(8, dtype=torch.float64).view(2, 2, 2) * 0.25",
    "torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)",
    "torch.full((3,), 0.75, dtype=torch.float64, requires_grad=True)",
    "torch.tensor(1.5, dtype=torch.float64, requires_grad=True)",
    "torch.tensor([0.5, -2.0, 1.0])",
    "torch.nn.Parameter(torch.ones(3, 3, dtype=torch.float64))",
    "torch.tensor([[1 + 2j, -0.5j, 2.0], [0.25, 1j, -1.5]], dtype=torch.complex128, requires_grad=True)",
    "torch.empty(0, 3, dtype=torch.float64, requires_grad=True)",
    "torch.tensor([2, 0, 1])",
    "torch.tensor([[True, False, True]] * 3)",
    "torch.zeros_like(t)",
    "torch.ones_like(t, requires_grad=True)",
    "t.detach().clone().requires_grad_()",
]  # fmt: skip
VALUES = [
    "t * {n}", "t + u", "t * u", "t - u", "t.exp()", "t.sin()", "t.clone()", "t.tanh()", "t / (u * u + 1)", "t ** 2",
    "t.relu()",
    "t.sigmoid()", "-t", "t.sum({d})", "t.mean()", "t @ t.t()", "torch.cat([t, t], {d})", "torch.stack([t, t])",
    "t.abs()",
    "t[[0, 0]]", "torch.where(t > 0, t, u)", "t.cumsum({d})", "t.double()", "t.amax({d})", "t.contiguous()",
    "t.flip(0)",
    "t.to(torch.float64)", "t.type_as(u)", "t.masked_fill(t > 0, {n})", "t.index_select({d}, torch.tensor([{i}, 0]))",
    "t.gather(0, torch.zeros_like(t, dtype=torch.int64))", "t.prod()", "t.var({d})", "t.softmax({d})",
    "t.repeat(2, 1)",
    "t.sort({d})[0]", "t.max({d})[0]", "t.addcmul(t, u)", "t.lerp(u, 0.25)", "torch.maximum(t, u)", "t.norm()",
    "t.tril()",
    "torch.complex(t, u)", "t.roll(1, {d})", "t.scatter_add(0, torch.zeros_like(t, dtype=torch.int64), t)",
    "t.reshape(-1, 1)",
]  # fmt: skip
VIEWS = [
    "t[{i}]", "t[-1]", "t[1:]", "t[:, {i}]", "t[..., 1]", "t.t()", "t.view(-1)", "t.reshape(-1)", "t.unsqueeze({d})",
    "t[None]",
    "t.squeeze()", "t.squeeze({d})", "t.transpose({d}, {e})", "t.diagonal()", "t.diagonal({i}, {d}, {e})",
    "t.narrow({d}, {i}, 1)",
    "t.view_as(t)", "t[...]", "t[::2]", "t.expand(2, *t.shape)", "t.permute(1, 0)", "t.select({d}, {i})",
    "t.detach()", "t.data",
    "t.T", "t.mT", "t.movedim({d}, {e})", "t.swapaxes({d}, {e})", "t.unfold({d}, 2, 1)",
    "t.as_strided((2, 2), (2, 1))",
    "t.as_strided((2,), (1,), {i})", "t.flatten()", "t.ravel()", "t.unflatten(0, (1, -1))", "torch.view_as_real(t)",
    "t.real",
    "t.imag", "torch.view_as_complex(t)", "t.view(t.shape)", "t.expand_as(t)", "t.reshape(t.shape)", "t[:, None]",
    "t[1:, {i}]",
    "t.view(1, -1)", "torch.broadcast_to(t, (2, *t.shape))", "t[:]", "t.contiguous()", "t.unbind()[{i}]",
    "t.split(1, {d})[{i}]", "torch.atleast_2d(t)", "t.view(t.dtype)", "t.squeeze(0).unsqueeze(-1)", "t.real.t()",
]  # fmt: skip
MANY_VIEWS = [
    "t.split(1)", "t.split([1, 2], {d})", "t.chunk(2)", "t.chunk(2, {d})", "t.unbind()", "t.unbind({d})",
    "t.tensor_split(2)",
    "torch.split(t, 2)", "t.hsplit(1)", "t.vsplit(1)", "torch.broadcast_tensors(t, u)",
]  # fmt: skip
WRITES = [
    "t.add_({n})", "t.mul_({n})", "t.mul_(u)", "t.add_(u)", "t.zero_()", "t.fill_({n})", "t.copy_(u)", "t.exp_()",
    "t.sin_()",
    "t[{i}] = {n}", "t[{i}] = u", "t[:] = {n}", "t[t > 0] = {n}", "t[[{i}]] = {n}", "t += u", "t *= {n}", "t.sub_(u)",
    "t.div_(2)",
    "t.t_()", "t.unsqueeze_(0)", "t.squeeze_()", "t.transpose_({d}, {e})", "t.clamp_(-1, 1)", "t.relu_()",
    "t.tanh_()", "t.neg_()",
    "t.masked_fill_(t > 1, {n})", "t.pow_(2)", "t.tril_()", "t.data.add_(1)", "t.detach().mul_(0.5)",
    "t[:, {i}] = u[0]",
    "t[..., {i}] = {n}", "t[1:] = u", "t[None] = u", "t[[0, 1], [1, 0]] = {n}", "t[torch.tensor([0])] = u",
    "t[u > 0] = {n}",
    "t.index_put_((torch.tensor([0, {i}]),), torch.tensor({n}, dtype=t.dtype), accumulate=True)", "t.fill_(u.sum())",
    "t.scatter_(0, torch.zeros_like(t, dtype=torch.int64), {n})",
    "t.scatter_(0, torch.zeros_like(t, dtype=torch.int64), u)",
    "t.scatter_add_(0, torch.zeros_like(t, dtype=torch.int64), u)", "t.index_fill_({d}, torch.tensor([{i}]), {n})",
    "t.index_add_(0, torch.tensor([0]), u[:1])", "t.index_copy_(0, torch.tensor([0]), u[:1])", "t.addcmul_(u, u)",
    "t.lerp_(u, 0.5)",
    "t.masked_scatter_(t > 0, u)", "t.real.mul_(2)", "t.diagonal().add_(u)", "t[{i}].add_({n})",
    "t.view(-1).mul_({n})",
    "t.fill_diagonal_({n})", "t.cumsum_({d})", "t.sigmoid_()", "t.sqrt_()", "t.abs_()", "t.swapaxes_({d}, {e})",
    "t.floor_()",
]  # fmt: skip
LEAF_FLAGS = [
    "t.detach_()", "t.requires_grad_()", "t.requires_grad_(False)", "t.requires_grad = True",
    "t.requires_grad = False",
    "t.data = torch.zeros(t.shape, dtype=t.dtype)", "t.data = u.data.view(t.shape)", "t.grad = None",
    "t.grad = torch.ones_like(t)", "t.grad.zero_()",
    "t.grad.mul_(2)", "torch.autograd.graph.increment_version(t)", "torch.autograd.graph.increment_version([t, u])",
    "t.retain_grad()",
]  # fmt: skip
HOOKS = [
    "w.keep(t.register_hook(w.gradient('look')))", "w.keep(t.register_hook(w.gradient('double')))",
    "w.keep(t.register_post_accumulate_grad_hook(w.accumulated()))",
    "w.keep(t.grad_fn.register_hook(w.node('look')))",
    "w.keep(t.grad_fn.register_hook(w.node('double')))", "w.keep(t.grad_fn.register_prehook(w.before('look')))",
    "w.keep(t.grad_fn.register_prehook(w.before('double')))", "w.handles[{i}].remove()",
    "w.keep(torch.autograd.graph.register_multi_grad_hook([t, u], w.several()))", "t.retain_grad()",
    "w.keep(torch.autograd.graph.register_multi_grad_hook([t, u], w.gradient('look'), mode='any'))",
    "w.keep(w.pin(torch.autograd.graph.get_gradient_edge(t).node).register_hook(w.node('look')))",
    "w.keep(w.pin(torch.autograd.graph.get_gradient_edge(t).node).register_prehook(w.before('look')))",
]  # fmt: skip
PASSES = [
    "t.sum().backward(retain_graph=True)", "t.sum().backward()", "t.backward()",
    "(t * t).sum().backward(retain_graph=True)",
    "t.sum().backward(inputs=[u], retain_graph=True)", "t.sum().backward(inputs=[u, t])",
    "t.sum().backward(create_graph=True)",
    "(t * u).sum().backward()", "torch.autograd.backward([t.sum(), u.sum()], retain_graph=True)",
    "t.backward(torch.ones_like(t))",
    "torch.autograd.backward([t, u], [torch.ones_like(t), torch.ones_like(u)])",
    "t.backward(u.detach().clone(), retain_graph=True)",
]  # fmt: skip
# Whether a gradient is a view of another, and how it lies in memory, is nobody's promise: `w.own` makes a copy.
GRADIENTS = [
    "w.own(torch.autograd.grad(t.sum(), u))", "w.own(torch.autograd.grad(t.sum(), u, allow_unused=True))",
    "w.own(torch.autograd.grad((t * u).sum(), [t, u], retain_graph=True, allow_unused=True))",
    "w.own(torch.autograd.grad(t.sum(), [u], retain_graph=True, allow_unused=True, materialize_grads=True))",
    "w.own(torch.autograd.grad((t ** 2).sum(), u, create_graph=True, allow_unused=True))",
    "w.own(torch.autograd.grad(t.sum(), u, create_graph=True, allow_unused=True))",
    "w.own(torch.autograd.grad(t * 1, u, torch.ones_like(t), allow_unused=True, retain_graph=True))",
]  # fmt: skip
DUALS = [
    "torch.autograd.forward_ad.make_dual(t, torch.ones_like(t))", "torch.autograd.forward_ad.make_dual(t, u)",
    "torch.autograd.forward_ad.unpack_dual(t).primal", "torch.autograd.forward_ad.unpack_dual(t).tangent",
]  # fmt: skip
READS = [
    "w.call(t.grad_fn, torch.ones_like(t))", "t.is_leaf", "t.requires_grad", "t.item()", "bool(t)", "t.numpy()", "t.tolist()",
    "len(t)",
    "t.storage_offset()", "t.is_contiguous()", "t.data_ptr() == u.data_ptr()", "t.equal(u)", "t.is_inference()",
    "t.grad_fn.next_functions[0][0].name()", "torch.is_grad_enabled()", "torch.is_inference_mode_enabled()",
    "t.retains_grad",
    "w.saved_names(t.grad_fn)", "t.grad_fn._saved_self.tolist()",
    "t.grad_fn._saved_result.tolist()", "t.grad_fn.metadata",
]  # fmt: skip
BLOCKS = [
    "torch.no_grad()", "torch.no_grad()", "torch.enable_grad()", "torch.inference_mode()",
    "torch.inference_mode(False)",
    "torch.set_grad_enabled(False)", "torch.autograd.graph.saved_tensors_hooks(w.pack('look'), w.unpack('look'))",
    "torch.autograd.graph.saved_tensors_hooks(w.pack('copy'), w.unpack('look'))",
    "torch.autograd.forward_ad.dual_level()",
    "torch.autograd.forward_ad.dual_level()", "torch.autograd.graph.allow_mutation_on_saved_tensors()",
    "torch.autograd.graph.disable_saved_tensors_hooks('switched off')",
]  # fmt: skip

# What the result of a step is good for: "keep" appends it to the variables (each of several), "run" drops it, "read" compares
# it, "open" and "close" enter and leave a block.
FAMILIES: dict[str, tuple[list[str], str]] = {
    "leaf": (LEAVES, "keep"),
    "value": (VALUES, "keep"),
    "view": (VIEWS, "keep"),
    "views": (MANY_VIEWS, "keep"),
    "write": (WRITES, "run"),
    "flag": (LEAF_FLAGS, "run"),
    "hook": (HOOKS, "run"),
    "backward": (PASSES, "run"),
    "grad": (GRADIENTS, "keep"),
    "dual": (DUALS, "keep"),
    "read": (READS, "read"),
    "open": (BLOCKS, "open"),
    "close": (["w.close()"], "close"),
}
# How often a family is drawn.
WEIGHTS = {
    "leaf": 1, "value": 6, "view": 6, "views": 1, "write": 7, "flag": 1, "hook": 2, "backward": 3, "grad": 2,
    "dual": 1, "read": 1,
    "open": 1, "close": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One instruction. ``t`` and ``u`` number variables; until ``settled`` they count among those there are, modulo how many.

    ``look`` says whether the graph fields of all variables are compared afterwards: reading ``grad_fn`` renews the history of
    a view, so a machine that always looked would never meet one that is stale.
    """

    family: str
    source: str
    t: int
    u: int
    look: bool
    settled: bool = False

    @property
    def use(self) -> str:
        """What becomes of the result."""
        return FAMILIES[self.family][1]


def draw_step(choose: Choose, family: str) -> Step:
    """A step of a family; ``choose`` picks one of a sequence."""
    template = choose(FAMILIES[family][0])
    fields = {
        name: choose(options)
        for name, options in (("d", (0, 1, -1)), ("e", (1, 0, -1)), ("i", (0, 1, 2)), ("n", (2.0, 0.5, -1.0)))
        if "{" + name + "}" in template
    }
    for name, value in fields.items():
        template = template.replace("{" + name + "}", str(value))
    return Step(family, template, choose(range(16)), choose(range(16)), choose((True, True, False)))
