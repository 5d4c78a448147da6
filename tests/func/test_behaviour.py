"""Expressions that give the same text, or the same error, as in live torch; ``m`` is the library."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

import wengert

EXPRESSIONS = [
    "m.func.grad(lambda x: x.add_(1).sum())(m.ones(2))",
    "m.func.vmap(lambda x: x.tolist())(m.ones(3,2))",
    "m.func.vmap(lambda x: x.numpy())(m.ones(3,2))",
    "m.func.vmap(lambda x: float(x.sum()))(m.ones(3,2))",
    "m.func.vmap(lambda x: x if x.sum() else x)(m.ones(3,2))",
    "m.func.vmap(lambda x: (x, x.shape[0]))(m.ones(3,2))",
    "m.func.vmap(lambda x: {'a':x,'b':(x*2,)})(m.ones(2))",
    "m.func.vmap(lambda x: (x,x*2), out_dims=(0,1))(m.ones(3,2))",
    "m.func.vmap(lambda x: (x,m.ones(2)), out_dims=(0,None))(m.ones(3,2))",
    "m.func.vmap(lambda x: x, out_dims='a')(m.ones(3,2))",
    "m.func.vmap(lambda x, y: x+y, in_dims=(0,'a'))(m.ones(3,2),m.ones(3))",
    "m.func.vmap(lambda x: x*2, chunk_size=2)(m.arange(10.).view(5,2))",
    "m.func.vmap(lambda x: x*2, in_dims=1, out_dims=-1, chunk_size=2)(m.arange(10.).view(2,5))",
    "m.func.vmap(lambda x, k=None: x+k)(m.ones(3,2),k=m.arange(3.))",
    "m.func.vmap(lambda x: x)(m.ones(()))",
    "m.func.vmap(lambda x: x.requires_grad)(m.ones(2,requires_grad=True))",
    "m.func.vmap(lambda x: x*2)(m.ones(2,requires_grad=True)).requires_grad",
    "m.func.grad(lambda x: x.item())(m.ones(()))",
    "m.func.grad(lambda x: x*x.item())(m.tensor(3.))",
    "m.func.grad(lambda x: (x*x).sum(), argnums=())(m.ones(2))",
    "m.func.grad(lambda x: (x*x).sum(), argnums=(0,0))(m.ones(2))",
    "m.func.grad(lambda x: (x*x).sum(), argnums='a')(m.ones(2))",
    "m.func.grad(lambda x, y: (x*y).sum(), argnums=-1)(m.ones(2),m.full((2,),3.))",
    "m.func.grad(lambda x, y=None: (x*y).sum())(m.ones(2),y=m.full((2,),3.))",
    "m.func.grad(lambda x: (x*2).sum().to(m.int64))(m.ones(2))",
    "m.func.grad(lambda x: x.detach().sum())(m.ones(2))",
    "m.func.grad(lambda x: m.autograd.grad((x*x).sum(), x)[0].sum())(m.ones(2))",
    "m.func.grad(lambda x: m.autograd.functional.jacobian(lambda y:y,x).sum())(m.ones(2))",
    "m.func.grad(lambda x: x.requires_grad*1.0*x.sum())(m.ones(2))",
    "m.func.grad(lambda x: x[0]*x.is_leaf)(m.ones(2))",
    "m.func.vjp(lambda x:(x,x), m.ones(2))[1](m.ones(2))",
    "m.func.vjp(lambda x:x, m.ones(2))[1]((m.ones(2),))",
    "m.func.vjp(lambda x:x.long(), m.ones(2))",
    "m.func.jvp(lambda x:(x,m.ones(1)), (m.ones(2),),(m.ones(2),))",
    "m.func.jvp(lambda x:(x,m.ones(1)), (m.ones(2),),(m.ones(2),),strict=True)",
    "m.func.jvp(lambda x:x, (m.ones(2),),(m.ones(3),))",
    "m.func.jvp(lambda x:x*2, (2.,),(m.ones(2),))",
    "m.func.linearize(lambda x:x*2, m.ones(2))[1](m.ones(3))",
    "m.func.jacrev(lambda x:(x*2,x.sum()))(m.ones(2))",
    "m.func.jacfwd(lambda x:{'a':x*2,'b':x.sum()})(m.ones(2))",
    "m.func.jacrev(lambda x:x.long())(m.ones(2))",
    "m.func.jacrev(lambda x:5)(m.ones(2))",
    "m.func.jacfwd(lambda x:5)(m.ones(2))",
    "m.func.jacfwd(lambda x:m.ones(2))(m.ones(2))",
    "m.func.jacfwd(lambda x:x*m.rand(2))(m.ones(2))",
    "m.func.hessian(lambda x,y:(x*y).sum(),argnums=(0,1))(m.ones(1),m.ones(1))",
    "(lambda L: (m.func.grad(lambda x: (L.append(repr(x*2)), x.sum())[1])(m.ones(2)), L))([])",
    "(lambda L: (m.func.grad(lambda x: m.func.grad(lambda y: (L.append(repr(y*x)), y*x)[1])(x))(m.ones(())), L))([])",
    "(lambda L: (m.func.vmap(lambda x: m.func.grad(lambda y: (L.append(repr(y*2)), y.sum())[1])(x))(m.ones(2,3)), L))([])",
    "(lambda L: (m.func.vmap(lambda x: m.func.vmap(lambda y: (L.append(repr(y*x)), y)[1])(x),in_dims=1)(m.ones(2,3)), L))([])",
    "m.func.vmap(lambda x: m.nn.functional.dropout(x),randomness='error')(m.ones(2,3))",
    "m.func.vmap(lambda x: m.nn.functional.dropout(x,0.5,False))(m.ones(2,3))",
    "m.func.vmap(lambda x: m.nn.functional.dropout(x,1.0),randomness='different')(m.ones(2,3))",
    "(lambda r:bool((r[0]==r[1]).all()))(m.func.vmap(lambda x: x+m.rand(3),randomness='same')(m.ones(2,3)))",
    "(lambda r:bool((r[0]==r[1]).any()))(m.func.vmap(lambda x: x+m.rand(3),randomness='different')(m.ones(2,3)))",
    "(lambda r:bool((r[0]==r[1]).all()))(m.func.vmap(lambda x: m.rand_like(x),randomness='same')(m.ones(2,30)))",
    "(lambda r:bool((r[0]==r[1]).any()))(m.func.vmap(lambda x: m.rand_like(x),randomness='different')(m.ones(2,3)))",
    "m.func.vmap(lambda x: m.randn(3).normal_().sum()*x,randomness='different')(m.ones(2,3)).shape",
    "m.func.vmap(lambda x: m.randperm(3)*x,randomness='different')(m.ones(2,3)).shape",
    "m.func.vmap(lambda x: x.sum(5))(m.ones(2,3))",
    "m.func.vmap(lambda x: x.transpose(0,2))(m.ones(2,3,3))",
    "m.func.vmap(lambda x: x@x)(m.ones(2,3,4))",
    "m.func.vmap(lambda x: x.float()*m.tensor(2.,dtype=m.float64))(m.ones(2)).dtype",
    "m.func.vmap(lambda x,y: x*y)(m.ones(2),m.ones(2,3,dtype=m.float64)).dtype",
    "m.func.vmap(lambda x,y: x*y)(m.ones(2,dtype=m.float64),m.ones(2,3)).dtype",
    "m.func.vmap(lambda x: x*m.tensor(2))(m.ones(2,dtype=m.int32)).dtype",
    "m.func.vmap(lambda x: x.numel()*x.dim()*x.size(0)*x)(m.ones(2,3))",
    "m.vmap(lambda x: m.stack([x,m.zeros(3)]).shape and x)(m.ones(2,3))",
    "m.func.vmap(lambda x: x.to(m.float64).dtype==m.float64 and x)(m.ones(2,3))",
    "m.func.functionalize(lambda x:x)(3)",
    "m.func.functionalize(lambda x:x,remove='x')",
    "m.vmap(m.func.grad(m.nn.functional.mse_loss))(m.ones(3,2),m.zeros(3,2))",
    "m.vmap(lambda x: (x.grad is None) and x)(m.ones(3,2))",
    "m.vmap(lambda x: x.backward())(m.ones(3))",
    "m.vmap(lambda x: x.requires_grad_())(m.ones(3))",
    "m.vmap(lambda x: x)(m.ones(0,3))",
    "m.vmap(lambda x: (x*2).sum())(m.ones(0,3))",
    "m.vmap(lambda x: m.tensor([1.,2.])*x)(m.ones(3))",
    "m.vmap(lambda x: m.as_tensor(x))(m.ones(3))",
    "m.vmap(lambda i: m.arange(4.)[i])(m.tensor([1,2]))",
    "m.vmap(lambda x: x.copy_(m.ones(2)*3))(m.ones(3,2))",
]


def outcome(text: str, module: Any) -> str:
    """What is printed, or the error with the first line of its text."""
    try:
        return repr(eval(f"lambda m: {text}")(module))
    except Exception as e:
        return f"{type(e).__name__}: {str(e).splitlines()[0]}"


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_outcome_is_that_of_torch(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own
        wanted = outcome(text, torch)
    assert outcome(text, wengert).rstrip(" .") == wanted.rstrip(" .")


def test_a_derivative_that_is_computed_by_logarithms_is_linear_at_zero_too() -> None:
    x = wengert.tensor([0.3, -1.0, 2.0, 0.0], dtype=wengert.float64)
    v = wengert.tensor([1.0, 0.0, -2.0, 0.5], dtype=wengert.float64)

    def f(x: Any) -> Any:
        return x.logcumsumexp(0)

    _, product = wengert.func.linearize(f, x)
    assert wengert.allclose(product(v), wengert.func.jvp(f, (x,), (v,))[1])
    assert wengert.autograd.gradgradcheck(f, (x.clone().requires_grad_(),), (v.clone().requires_grad_(),))
