"""A folder for ``sys.path``, in which ``import torch`` finds wengert; see ``wengert.data._processes``."""
