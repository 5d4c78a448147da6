# ruff: noqa
# A notebook on autograd: retain_graph, detach, hooks, a Function of one's own, no_grad, retain_grad.
# The code of its cells in order; the comments are ours.
# %% 1
import torch
import numpy

# %% 2
a = torch.tensor((1.0, 2.0, 3.0), requires_grad=True)
b = torch.tensor((2.0, 4.0, 6.0), requires_grad=True)
c = a * b
d = c**2
e = torch.sum(d)
e.backward()

print(a.data, b.data)
print(a.grad, b.grad)
print(c.grad_fn)
print(d.grad_fn)
print(e.grad_fn)
# %% 3
a = torch.tensor((1.0, 2.0, 3.0), requires_grad=True)
b = torch.tensor((2.0, 4.0, 6.0), requires_grad=True)
c = a * b
d = c**2
e = torch.sum(d)
e.backward(retain_graph=True)
e.backward()

print(a.data, b.data)
print(a.grad, b.grad)
print(c.grad_fn)
print(d.grad_fn)
print(e.grad_fn)
# %% 4
a = torch.tensor((1.0, 2.0, 3.0), requires_grad=True)
b = torch.tensor((2.0, 4.0, 6.0), requires_grad=True)
c = a * b
d = c**2
aux = torch.ones(c.shape[0])
d.backward(aux)

print(a.data, b.data)
print(a.grad, b.grad)
print(c.grad_fn)
print(d.grad_fn)
# %% 5 raises RuntimeError
# c is now a detached tensor: nothing that depends on a or b is left in the expression.
one = torch.tensor((1.0, 1.0, 1.0), requires_grad=True)
a = torch.tensor((1.0, 2.0, 3.0), requires_grad=True)
b = torch.tensor((2.0, 4.0, 6.0), requires_grad=True)
c = a * b
c = one.detach()
d = c**2
e = torch.sum(d)
e.backward()
# %% 6
# The line that cell 5 did not reach.
print(c.requires_grad, c.grad_fn)


# %% 7
def modify_grad(grad):
    print(grad)
    return -grad


a = torch.tensor((1.0, 2.0, 3.0), requires_grad=True)
b = torch.tensor((2.0, 4.0, 6.0), requires_grad=True)
c = a * b
d = c**2
d.register_hook(modify_grad)
e = torch.sum(d)
e.backward()

print(a.data, b.data)
print(a.grad, b.grad)
print(c.grad_fn)
print(d.grad_fn)


# %% 8
# The gradients are wrong on purpose: autograd uses what backward() returns.
class custom_function(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.x = x
        ctx.y = y

        return x * y

    @staticmethod
    def backward(ctx, grad_output):
        print("bp_grad : {}".format(grad_output))
        grad_x = -ctx.x * grad_output
        grad_y = -ctx.y * grad_output
        return grad_x, grad_y


a = torch.tensor((1.0, 2.0, 3.0), requires_grad=True)
b = torch.tensor((2.0, 4.0, 6.0), requires_grad=True)
c = custom_function.apply(a, b)
e = torch.sum(c)
e.backward()

print(a.data, b.data)
print(a.grad, b.grad)
print(c.grad_fn)
print(d.grad_fn)
# %% 9
a = torch.tensor((1.0, 2.0, 3.0), requires_grad=True)
b = torch.tensor((2.0, 4.0, 6.0), requires_grad=True)
c = a * b
d = c**2
with torch.no_grad():
    d.mul_(2)
print(d.grad_fn)
e = torch.sum(d)
e.backward()

print(a.data, b.data)
print(a.grad, b.grad)
print(c.grad_fn)
print(d.grad_fn)
# %% 10
a = torch.tensor((1.0, 2.0, 3.0), requires_grad=True)
b = torch.tensor((2.0, 4.0, 6.0), requires_grad=True)
c = a * b
d = c**2
d.retain_grad()
print(d.grad)
e = torch.sum(d)
e.backward()

print(d.grad)
