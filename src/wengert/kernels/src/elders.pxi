# Objects that are old from birth: elders.h.

cdef extern from "elders.h" namespace "wengert":
    cdef cppclass Elders:
        bint take(type)
        void give()
        void give(object)
        void collection(long)
    Elders elders


def old_from_birth(type cls):
    """Whether instances of this class, and of compiled ones derived from it later, now leave the youngest generation at once."""
    return elders.take(cls)


def give_to_collector():
    """Make the garbage collector see all objects that are old from birth, as young ones."""
    elders.give()


def young_again(thing):
    """Make the garbage collector see an object, if it is old from birth, as a young one."""
    elders.give(thing)


def before_collection(phase, info):
    """One of ``gc.callbacks``."""
    if phase == "start":
        elders.collection(info["generation"])
