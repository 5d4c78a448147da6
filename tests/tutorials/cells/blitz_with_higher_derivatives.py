# ruff: noqa
# A notebook on autograd: first steps, drawings of the graph, and derivatives of higher order.
# The code of its cells in Python 3, in the order in which the notebook runs them; the comments are ours.
# %% 1
import torch

# %% 2
x = torch.ones(2, 2, requires_grad=True)
print(x)
# %% 3
y = x + 2
print(y)
# %% 4
print(y.grad_fn)
# %% 5
z = y * y * 3
out = z.mean()
q = x**2
print(z, out)
print(q, out)
# %% 6
a = torch.randn(2, 2)
a = (a * 3) / (a - 1)
print(a.requires_grad)
a.requires_grad_(True)
print(a.requires_grad)
b = (a * a).sum()
print(b.grad_fn)
# %% 7
from torchviz import make_dot

make_dot(out)
# %% 8
out.backward()
# %% 9
print(x.grad)
# %% 10
a = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], requires_grad=True)
L = torch.sum(a * a)
L.backward()
print(L)
print(a.grad)
# %% 11
# How often the loop runs depends on the data: what you run is what you differentiate.
x = torch.randn(3, requires_grad=True)
print(x)
y = x * 2
while y.data.norm() < 1000:
    y = y * 2
y = y.norm()
print(y)
# %% 12
y.backward()
print(x.grad)
# %% 13
print(x.requires_grad)
print((x**2).requires_grad)

with torch.no_grad():
    print((x**2).requires_grad)
# %% 14
# B[0, 0] does not depend on A[1, 1]: that entry of the gradient is 0.
A = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
print("A", A)
B = torch.mm(A, A)
print("B", B)
l = B[0, 0]
l.backward()
print(A.grad)
# The same entry, chosen by the argument of backward().
A = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
print("\nA", A)
B = torch.mm(A, A)
print("B", B)
l = B
l.backward(torch.tensor([[1.0, 0], [0, 0]]))
print(A.grad)
# %% 15
# A second derivative: a = 3 x**2 has a graph of its own.
x = torch.tensor(2.0, requires_grad=True)
y = x**3
print("x", x, "- x.grad", x.grad)
print("y", y)
print("--- grad ---")
a = torch.autograd.grad(outputs=y, inputs=x, create_graph=True)[0]
print("a", a)
print("x", x, "- x.grad", x.grad)
print("--- backward ---")
a.backward()
print("x", x, "- x.grad", x.grad)
# %% 16
x = torch.tensor(2.0, requires_grad=True)
y = torch.tanh(x)
print("x", x, "- x.grad", x.grad)
print("y", y)
print("--- grad ---")
a = torch.autograd.grad(outputs=y, inputs=x, create_graph=True)[0]
print("a", a)
print("x", x, "- x.grad", x.grad)
print("--- backward ---")
d = torch.ones_like(x)
a.backward(d)
print("x", x, "- x.grad", x.grad, d)
# %% 17
import torch
import numpy as np
from matplotlib import pyplot as plt

plt.style.use("dark_background")
from torch.autograd import grad

# %% 18
xrange = np.linspace(-3, 3, 100)
x = torch.tensor(xrange, requires_grad=True)
y = torch.tanh(x)
y.backward(torch.ones_like(x))
plt.plot(xrange, y.detach().numpy())
plt.plot(xrange, x.grad.numpy())
# %% 19
xrange = np.linspace(-3, 3, 100)
x = torch.tensor(xrange, requires_grad=True)
y = torch.tanh(x)
ox = torch.ones_like(x)
a = torch.autograd.grad(outputs=y, inputs=x, grad_outputs=ox, create_graph=True)[0]
y.backward(ox, retain_graph=True)
plt.plot(xrange, y.detach().numpy())
plt.plot(xrange, x.grad.numpy())
x.grad.data.zero_()
a.backward(torch.ones_like(x))
plt.plot(xrange, x.grad.numpy())
# %% 20
xrange = np.linspace(-7, 7, 100)
x = torch.tensor(xrange, requires_grad=True)
y = torch.tanh(x)
ox = torch.ones_like(x)
a = torch.autograd.grad(outputs=y, inputs=x, grad_outputs=ox, create_graph=True)[0]
b = torch.autograd.grad(outputs=a, inputs=x, grad_outputs=ox, create_graph=True)[0]
y.backward(ox, retain_graph=True)
plt.plot(xrange, y.detach().numpy())
plt.plot(xrange, x.grad.numpy())
x.grad.data.zero_()
a.backward(ox, retain_graph=True)
plt.plot(xrange, x.grad.numpy())
x.grad.data.zero_()
b.backward(torch.ones_like(x), retain_graph=True)
plt.plot(xrange, x.grad.numpy())
# %% 21
x = torch.tensor(-2.0, requires_grad=True)
y = torch.tanh(x)
print("x", x, "- x.grad", x.grad)
print("y", y)
print("--- grad ---")
a = torch.autograd.grad(outputs=y, inputs=x, grad_outputs=torch.ones_like(x), create_graph=True)[0]
print("a")
print("x", x, "- x.grad", x.grad)
print("--- backward ---")
a.backward(torch.ones_like(x))
print("x", x, "- x.grad", x.grad)
make_dot(a)
