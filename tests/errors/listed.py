"""Bad calls whose exception is not PyTorch's, each with the reason."""

from __future__ import annotations

CHECKED_FIRST = "two things are wrong; PyTorch finds the other one first"
INTERNAL = "PyTorch's sentence prints a tensor or speaks of the operator that it calls inside"
STRICTER = "PyTorch goes on and drops or truncates what it was given; refused here, because no number is better than a wrong one"
CPU_ONLY = "PyTorch's sentence lists the devices it knows, or how it was compiled; tensors live on the CPU here"
OUT = "one check for all ``out=``: PyTorch words it differently from operator to operator, here it is always the general sentence"
CLEARER = "PyTorch fails by accident on an attribute; the sentence here names the argument"

LISTED: dict[str, str] = {
    "torch.baddbmm(m, m, m)": CHECKED_FIRST,
    "m.expand_as(n)": CHECKED_FIRST,
    "i & v": CHECKED_FIRST,
    "torch.copysign(c, v)": CHECKED_FIRST,
    "torch.bincount(v)": CHECKED_FIRST,
    "torch.bincount(m)": CHECKED_FIRST,
    "m.movedim((0, 1), 0)": CHECKED_FIRST,
    "torch.autograd.backward([h, h], [None])": CHECKED_FIRST,
    "torch.meshgrid(m, m)": INTERNAL,
    "c.argmax()": INTERNAL,
    "c.round()": INTERNAL,
    'v.norm("a")': INTERNAL,
    "v.clone(5)": INTERNAL,
    'torch.tensor([1, "a"])': INTERNAL,
    "torch.autograd.forward_ad.exit_dual_level()": INTERNAL,
    'v.to("float32")': CPU_ONLY,
    'v.to("cuda")': CPU_ONLY,
    'v.to("nowhere")': CPU_ONLY,
    "torch.zeros(2, device=1.5)": CPU_ONLY,
    'torch.Generator("nowhere")': CPU_ONLY,
    "torch.tensor([[], [1]])": STRICTER,
    'torch.set_printoptions(profile="foo")': STRICTER,
    "v.expand(2, 3).masked_fill_(b, 0.0)": STRICTER,
    "v.expand(2, 3).index_fill_(0, i, 0.0)": STRICTER,
    "torch.sum(m, 0, out=i)": STRICTER,
    "torch.autograd.backward([h], [m, m])": STRICTER,
    "torch.autograd.grad(h, x, grad_outputs=[m, m])": STRICTER,
    "torch.gradient(m, spacing=(v,), dim=0)": STRICTER,
    "torch.histogramdd(m, [v, v, v.flip(0)])": STRICTER,
    "torch.mm(m, m.t(), out=i)": OUT,
    "torch.cat([v, v], out=i)": OUT,
    "torch.where(b, m, m, out=i2)": OUT,
    "torch.gather(m, 0, torch.zeros(2, 3, dtype=torch.int64), out=i2)": OUT,
    'torch.nn.Parameter("a")': CLEARER,
    'torch.autograd.graph.get_gradient_edge("a")': CLEARER,
}

# Programs in which something is changed before the call that fails, by an instruction that succeeds or by the user's own code.
CHANGES: set[str] = {
    "v.expand(2, 3).fill_(0).zero_().add_(1)",
    "e = h * h; h.mul_(2); e.sum().backward()",
    "e = h.sin(); h.zero_(); e.sum().backward()",
    "e = x @ m.t(); m.zero_(); e.sum().backward()",
    'x.register_post_accumulate_grad_hook("a"); h.sum().backward()',
    "Dirty.apply(x)",
    "OnceDouble.apply(x).sum().backward(create_graph=True), x.grad.sum().backward()",
    "x.detach_().backward()",
}
