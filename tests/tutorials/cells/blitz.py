# ruff: noqa
# A tutorial on autograd: tracking, gradients, the vector-Jacobian product.
# The code of its cells in order; the comments are ours.
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

print(z, out)
# %% 6
a = torch.randn(2, 2)
a = (a * 3) / (a - 1)
print(a.requires_grad)
a.requires_grad_(True)
print(a.requires_grad)
b = (a * a).sum()
print(b.grad_fn)
# %% 7
out.backward()
# %% 8
print(x.grad)
# %% 9
x = torch.randn(3, requires_grad=True)

y = x * 2
while y.data.norm() < 1000:
    y = y * 2

print(y)
# %% 10
# y is not a scalar: backward() takes the vector of the vector-Jacobian product.
v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float)
y.backward(v)

print(x.grad)
# %% 11
print(x.requires_grad)
print((x**2).requires_grad)

with torch.no_grad():
    print((x**2).requires_grad)
# %% 12
print(x.requires_grad)
y = x.detach()
print(y.requires_grad)
print(x.eq(y).all())
