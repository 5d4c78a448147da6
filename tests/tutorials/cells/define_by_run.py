# ruff: noqa
# A lecture on autograd: define-by-run, autograd.grad, freed graphs, detach, gradients of gradients.
# The code of its cells in order; the comments are ours. A bare last expression is what the notebook displays.
# %% 1
from __future__ import print_function
import numpy as np
import torch
import matplotlib.pyplot as plt

# %% 2
x = torch.randn(5, 3, requires_grad=True)
y = torch.randn(3, 5)
z = torch.mm(x, y)
print(z.grad_fn)
# %% 3
x = torch.randn(5, 3, requires_grad=True)
y = torch.randn(5, 3, requires_grad=True)
z = x**2 + 3 * y
z.backward(gradient=torch.ones(5, 3))
print(x)
# %% 4
x.grad
# %% 5
y.grad
# %% 6
torch.eq(x.grad, 2 * x)
# %% 7
# Two calls without retain_graph: the first never ran the multiplication of y.
x = torch.randn(5, 3, requires_grad=True)
y = torch.randn(5, 3, requires_grad=True)
z = x**2 + 3 * y
dz_dx = torch.autograd.grad(z, x, grad_outputs=torch.ones(5, 3))
dz_dy = torch.autograd.grad(z, y, grad_outputs=torch.ones(5, 3))
# %% 8
x = torch.randn(5, 3, requires_grad=True)
w = torch.randn(3, 10, requires_grad=True)
b = torch.randn(10, requires_grad=True)
# %% 9
print(x.data)
print(w.data)
print(b.data)
# %% 10
o = torch.matmul(x, w) + b
print(o)
do_dinputs_1 = torch.autograd.grad(o, [x, w, b], grad_outputs=torch.ones(5, 10))
# %% 11
print("Gradients of o w.r.t inputs in Graph 1")
print("do/dx : \n\n %s " % (do_dinputs_1[0]))
print("do/dw : \n\n %s " % (do_dinputs_1[1]))
print("do/db : \n\n %s " % (do_dinputs_1[2]))
# %% 12
o = torch.matmul(x, w) / b
do_dinputs_2 = torch.autograd.grad(o, [x, w, b], grad_outputs=torch.ones(5, 10))
# %% 13
print("Gradients of o w.r.t inputs in Graph 2")
print("do/dx : \n %s " % (do_dinputs_2[0]))
print("do/dw : \n %s " % (do_dinputs_2[1]))
print("do/db : \n %s " % (do_dinputs_2[2]))
# %% 14
o = torch.mm(x, w) + b
o.backward(torch.ones(5, 10))
# %% 15 raises RuntimeError
o = o**3
o.backward(torch.ones(5, 10))
# %% 16
o = torch.mm(x, w) + b
o.backward(torch.ones(5, 10), retain_graph=True)
# %% 17
o.backward(torch.ones(5, 10), retain_graph=True)
print(x.grad)
# %% 18
x = torch.randn(3, 5, requires_grad=False)
y = torch.randn(3, 5, requires_grad=False)
z = torch.randn(3, 5, requires_grad=True)
# %% 19
o = x + y
print(" o = x + y requires grad ? : %s " % (o.requires_grad))
o = x + y + z
print(" o = x + y + z requires grad ? : %s " % (o.requires_grad))
# %% 20
x = torch.randn(3, 5, requires_grad=True)
y = torch.randn(3, 5, requires_grad=True)
z = torch.randn(3, 5, requires_grad=True)
# %% 21
m1 = x + y
m2 = z**2
m1 = m1.detach()
m3 = m1 + m2
m3.backward(torch.ones(3, 5))
# %% 22
print("dm3/dx \n\n %s " % (x.grad))
print("\ndm3/dy \n\n %s " % (y.grad))
print("\ndm3/dz \n\n %s " % (z.grad))
# %% 23
2 * z
# %% 24
x = torch.randn(3, 5, requires_grad=True)
y = torch.randn(3, 5, requires_grad=True)
z = torch.randn(3, 5, requires_grad=True)
# %% 25
m1 = x + y
m2 = z**2
m1.retain_grad()
m2.retain_grad()
m3 = m1 * m2
m3.backward(torch.ones(3, 5), retain_graph=True)
print(m3)
# %% 26
print("dm3/dm1 \n\n %s " % (m1.grad))
print("dm3/dm2 \n\n %s " % (m2.grad))
# %% 27
torch.autograd.grad(m3, [m1, m2], grad_outputs=torch.ones_like(m3))
# %% 28
x = torch.randn(5, 3, requires_grad=True)
y = torch.randn(3, 5, requires_grad=True)
z = torch.randn(5, 5, requires_grad=True)
# %% 29
o = torch.mm(x, y) + z**2
# The gradient do_dz is part of the next expression, so it needs a graph.
do_dz = torch.autograd.grad(o, z, grad_outputs=torch.ones(5, 5), retain_graph=True, create_graph=True)
print("do/dz \n\n : %s " % (do_dz[0]))
l = o**3 + do_dz[0]
dl_dz = torch.autograd.grad(l, z, grad_outputs=torch.ones(5, 5))
print("dl/dz \n\n : %s " % (dl_dz[0]))
