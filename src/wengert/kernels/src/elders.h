// Objects that the garbage collector does not look at while they are young.
//
// Note [Old from birth]
//     The nodes of a graph live until the graph is run or dropped, all of them, and hardly ever in a cycle of references.  For
//     CPython's garbage collector they are young objects like others: it walks over each one twice before it leaves it alone,
//     which took a fifth of the time of programs with many small operations.  So instances of some classes leave its youngest
//     generation when they are made.  They lie in a list of their own, which goes back to the collector before a full collection,
//     and when it has grown long: cycles through these objects are found, only not by the quick collections in between.  What
//     begins to hold things of the user's, such as hooks, which like to make cycles, becomes young again.
//
// A list of the collector is a ring through heads in front of the objects, and an object that dies leaves the list it is in,
// whichever that is.  The heads are those of CPython 3.11 to 3.13 with a global lock; with another version, and where a trial
// finds them different, everything stays with the collector.
#pragma once
#include <Python.h>

#include <cstdint>
#include <cstring>

namespace wengert {

class Elders {
 public:
  // Whether instances of this class, and of compiled ones derived from it afterwards, will be born old.
  bool take(PyTypeObject* type) {
    if (!known_layout() || !PyType_IS_GC(type) || (type->tp_flags & dictionary_in_front)) return false;
    type->tp_alloc = allocate;
    return true;
  }

  // Give all of them to the collector, as young objects.
  void give() {
    among_the_young([this](Head* young) {
      if (following(&ring_) == &ring_) return;
      link(previous(young), following(&ring_));
      link(previous(&ring_), young);
      link(&ring_, &ring_);
    });
  }

  // Give one object to the collector, if it was born old, and unless the collector is at it now.
  void give(PyObject* object) {
    if (Py_TYPE(object)->tp_alloc != allocate || (head(object)->prev & collecting)) return;
    among_the_young([object](Head* young) {
      Head* own = head(object);
      link(previous(own), following(own));
      link(previous(young), own);
      link(own, young);
    });
  }

  // A collection begins.
  void collection(long generation) {
    if (generation == 2 || (generation == 1 && too_many())) give();
  }

 private:
  struct Head {
    uintptr_t next, prev;  // the two lowest bits of prev are flags of the object: it was finalized, it is being collected
  };
  static constexpr uintptr_t flags = 3, collecting = 2;

  static constexpr Py_ssize_t most = 100000;
  // Flags of classes whose instances have more in front of them, or values within, than a head (their names are not public).
  static constexpr unsigned long dictionary_in_front = 1UL << 2 | 1UL << 3 | 1UL << 4;

  Head ring_{pointer(&ring_), pointer(&ring_)};
  Py_ssize_t born_ = 0;  // since they were counted

  static uintptr_t pointer(Head* h) { return reinterpret_cast<uintptr_t>(h); }
  static Head* head(PyObject* object) { return reinterpret_cast<Head*>(object) - 1; }
  static Head* following(Head* h) { return reinterpret_cast<Head*>(h->next); }
  static Head* previous(Head* h) { return reinterpret_cast<Head*>(h->prev & ~flags); }

  static void link(Head* first, Head* second) {
    first->next = pointer(second);
    second->prev = (second->prev & flags) | pointer(first);
  }

  static PyObject* allocate(PyTypeObject*, Py_ssize_t);

  // How many died is not known, so those that live are counted, when enough were born since the last time.
  bool too_many() {
    if (born_ <= most) return false;
    born_ = 0;
    Py_ssize_t living = 0;
    for (Head* h = following(&ring_); h != &ring_ && living <= most; h = following(h)) living++;
    return living > most;
  }

  // f(head of an object of the youngest generation).  To make the object may be the occasion of a collection, which gives, too.
  template <class F> static void among_the_young(const F& f) {
    PyObject* young = PyList_New(0);
    if (young)
      f(head(young));
    else
      PyErr_Clear();  // there will be another collection
    Py_XDECREF(young);
  }

  // Two lists that were made one after the other are the last ones in the ring of the youngest generation.
  static bool known_layout() {
#if defined(Py_GIL_DISABLED) || PY_VERSION_HEX >= 0x030E0000
    return false;
#else
    PyObject *first = PyList_New(0), *second = PyList_New(0);
    bool known = false;
    if (first && second) {
      Head *a = head(first), *b = head(second);
      known = following(a) == b && previous(b) == a && previous(following(b)) == b && following(previous(a)) == a;
    }
    Py_XDECREF(first);
    Py_XDECREF(second);
    PyErr_Clear();
    return known;
#endif
  }
};

inline Elders elders;

// As PyType_GenericAlloc, but that gives the object to the collector.
inline PyObject* Elders::allocate(PyTypeObject* type, Py_ssize_t) {
  PyObject* object = _PyObject_GC_New(type);
  if (!object) return nullptr;
  memset(object + 1, 0, type->tp_basicsize - sizeof(PyObject));
  link(previous(&elders.ring_), head(object));
  link(head(object), &elders.ring_);
  elders.born_++;
  return object;
}

}  // namespace wengert
