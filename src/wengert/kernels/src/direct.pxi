# Direct paths of single operators, see direct.h.
