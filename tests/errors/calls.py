"""Bad calls as program text, one a line, in groups. Each runs in a fresh ``names(package)``."""

from __future__ import annotations

from typing import Any

SHAPES = """
m + n
m - v2
m * torch.ones(4, 3)
m / torch.ones(2, 2)
m ** v2
m // v2
m % v2
m == v2
m < v2
m.add_(n)
v.add_(m)
v.mul_(torch.ones(2))
torch.maximum(m, v2)
torch.atan2(m, v2)
torch.hypot(m, v2)
torch.logaddexp(m, v2)
torch.lerp(m, v2, 0.5)
torch.where(m > 0, v2, m)
torch.where(b, m, n)
m @ m
m @ v2
v @ m
v @ v2
m @ torch.ones(2, 4)
torch.matmul(torch.ones(2, 3, 4), torch.ones(3, 4, 5))
torch.matmul(s, v)
torch.mm(m, v)
torch.mm(m, m)
torch.mv(m, v2)
torch.mv(v, v)
torch.dot(v, v2)
torch.dot(m, m)
torch.bmm(m, m)
torch.bmm(torch.ones(2, 3, 4), torch.ones(3, 4, 5))
torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 3, 5))
torch.outer(m, v)
torch.inner(v, v2)
torch.addmm(m, m, m)
torch.addmm(torch.ones(5), m, m.t())
torch.addmv(v, m, v)
torch.baddbmm(m, m, m)
F.linear(m, torch.ones(4, 2))
F.linear(m, torch.ones(4, 3), torch.ones(5))
torch.einsum("ij,jk->ik", m, m)
torch.einsum("ij->ijk", m)
torch.einsum("ij", v)
torch.einsum("ij,ij", m)
torch.einsum("i->i", v, v)
torch.einsum("i1->i", m)
torch.einsum("ij->ii", m)
torch.tensordot(m, m, dims=1)
torch.tensordot(m, n, dims=([0], [0, 1]))
torch.cross(v2, v2, dim=0)
torch.kron(m, "a")
torch.cat([m, n])
torch.cat([m, v])
torch.cat([m, m[:, :2]])
torch.cat([])
torch.stack([])
torch.stack([m, n])
torch.stack([m, v])
torch.hstack([m, torch.ones(3, 3)])
torch.vstack([m, torch.ones(2, 2)])
torch.dstack([])
m.view(4)
m.view(-1, 4)
m.view(-1, -1)
m.view(2, 3, 2)
m.t().view(6)
m.reshape(4)
m.reshape(-1, 4)
m.reshape(-1, -1)
m.reshape(-2, 3)
torch.ones(0).reshape(-1, 0)
m.expand(4, 3)
m.expand(3)
m.expand(-1, 2, 3)
m.expand(2, -2)
m.expand_as(n)
m.unflatten(1, (2, 2))
m.unflatten(1, (-1, 2))
m.flatten(1, 0)
m.broadcast_to((3, 3))
torch.broadcast_tensors(m, n)
m.permute(0)
m.permute(0, 0)
m.permute(0, 2)
torch.ones(2, 3, 4).t()
m.tile("a")
m.repeat(2)
m.repeat(-1, 2)
m.split([1, 2], 1)[5]
m.split([1, 1], 1)
m.split(0)
m.split(-1)
m.chunk(0)
m.tensor_split(0)
m.unfold(0, 3, 1)
m.unfold(0, 1, 0)
m.narrow(0, 1, 2)
m.narrow(0, 5, 1)
m.narrow(0, 0, -1)
m.diagonal(0, 0, 0)
v.diagonal()
torch.diag(torch.ones(2, 2, 2))
torch.trace(v)
torch.tril(v)
torch.triu(s)
m.as_strided((5, 5), (5, 1))
m.as_strided((2,), (1, 1))
m.roll((1, 2), 0)
m.rot90(1, (0, 0))
m.flip(0, 0)
m.squeeze((0, 0))
m.index_select(0, torch.tensor([5]))
m.index_select(0, torch.ones(1, 1, dtype=torch.int64))
m.gather(0, torch.tensor([[5, 0, 0]]))
m.gather(0, torch.tensor([0]))
m.gather(1, torch.zeros(3, 3, dtype=torch.int64))
m.scatter(0, torch.tensor([[5, 0, 0]]), 1.0)
m.scatter(0, torch.tensor([0]), 1.0)
m.scatter(0, torch.zeros(2, 3, dtype=torch.int64), torch.ones(1, 3))
m.scatter_add(0, torch.zeros(2, 3, dtype=torch.int64), torch.ones(1, 3))
m.scatter_reduce(0, torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3), "foo")
m.index_add(0, torch.tensor([0]), torch.ones(2, 3))
m.index_add(0, torch.tensor([7]), torch.ones(1, 3))
m.index_copy(0, torch.tensor([0]), torch.ones(2, 3))
m.index_fill(0, torch.tensor([7]), 1.0)
m.index_put((torch.tensor([7]),), torch.ones(3))
m.masked_fill(torch.ones(3, 2, dtype=torch.bool), 1.0)
m.masked_fill(b, torch.ones(2))
m.masked_select(torch.ones(3, 2, dtype=torch.bool))
m.masked_scatter(b, torch.ones(1))
m.take(torch.tensor([6]))
m.put(torch.tensor([6]), torch.ones(1))
m.take_along_dim(torch.tensor([7]), 0)
m.select(0, 2)
m.unbind(2)
torch.meshgrid(m, m)
torch.bucketize(v, m)
torch.searchsorted(m, torch.ones(3, 2))
v.lerp(v2, 0.5)
m.clamp(torch.ones(2))
m.copy_(n)
m.topk(5)
m.kthvalue(5)
torch.quantile(v, 2.0)
torch.quantile(v, torch.ones(2, 2))
F.mse_loss(m, torch.ones(2, 2, 3)[:, :, :2])
F.l1_loss(m, n)
F.nll_loss(m, torch.tensor([0, 1, 2]))
F.nll_loss(m, torch.tensor([0, 3]))
F.cross_entropy(m, torch.tensor([0, 1, 2]))
F.cross_entropy(m, torch.tensor([0, 7]))
F.cross_entropy(m, torch.tensor([0, -1]))
F.cross_entropy(m, torch.tensor([0, 1]), weight=torch.ones(2))
F.binary_cross_entropy(m, v)
F.binary_cross_entropy(m, torch.zeros(2, 3))
F.binary_cross_entropy_with_logits(m, v)
F.kl_div(m, n)
F.smooth_l1_loss(m, m.detach(), beta=-1)
F.huber_loss(m, m.detach(), delta=0)
F.cosine_similarity(m, n)
F.embedding(torch.tensor([5]), m)
F.embedding(torch.tensor([0]), v)
F.one_hot(torch.tensor([3]), 2)
F.one_hot(torch.tensor([-1]))
F.glu(v)
F.prelu(m, torch.ones(2))
F.dropout(m, 1.5)
F.mse_loss(m, m, reduction="foo")
F.nll_loss(m, i, reduction="foo")
"""

DTYPES = """
b - b
b - 1
-b
torch.neg(b)
b.sum().mean()
i.mean()
b.mean()
i.std()
i.var()
torch.std(b)
i.norm()
i.median().mean()
c < c
c > 1
c.max()
c.min()
c.sort()
c.argmax()
torch.maximum(c, c)
c.floor()
c // 2
c % 2
c.clamp(0, 1)
c.relu()
c.sign()
c.round()
torch.atan2(c, c)
m @ m.double().t()
m @ i2.t()
torch.mm(m, m.double().t())
torch.dot(v, v.double())
torch.addmm(m, m, torch.ones(3, 3, dtype=torch.float64))
F.linear(m, torch.ones(4, 3, dtype=torch.float64))
torch.einsum("ij,kj", m, m.double())
i & v
v & v
v | 1
~v
v << 1
i << 1.5
v ^ v
i.add_(1.5)
i.mul_(v2)
i.div_(2)
i.sqrt_()
i.exp_()
i.normal_()
b.add_(1)
v.add_(1j)
i ** -1
torch.pow(2, "a")
torch.where(v, v, v)
torch.where(i, v, v)
m.masked_fill(i2, 1.0)
m.masked_fill(b, 1j)
m.masked_select(i2)
m.index_select(0, v)
m.gather(0, m)
m.scatter(0, m, 1.0)
m.scatter(0, torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3, dtype=torch.float64))
m.scatter_add(0, torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3, dtype=torch.float64))
m.index_add(0, i, torch.ones(2, 3, dtype=torch.float64))
m.take(v)
m[v]
m[1.5]
m[torch.tensor(1.0)]
F.nll_loss(m, v2)
F.cross_entropy(m, i.int())
F.binary_cross_entropy(i2, i2)
F.mse_loss(i2, i2)
F.embedding(v, m)
F.one_hot(v)
F.softmax(i)
F.log_softmax(i2, 1)
F.dropout(i)
F.gelu(i)
F.elu(i)
F.leaky_relu(i)
F.sigmoid(i).backward()
torch.bernoulli(i)
torch.multinomial(i, 1)
torch.multinomial(-v, 1)
torch.bernoulli(v + 5)
torch.normal(i, 1.0)
torch.lerp(i, i, 0.5)
torch.lerp(v, v.double(), 0.5)
torch.complex(v, v.double())
torch.complex(i, i)
torch.polar(i, i)
torch.view_as_complex(m)
torch.view_as_complex(i2)
torch.view_as_real(v)
v.imag
torch.bincount(v)
torch.bincount(torch.tensor([-1]))
torch.histc(i)
torch.copysign(c, v)
torch.gcd(v, v)
torch.heaviside(v, v.double())
torch.logit(c)
torch.erf(c)
torch.lgamma(c)
torch.special.i0(c)
torch.quantile(i, 0.5)
torch.quantile(v, torch.tensor(0.5, dtype=torch.float64))
torch.median(c)
torch.cummax(c, 0)
torch.trunc(c)
torch.ones(2, dtype=torch.int64, requires_grad=True)
i.requires_grad_()
v.view(torch.int64)
v.to("float32")
v.type("foo")
torch.promote_types(v, v)
torch.can_cast(1, 2)
torch.arange(3, dtype="int")
torch.tensor([1.0], dtype=int_type)
torch.randint(3, (2,), dtype=torch.complex64)
"""

ARGUMENT_TYPES = """
torch.sin("a")
torch.sin(None)
torch.sin([1.0])
torch.sin({})
torch.sin(1.0)
torch.sin()
torch.sin(v, v)
torch.add(v)
torch.add(v, "a")
torch.add(v, None)
torch.add(v, [1.0])
torch.add(v, v, alpha="a")
torch.add(i, i, alpha=0.5)
torch.mul(v, {})
torch.matmul(v, 2)
torch.matmul(v, [1.0, 2.0, 3.0])
v @ 2
v @ [1.0, 2.0, 3.0]
v + "a"
v + None
v + [1.0, 2.0, 3.0]
"a" * v
v - {}
v ** "a"
v < "a"
v < None
v.add("a")
v.add_("a")
v += "a"
v.sum("a")
v.sum(1.5)
v.sum([0.5])
v.sum(dim="0")
m.mean(None, "a")
m.sum(0, keepdim="a")
m.max("a")
m.argmax("a")
m.argmax(0.5)
m.softmax("a")
m.softmax(None)
m.cumsum("a")
m.cumsum()
m.transpose("a", 0)
m.transpose(0)
m.transpose(0.5, 1)
m.permute("a")
m.permute(0.5, 1)
m.view("a")
m.view(2.0, 3)
m.view()
m.view([2, "a"])
m.reshape("a")
m.reshape(2.5)
m.reshape(None)
m.expand("a")
m.expand(None)
m.squeeze("a")
m.unsqueeze("a")
m.unsqueeze()
m.unsqueeze(0.5)
m.flatten("a")
m.repeat("a")
m.repeat(1.5, 2)
m.split("a")
m.split(1.5)
m.chunk("a")
m.chunk(1.5)
m.narrow("a", 0, 1)
m.select("a", 0)
m.select(0, "a")
m.roll("a")
m.flip("a")
m.index_select(0, [0])
m.index_select(0, 0)
m.gather(0, [0])
m.gather("a", i2)
m.scatter(0, [[0]], 1.0)
m.masked_fill([True], 0.0)
m.masked_fill(b, "a")
m.masked_fill(b, None)
m.masked_select("a")
torch.where("a", v, v)
torch.where(b, "a", m)
torch.cat(m)
torch.cat([m, 1])
torch.cat([m, None])
torch.cat("ab")
torch.cat(None)
torch.cat([m, m], "a")
torch.cat([m, m], 0.5)
torch.stack(1)
torch.stack([1, 2])
torch.stack([m, m], "a")
torch.einsum(m, m)
torch.einsum("ij")
torch.einsum(5, m)
torch.clamp(v, "a")
torch.clamp(v)
v.clamp(None, None)
v.clamp_(0, "a")
v.norm("a")
v.norm(2, "a")
v.topk("a")
v.topk(1.5)
v.sort("a")
v.std("a")
v.var(correction="a")
v.prod("a")
v.all("a")
v.fill_("a")
v.fill_(None)
v.fill_([1.0])
v.fill_(v)
v.copy_("a")
v.copy_([1.0])
v.to("cuda")
v.to("nowhere")
v.to([1])
v.type(5)
v.requires_grad_("a")
v.requires_grad = "a"
v.grad = "a"
v.data = [1.0]
v.detach(1)
v.clone(5)
v.item(1)
v["a"]
m["a", 0]
m[{}]
m[None, "a"]
v["a"] = 1.0
v[0] = "a"
v[0] = None
v[0] = [1.0]
v[0] = {}
v.numpy(5)
v.size("a")
v.stride("a")
v.dim(1)
torch.zeros("a")
torch.zeros(None)
torch.zeros(1.5)
torch.zeros((2, "a"))
torch.zeros(2, dtype="float32")
torch.zeros(2, dtype=5)
torch.zeros(2, device=1.5)
torch.zeros(2, foo=1)
torch.ones(-1)
torch.ones(2, -3)
torch.empty(-5)
torch.full((2,), "a")
torch.full((2,), None)
torch.full("a", 1.0)
torch.full((-1,), 1.0)
torch.eye("a")
torch.eye(-1)
torch.eye(2, -1)
torch.arange("a")
torch.arange(0, 5, 0)
torch.arange(5, 0)
torch.arange(0, 5, -1)
torch.arange(float("inf"))
torch.arange(float("nan"))
torch.linspace(0, 1, "a")
torch.linspace(0, 1, -1)
torch.linspace(0, 1)
torch.logspace(0, 1, -1)
torch.rand("a")
torch.rand(-1)
torch.randn(2, 1.5)
torch.randint("a", (2,))
torch.randint(0, (2,))
torch.randint(5, 3, (2,))
torch.randint(5)
torch.randperm(-1)
torch.randperm("a")
torch.manual_seed("a")
torch.manual_seed(None)
torch.zeros_like([1.0])
torch.zeros_like("a")
torch.full_like(v, "a")
torch.from_numpy([1.0])
torch.from_numpy(None)
torch.as_tensor("a")
torch.as_tensor(None)
torch.tensor("a")
torch.tensor(None)
torch.tensor({})
torch.tensor([1, None])
torch.tensor([1, "a"])
torch.tensor(["a"])
torch.tensor([{}])
torch.tensor([[1, 2], [3]])
torch.tensor([[1, 2], 3])
torch.tensor([1, [2, 3]])
torch.tensor([[[1]], [[1, 2]]])
torch.tensor([[], [1]])
torch.tensor([v, v])
torch.tensor([1.0], [2.0])
torch.tensor(object())
torch.tensor(lambda: 1)
torch.tensor({1, 2})
torch.tensor(2 ** 70)
torch.tensor([2 ** 63])
torch.tensor(300, dtype=torch.uint8)
torch.tensor(1j, dtype=torch.float32)
torch.tensor(float("nan"), dtype=torch.int64)
torch.tensor([1.0], dtype="float32")
torch.tensor([1.0], device="cuda:7x")
torch.tensor([1.0], requires_grad="yes")
torch.tensor()
torch.tensor(1.0, foo=2)
torch.Tensor("a")
torch.Tensor(-1)
torch.Tensor([[1, 2], [3]])
torch.Size("a")
torch.Size([1.5])
torch.set_default_dtype(torch.int64)
torch.set_default_dtype("float32")
torch.set_default_dtype(None)
torch.set_printoptions(profile="foo")
torch.set_printoptions(foo=1)
torch.set_grad_enabled("a")
torch.set_grad_enabled(None)
torch.set_grad_enabled()
torch.no_grad("a", "b")
torch.finfo(torch.int64)
torch.iinfo(torch.float32)
torch.finfo("a")
torch.is_tensor()
torch.numel(5)
torch.equal(v, 5)
torch.allclose(v, 5)
torch.allclose(v, v.double())
torch.isclose(v, "a")
torch.isclose(v, v, rtol=-1)
torch.is_nonzero(v)
torch.is_floating_point(1.0)
torch.atleast_1d("a")
torch.result_type("a", v)
torch.meshgrid("a")
torch.meshgrid(v, v, indexing="foo")
torch.Generator("nowhere")
torch.rand(2, generator=5)
"""

RANGES = """
m.sum(2)
m.sum(-3)
m.sum((0, 0))
m.sum((0, 5))
m.mean(7)
m.max(2)
m.min(-3)
m.argmax(2)
m.argmin(-3)
m.softmax(2)
m.log_softmax(-3)
m.logsumexp(2)
m.cumsum(2)
m.cumprod(-3)
m.cummax(2)
m.sort(2)
m.argsort(2)
m.topk(1, 2)
m.kthvalue(1, 2)
m.kthvalue(0)
m.median(2)
m.mode(2)
m.std(2)
m.var(-3)
m.norm(2, 2)
m.prod(2)
m.all(2)
m.any(2)
m.flip(2)
m.roll(1, 2)
m.transpose(0, 2)
m.swapaxes(0, 2)
m.movedim(0, 2)
m.movedim((0, 1), 0)
m.movedim((0, 0), (0, 1))
m.unsqueeze(4)
m.unsqueeze(-5)
m.squeeze(2)
m.flatten(0, 2)
m.size(2)
m.size(-3)
m.stride(5)
m.select(2, 0)
m.select(0, 5)
m.narrow(2, 0, 1)
m.split(1, 2)
m.chunk(2, 2)
m.unbind(-3)
m.diagonal(0, 0, 2)
m.diagonal(5, 0, 5)
m.index_select(2, i)
m.gather(2, i2)
m.scatter(2, torch.zeros(2, 3, dtype=torch.int64), 1.0)
m.index_add(2, i, m)
m.unflatten(2, (1, 1))
m.renorm(2, 5, 1)
m.diff(dim=2)
m.diff(n=-1)
m.rot90(1, (0, 2))
m.rot90(1, (0,))
m.repeat_interleave(torch.tensor([1, 2, 3]), 0)
m.repeat_interleave(-1)
m.repeat_interleave(torch.tensor([-1, 1]), 0)
m.tril(None)
torch.cat([m, m], 2)
torch.cat([m, m], -3)
torch.stack([m, m], 3)
torch.stack([m, m], -4)
m[2]
m[-3]
m[0, 3]
m[0, 0, 0]
m[:, :, :]
m[:, 5]
m[[5]]
m[[0, 1, 2]]
m[[0, 1], [0, 1, 2]]
m[torch.tensor([7])]
m[torch.tensor([True, False, True])]
m[b[:, :2]]
m[::-1]
m[::0]
m["0"]
s[0]
s[0, 0]
s[:]
m[2] = 1.0
m[0, 5] = 1.0
m[::-1] = 1.0
m[[5]] = 1.0
m[b[:, :2]] = 1.0
h[0] = torch.ones(4)
h[:, 0] = torch.ones(3)
h[[0, 1]] = torch.ones(3, 3)
torch.ones(0).max()
torch.ones(0).min()
torch.ones(0).argmax()
torch.ones(0).argmin()
torch.ones(0).amax()
torch.ones(2, 0).max(1)
torch.ones(2, 0).amax(1)
torch.ones(2, 0).argmax(1)
torch.ones(0).aminmax()
torch.ones(0).quantile(0.5)
torch.ones(0).mode()
torch.ones(2, 0).median(1)
torch.ones(0).kthvalue(1)
torch.ones(0).topk(1)
torch.ones(0).item()
v.item()
float(v)
int(v)
bool(v)
bool(torch.ones(0))
complex(v)
len(s)
iter(s)
list(s)
v.__index__()
[1, 2][torch.tensor(1.0)]
range(v)
v in 5
"a" in v
hash([v])
torch.combinations(m)
torch.multinomial(v, 5)
torch.multinomial(v, 0)
torch.tril_indices(-1, 2)
torch.renorm(m, -1, 0, 1)
torch.special.polygamma(-1, v)
torch.special.multigammaln(v, 0)
torch.normal(0.0, -1.0, (2,))
v.uniform_(2, 1)
v.normal_(0, -1)
v.exponential_(-1)
v.bernoulli_(2)
v.random_(5, 3)
v.unfold(1, 1, 1)
torch.histc(v, 0)
torch.bincount(i, minlength=-1)
torch.bincount(m)
F.softmax(m, 5)
F.normalize(m, dim=5)
F.pairwise_distance("a", m)
F.cosine_embedding_loss(m, m, v)
F.margin_ranking_loss(v, v, m)
F.hinge_embedding_loss("a", v)
F.triplet_margin_loss(m, m, v)
F.gaussian_nll_loss(m, m, -m)
F.poisson_nll_loss(m, m, reduction="foo")
"""

IN_PLACE = """
x.add_(1)
x += 1
x[0] = 1.0
x.zero_()
x.view(-1).zero_()
x[0].fill_(1)
x.t_()
x.unsqueeze_(0)
x.copy_(m)
x.normal_()
x.masked_fill_(b, 0.0)
x.detach().requires_grad_().exp_()
x.clamp_(0, 1)
x.resize_(2)
x.unbind()[0].add_(1)
h.unbind()[0].add_(1)
h.split(1)[0].add_(1)
h.chunk(2)[0].mul_(2)
v.expand(2, 3).add_(1)
v.expand(2, 3).mul_(2)
v.expand(2, 3).copy_(m)
v.expand(2, 3).fill_(0).zero_().add_(1)
v.expand(2, 3).exp_()
v.expand(2, 3).masked_fill_(b, 0.0)
v.expand(2, 3).index_fill_(0, i, 0.0)
v.expand(2, 3).scatter_(0, torch.zeros(2, 3, dtype=torch.int64), 1.0)
v4[1:].add_(v4[:-1])
v4[1:].copy_(v4[:-1])
m.add_(1j)
i.add_(v2)
b.mul_(2)
b.add_(1.5)
s.add_(v)
v.sub_(b[0])
v.squeeze_("a")
v.transpose_(0, 1)
m.transpose_(0, 2)
m.clamp_(torch.ones(2))
torch.add(x, 1, out=m)
torch.add(v, 1, out=x)
torch.add(v, 1, out="a")
torch.add(v, 1, out=None).foo
torch.add(v, 1.5, out=i)
torch.add(m, n, out=m)
torch.sin(x, out=m)
torch.sin(v, out=i)
torch.mm(m, m.t(), out=i)
torch.matmul(x, m.t(), out=m)
torch.cat([v, v], out=i)
torch.cat([x, x], out=m)
torch.stack([v, v], out="a")
torch.sum(m, 0, out=i)
torch.max(m, 0, out=m)
torch.max(m, 0, out=(m, m))
torch.arange(3, out="a")
torch.zeros(3, out=5)
torch.where(b, m, m, out=i2)
torch.gather(m, 0, torch.zeros(2, 3, dtype=torch.int64), out=i2)
torch.exp(m, out=v.expand(2, 3))
"""

AUTOGRAD = """
m.backward()
v.sum().backward()
x.backward()
h.backward()
h.backward(v)
h.backward(torch.ones(3, 2))
h.backward("a")
h.backward(1.0)
h.backward([1.0])
h.backward(torch.ones(2, 3, dtype=torch.complex64))
h.sum().backward(torch.ones(1))
h.sum().backward(inputs=[])
h.sum().backward(retain_graph="a")
h.sum().backward(inputs=["a"])
h.sum().backward(inputs=[m])
h.sum().backward(inputs=5)
h.sum().backward(foo=1)
torch.autograd.backward("a")
torch.autograd.backward([1.0])
torch.autograd.backward(None)
torch.autograd.backward([h])
torch.autograd.backward([h], [m, m])
torch.autograd.backward([h, h], [None])
torch.autograd.backward([m])
torch.autograd.grad(h, x)
torch.autograd.grad(h.sum(), m)
torch.autograd.grad(h.sum(), [x, m])
torch.autograd.grad(h.sum(), "a")
torch.autograd.grad(h.sum(), None)
torch.autograd.grad(h.sum(), [])
torch.autograd.grad(h.sum(), [1])
torch.autograd.grad("a", x)
torch.autograd.grad(None, x)
torch.autograd.grad(5, x)
torch.autograd.grad([], x)
torch.autograd.grad(m.sum(), x)
torch.autograd.grad(h.sum(), y)
torch.autograd.grad(h, x, grad_outputs="a")
torch.autograd.grad(h, x, grad_outputs=v)
torch.autograd.grad(h, x, grad_outputs=[m, m])
torch.autograd.grad(h.sum(), x, materialize_grads=True, allow_unused=False)
e = x.exp(); e.sum().backward(); x.grad = None; e.sum().backward()
e = x.exp(); e.add_(1); e.sum().backward()
e = h * h; h.mul_(2); e.sum().backward()
e = h.exp(); e[0] = 0.0; e.sum().backward()
e = h.sin(); h.zero_(); e.sum().backward()
w = m.clone(); e = x * w; w.zero_(); e.sum().backward()
e = x @ m.t(); m.zero_(); e.sum().backward()
m.register_hook(lambda g: g)
h.register_hook(lambda: None); h.sum().backward()
h.register_hook(lambda g: "a"); h.sum().backward()
h.register_hook(lambda g: v); h.sum().backward()
h.register_hook(lambda g: [g]); h.sum().backward()
x.register_post_accumulate_grad_hook("a"); h.sum().backward()
h.register_post_accumulate_grad_hook(lambda t: None)
h.grad_fn.register_hook(lambda a, b: 5); h.sum().backward()
h.grad_fn.register_prehook(lambda a: 5); h.sum().backward()
h.retain_grad(1)
m.retain_grad()
h.requires_grad = False
h.requires_grad_(False)
h.grad_fn = None
h.is_leaf = True
x.is_leaf = False
x.shape = (1,)
x.dtype = torch.float64
x._version = 5
x.foo
x.grad_fn.foo
h.grad_fn._saved_foo
h.grad_fn(v, v, v)
h.grad_fn.next_functions = ()
x.grad = v
x.grad = m.double()
x.grad = 1.0
x.data = "a"
x.data = i2
x.numpy()
h.numpy()
np.asarray(h)
copy.deepcopy(h)
torch.nn.Parameter("a")
torch.nn.Parameter(i)
torch.autograd.Function.apply(x)
Double.apply()
Double.apply(x, x)
NoForward.apply(x)
NoBackward.apply(x).sum().backward()
TooMany.apply(x).sum().backward()
TooFew.apply(x, x).sum().backward()
WrongShape.apply(x).sum().backward()
ReturnsText.apply(x).sum().backward()
SavesList.apply(x)
ForwardText.apply(x).foo
Dirty.apply(x)
OnceDouble.apply(x).sum().backward(create_graph=True), x.grad.sum().backward()
torch.autograd.graph.saved_tensors_hooks("a")
torch.autograd.graph.register_multi_grad_hook([x], lambda g: None, mode="foo")
torch.autograd.graph.get_gradient_edge(m)
torch.autograd.graph.get_gradient_edge("a")
torch.autograd.graph.increment_version("a")
torch.autograd.set_detect_anomaly()
torch.autograd.forward_ad.make_dual(v, v)
torch.autograd.forward_ad.exit_dual_level()
torch.is_grad_enabled(1)
x.sum().backward(gradient=v)
(x // 1).sum().backward()
x.detach_().backward()
x.view(-1).detach_()
"""

GROUPS = {
    "shapes": SHAPES,
    "dtypes": DTYPES,
    "argument-types": ARGUMENT_TYPES,
    "ranges": RANGES,
    "in-place": IN_PLACE,
    "autograd": AUTOGRAD,
}


def calls() -> dict[str, list[str]]:
    """The programs of each group."""
    return {group: text.strip().splitlines() for group, text in GROUPS.items()}


FUNCTIONS = """
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a * 2
    @staticmethod
    def backward(ctx, grad):
        return grad * 2
class NoForward(torch.autograd.Function):
    pass
class NoBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a * 2
class TooMany(Double):
    @staticmethod
    def backward(ctx, grad):
        return grad, grad
class TooFew(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        return a * b
    @staticmethod
    def backward(ctx, grad):
        return grad
class WrongShape(Double):
    @staticmethod
    def backward(ctx, grad):
        return grad.sum(0)[:2]
class ReturnsText(Double):
    @staticmethod
    def backward(ctx, grad):
        return "a"
class SavesList(Double):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward([a])
        return a * 2
class ForwardText(Double):
    @staticmethod
    def forward(ctx, a):
        return "a"
class Dirty(Double):
    @staticmethod
    def forward(ctx, a):
        ctx.mark_dirty(a)
        return a.mul_(2)
class OnceDouble(Double):
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        return grad * 2
"""


def names(package: Any) -> dict[str, Any]:
    """Fresh tensors and helpers that the programs use."""
    import copy

    import numpy as np

    found: dict[str, Any] = {"torch": package, "F": package.nn.functional, "np": np, "copy": copy, "int_type": "int"}
    exec(TENSORS, found)
    exec(FUNCTIONS, found)
    return found


TENSORS = """
x = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], requires_grad=True)
y = torch.ones(2, 3, requires_grad=True)
h = x * 2
m = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
n = torch.ones(4, 5)
v = torch.tensor([1.0, 2.0, 3.0])
v2 = torch.tensor([1.0, 2.0])
v4 = torch.tensor([1.0, 2.0, 3.0, 4.0])
s = torch.tensor(1.5)
i = torch.tensor([0, 1])
i2 = torch.tensor([[0, 1, 2], [3, 4, 5]])
b = torch.tensor([[True, False, True], [False, True, True]])
c = torch.tensor([1 + 2j, 3 - 1j])
"""
