// The register machine, compiled once and apart from the door: a small unit is optimised better, and beside the other.
#define WENGERT_VM_BODY
#include "direct.h"
#include "vm_run.h"

namespace wengert {

template void run<float>(Call&);
template void run<double>(Call&);
template void direct<float>(int, float*, Side, Side, Index, Index);
template void sum_middle<float>(float*, const float*, Index, Index, Index);
template void direct<double>(int, double*, Side, Side, Index, Index);
template void sum_middle<double>(double*, const double*, Index, Index, Index);

}  // namespace wengert
