// The register machine, compiled once and apart from the door: a small unit is optimised better, and beside the other.
#define WENGERT_VM_BODY
#include "direct.h"

namespace wengert {

template void run<float>(Call&);
template void run<double>(Call&);
template void direct<float>(int, float*, Part<float>, Part<float>, Index, Index);
template void direct<double>(int, double*, Part<double>, Part<double>, Index, Index);

}  // namespace wengert
