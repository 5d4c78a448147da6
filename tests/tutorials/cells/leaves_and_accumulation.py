# ruff: noqa
# A notebook on autograd: leaves, .grad and .grad_fn, gradients that accumulate.
# The code of its cells in order; the comments are ours.
# %% 1
import torch
import numpy as np

x = torch.randn(2, 2, requires_grad=True)
print(x)

# An array of floats can require gradients, an array of integers could not.
x = np.array([1.0, 2.0, 3.0])
x = torch.from_numpy(x)
x.requires_grad_(True)
print(x)
# %% 2
print(x.data)
# %% 3
x = torch.ones(2, 2, requires_grad=True)
# %% 4
print(x.grad)
# %% 5
print(x.grad_fn)
# %% 6
y = x + 2
print(y)
# %% 7
print(y.grad_fn)
# %% 8
z = y * y * 3
out = z.mean()

print(z)
print(out)
# %% 9
print("Y is leaf : {}".format(y.is_leaf))
print("Y req_grad : {}".format(y.requires_grad))

print("Z is leaf : {}".format(z.is_leaf))
print("Z req_grad : {}".format(z.requires_grad))

print("X is leaf : {}".format(x.is_leaf))
print("X req_grad : {}".format(x.requires_grad))
# %% 10
out.backward()
print(x.grad)
# %% 11
x = torch.ones(2, 2)
x.requires_grad_(True)
y = x + 2
y.backward(torch.ones(2, 2))
print(x.grad)
# %% 12
z = y * y
print(z)
# %% 13
gradient = torch.randn(2, 2, requires_grad=False)

# The addition saved nothing, so its graph serves again and again.
for i in range(3):
    y.backward(gradient)
    print(x.grad)
