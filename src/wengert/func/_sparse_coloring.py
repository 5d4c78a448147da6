"""Colouring: columns (or rows) of a sparse matrix that one product can compute together.

Two columns may share a colour when no row has entries in both: then a product with the sum of their unit vectors shows
every entry of either. Both algorithms are greedy: columns are taken by falling degree (the number of entries that they share
rows with), and each gets the smallest colour that is free. Sets of colours are the bits of Python integers.

Source: Gebremedhin, Manne, Pothen, "What color is your Jacobian?", SIAM Review 47 (2005), for the distance-2 and the star
colouring problem; Gebremedhin, Tarafdar, Manne, Pothen, "New acyclic and star coloring algorithms with application to
computing Hessians", SIAM J. Sci. Comput. 29 (2007), for the greedy star colouring.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def by_degree(degrees: Any) -> list[int]:
    """Vertices by falling degree; those of one degree in their order."""
    return [int(v) for v in np.argsort(-degrees, kind="stable")]


def column_colors(pattern: Any) -> Any:
    """A colour for each column, such that no row has entries in two columns of one colour.

    Args:
        pattern: boolean ``csr_array``.

    Returns:
        An int array, colours counted from 0.
    """
    columns = pattern.tocsc()
    starts, entries = columns.indptr.tolist(), columns.indices.tolist()
    shared = np.diff(pattern.indptr)
    degrees = np.bincount(pattern.indices, np.repeat(shared - 1, shared), pattern.shape[1])
    used = [0] * pattern.shape[0]
    colors = np.zeros(pattern.shape[1], np.int64)
    for column in by_degree(degrees):
        own = entries[starts[column] : starts[column + 1]]
        taken = 0
        for row in own:
            taken |= used[row]
        free = ~taken & (taken + 1)
        colors[column] = free.bit_length() - 1
        for row in own:
            used[row] |= free
    return colors


def star_colors(pattern: Any) -> Any:
    """A colour for each column of a symmetric pattern, such that every entry or its mirror image can be read off.

    Neighbours have different colours, and every path over four vertices has at least three: then of an entry (i, j), either
    row i has no other entry in columns of j's colour, or row j none in columns of i's.

    Args:
        pattern: symmetric boolean ``csr_array``.
    """
    graph = _Star(pattern)
    for v in by_degree(np.array([len(n) for n in graph.neighbours])):
        taken = 0
        for w in graph.neighbours[v]:
            taken |= graph.once[w] if graph.colors[w] < 0 else (1 << graph.colors[w]) | graph.ends[w]
        graph.give(v, ~taken & (taken + 1))
    return np.array(graph.colors, np.int64)


class _Star:
    """A graph whose vertices get colours one after the other.

    Attributes:
        colors: -1 for those that have none yet.
        once, twice: the colours that a neighbour, that two neighbours of each vertex have.
        ends: for a vertex w with a colour, the colours of neighbours x that have another neighbour of w's colour: with one
            of those before w, a path over four vertices would have two colours.
    """

    def __init__(self, pattern: Any) -> None:
        starts, entries = pattern.indptr.tolist(), pattern.indices.tolist()
        n = pattern.shape[0]
        self.neighbours = [[w for w in entries[starts[v] : starts[v + 1]] if w != v] for v in range(n)]
        self.colors = [-1] * n
        self.once = [0] * n
        self.twice = [0] * n
        self.ends = [0] * n

    def give(self, v: int, bit: int) -> None:
        """Give ``v`` the colour of that bit."""
        colors, once, twice, ends = self.colors, self.once, self.twice, self.ends
        color = bit.bit_length() - 1
        colors[v] = color
        for x in self.neighbours[v]:
            mine = 1 << colors[x] if colors[x] >= 0 else 0
            if twice[v] & mine:
                ends[x] |= bit
            if not once[x] & bit:
                once[x] |= bit
            elif twice[x] & bit:
                ends[v] |= mine
            else:
                twice[x] |= bit
                if mine:
                    for w in self.neighbours[x]:
                        if colors[w] == color:
                            ends[w] |= mine


def count_colors(colors: Any) -> int:
    """How many colours there are."""
    return int(colors.max(initial=-1)) + 1
